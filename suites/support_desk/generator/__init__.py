"""Composes products, their pages and conversations: see `make_cases.py`."""
