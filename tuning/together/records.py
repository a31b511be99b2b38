"""The record of an adapter with several prompts: dev scores, what they cost, what was chosen.

Scores lie in [0, 1], over the same dev cases; tokens and seconds are means of a case, with all
its votes.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tuning.intervals import Interval


@dataclass(frozen=True)
class TogetherLine:
    """The adapter with one prompt, and the base model with the same one where a run is stored.

    `why` says how it came to be tried. `tuning` is the adapter minus the base with the same
    prompt, `prompting` this prompt minus the training prompt, both with the adapter: paired, 95 %.
    `left_out` says why there is no run; empty where there is one. `usable`: few enough errors to
    be chosen. `open`: as dev has it, a route to shipping is open, by quality or for cost.
    """

    label: str
    why: str
    run_id: str = ""
    score: Interval | None = None
    cases: int = 0
    errors: int = 0
    prompt_tokens: float | None = None
    completion_tokens: float = 0.0
    seconds: float | None = field(default=None, compare=False)
    base_run: str = ""
    base: Interval | None = None
    tuning: Interval | None = None
    prompting: Interval | None = None
    usable: bool = True
    left_out: str = ""
    open: bool = False


@dataclass(frozen=True)
class Together:
    """What was tried, the training prompt first, and what was chosen.

    `chosen` is the run of one of `lines`, `trained` that of the training prompt. `sentence` says
    what was chosen and why. `stated` is how `suite.yaml` states the chosen prompt and `options` how
    `eval` is told; empty where neither can say it: a template that a search wrote.
    """

    lines: tuple[TogetherLine, ...]
    trained: str
    chosen: str
    sentence: str
    stated: str = ""
    options: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether another prompt than the one it was trained with was chosen."""
        return self.chosen != self.trained

    @property
    def line(self) -> TogetherLine:
        """The chosen one."""
        return next(line for line in self.lines if line.run_id == self.chosen)
