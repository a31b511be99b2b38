"""The kinds of tuned weights that evaluations attach, and how each looks before any training.

By the `peft_type` of `adapter_config.json`. FULL is tunegate's own: a folder whose weights are
all of the model's, in the place of the base's.
"""

from __future__ import annotations

from collections.abc import Mapping

WHOLE = "FULL"
LORA = "LORA"

MAX_RANK = 4096
"""Of kinds other than LoRA, some of which fill memory by their rank before weights are read."""

UNTRAINED: Mapping[str, Mapping[str, float]] = {
    LORA: {},  # products of two factors: `adapter_files.check_values` sees to them
    "IA3": {"ia3_l": 1.0},
    "VERA": {"vera_lambda_b": 0.0},
    "LOHA": {"hada_w2_b": 0.0},
    "LOKR": {"lokr_w1": 0.0, "lokr_w1_a": 0.0},
    "OFT": {"oft_R.weight": 0.0},
    "MISS": {"miss_block": 0.0},
    "SHIRA": {"shira_weight": 0.0},
    WHOLE: {"": 0.0},
}
"""How tensors' names end, and the value they all have while the adapter changes nothing."""
