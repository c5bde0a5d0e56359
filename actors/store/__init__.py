"""Questions to a store: what it holds, where it came from, whether it is whole.

No step runs this code, so that it is no part of any step's key.
"""
