"""Euclidean distances: exact neighbours with a certificate, blocks of pairs, farthest-first."""
