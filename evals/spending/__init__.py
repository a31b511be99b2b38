"""What asking costs: tokens, money by a list of prices, and budgets that end the asking."""
