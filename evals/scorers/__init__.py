"""Scorers: registered factories with versioned names."""
