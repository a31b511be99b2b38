"""Models that judge: where a suite uses them, and how far they agree with people."""
