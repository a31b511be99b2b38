"""The learning curve: what more training examples would buy, measured on dev."""
