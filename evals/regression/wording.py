"""What the regression gate says in words, the same on every output."""

from __future__ import annotations

from evals.regression.records import Check, DetectableLoss
from evals.repeats import OverRepeats


def counted(number: int, noun: str) -> str:
    """`1 case`, `2 cases`."""
    return f"{number} {noun}" if number == 1 else f"{number:,} {noun}s"


def percent(share: float) -> str:
    """A share in [0, 1] as a percentage with one decimal."""
    return f"{100 * share:.1f}%"


def check_said(check: Check) -> str:
    """What was found, and how many cases would settle what is not."""
    if not check.cases_needed:
        return check.sentence
    return f"{check.sentence}; about {counted(check.cases_needed, 'case')} would settle it"


def repeats_said(found: OverRepeats) -> str:
    """How steady the cases are over their repeats: a sentence without its full stop."""
    if not found.levels:
        return f"No case has a score in all of {found.times} repeats"
    shares = {level.count: percent(level.share) for level in found.levels}
    parts = [f"all {found.times} repeats in {shares[found.times]} of the cases"]
    if 1 < found.least < found.times:
        parts.append(f"at least {found.least} in {shares[found.least]} (that counts as right)")
    parts.append(f"at least one in {shares[1]}")
    errors = len(found.errors)
    missing = f"; {counted(errors, 'case')} with a repeat without a score" if errors else ""
    wavered = f"{counted(len(found.wavered), 'case')} wavered"
    return f"Right in {', '.join(parts)}; {wavered}{missing}"


def power_said(power: DetectableLoss) -> tuple[str, ...]:
    """What loss a gate can show, in sentences without their full stops."""
    margin = f"{100 * power.margin:g} points"
    if power.mean <= power.margin:
        return (
            f"the score is {percent(power.mean)}, so no loss can be larger than the margin of "
            f"{margin}: this gate cannot fail",
        )
    passes = (
        f"without a loss it passes {percent(power.pass_chance)} of the time "
        f"(taking {percent(power.discordance)} of the cases to come out otherwise by chance; "
        "`tunegate aa` measures that)"
    )
    if power.caught >= power.mean:
        return (
            f"too few cases ({power.cases}) at this score of {percent(power.mean)}: "
            f"even losing all of it is shown to be beyond the margin of {margin} less than eight "
            "times in ten",
            passes,
        )
    said = (
        f"a true loss of {100 * power.caught:.0f} points is shown to be beyond the margin of "
        f"{margin} eight times in ten",
        passes,
    )
    if power.double_needs <= power.cases or 2 * power.margin >= power.mean:
        return said
    return (
        *said,
        f"a loss of twice the margin needs about {power.double_needs:,} cases to be shown as "
        f"often; there are {power.cases:,}",
    )
