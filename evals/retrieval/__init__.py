"""Documents: read, cut, indexed, found for a case, and how much of what it needs was found."""
