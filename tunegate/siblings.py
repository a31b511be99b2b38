"""The packages tunegate is made of have generic names: make sure they are its own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

SIBLINGS = ("evals", "tuning", "reports")


def intruder_message(home: Path | None = None) -> str | None:
    """Say which foreign package would be imported in place of a sibling, or None.

    `home` is the folder the siblings must lie in; by default the one that holds `tunegate`.
    """
    home = (home or Path(__file__).resolve().parent.parent).resolve()
    for name in SIBLINGS:
        spec = find_spec(name)
        if spec is None or spec.origin is None:
            found = (
                "nothing"
                if spec is None
                else str(next(iter(spec.submodule_search_locations or ()), "?"))
            )
        elif Path(spec.origin).resolve().parent.parent == home:
            continue
        else:
            found = str(Path(spec.origin).parent)
        return (
            f"tunegate needs its own package {name!r} from {home}, but Python finds {found}. "
            f"Start tunegate from another folder, by its command instead of `python -m`, or "
            f"take that folder off PYTHONPATH."
        )
    return None
