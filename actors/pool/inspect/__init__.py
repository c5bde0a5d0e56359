"""Questions to a store: what it holds, where it came from, whether it is whole."""
