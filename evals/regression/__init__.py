"""The regression gate: a baseline that a person accepted, and what is worse than it now."""
