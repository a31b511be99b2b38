"""A training in a process of its own that dies by SIGKILL, as under `kill -9` or a lost machine.

The process is forked from a server that has torch and its kin imported already, which takes a
fresh Python seven seconds. The server itself never computes anything.
"""

from __future__ import annotations

import os
import signal
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from tempfile import NamedTemporaryFile

_forked = get_context("forkserver")
_forked.set_forkserver_preload(["peft", "transformers.models.llama", "tuning.training.train"])


def die_in(program: str, *arguments: object) -> None:
    """Call the `main` of a module with these words; its process must end by SIGKILL."""
    words = [str(argument) for argument in arguments]
    with NamedTemporaryFile() as said:
        process = _forked.Process(target=_call, args=(program, words, dict(os.environ), said.name))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL, Path(said.name).read_text(errors="replace")


def _call(program: str, words: list[str], environment: dict[str, str], said: str) -> None:
    with Path(said).open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.clear()
    os.environ.update(environment)
    import_module(program).main(*words)
