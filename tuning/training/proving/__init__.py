"""The proofs of a trained adapter, one kind a module; `tuning.training.proofs` puts them together.

Each takes what was measured and returns a `Proof` with its numbers; each can fail.
"""
