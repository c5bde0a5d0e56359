"""Asking the pool: what a store holds, where its rows come from, and whether it is whole."""
