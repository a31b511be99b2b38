"""Ebb, the query language of the invented product Tidemark: tree, reader and meaning."""
