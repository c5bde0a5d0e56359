"""Curation: choosing rows of any image folder, Parquet, Arrow or NumPy file.

To add a kind of input: a file with a class that has what `Candidates` asks for, and its suffixes in
`opening.py`.
"""
