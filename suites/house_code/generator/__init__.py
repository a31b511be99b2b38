"""Makes edits of functions: see `make_cases.py`."""
