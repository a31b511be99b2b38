"""What is learnt from: each objective is rows and the TRL trainer that learns from them."""
