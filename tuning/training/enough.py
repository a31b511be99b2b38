"""The suite's own score on held-out train cases: what may end training, and choose its best step.

`tune.until` ends training once the score, less one standard error, is that; `tune.keep: score`
keeps the step with the best score instead of the lowest loss, which `dpo` does unless told
otherwise: the loss of pairs may fall while right answers become rarer. All look at the cases that
are held out of training anyway. Dev and test have no part in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil
from typing import TYPE_CHECKING

from evals.errors import TrainingError
from evals.suite.spec import Keep, TuneSpec
from tuning.data.dataset import Example
from tuning.training.rewards import metric_reward
from tuning.training.settings import TrainSettings
from tuning.training.stages import Stage
from tuning.training.task import Task

if TYPE_CHECKING:
    from tuning.training.looking import RewardLook
    from tuning.training.methods import Sources

BY_SCORE = ("dpo",)
"""Methods that keep the step with the best score where the suite does not say `keep`."""


def looks_at_score(tune: TuneSpec) -> bool:
    """Whether training is to look at the suite's own score, where there is one to look at."""
    return tune.until is not None or _kept_by(tune) == "score"


def _kept_by(tune: TuneSpec) -> Keep:
    return tune.keep or ("score" if tune.method in BY_SCORE else "loss")


def looked_at(task: Task, sources: Sources) -> tuple[Example, ...]:
    """The examples that looks are to ask about, which nothing may learn from; mostly none.

    Where the suite states no look, and its scorer can judge none of them, nothing is looked at.
    """
    tune = sources.suite.tune
    if not looks_at_score(tune):
        return ()
    held = task.settings.parts_of(task.examples).held_out
    return held if _is_stated(tune) or _judged(held, sources) else ()


def with_looks(chain: tuple[Stage, ...], task: Task, sources: Sources) -> tuple[Stage, ...]:
    """The chain, whose last stage looks at the score where the suite asks for it.

    What the last stage begins with is looked at too, if it was trained: it is kept where nothing
    was better. Raises TrainingError where nothing can be asked though the suite says so, or where
    no score of so few cases is enough.
    """
    tune = sources.suite.tune
    if not looks_at_score(tune) or not (_is_stated(tune) or looked_at(task, sources)):
        return chain
    *before, last = chain or (task.fine_tuning(),)
    look = _own_look(last, sources) or _suite_look(task, sources)
    if tune.until is not None:
        _refuse_unreachable(look, tune.until)
    begun = last.at_start or bool(before) or task.parent is not None
    return (*before, replace(last, look=look, enough=tune.until, at_start=begun))


def _is_stated(tune: TuneSpec) -> bool:
    return tune.until is not None or tune.keep is not None


def _judged(held: Sequence[Example], sources: Sources) -> bool:
    """Whether one of these examples is a train case, and the suite's own scorer is open."""
    suite = sources.suite
    known = {case.id for case in suite.split("train")}
    return suite.primary in sources.scorers and any(e.case_id in known for e in held)


def _own_look(stage: Stage, sources: Sources) -> RewardLook | None:
    """The look of a stage that learns from rewards; None of one that has no look.

    Raises TrainingError where it looks at something else than the suite's own score.
    """
    from tuning.training.looking import RewardLook

    if stage.look is None:
        return None
    primary = sources.suite.primary
    if not isinstance(stage.look, RewardLook) or stage.look.reward.name != primary:
        raise TrainingError(
            f"the stage {stage.name} keeps the step with the best of its own reward, which is "
            f"not the suite's score, {primary}",
            key="tune.until" if sources.suite.tune.until is not None else "tune.keep",
            hint="leave it out, or reward with the primary metric",
        )
    return stage.look


def _suite_look(task: Task, sources: Sources) -> RewardLook:
    from tuning.training.looking import RewardLook, asked_of
    from tuning.training.rollouts import Rollouts

    suite = sources.suite
    asked = asked_of(task, suite, looked_at(task, sources))
    if not asked:
        raise TrainingError(
            "no train case of the suite is held out, so there is no score to look at",
            key="tune.until" if suite.tune.until is not None else "tune.keep",
            hint="rows of files have no scorer: add train cases in two groups at least",
        )
    reward = metric_reward(suite, suite.primary, sources.scorers, "primary")
    rollouts = Rollouts(task.base, task.settings.precision)
    return RewardLook(asked, rollouts, suite.decoding, reward, None)


def _refuse_unreachable(look: RewardLook, until: float) -> None:
    """Raise TrainingError where even full scores on all held-out cases would not be enough."""
    from tuning.training.looking import least_of

    groups = [one.group for one in look.asked]
    most = least_of([1.0] * len(groups), groups)
    if most is not None and most >= until:
        return
    reaches = "nothing" if most is None else f"{most:.3f}"
    raise TrainingError(
        f"{until:g} cannot be reached on {len(groups)} held-out train cases in "
        f"{len(set(groups))} groups: if all were right, the score less one standard error would "
        f"be {reaches}",
        key="tune.until",
        hint=_more(until, groups),
    )


def _more(until: float, groups: Sequence[str]) -> str:
    """What would do: n right of n are n / (n + 1) at one standard error, and of 1 never."""
    most = TrainSettings().held_out_limit
    if until > most / (most + 1):
        return f"lower it: at most {most} cases are held out, which cannot show more than 0.97"
    needed = max(ceil(until / (1 - until)), 10 if len(set(groups)) < len(groups) else 1)
    return f"lower it, or add train cases until about {needed} are held out (a tenth)"
