"""Scorers of style and of meaning: how like an answer is to examples, or to a reference."""
