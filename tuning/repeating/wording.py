"""The words for several trainings: what they gain, and why the chosen one does not ship."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from evals.claims import MAX_ERROR_SHARE, RepeatsCheck
from evals.comparison import points
from evals.rounding import least_points, most_points
from evals.stats import BoundedRepeats
from tuning.forgetting.wording import text_lost
from tuning.records import SeedLine, ShipDecision

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


class Recipe(NamedTuple):
    """What several trainings say of the training itself, whatever its seed.

    `lines` stand in the order of seeds. `by_cost`: the chosen adapter may ship for cost alone, and
    `check.floor` is then what may be lost. Without `claims` nothing is claimed of the mean.
    """

    check: RepeatsCheck
    repeats: BoundedRepeats
    lines: tuple[SeedLine, ...]
    claims: bool
    by_cost: bool

    @property
    def chosen(self) -> SeedLine:
        """The training that may ship."""
        return next(line for line in self.lines if line.chosen)

    @property
    def losing(self) -> tuple[SeedLine, ...]:
        """The other trainings that forget for certain."""
        return tuple(line for line in self.lines if not line.chosen and line.forgets)


def counted(count: int) -> str:
    """A number in words up to ten, else in digits."""
    return _NUMBERS[count] if count < len(_NUMBERS) else str(count)


def of_all(count: int, total: int) -> str:
    """How many of all, in words: "two of three trainings", "none of five trainings"."""
    return f"{counted(count) if count else 'none'} of {counted(total)} trainings"


def mean_said(recipe: Recipe) -> str:
    """The line of evidence: what each gains, what a training at random gains, and by how much."""
    lines, scored = recipe.lines, recipe.repeats.scored
    each = _listed([_signed(line) for line in lines])
    low, high = least_points(recipe.check.low), most_points(recipe.check.high)
    said = (
        f"Trainings: {len(lines)} that differ by seed alone (seeds {lines[0].seed} to "
        f"{lines[-1].seed}) gain {each} points. On average a training gains "
        f"{points(scored.estimate)}, between {low} and {high} with the variation between cases and "
        "between trainings. "
    )
    spread = f"Their gains have a standard deviation of {100 * scored.spread:.1f} points"
    if scored.spread_of_trainings == 0:
        return said + f"{spread}, no more than cases alone would make of equal trainings."
    own = 100 * scored.spread_of_trainings
    return said + f"{spread}; {own:.1f} of true difference between trainings would explain it."


def blocked_by(recipe: Recipe) -> tuple[str, ...]:
    """Why the chosen adapter, which would ship alone, does not: nothing where it does."""
    check, total = recipe.check, len(recipe.lines)
    if not recipe.claims:
        return (
            f"more than {MAX_ERROR_SHARE:.0%} of the cases of a training ended in errors, so "
            "nothing is claimed of what a training gains: run them again",
        )
    said = []
    if not check.gains:
        low, high = least_points(check.low), most_points(check.high)
        if recipe.by_cost:
            floor = f"{-100 * check.floor:g} points"
            said.append(
                f"whether a training at random is worse by {floor} is not settled (between {low} "
                f"and {high})"
            )
        else:
            reached = sum(line.gain.estimate >= check.min_gain - 1e-12 for line in recipe.lines)
            said.append(
                f"whether a training at random gains anything is not settled (between {low} and "
                f"{high} points): {of_all(reached, total)} {'gains' if reached == 1 else 'gain'} "
                f"the {100 * check.min_gain:g} points asked for"
            )
    elif check.falls_short and not recipe.by_cost:
        said.append(
            f"a training at random gains at most {most_points(check.high)} on average, and "
            f"{100 * check.min_gain:g} points are asked for: this one may owe its gain to luck"
        )
    if recipe.losing:
        lost = _listed([_lost(line) for line in recipe.losing])
        said.append(f"{_losing(len(recipe.losing), total)}: {lost}")
    return tuple(said)


def sentence_of(own: ShipDecision, recipe: Recipe, blocked: Sequence[str]) -> str:
    """The verdict's sentence: the chosen adapter's own, and what the other trainings add."""
    total, mean = counted(len(recipe.lines)), points(recipe.repeats.estimate)
    which = f"the adapter of seed {recipe.chosen.seed}"
    if blocked:
        gain = f"{points(own.sealed.gain.estimate)} on {_compared(own)} sealed cases"
        return f"Inconclusive: alone, {which} would ship ({gain}), but {'; and '.join(blocked)}."
    if own.verdict == "ship_adapter":
        least = least_points(recipe.check.low)
        return (
            f"{own.sentence} It is {which}; over {total} seeds a training gains {mean} on "
            f"average, at least {least} for certain."
        )
    others = _listed([_signed(line) for line in recipe.lines if not line.chosen])
    chosen, failing = recipe.chosen, sum(line.forgets for line in recipe.lines)
    held = chosen.guards or (chosen.text is not None and chosen.text.result)
    guards = f", and {_losing(failing, len(recipe.lines))}" if held else ""
    return f"{own.sentence} It is {which}; the others gain {others} points{guards}."


def steps_of(recipe: Recipe) -> tuple[str, ...]:
    """What to do where only the other trainings keep the chosen adapter from being shipped."""
    check, steps = recipe.check, []
    if recipe.losing:
        steps.append(
            "Train so that less is forgotten whatever the seed (a lower learning rate, fewer "
            "steps, more replay), and judge those trainings."
        )
    if recipe.claims and not check.gains:
        seeds = f"Train more seeds (--seeds {len(recipe.lines) + 2})"
        steps.append(
            f"{seeds}: that these gain is certain, and that another would is not. It is a further "
            "look at the sealed split."
            if check.only_these
            else f"Add sealed cases that nobody has seen. {seeds}. Each look costs confidence."
        )
    elif recipe.claims and check.falls_short:
        steps.append(
            "Change the training (more or cleaner examples, another method): neither more cases "
            "nor more seeds will make it gain what is asked for."
        )
    return (*steps, "Until then keep the leading prompt.")


def _losing(count: int, total: int) -> str:
    verb = "loses" if count == 1 else "lose"
    return f"{of_all(count, total)} {verb} too much on a guard"


def _signed(line: SeedLine) -> str:
    return points(line.gain.estimate).removesuffix(" points")


def _lost(line: SeedLine) -> str:
    failed = [guard for guard in line.guards if guard.result == "fail"]
    losses = [f"{guard.suite} ({points(guard.difference.estimate)})" for guard in failed]
    if line.text is not None and line.text.result == "fail":
        losses.append(text_lost(line.text))
    return f"seed {line.seed} on {_listed(losses)}"


def _compared(own: ShipDecision) -> int:
    return own.wins + own.losses + own.ties


def _listed(texts: Sequence[str]) -> str:
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
