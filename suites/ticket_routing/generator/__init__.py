"""Composes tickets: see `make_cases.py`."""
