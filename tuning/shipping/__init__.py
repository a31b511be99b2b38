"""After training: the sealed split, the guards, and whether the adapter ships."""
