"""Composes commit lists and applies the house's rules: see `make_cases.py`."""
