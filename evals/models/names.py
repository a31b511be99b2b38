"""From a model's name to a model: `smollm2-135m`, `hf:…`, `openai:…`, `scripted:<file>`.

Bad names are refused here, before torch is imported.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from evals.errors import MissingExtraError, ModelError
from evals.models.embedded import embedded_status, fetch_embedded
from evals.models.hosted.settings import PREFIX, HostedSettings
from evals.models.published import EMBEDDED_NAME, PUBLISHED, SENTENCES_NAME
from evals.models.threads import wait_politely
from evals.models.wheel import Progress

if TYPE_CHECKING:
    from evals.models.protocol import AdaptableModel

Precision = Literal["auto", "float32", "bfloat16"]
DEFAULT_MODEL = EMBEDDED_NAME

_FORMS = (EMBEDDED_NAME, "hf:<path or repo>", "openai:<model>", "scripted:<file.json>")
_DATA_FILES = ["*.safetensors", "*.json", "*.jinja", "tokenizer.model", "merges.txt", "vocab.txt"]
_LOCAL_MODULES = ("torch", "transformers", "safetensors", "tokenizers")


@dataclass(frozen=True)
class AvailableModel:
    """A line of `tunegate models`: a name or form of name, what it is, and its state."""

    name: str
    description: str
    state: str


def available_models() -> list[AvailableModel]:
    """What `--model` takes, and what scorers use. Looks at files only; imports no torch."""
    needs = "" if not missing_modules() else "needs pip install 'tunegate[local]'"
    status = embedded_status()
    return [
        AvailableModel(EMBEDDED_NAME, "SmolLM2 135M Instruct, embedded", needs or status.summary),
        AvailableModel(
            "hf:<path or repo>", "any causal model with a chat template", needs or "ready"
        ),
        AvailableModel("openai:<model>", "any OpenAI-compatible endpoint", hosted_state()),
        AvailableModel("scripted:<file.json>", "answers by rule, for tests", "ready"),
        AvailableModel(
            SENTENCES_NAME,
            PUBLISHED[SENTENCES_NAME].description,
            needs or embedded_status(SENTENCES_NAME).summary,
        ),
    ]


def is_hosted(name: str) -> bool:
    """Whether a model is asked over the network, where asking may cost money."""
    return name.startswith(PREFIX)


def hosted_state() -> str:
    """Where `openai:` names are asked for, or what of the environment is wrong or missing."""
    from evals.models.hosted.endpoint import BASE, KEY, endpoint_from

    if not (os.environ.get(BASE) or os.environ.get(KEY)):
        return f"needs {KEY}"
    try:
        return f"ready: {endpoint_from(os.environ).host}"
    except ModelError as error:
        return error.message


def missing_modules() -> list[str]:
    """Those of the local backend's packages that are not installed."""
    return [name for name in _LOCAL_MODULES if importlib.util.find_spec(name) is None]


def require_local_extra() -> None:
    """Raise MissingExtraError, naming what to install, unless the backend is there.

    Whoever asks is about to import torch, so its threads are settled here too.
    """
    wait_politely()
    if missing := missing_modules():
        raise MissingExtraError(
            f"local models need {', '.join(missing)}: pip install 'tunegate[local]'"
        )


def check_form(name: str) -> None:
    """Raise ModelError unless `name` has a known form. Looks at no file, and no environment."""
    scheme, _, rest = name.partition(":")
    if not name.isprintable() or name != name.strip():
        raise ModelError(f"{name!r} is no model's name", hint=", ".join(_FORMS))
    if name != EMBEDDED_NAME and not (scheme in {"scripted", "hf", "openai"} and rest):
        raise _unknown(name)


def check_model_name(name: str) -> None:
    """Raise ModelError unless `name` is a known form and, for paths, exists. Fast."""
    scheme, _, rest = name.partition(":")
    if name == EMBEDDED_NAME:
        return
    if scheme == "scripted" and rest:
        if not Path(rest).is_file():
            raise ModelError(f"there is no script file {rest!r} for model {name!r}")
    elif scheme == "hf" and rest:
        _check_hf(rest)
    elif scheme == "openai" and rest:
        from evals.models.hosted.model import check_hosted

        check_hosted(name)
    else:
        raise _unknown(name)


def model_folder(name: str, *, progress: Progress | None = None) -> Path:
    """The folder with the safetensors, config and tokenizer of a local model's name.

    Fetches the embedded model, or a repository of the Hugging Face hub, on first use.
    """
    check_model_name(name)
    if name == EMBEDDED_NAME:
        require_local_extra()
        return fetch_embedded(progress=progress)
    rest = name.removeprefix("hf:")
    if Path(rest).is_dir():
        return Path(rest)
    require_local_extra()
    return _download(rest)


def open_model(
    name: str = DEFAULT_MODEL,
    *,
    precision: Precision = "auto",
    adapter: str | None = None,
    progress: Progress | None = None,
    hosted: HostedSettings | None = None,
) -> AdaptableModel:
    """Open a model by name, with `adapter` (a folder) switched on if given.

    `hosted` are the limits of an `openai:` model's endpoint, which the environment names.

    `precision` "auto" is bfloat16 where the hardware computes in it, else float32. The
    choice is part of the model's fingerprint. Raises ModelError for a name or a folder
    that is no model, MissingExtraError where the local backend is not installed.
    """
    check_model_name(name)
    if name.startswith("scripted:"):
        from evals.models.scripted import open_scripted

        model: AdaptableModel = open_scripted(Path(name.removeprefix("scripted:")), name)
    elif name.startswith("openai:"):
        from evals.models.hosted.model import open_hosted

        model = open_hosted(name, hosted)
    else:
        require_local_extra()
        folder = model_folder(name, progress=progress)
        from evals.models.local import open_local

        model = open_local(name, folder, precision)
    if adapter is not None:
        model.use_adapter(adapter)
    return model


def _unknown(name: str) -> ModelError:
    known = [EMBEDDED_NAME, "hf:", "openai:", "scripted:"]
    if name in known:
        return ModelError(
            f"unknown model {name!r}: no name stands behind the colon", hint=", ".join(_FORMS)
        )
    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if not close and (Path(name).exists() or "/" in name):
        close = [f"hf:{name}"]
    question = f"did you mean {close[0]!r}? " if close else ""
    return ModelError(f"unknown model {name!r}", hint=f"{question}known: {', '.join(_FORMS)}")


def _check_hf(rest: str) -> None:
    path = Path(rest)
    if path.is_dir():
        if not any(path.glob("*.safetensors")):
            raise ModelError(
                "the model folder has no .safetensors file", path=path, hint="no other is loaded"
            )
        if not (path / "config.json").is_file():
            raise ModelError("the model folder has no config.json", path=path)
        return
    repository = rest.count("/") <= 1 and not rest.startswith(("/", ".", "~")) and "\\" not in rest
    if path.exists() or not repository or rest.endswith("/"):
        raise ModelError(
            f"there is no model folder {rest!r}",
            hint="hf: takes a folder, or a repository of the Hugging Face hub as owner/name",
        )


def _download(repository: str) -> Path:
    """Fetch (or find in the hub's cache) a repository's data files; never its code."""
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            repository,
            allow_patterns=_DATA_FILES,
        )
    except (OSError, ValueError) as error:  # hub and network errors derive from these
        raise ModelError(
            f"model 'hf:{repository}' is neither a folder nor a repository within reach: "
            f"{str(error).splitlines()[0] if str(error) else type(error).__name__}",
            hint="check the name and the network, or give the path of a model folder",
        ) from error
    _check_hf(folder)
    return Path(folder)
