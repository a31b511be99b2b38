"""Define suites, run candidates on them, score, keep runs, and compare them."""
