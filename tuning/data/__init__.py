"""What is trained on: examples from train cases, their lint, a preview, general requests."""
