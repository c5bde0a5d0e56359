"""Data from outside: every image, file and table that is not the pool's own is read here."""
