"""Several trainings that differ by seed alone: which may ship, and what a training gains."""
