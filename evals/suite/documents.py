"""The documents of a suite: a folder of texts or one JSONL file, and how they are cut.

    documents: documents/          # .md and .txt; a file's stem is its id
    documents: documents.jsonl     # {"id": "faq-3", "title": "Refunds", "text": "..."}
    retrieval: {chunk_words: 160, overlap_words: 40}

They are untrusted like everything of a suite: bounded, read as UTF-8, and inside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from evals.errors import SuiteError
from evals.records import Case
from evals.suite.cases import read_name, refuse_surrogates
from evals.suite.inside import inner_folder, resolve_inner, resolved
from evals.suite.section import Section, suggestion
from evals.suite.source import read_jsonl, read_text
from evals.suite.spec import Document, RetrievalSpec

KEYS = ("id", "title", "text")
ENDINGS = (".md", ".txt")
MAX_DOCUMENTS = 20_000
MAX_DOCUMENT_BYTES = 1 << 20
MAX_BYTES = 64 << 20
MAX_TITLE = 300
MAX_CHUNK_WORDS = 2_000

_HEADING = re.compile(r"^ {0,3}#{1,6}[ \t]+(.+?)[ \t]*#*[ \t]*$", re.MULTILINE)


def read_documents(top: Section, root: Path) -> tuple[Document, ...]:
    """The documents that `documents` of the manifest names; none where it names none.

    Of a folder in the order of file names, of a file in its own order. Raises SuiteError with
    path, line and key for a path that leads out of the suite, another kind of file, bad UTF-8,
    an empty text, an id twice, and more documents or bytes than are allowed.
    """
    if not top.has("documents"):
        return ()
    named = top.text("documents")
    if named.endswith(".jsonl"):
        documents = list(_from_file(resolve_inner(root, named, top, "documents")))
    else:
        documents = list(_from_folder(inner_folder(root, named, top, "documents"), root, top))
    if not documents:
        top.fail(
            f"{named!r} holds no documents",
            "documents",
            hint=f"add {' or '.join(ENDINGS)} files, or lines of a .jsonl file",
        )
    return tuple(documents)


def read_retrieval(top: Section) -> RetrievalSpec:
    """How documents are cut. Raises SuiteError for sizes that make no sense."""
    section, default = top.section("retrieval"), RetrievalSpec()
    section.only("chunk_words", "overlap_words")
    if section.values and not top.has("documents"):
        top.fail(
            "retrieval is stated, and the suite has no documents",
            "retrieval",
            hint="add `documents: documents/`",
        )
    words = default.chunk_words
    if section.has("chunk_words"):
        words = section.integer("chunk_words", low=10, high=MAX_CHUNK_WORDS)
    overlap = min(default.overlap_words, words // 4)
    if section.has("overlap_words"):
        overlap = section.integer("overlap_words", low=0, high=words // 2)
    return RetrievalSpec(words, overlap)


def refuse_unknown_documents(cases: Iterable[Case], documents: Iterable[Document]) -> None:
    """Raise SuiteError where a case names a document that is not there, with the closest id.

    Where the suite has no documents nothing is read of what cases name.
    """
    known = {document.id for document in documents}
    for case in cases if known else ():
        for name in case.documents:
            if name not in known:
                raise SuiteError(
                    f"case {case.id!r} names the document {name!r}, and there is none",
                    path=case.path,
                    line=case.line,
                    key="documents",
                    hint=suggestion(name, known),
                )


def _from_folder(folder: Path, root: Path, top: Section) -> Iterator[Document]:
    paths = sorted(islice(folder.iterdir(), MAX_DOCUMENTS + 1), key=lambda path: path.name)
    _refuse_many(len(paths), folder)
    seen: dict[str, Path] = {}
    total = 0
    for path in paths:
        if path.name.startswith("."):
            continue
        _refuse_strange(path, root, top)
        text = read_text(path, max_bytes=MAX_DOCUMENT_BYTES)
        total += len(text.encode("utf-8"))
        _refuse_bytes(total, folder)
        document = _titled(_row(path, {"id": path.stem, "text": text}, 1))
        if (first := seen.setdefault(document.id, path)) is not path:
            raise SuiteError(
                f"the document {document.id!r} is there twice, first as {first.name}",
                path=path,
                hint="a file's name without its ending is its id",
            )
        yield document


def _from_file(path: Path) -> Iterator[Document]:
    seen: dict[str, int] = {}
    for number, line in enumerate(read_jsonl(path, max_bytes=MAX_BYTES), 1):
        _refuse_many(number, path)
        row = _row(path, line.value, line.number)
        title = row.text("title").strip() if row.has("title") else ""
        if len(title) > MAX_TITLE or "\n" in title:
            row.expect(f"a title of one line, at most {MAX_TITLE} characters", "title")
        identity = read_name(row, "id")
        if (first := seen.setdefault(identity, line.number)) != line.number:
            row.fail(f"id {identity!r} appears twice, first on line {first}", "id")
        text = row.text("text")
        if len(text.encode("utf-8")) > MAX_DOCUMENT_BYTES:
            row.fail(f"the text is longer than {MAX_DOCUMENT_BYTES} bytes", "text")
        yield Document(identity, text.strip(), title)


def _row(path: Path, values: dict[str, object], line: int) -> Section:
    row = Section(path, values, line)
    row.only(*KEYS)
    row.require("id", "text")
    refuse_surrogates(row)
    return row


def _titled(row: Section) -> Document:
    """A file's document: its first heading is the title, and leaves the text it begins."""
    text = row.text("text").strip()
    heading = _HEADING.search(text) if row.path.suffix.lower() == ".md" else None
    title = heading.group(1)[:MAX_TITLE] if heading else ""
    if heading and heading.start() == 0:
        text = text[heading.end() :].strip() or text
    return Document(read_name(row, "id"), text, title)


def _refuse_strange(path: Path, root: Path, top: Section) -> None:
    """Refuse what is no text file in the suite: silently left out, it would be missed."""
    if not resolved(path, top, "documents").is_relative_to(root.resolve()):
        raise SuiteError("is a link that leads out of the suite", path=path, key="documents")
    if path.suffix.lower() not in ENDINGS or not path.is_file():
        raise SuiteError(
            f"expected a text file that ends in {' or '.join(ENDINGS)}",
            path=path,
            key="documents",
            hint="all documents stand in one folder, without folders in it; convert other formats "
            "to text, and keep other files elsewhere",
        )


def _refuse_many(count: int, path: Path) -> None:
    if count > MAX_DOCUMENTS:
        raise SuiteError(
            f"holds more than {MAX_DOCUMENTS:,} documents",
            path=path,
            key="documents",
            hint="an eval needs those its cases rest on, and enough others to be told from them",
        )


def _refuse_bytes(total: int, path: Path) -> None:
    if total > MAX_BYTES:
        raise SuiteError(
            f"the documents have more than {MAX_BYTES:,} bytes", path=path, key="documents"
        )
