from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from evals.errors import MissingExtraError, TrainingError
from evals.records import Message
from tests.tuning.conftest import tickets
from tuning.data.dataset import Example
from tuning.data.formats import Columns, read_data, read_examples, write_examples

datasets = pytest.importorskip("datasets")

ROWS = [
    {"messages": [{"role": "user", "content": f"q{n}"}, {"role": "assistant", "content": f"a{n}"}]}
    for n in range(7)
]


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.utils.logging, "_tqdm_active", False, raising=False)
    datasets.disable_progress_bars()


def saved(rows: list[dict[str, Any]], path: Path, **how: Any) -> Path:
    datasets.Dataset.from_list(rows).save_to_disk(str(path), **how)
    return path


def test_a_saved_dataset_of_several_files_is_read_in_order(tmp_path: Path) -> None:
    reading = read_data(saved(ROWS, tmp_path / "d", num_shards=3))
    assert (reading.format, reading.rows) == ("datasets", 7)
    assert [e.answer for e in reading.examples] == [f"a{n}" for n in range(7)]
    assert reading.examples[2] == Example(
        "d:3",
        (Message("user", "q2"),),
        "a2",
        "d:3",
        f"{tmp_path / 'd'}:3",
        source="file d",
    )


def test_rows_that_were_chosen_before_saving_are_those_that_are_read(tmp_path: Path) -> None:
    datasets.Dataset.from_list(ROWS).select([5, 1]).save_to_disk(str(tmp_path / "d"))
    assert [e.answer for e in read_examples(tmp_path / "d")] == ["a5", "a1"]


def test_of_a_dict_of_datasets_a_split_is_named(tmp_path: Path) -> None:
    path = tmp_path / "dd"
    both = {"train": datasets.Dataset.from_list(ROWS), "test": datasets.Dataset.from_list(ROWS[:1])}
    datasets.DatasetDict(both).save_to_disk(str(path))
    assert len(read_examples(path, split="train")) == 7
    with pytest.raises(TrainingError, match=r"no split is named \(its splits are train, test"):
        read_examples(path)
    with pytest.raises(TrainingError, match="has no split 'dev'"):
        read_examples(path, split="dev")
    with pytest.raises(TrainingError, match="has no splits, and 'train' was asked for"):
        read_examples(saved(ROWS, tmp_path / "d"), split="train")


@pytest.mark.parametrize(
    ("row", "answer"),
    [
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "b"),
        ({"instruction": "a", "input": None, "output": "b"}, "b"),
        ({"prompt": "a", "completion": "b"}, "b"),
        ({"input": "a", "output": "b", "label": 3}, "b"),
        ({"messages": {"role": ["user", "assistant"], "content": ["a", "b"]}}, "b"),
    ],
)
def test_columns_are_recognised_like_the_keys_of_rows(
    tmp_path: Path, row: dict[str, Any], answer: str
) -> None:
    for source in ("d", "d.parquet", "d.arrow"):
        path = tmp_path / source
        if source == "d":
            saved([row], path)
        elif source == "d.parquet":
            datasets.Dataset.from_list([row]).to_parquet(str(path))
        else:
            path.write_bytes(next((tmp_path / "d").glob("*.arrow")).read_bytes())
        (example,) = read_examples(path)
        assert (example.messages, example.answer) == ((Message("user", "a"),), answer)


def test_columns_and_formats_can_be_named(tmp_path: Path) -> None:
    path = saved(
        [{"q": "a", "r": "b", **ROWS[0], "prompt": "c", "completion": "d"}], tmp_path / "d"
    )
    with pytest.raises(TrainingError, match="has the keys of chat"):
        read_examples(path)
    assert read_examples(path, "completion")[0].answer == "d"
    assert read_examples(path, "chat")[0].answer == "a0"
    assert read_examples(path, columns=Columns("q", "r"))[0].answer == "b"
    with pytest.raises(TrainingError, match="has no column 'instruction'"):
        read_examples(path, "alpaca")


def test_what_is_written_is_what_the_library_loads(
    tmp_path: Path, conversation: Callable[[int], tuple[Example, ...]]
) -> None:
    path = tmp_path / "out"
    write_examples([*tickets(1), *conversation(2)], path, "datasets")
    loaded = datasets.load_from_disk(str(path))
    assert loaded.column_names == ["prompt", "completion"]
    assert loaded[2]["completion"] == [{"role": "assistant", "content": "answer 2"}]
    assert [m["role"] for m in loaded[2]["prompt"]] == ["system", "user", "assistant", "user"]
    with pytest.raises(TrainingError, match="is there already"):
        write_examples(tickets(1), path, "datasets")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out"]


def test_a_row_that_cannot_be_read_is_named_by_its_number(tmp_path: Path) -> None:
    bad = {"messages": [{"role": "tool", "content": "x"}, {"role": "assistant", "content": "b"}]}
    with pytest.raises(TrainingError, match=r"d:8: messages\[0\]\.role: expected one of"):
        read_examples(saved([*ROWS, bad], tmp_path / "d"))
    rows = [{**row, "images": ["x"] if n == 3 else []} for n, row in enumerate(ROWS)]
    with pytest.raises(TrainingError, match=r"e:4: images: images, sound and video are not"):
        read_examples(saved(rows, tmp_path / "e"))


@pytest.mark.parametrize(
    "name", ["../d/data-00000-of-00001.arrow", "/etc/passwd", "..", "", 7, "ln"]
)
def test_a_folders_list_leads_to_nothing_outside_of_it(tmp_path: Path, name: object) -> None:
    saved(ROWS, tmp_path / "d")
    path = saved(ROWS, tmp_path / "hostile")
    (path / "ln").symlink_to(next((tmp_path / "d").glob("*.arrow")))
    state = json.loads((path / "state.json").read_text())
    state["_data_files"] = [{"filename": name}]
    (path / "state.json").write_text(json.dumps(state))
    with pytest.raises(TrainingError, match=r"state\.json: _data_files: (expected the name|ln is)"):
        read_examples(path)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    path = saved(ROWS, tmp_path / "d")
    (file,) = path.glob("*.arrow")
    whole = file.read_bytes()
    for cut in (0, 3, 100, len(whole) - 60):
        file.write_bytes(whole[:cut])
        with pytest.raises(TrainingError, match=r"arrow: damaged, or neither Parquet nor Arrow"):
            read_examples(path)
    file.unlink()
    with pytest.raises(TrainingError, match="no such file, and the folder's list names it"):
        read_examples(path)
    parquet = tmp_path / "p.parquet"
    parquet.write_bytes(b"PAR1 and nothing more")
    with pytest.raises(TrainingError, match=r"p\.parquet: damaged, or neither"):
        read_examples(parquet)


def test_flipped_bytes_are_read_or_refused_and_never_crash(tmp_path: Path) -> None:
    path = saved(ROWS, tmp_path / "d")
    (file,) = path.glob("*.arrow")
    whole = file.read_bytes()
    refused = 0
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            read_examples(path)
        except TrainingError:
            refused += 1
    assert refused


def test_a_folder_of_anything_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="not written by datasets' save_to_disk"):
        read_examples(tmp_path)


def test_a_missing_library_is_named_with_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(ROWS, tmp_path / "d")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "datasets" else find(name)
    )
    for act in (
        lambda: read_examples(path),
        lambda: write_examples(tickets(1), tmp_path / "new", "datasets"),
    ):
        with pytest.raises(MissingExtraError, match=r"need datasets: pip install 'tunegate\[tune"):
            act()
