"""What each method of training does for the embedded model, on a shipped suite.

Run it with `python -m benchmarks.methods --help`.
"""
