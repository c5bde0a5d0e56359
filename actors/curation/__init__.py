"""Curation: choosing among the rows of any image folder, Parquet, Arrow or NumPy file."""
