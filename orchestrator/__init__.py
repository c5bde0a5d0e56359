"""Decides what runs, in which order, and records it; never touches a tensor."""
