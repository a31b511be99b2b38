"""The search for a prompt: rounds in order, what must be found first, and what each may take."""
