from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from evals.errors import UsageError
from evals.locks import only_one

ROOT = Path(__file__).parents[2]
HOLD = """
import sys, time
from pathlib import Path
from evals.locks import only_one
with only_one(Path(sys.argv[1]), busy="busy", hint="wait"):
    print("held", flush=True)
    time.sleep(60)
"""


def test_the_second_holder_is_told_who_the_first_is_and_what_to_do(tmp_path: Path) -> None:
    lock = tmp_path / "one.lock"
    with (
        only_one(lock, busy="somebody works here", hint="wait for it"),
        pytest.raises(UsageError) as caught,
        only_one(lock, busy="somebody works here", hint="wait for it"),
    ):
        pass
    expected = f"somebody works here (process {os.getpid()}) (wait for it)"
    assert str(caught.value) == expected
    with only_one(lock, busy="", hint=""):
        pass


def test_a_killed_holder_frees_the_lock_although_its_file_stays(tmp_path: Path) -> None:
    lock = tmp_path / "one.lock"
    command = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with (
            pytest.raises(UsageError, match=rf"\(process {holder.pid}\)"),
            only_one(lock, busy="busy", hint="wait"),
        ):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert lock.read_text() == str(holder.pid)
    with only_one(lock, busy="busy", hint="wait"):
        assert lock.read_text() == str(os.getpid())


@pytest.mark.parametrize("left", ["", "nonsense", "\N{SNOWMAN}", "1 2"])
def test_a_file_that_names_nobody_names_nobody(tmp_path: Path, left: str) -> None:
    lock = tmp_path / "one.lock"
    with only_one(lock, busy="busy", hint="wait"):
        lock.write_text(left)
        with (
            pytest.raises(UsageError, match=r"^busy \(wait\)$"),
            only_one(lock, busy="busy", hint="wait"),
        ):
            pass
