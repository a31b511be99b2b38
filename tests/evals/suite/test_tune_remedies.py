"""Which remedies a suite's training can take, and why not others."""

from __future__ import annotations

import pytest

from evals.errors import UsageError
from evals.fingerprint import fingerprint
from evals.suite.spec import TuneSpec
from evals.suite.tune_remedies import parse_remedies, remedies_of, why_not


def test_all_are_those_that_work_for_the_training_from_cheap_to_dear() -> None:
    assert remedies_of(TuneSpec(remedies=("all",))) == ("scale", "epochs", "rate", "replay")
    dora = TuneSpec(remedies=("all",), variant="dora")
    assert remedies_of(dora) == ("epochs", "rate", "replay")
    assert remedies_of(TuneSpec(remedies=("all",), method="full")) == ("epochs", "rate", "replay")
    assert remedies_of(TuneSpec(remedies=("all",), method="grpo")) == ("scale",)
    assert remedies_of(TuneSpec()) == ()


def test_a_named_one_that_does_not_work_is_refused_with_the_reason() -> None:
    with pytest.raises(UsageError, match="ia3 cannot be scaled, it multiplies activations"):
        remedies_of(TuneSpec(remedies=("rate", "scale"), weights="ia3"))
    with pytest.raises(UsageError, match="dpo has rates and passes of its own"):
        remedies_of(TuneSpec(remedies=("rate",), method="dpo"))


def test_the_order_stated_is_kept() -> None:
    assert parse_remedies("rate, scale") == ("rate", "scale")
    assert parse_remedies("all") == ("all",)
    assert why_not(TuneSpec(variant="pissa"), "scale") == ""


def test_settings_left_out_leave_an_older_identity_as_it_is() -> None:
    assert fingerprint(TuneSpec()) == fingerprint(TuneSpec(remedies=(), max_text_rise=None))
    assert fingerprint(TuneSpec()) != fingerprint(TuneSpec(remedies=("scale",)))
