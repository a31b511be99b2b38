"""What calls cost and training costs, and when a tuned model has paid for itself."""
