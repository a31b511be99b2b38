"""How often tunegate's decisions are right: simulations with known truth, one table.

`python benchmarks/decision_quality.py` runs them all.
"""
