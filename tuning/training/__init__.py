"""Training an adapter, and proving that it does what it claims."""
