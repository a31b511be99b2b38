"""A model on this machine: planned in batches, run over packed sequences."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import transformers

from evals.errors import InfrastructureError
from evals.fingerprint import canonical_json, fingerprint
from evals.models import planning, tokens
from evals.models.adapters import AttachedAdapter, check_adapter
from evals.models.allocator import keep_freed_memory
from evals.models.backend import Backend, choose_backend
from evals.models.constrained import Constraints, enforced_by
from evals.models.conversation import converse
from evals.models.generation import Decoder
from evals.models.loading import Loaded, load_folder
from evals.models.protocol import Batch
from evals.models.reading import TextLoss, read_rows
from evals.records import Decoding, Output, Request

_ENCODED_KEPT = 4096


class LocalModel:
    """An `AdaptableModel` over transformers. Not thread-safe."""

    def __init__(self, name: str, loaded: Loaded) -> None:
        self.name = name
        self.loaded = loaded
        self.tokenizer = loaded.tokenizer
        self.template_hash = tokens.template_hash(loaded.tokenizer)
        self.backend: Backend = choose_backend(loaded)
        self.stops = tokens.stop_ids(loaded.tokenizer) | configured_stops(loaded.model)
        self._decoder = Decoder(self.backend.passes, loaded.tokenizer, self.stops)
        self._adapter = ""
        self._attached = AttachedAdapter(loaded.model)
        self._encoded: dict[tuple[Any, ...], list[int]] = {}
        self._constraints = Constraints(loaded.tokenizer, self.stops, _vocabulary(loaded.model))

    @property
    def fingerprint(self) -> str:
        """Hash of weights, tokenizer, template, precision, device, versions and attention."""
        versions = [module.__version__.split(".")[:2] for module in (torch, transformers)]
        return fingerprint(
            "local@1",
            self.loaded.weights_hash,
            tokens.tokenizer_hash(self.tokenizer),
            self.template_hash,
            self.loaded.precision,
            self.loaded.device,
            versions,
            self.backend.version,
        )

    @property
    def provenance(self) -> Mapping[str, str]:
        """Hashes of weights, tokenizer and template; precision, device and backend."""
        return {
            "weights": self.loaded.weights_hash,
            "tokenizer": tokens.tokenizer_hash(self.tokenizer),
            "template": self.template_hash,
            "precision": self.loaded.precision,
            "device": self.loaded.device,
            "backend": self.backend.version,
        }

    @property
    def context_tokens(self) -> int:
        """The most positions that the weights were made for."""
        config = self.loaded.model.config
        return int(getattr(config, "max_position_embeddings", None) or 1 << 20)

    def constrained_by(self, decoding: Decoding) -> str:
        """What enforces the structure that `decoding` asks for; empty for none."""
        return enforced_by(decoding)

    @property
    def precision(self) -> str:
        """`float32` or `bfloat16`."""
        return self.loaded.precision

    @property
    def adapter(self) -> str:
        """Fingerprint of the active adapter, or an empty string."""
        return self._adapter

    def count_tokens(self, text: str) -> int:
        """Tokens of plain text, without any template."""
        return len(tokens.encode_plain(self.tokenizer, text))

    def encode(self, request: Request) -> list[int]:
        """Token ids of the request's prompt, up to where the answer begins."""
        key = (request.messages, canonical_json(request.tools) if request.tools else "")
        ids = self._encoded.get(key)
        if ids is None:
            ids = tokens.encode_chat(self.tokenizer, request.messages, tools=request.tools)
            if len(self._encoded) >= _ENCODED_KEPT:
                self._encoded.clear()
            self._encoded[key] = ids
        return ids

    def plan(self, requests: Sequence[Request], decoding: Decoding) -> list[Batch]:
        """Batches by length within a token budget; choices and generations apart.

        The shared prefix is that of all prompts that fit the context. Raises ModelError for a
        structure that answers cannot be held to, MissingExtraError where the library for it is
        missing, and ModelError for tools that the chat template has no place for.
        """
        self._constraints.find(decoding)
        by = self.constrained_by(decoding)
        requests = list(requests)  # every one is looked at several times
        prompts = [self.encode(request) for request in requests]
        needs = [self._need(request, decoding) for request in requests]
        fitting = [n for n, need in enumerate(needs) if need <= self.context_tokens]
        batches: list[Batch] = []
        for ranking, budget in ((False, planning.GENERATION), (True, planning.CHOICES)):
            members = [n for n in fitting if bool(requests[n].choices) == ranking]
            prefix = planning.shared_prefix([prompts[n] for n in members])
            first_pass = [
                len(prompts[n]) - prefix + sum(map(len, self._options(requests[n])))
                for n in members
            ]
            for group in planning.group_by_length(first_pass, budget):
                indices = tuple(members[place] for place in group)
                chosen = tuple(requests[n] for n in indices)
                batches.append(Batch(indices, chosen, decoding, prefix, "" if ranking else by))
        too_long = tuple(n for n in range(len(requests)) if needs[n] > self.context_tokens)
        if too_long:
            batches.append(Batch(too_long, tuple(requests[n] for n in too_long), decoding))
        return batches

    def run(self, batch: Batch) -> list[Output]:
        """Outputs in the order of the requests; a request that cannot fit is an error.

        Of a conversation the first turns share what was planned, the later ones what they have
        in common then.
        """

        def ask(requests: Sequence[Request]) -> list[Output]:
            if requests is batch.requests:
                return self._answer(batch)
            fitting = [r for r in requests if self._need(r, batch.decoding) <= self.context_tokens]
            prefix = planning.shared_prefix([self.encode(request) for request in fitting])
            places = tuple(range(len(requests)))
            return self._answer(Batch(places, tuple(requests), batch.decoding, prefix))

        return converse(ask, batch.requests)

    def _answer(self, batch: Batch) -> list[Output]:
        """One reply to each request."""
        start = time.perf_counter()
        outputs: dict[int, Output] = {}
        fitting: list[int] = []
        for n, request in enumerate(batch.requests):
            need, size = self._need(request, batch.decoding), len(self.encode(request))
            if need <= self.context_tokens:
                fitting.append(n)
            else:
                text = f"needs {need} tokens, the model's context has {self.context_tokens}"
                outputs[n] = Output(None, "error", size, error=text)
        with _memory_errors(len(batch.requests)):
            ranking = [n for n in fitting if batch.requests[n].choices]
            generating = [n for n in fitting if not batch.requests[n].choices]
            outputs.update(zip(ranking, self._rank(batch, ranking), strict=True))
            outputs.update(zip(generating, self._generate(batch, generating), strict=True))
        share = (time.perf_counter() - start) / max(1, len(batch.requests))
        return [replace(outputs[n], seconds=share) for n in range(len(batch.requests))]

    def read_texts(self, texts: Sequence[str]) -> list[TextLoss | None]:
        """The cross-entropy of plain texts, without any template; None where one does not fit.

        What shares a pass depends on the texts alone, so that adapter and base are read alike.
        """
        rows = [tokens.encode_plain(self.tokenizer, text) for text in texts]
        fitting = [n for n, row in enumerate(rows) if 1 < len(row) <= self.context_tokens]
        with _memory_errors(len(fitting)):
            read = read_rows(self.backend.passes, [rows[n] for n in fitting])
        losses = dict(zip(fitting, read, strict=True))
        return [losses.get(n) for n in range(len(rows))]

    def use_adapter(self, path: str | None) -> None:
        """Switch a LoRA adapter on over the same weights, or off.

        Off is exactly the base: the adapter is never merged into its weights.
        """
        identity = ""
        if path is not None:
            folder = Path(path)
            identity = check_adapter(folder, self.loaded.weights_hash, self.template_hash)
        if identity == self._adapter:
            return
        self._attached.detach()
        self._adapter = ""
        if path is not None:
            self._attached.attach(Path(path), self.loaded.precision)
            self._adapter = identity

    def _options(self, request: Request) -> list[list[int]]:
        return [tokens.encode_plain(self.tokenizer, option) for option in request.choices]

    def _need(self, request: Request, decoding: Decoding) -> int:
        """Tokens of context that the request can come to need."""
        longest = max(map(len, self._options(request)), default=decoding.max_tokens)
        return len(self.encode(request)) + longest

    def _generate(self, batch: Batch, members: list[int]) -> list[Output]:
        if not members:
            return []
        prompts = [self.encode(batch.requests[n]) for n in members]
        constraint = self._constraints.find(batch.decoding)
        rows = self._decoder.run(
            prompts, batch.prefix_tokens, batch.decoding, self._adapter, constraint
        )
        return [
            Output(None, "error", len(row.prompt), len(row.ids), error=row.error)
            if row.error
            else Output(
                row.text, row.finish or "stop", len(row.prompt), len(row.ids) + int(row.stopped)
            )
            for row in rows
        ]

    def _rank(self, batch: Batch, members: list[int]) -> list[Output]:
        requests = [batch.requests[n] for n in members]
        options = [self._options(request) for request in requests]
        prompts = [self.encode(request) for request in requests]
        answerable = [n for n, case in enumerate(options) if all(case)]
        ranked = self.backend.rank(
            [prompts[n] for n in answerable],
            [options[n] for n in answerable],
            batch.prefix_tokens,
            self._adapter,
        )
        sums = dict(zip(answerable, ranked, strict=True))
        return [
            _choice(request, len(prompts[n]), sum(map(len, options[n])), sums.get(n), n in sums)
            for n, request in enumerate(requests)
        ]


def open_local(name: str, folder: Path, precision: str = "auto") -> LocalModel:
    """Load a model folder as a `LocalModel`. Raises as `load_folder` does."""
    keep_freed_memory()
    return LocalModel(name, load_folder(folder, precision))


def _choice(
    request: Request, size: int, completion: int, sums: tuple[float, ...] | None, encodable: bool
) -> Output:
    if sums is None:
        error = "the model gave logits that are not finite" if encodable else "an option is empty"
        return Output(None, "error", size, error=error)
    best = max(range(len(sums)), key=lambda n: (sums[n], -n))
    return Output(request.choices[best], "choice", size, completion, logprobs=sums)


def _vocabulary(model: Any) -> int:
    """How many logits the model gives, which may be more than its tokenizer has tokens."""
    return int(model.get_output_embeddings().weight.shape[0])


def configured_stops(model: Any) -> frozenset[int]:
    """The ids at which the model's own configuration ends an answer."""
    configured = model.generation_config.eos_token_id
    if configured is None:
        return frozenset()
    return frozenset([configured] if isinstance(configured, int) else configured)


@contextlib.contextmanager
def _memory_errors(rows: int) -> Iterator[None]:
    """Turn running out of memory, which torch reports in several ways, into one error."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise _out_of_memory(rows) from error
    except RuntimeError as error:
        if "allocate" in str(error) and "memory" in str(error):
            raise _out_of_memory(rows) from error
        raise


def _out_of_memory(rows: int) -> InfrastructureError:
    return InfrastructureError(
        f"out of memory on a batch of {rows} requests",
        hint="free memory, or use a smaller model or shorter prompts",
    )
