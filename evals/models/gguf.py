"""Conversion of a quantised GGUF file to plain float32 safetensors with its tokenizer."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

from evals.errors import MissingExtraError
from evals.models.wheel import Progress


def convert_gguf(gguf: Path, folder: Path, progress: Progress | None = None) -> None:
    """Write weights (dequantised, float32), config, tokenizer and template into `folder`.

    The result is an ordinary model folder: nothing in it remembers the quantisation.
    """
    import importlib.util

    if importlib.util.find_spec("gguf") is None:
        raise MissingExtraError("converting needs gguf: pip install 'tunegate[local]'")
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from evals.models.loading import quiet_transformers

    report = progress or (lambda _what, _share: None)
    # The loader draws a bar of its own on standard error, whatever its settings say.
    silence = contextlib.redirect_stderr(io.StringIO())
    with quiet_transformers(), torch.random.fork_rng(), silence:
        report("reading the tokenizer", 0.0)
        tokenizer = AutoTokenizer.from_pretrained(
            gguf.parent, gguf_file=gguf.name, local_files_only=True
        )
        report("dequantising", 0.3)
        quantised = AutoModelForCausalLM.from_pretrained(
            gguf.parent, gguf_file=gguf.name, dtype=torch.float32, local_files_only=True
        )
        report("writing safetensors", 0.8)
        config = type(quantised.config).from_dict(
            {k: v for k, v in quantised.config.to_dict().items() if k != "quantization_config"}
        )
        plain = type(quantised)(config).to(torch.float32)
        plain.load_state_dict(quantised.state_dict())
        plain.generation_config = quantised.generation_config
        plain.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
    report("writing safetensors", 1.0)
