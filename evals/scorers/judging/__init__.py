"""Scorers that ask a model: by a rubric, and which of two is better."""
