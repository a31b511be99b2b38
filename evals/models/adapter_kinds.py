"""The kinds of tuned weights that evaluations attach, and how each looks before any training.

By the `peft_type` of `adapter_config.json`. FULL is tunegate's own: a folder whose weights are
all of the model's, in the place of the base's.
"""

from __future__ import annotations

from collections.abc import Mapping

WHOLE = "FULL"
LORA = "LORA"

UNTRAINED: Mapping[str, Mapping[str, float]] = {
    LORA: {},  # products of two factors: `adapter_files.check_values` sees to them
    WHOLE: {"": 0.0},
}
"""Parts of tensors' names and the value they all have while the adapter changes nothing."""
