"""Models: opened by name, behind one small protocol."""
