"""Scorers of text that should be like a reference."""
