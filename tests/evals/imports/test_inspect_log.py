"""Logs that Inspect really wrote, in both of its formats, and what could be wrong with one."""

from __future__ import annotations

import json
import math
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evals.errors import RecordError
from evals.imports import archive, read_results
from tests.evals.imports.result_files import (
    FAILING,
    LETTERS,
    LETTERS_EVAL,
    REPEATED,
    changed,
    members,
    only,
    write_eval,
)

ORDER = ["sky", "legs", "france", "sum"]


@pytest.mark.parametrize("path", [LETTERS, LETTERS_EVAL])
def test_both_formats_give_the_cases_in_the_data_sets_order(path: Path) -> None:
    found = only(path)
    assert [case.id for case in found.cases] == ORDER
    # C, I, P, N as Inspect's own reductions have them in the log.
    assert [case.scores["letter"] for case in found.cases] == [1.0, 0.0, 0.5, 0.0]
    assert [case.scores["closeness"] for case in found.cases] == [0.75, 0.25, 0.75, 0.25]
    assert (found.primary, found.model) == ("letter", "mockllm/model")
    first = found.cases[0]
    assert (first.input, first.expected) == ({"text": "What colour is the sky?"}, "blue")
    assert (first.output, first.prompt_tokens, first.completion_tokens) == ("blue", 12, 2)


def test_epochs_are_attempts_at_the_same_case() -> None:
    found = only(REPEATED)
    assert [case.id for case in found.cases] == [name for name in ORDER for _ in range(2)]
    assert [case.scores["letter"] for case in found.cases] == [1, 1, 0, 1, 0.5, 1, 0, 0]


def test_a_sample_that_failed_is_an_error_and_no_zero() -> None:
    legs = next(case for case in only(FAILING).cases if case.id == "legs")
    assert legs.error == "RuntimeError('the tool fell over')"
    assert legs.scores == {}
    assert legs.output is None


def test_samples_that_never_ran_are_errors(tmp_path: Path) -> None:
    def cut_off(log: Any) -> None:
        log["status"] = "cancelled"
        log["samples"] = log["samples"][:1]

    found = only(changed(LETTERS, tmp_path / "log.json", cut_off))
    assert [case.id for case in found.cases if case.error] == ["sky", "legs", "sum"]
    assert "3 samples were not run" in found.findings[0].message


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("yes", 1.0),
        ("False", 0.0),
        ("0.25", 0.25),
        (True, 1.0),
        ("perhaps", math.nan),
        ([1, 0], math.nan),
        (None, math.nan),
        (10**400, math.inf),
    ],
)
def test_values_become_numbers_as_inspect_maps_them(
    tmp_path: Path, value: Any, number: float
) -> None:
    def change(log: Any) -> None:
        log["samples"][0]["scores"]["letter"]["value"] = value

    found = only(changed(LETTERS, tmp_path / "log.json", change))
    case = next(each for each in found.cases if each.id == "france")
    assert case.scores["letter"] == pytest.approx(number, nan_ok=True)


def test_a_scorer_with_several_values_gives_several_metrics(tmp_path: Path) -> None:
    def change(log: Any) -> None:
        for sample in log["samples"]:
            sample["scores"]["letter"]["value"] = {"a": "C", "b": 0.5}
        log["results"]["headline"] = {"scorer": "letter", "score": "b", "metric": "mean"}

    found = only(changed(LETTERS, tmp_path / "log.json", change))
    assert found.cases[0].scores == {"letter.a": 1.0, "letter.b": 0.5, "closeness": 0.75}
    assert found.primary == "letter.b"


def test_texts_moved_to_attachments_are_put_back(tmp_path: Path) -> None:
    def change(log: Any) -> None:
        log["samples"][0] |= {"input": "attachment://a1", "attachments": {"a1": "the long text"}}

    found = only(changed(LETTERS, tmp_path / "log.json", change))
    assert {"text": "the long text"} in [case.input for case in found.cases]


def test_messages_and_contents_of_several_parts_are_read(tmp_path: Path) -> None:
    asked = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Why?"}]

    def change(log: Any) -> None:
        for sample in log["samples"]:
            sample["input"] = asked
            sample["output"]["completion"] = ""
            parts = [{"type": "reasoning", "reasoning": "hm"}, {"type": "text", "text": "so"}]
            sample["output"]["choices"][0]["message"]["content"] = parts

    case = only(changed(LETTERS, tmp_path / "log.json", change)).cases[0]
    assert case.input == {"messages": asked}
    assert case.output == "so"


def test_older_logs_without_a_headline_or_packed_with_deflate_are_read(tmp_path: Path) -> None:
    texts = members()
    header = json.loads(texts["header.json"])
    del header["results"]["headline"]
    path = write_eval(tmp_path / "old.eval", texts | {"header.json": json.dumps(header)})
    assert only(path).primary == "letter"
    assert only(path).cases == only(LETTERS_EVAL).cases


def test_a_log_whose_writer_was_killed_has_what_was_finished(tmp_path: Path) -> None:
    texts = members()
    del texts["header.json"], texts["samples/sum_epoch_1.json"]
    found = only(write_eval(tmp_path / "killed.eval", texts))
    assert [case.id for case in found.cases if case.error is None] == ["sky", "legs", "france"]
    assert [case.id for case in found.cases if case.error] == ["sum"]


def test_a_log_without_samples_is_refused(tmp_path: Path) -> None:
    path = changed(LETTERS, tmp_path / "log.json", lambda log: log.pop("samples") and log)
    with pytest.raises(RecordError, match="no samples"):
        read_results(path)


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bomb = write_eval(tmp_path / "bomb.eval", members() | {"samples/x.json": "0" * (65 << 20)})
    assert bomb.stat().st_size < 1 << 20
    with pytest.raises(RecordError, match="unpacks to more than"):
        read_results(bomb)
    monkeypatch.setattr(archive, "MAX_UNPACKED_BYTES", 20_000)
    with pytest.raises(RecordError, match="unpacks to more than"):
        read_results(LETTERS_EVAL)
    monkeypatch.setattr(archive, "MAX_MEMBERS", 3)
    with pytest.raises(RecordError, match="more than 3 members"):
        read_results(LETTERS_EVAL)


def test_a_size_that_lies_does_not_let_more_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_eval(tmp_path / "lies.eval", members() | {"samples/x.json": "0" * 3_000_000})
    data = bytearray(path.read_bytes())
    size = (3_000_000).to_bytes(4, "little")
    while (at := data.find(size)) >= 0:  # in the local header and in the directory
        data[at : at + 4] = (10).to_bytes(4, "little")
    path.write_bytes(bytes(data))
    with pytest.raises(RecordError, match=r"damaged|unpacks"):
        read_results(path)


def test_a_member_whose_checksum_is_wrong_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(LETTERS_EVAL) as log:
        checksum = log.getinfo("header.json").CRC.to_bytes(4, "little")
    path = tmp_path / "log.eval"
    path.write_bytes(LETTERS_EVAL.read_bytes().replace(checksum, b"\0\1\2\3"))
    with pytest.raises(RecordError, match=r"'header.json' is damaged: its checksum is wrong"):
        read_results(path)


def test_a_damaged_archive_and_one_of_something_else_are_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as made:
        made.writestr("readme.txt", "hello")
    with pytest.raises(RecordError, match="not a log of Inspect"):
        read_results(other)
    whole = LETTERS_EVAL.read_bytes()
    cut = tmp_path / "cut.eval"
    cut.write_bytes(whole[:5_000])
    with pytest.raises(RecordError, match="not a zip archive"):
        read_results(cut)
    for at in range(100, 9_000, 37):  # flipped bytes: told, whatever they hit
        cut.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read_results(cut)
        except RecordError:
            continue
