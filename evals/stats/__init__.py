"""Intervals, paired comparisons and sample sizes: pure functions over numbers."""
