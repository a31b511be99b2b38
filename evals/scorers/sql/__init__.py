"""Scorers of SQL: by what a query returns, and by what it says."""
