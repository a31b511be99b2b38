"""Would a stronger model do it by prompt alone: the models of `compare_models`."""
