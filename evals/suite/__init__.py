"""Suites: read, validated, split, linted."""
