"""tunegate: evals first, prompts second, fine-tuning only when the evidence says so."""

__version__ = "0.1.0"
