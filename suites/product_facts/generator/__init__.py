"""Composes documents and questions: see `make_cases.py`."""
