"""Composes conversations: see `make_cases.py`."""
