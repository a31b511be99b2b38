"""`similarity@1`: how near an answer's meaning is to the expected one, by a small model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evals.errors import ScorerError
from evals.models.embedded import fetch_embedded
from evals.models.names import model_folder, require_local_extra
from evals.models.published import SENTENCES_NAME
from evals.records import Case, Output, Score
from evals.scorers.batch import only_score
from evals.scorers.options import Options
from evals.scorers.plain import case_error, expected_texts, shown, text_of
from evals.scorers.protocol import Scorer

if TYPE_CHECKING:
    from evals.models.sentences import SentenceModel

_BATCH = 64  # pairs embedded together


class SimilarityScorer:
    """Cosine of sentence embeddings: the best over what is expected, cut to [0, 1].

    The model is loaded with the first score.
    """

    def __init__(self, folder: Path, threshold: float | None) -> None:
        self._folder = folder
        self._threshold = threshold
        self._model: SentenceModel | None = None

    def check(self, case: Case) -> None:
        """Raise ScorerError where the case expects no text."""
        _wanted(case)

    def __call__(self, case: Case, output: Output) -> Score:
        """Score one output."""
        return only_score(self, case, output)

    def stream(self, pairs: Iterable[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        """A score, or the reason why there is none, for each pair in order."""
        source = iter(pairs)
        while batch := list(islice(source, _BATCH)):
            yield from self._batch(batch)

    def close(self) -> None:
        """Forget the model."""
        self._model = None

    def _batch(self, pairs: Sequence[tuple[Case, Output]]) -> Iterator[Score | ScorerError]:
        texts: dict[str, int] = {}
        read: list[tuple[str, tuple[str, ...]] | ScorerError] = []
        for case, output in pairs:
            try:
                answer, wanted = text_of(case, output).strip(), _wanted(case)
            except ScorerError as error:
                read.append(error)
                continue
            read.append((answer, wanted))
            for text in (answer, *wanted) if answer else ():
                texts.setdefault(text, len(texts))
        vectors = self._embedded(list(texts))
        for one in read:
            if isinstance(one, ScorerError):
                yield one
            elif not one[0]:
                yield Score(0.0, "the answer is empty", "dissimilar")
            else:
                yield self._judged(vectors[texts[one[0]]], [vectors[texts[w]] for w in one[1]], one)

    def _embedded(self, texts: Sequence[str]) -> Any:
        if not texts:
            return []
        if self._model is None:
            from evals.models.sentences import load_sentences

            self._model = load_sentences(self._folder)
        return self._model.embed(texts)

    def _judged(
        self, answer: Any, wanted: Sequence[Any], texts: tuple[str, tuple[str, ...]]
    ) -> Score:
        # Rounded: the last digits depend on which texts were embedded together.
        cosines = [round(float(answer @ one), 4) for one in wanted]
        best = min(1.0, max(0.0, *cosines))
        value = best if self._threshold is None else float(best >= self._threshold)
        if value == 1.0:
            return Score(1.0)
        nearest = texts[1][cosines.index(max(cosines))]
        return Score(value, f"similarity {best:.2f} to {shown(nearest)}", "dissimilar")


def _wanted(case: Case) -> tuple[str, ...]:
    texts = tuple(text.strip() for text in expected_texts(case))
    if not all(texts):
        raise case_error(case, "expected is empty: nothing is similar to it")
    return texts


def similarity(options: Options) -> Scorer:
    """`similarity@1`: options `threshold` (then the value is 1 from there on, else 0), `model`.

    `case.expected` is a text, or a list of which the nearest counts. The model is the embedded
    all-minilm-l6-v2, or "hf:<path or repo>" with `weights`, the hash of what is there. Needs
    the extra `local`, and fetches the model, before anything is scored. Kind: "dissimilar".
    """
    threshold = options.number("threshold", default=0.0, above=0.0) or None
    if threshold is not None and threshold > 1.0:
        raise options.error(f"expected at most 1, not {threshold:g}", key="threshold")
    name = options.text("model") if options.has("model") else SENTENCES_NAME
    stated = options.text("weights") if options.has("weights") else None
    if name == SENTENCES_NAME:
        if stated is not None:
            raise options.error("the embedded model's weights are pinned already", key="weights")
        require_local_extra()
        return SimilarityScorer(fetch_embedded(name), threshold)
    if not name.startswith("hf:"):
        raise options.error(
            f"unknown model {name!r:.80}",
            key="model",
            hint=f"{SENTENCES_NAME} or hf:<path or repo>",
        )
    require_local_extra()
    return SimilarityScorer(_pinned(options, name, stated), threshold)


def _pinned(options: Options, name: str, stated: str | None) -> Path:
    """The model's folder, if its weights are those that the suite was written for."""
    from evals.models.loading import weights_hash

    folder = model_folder(name)
    found = weights_hash(folder)
    if stated != found:
        raise options.error(
            f"{name} has weights {found}, the suite states {stated or 'none'}",
            key="weights",
            hint="what a score means depends on them: state those that you mean",
        )
    return folder
