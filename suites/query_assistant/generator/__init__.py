"""Composes questions with their queries; `make_cases.py` beside this folder runs it."""
