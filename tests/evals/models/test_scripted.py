from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from evals.errors import ModelError
from evals.models import Rule, ScriptedModel, open_model
from evals.models.scripted import open_scripted
from evals.records import Decoding, Message, Output, Request


def ask(text: str, *choices: str, system: str = "") -> Request:
    return Request((Message("system", system), Message("user", text)), choices)


def answer(model: ScriptedModel, request: Request, **decoding: object) -> Output:
    (batch,) = model.plan([request], Decoding(**decoding))  # type: ignore[arg-type]
    return model.run(batch)[0]


def test_the_first_rule_that_matches_answers() -> None:
    model = ScriptedModel(
        [
            Rule(contains="Charged", prompt_contains="careful", reply="billing!"),
            Rule(contains="Charged", reply="billing"),
            Rule(contains="crash", error="the model fell over"),
        ],
        default="other",
    )
    assert answer(model, ask("Charged twice")).text == "billing"
    assert answer(model, ask("Charged twice", system="be careful")).text == "billing!"
    assert answer(model, ask("hello")).text == "other"
    failed = answer(model, ask("crash"))
    assert (failed.text, failed.error, failed.finish_reason) == (
        None,
        "the model fell over",
        "error",
    )


def test_a_mapping_or_a_function_is_a_script_too() -> None:
    assert answer(ScriptedModel({"twice": "billing"}), ask("Charged twice")).text == "billing"
    model = ScriptedModel(lambda messages: messages[-1].content.upper(), identity="upper")
    assert answer(model, ask("abc")).text == "ABC"


def test_a_seed_tells_repeats_apart() -> None:
    model = ScriptedModel([Rule(contains="x", seed=2, reply="third")], default="first")
    assert answer(model, ask("x"), seed=2).text == "third"
    assert answer(model, ask("x"), seed=1).text == "first"


def test_a_script_file_may_name_seeds(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    path.write_text(json.dumps({"rules": [{"seed": 1, "reply": "other"}], "default": "one"}))
    assert answer(open_model(f"scripted:{path}"), ask("x"), seed=1).text == "other"
    path.write_text(json.dumps({"rules": [{"seed": "1", "reply": "other"}]}))
    with pytest.raises(ModelError, match=r"rules\[0\].seed: expected a whole number"):
        open_model(f"scripted:{path}")


def test_rules_that_name_no_seed_keep_the_identity_they_had() -> None:
    assert ScriptedModel([Rule(contains="a", reply="b")]).fingerprint == "8e61a05451cc00b0"


def test_an_adapter_changes_which_rules_match() -> None:
    model = ScriptedModel([Rule(adapter="tuned", reply="good")], default="bad", adapters=("tuned",))
    assert answer(model, ask("x")).text == "bad"
    model.use_adapter("tuned")
    assert (answer(model, ask("x")).text, model.adapter) == ("good", "tuned")
    model.use_adapter(None)
    assert answer(model, ask("x")).text == "bad"
    with pytest.raises(ModelError, match="no adapter 'other'"):
        model.use_adapter("other")


def test_an_adapter_can_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "scripted_adapter.json").write_text('{"name": "tuned"}')
    model = ScriptedModel([Rule(adapter="tuned", reply="good")])
    model.use_adapter(str(tmp_path))
    assert model.adapter == "tuned"


def test_a_choice_is_the_option_that_the_script_replies() -> None:
    output = answer(ScriptedModel({"2+2": "4"}), ask("2+2", "3", "4"))
    assert (output.text, output.finish_reason) == ("4", "choice")
    assert output.logprobs[1] > output.logprobs[0]


def test_stop_strings_and_max_tokens_apply() -> None:
    model = ScriptedModel({}, default="one two three")
    assert answer(model, ask("x"), stop=(" three",)).text == "one two"
    cut = answer(model, ask("x"), max_tokens=2)
    assert (cut.text, cut.finish_reason) == ("one two", "length")


def test_what_does_not_fit_the_context_is_an_error() -> None:
    model = ScriptedModel({}, default="a", context_tokens=10)
    assert "context has 10" in (answer(model, ask("x " * 9), max_tokens=5).error or "")


def test_a_file_is_opened_by_name_and_its_content_is_its_identity(tmp_path: Path) -> None:
    path = tmp_path / "script.json"
    path.write_text(
        json.dumps({"rules": [{"contains": "a", "reply": "b"}], "default": "c", "batch_size": 2})
    )
    model = open_model(f"scripted:{path}")
    assert isinstance(model, ScriptedModel)
    assert model.name == f"scripted:{path}"
    assert [batch.indices for batch in model.plan([ask("x")] * 3, Decoding())] == [(0, 1), (2,)]
    before = model.fingerprint
    assert open_model(f"scripted:{path}").fingerprint == before
    path.write_text('{"default": "d"}')
    assert open_model(f"scripted:{path}").fingerprint != before


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", ":1: is not JSON"),
        ("[]", "expected an object"),
        ('{"rule": []}', "unknown key 'rule'"),
        ('{"rules": [{"contains": "x"}]}', r"rules\[0\]: a rule needs either"),
        ('{"rules": [{"contains": 3, "reply": "x"}]}', r"rules\[0\].contains: expected a text"),
        ('{"rules": [{"contain": "x", "reply": "y"}]}', "unknown key 'contain'"),
        ('{"default": 3}', "default: expected a text"),
        ('{"batch_size": 0}', "batch_size: expected a whole number"),
    ],
)
def test_a_wrong_script_file_is_one_clear_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "script.json"
    path.write_text(text)
    with pytest.raises(ModelError, match=message):
        open_model(f"scripted:{path}")


def test_models_and_the_scripted_one_import_no_torch() -> None:
    code = (
        "import sys, evals.models; from evals.models import ScriptedModel, available_models\n"
        "available_models(); heavy = {'torch', 'transformers', 'numpy', 'scipy', 'sklearn'}\n"
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_rule_can_ask_whether_the_answer_is_held_to_a_structure(tmp_path: Path) -> None:
    script = tmp_path / "m.json"
    rules = [
        {"structured": True, "contains": "Charged", "reply": "billing"},
        {"structured": False, "reply": "I would say billing."},
    ]
    script.write_text(json.dumps({"rules": rules, "default": "other"}))
    model = open_scripted(script)
    for decoding, said in (
        (Decoding(), "I would say billing."),
        (Decoding(schema={"type": "object"}), "billing"),
        (Decoding(grammar='root ::= "billing"'), "billing"),
        (Decoding(regex="billing"), "billing"),
    ):
        (batch,) = model.plan([Request((Message("user", "Charged twice"),))], decoding)
        assert [output.text for output in model.run(batch)] == [said]


def test_a_structured_condition_that_is_neither_true_nor_false_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "m.json"
    script.write_text(json.dumps({"rules": [{"structured": "yes", "reply": "a"}]}))
    with pytest.raises(ModelError, match=r"rules\[0\].structured: expected true or false"):
        open_scripted(script)
