"""The gate, training data, training, and the proofs of what was trained."""
