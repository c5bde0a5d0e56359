"""Euclidean distances between rows: exact neighbours with a certificate, blocks of pairs."""
