"""Sentence embeddings of a suite's inputs, by the model that `similarity@1` uses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evals.models.embedded import fetch_embedded
from evals.models.names import require_local_extra
from evals.models.published import PUBLISHED, SENTENCES_NAME
from evals.prompting.demonstrations.remembered import PerPool
from evals.records import SPLITS, Case
from evals.suite.folding import input_text

ENCODER = PUBLISHED[SENTENCES_NAME].wheel_sha256
"""Identity of the encoder."""


class Embeddings:
    """Unit vectors of the inputs of a suite's cases, kept once they are made.

    A split is always embedded whole: a vector's last digits depend on what was embedded with it,
    and what is shown to a case must not depend on which others are run.
    """

    def __init__(self, pool: Sequence[Case]) -> None:
        self._pool = pool
        self._vectors: dict[str, Any] = {}
        self._embedded: set[str] = set()

    def of(self, cases: Sequence[Case]) -> Any:
        """An array (cases, hidden size). Raises MissingExtraError without the extra `local`."""
        import numpy as np

        wanted = {case.split for case in cases}
        for split in SPLITS:
            if split in wanted - self._embedded:
                self._add([input_text(case) for case in self._pool if case.split == split])
                self._embedded.add(split)
        self._add([input_text(case) for case in cases])  # such as are not of the suite
        return np.stack([self._vectors[input_text(case)] for case in cases])

    def _add(self, texts: Sequence[str]) -> None:
        missing = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if missing:
            self._vectors.update(zip(missing, _embed(missing), strict=True))


def _embed(texts: Sequence[str]) -> Any:
    require_local_extra()
    from evals.models.sentences import load_sentences

    return load_sentences(fetch_embedded(SENTENCES_NAME)).embed(texts)


embeddings_of = PerPool(Embeddings)
"""The embeddings of a suite's cases."""
