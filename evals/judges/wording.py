"""What is said of models that judged where only stored runs are at hand, and no suite."""

AGREEMENT = "whether it agrees with people is not known here: see `tunegate gate` or `tunegate ci`"
