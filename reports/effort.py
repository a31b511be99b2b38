"""What a training took, in one line: time, tokens and how many a second, memory."""

from __future__ import annotations

from reports import numbers
from tuning.records import TrainingRecord


def training_effort(training: TrainingRecord) -> str:
    """Wall time with loading and looks in it, tokens that were passed over, peak memory."""
    said = f"{numbers.duration(training.seconds)}, {token_rate(training)}"
    if training.peak_memory_mb:  # older trainings that were resumed may not know it
        said += f", at most {numbers.count(training.peak_memory_mb)} MB of memory"
    if training.recomputed:
        said += " (with gradient checkpointing, as it would not have fitted)"
    return said


def token_rate(training: TrainingRecord) -> str:
    """Tokens of prompts and answers, padding apart, and how many of them a second."""
    tokens = numbers.count(training.trained_tokens)
    if training.seconds <= 0:
        return f"{tokens} tokens"
    return f"{tokens} tokens ({numbers.count(training.trained_tokens / training.seconds)} a second)"
