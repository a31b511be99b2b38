"""Votes on a real, if tiny, model: what is drawn is drawn again the same."""

from __future__ import annotations

from evals.approach import Approach, Technique
from evals.ledger import Ledger
from evals.models import open_model
from evals.prompting import make_candidate
from evals.runner import Runner
from evals.scorers import build_scorers
from evals.suite import load_suite
from tests.sample_suite import write_suite
from tests.tiny_model import make_tiny_model

SIZES = {"train": 9, "dev": 6, "test": 6}


def test_samples_of_a_real_model_differ_by_seed_and_are_the_same_again(tmp_path):
    suite = load_suite(
        write_suite(tmp_path / "s", sizes=SIZES, extra="decoding: {max_tokens: 8}\n")
    )
    model = open_model(f"hf:{make_tiny_model(tmp_path / 'model')}")
    technique = Technique(votes=3, temperature=1.0)
    candidate = make_candidate(suite, model, "spec", Approach(technique=technique))
    runs = []
    with build_scorers(suite) as scorers:
        for name in ("one", "another"):
            runner = Runner(model, scorers, Ledger(tmp_path / name))
            runs.append(runner.run(suite, candidate, "dev"))
    first, second = ([result.output for result in run.results] for run in runs)
    assert [each.ballots for each in first] == [each.ballots for each in second]
    assert [each.text for each in first] == [each.text for each in second]
    assert all(len(set(each.ballots)) > 1 for each in first)
    assert all(8 < each.completion_tokens <= 24 for each in first)
    assert runs[0].id == runs[1].id
