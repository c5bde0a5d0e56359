"""The pool: every sample of a store, with provenance, in memory-mapped Arrow files."""
