"""The gate: from everything measured, and a policy fixed before, to a verdict."""

from tuning.gate.deciding import decide
from tuning.gate.evidence import Evidence, Policy

__all__ = ["Evidence", "Policy", "decide"]
