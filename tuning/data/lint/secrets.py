"""Keys, tokens and passwords in the data, by the forms that their issuers give them.

Only forms that cannot well be anything else: a fixed prefix with its length and alphabet, as the
issuers document them for secret scanners. Guesses by entropy are left out; real text is full of
what looks random. No finding shows a secret or a part of it.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from evals.records import Finding
from tuning.data.dataset import Example
from tuning.data.lint.rows import about, count_of

Find = Callable[[str], Mapping[str, int]]
"""How often each kind of thing stands in a text."""


class _Form(NamedTuple):
    """What a secret is called, a text that each such holds, and its form. All runs are bounded."""

    name: str
    holds: str
    pattern: re.Pattern[str]


_FORMS = tuple(
    _Form(name, holds, re.compile(pattern))
    for name, holds, pattern in (
        # docs.aws.amazon.com, IAM identifiers: prefixes of unique ids, base32.
        ("AWS access key id", "A", r"\b(?:AKIA|ASIA)[A-Z2-7]{16}\b"),
        # docs.github.com, "Token formats": prefixes since 2021.
        ("GitHub token", "gh", r"\bgh[pousr]_[A-Za-z0-9]{36,251}\b"),
        ("GitHub token", "github_pat_", r"\bgithub_pat_[A-Za-z0-9_]{82}\b"),
        ("GitLab token", "glpat-", r"\bglpat-[\w-]{20,64}"),
        # api.slack.com, "Token types" and "Incoming webhooks".
        ("Slack token", "xox", r"\bxox[abeoprs]-[0-9A-Za-z-]{10,200}"),
        (
            "Slack webhook",
            "hooks.slack.com",
            r"hooks\.slack\.com/services/T\w{6,16}/B\w{6,16}/\w{20,32}",
        ),
        ("Stripe key", "k_", r"\b[rs]k_(?:live|test)_[0-9A-Za-z]{16,128}\b"),
        ("OpenAI key", "sk-", r"\bsk-[\w-]{16,180}T3BlbkFJ[\w-]{16,180}"),
        ("Anthropic key", "sk-ant-", r"\bsk-ant-[\w-]{32,160}"),
        ("Google API key", "AIza", r"\bAIza[\w-]{35}(?![\w-])"),
        ("Google client secret", "GOCSPX-", r"\bGOCSPX-[\w-]{28}(?![\w-])"),
        ("Hugging Face token", "hf_", r"\bhf_[A-Za-z0-9]{34}\b"),
        ("npm token", "npm_", r"\bnpm_[A-Za-z0-9]{36}\b"),
        ("PyPI token", "pypi-", r"\bpypi-AgEIcHlwaS5vcmc[\w-]{50,300}"),
        ("SendGrid key", "SG.", r"\bSG\.[\w-]{22}\.[\w-]{43}(?![\w-])"),
        # RFC 7468 (and OpenPGP's armour); the key itself may stand on other lines.
        ("private key", "PRIVATE KEY", r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"),
        # RFC 7519: two JSON objects in base64url begin with eyJ, for '{"'.
        ("JSON web token", "eyJ", r"\beyJ[\w-]{8,200}\.eyJ[\w-]{8,800}\.[\w-]{16,800}"),
        # RFC 3986, 3.2.1: user:password@host.
        (
            "password in an address",
            "://",
            r"(?<![a-z0-9+.-])[a-z][a-z0-9+.-]{1,20}://[^\s/:@\"']{1,64}:[^\s/:@\"'{}<>$]{3,64}@",
        ),
    )
)

# A private key with its headers, its lines in base64 and its end; in JSON line ends are `\n`.
_BREAK = r"(?:\s|\\[nr])*+"
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
    rf"(?:{_BREAK}(?:[A-Z][A-Za-z-]{{2,20}}: [^\n\\]{{0,200}}|[A-Za-z0-9+/=]{{8,}}+))*+"
    rf"(?:{_BREAK}[A-Za-z0-9+/=]{{0,7}}{_BREAK}-----END [A-Z0-9 ]{{0,40}}-----)?"
)


def secrets_in(text: str) -> Mapping[str, int]:
    """How many secrets of each kind a text holds."""
    found: Counter[str] = Counter()
    for form in _FORMS:
        if form.holds in text and (count := sum(1 for _ in form.pattern.finditer(text))):
            found[form.name] += count
    return found


def masked(text: str) -> str:
    """A text with every secret replaced, to be quoted; of private keys what follows, too."""
    if "PRIVATE KEY" in text:
        text = _PRIVATE_KEY.sub("[secret]", text)
    for form in _FORMS:
        if form.holds in text:
            text = form.pattern.sub("[secret]", text)
    return text


def lint_secrets(examples: Sequence[Example]) -> Iterator[Finding]:
    """Rows with secrets in a message or the answer."""
    yield from lint_found(examples, secrets_in, "secrets", "secrets")


def lint_found(examples: Sequence[Example], find: Find, code: str, what: str) -> Iterator[Finding]:
    """One finding on all rows in which something was found: kinds with counts, rows, no text.

    A text that stands in many rows counts once.
    """
    known: dict[str, Mapping[str, int]] = {}
    totals: Counter[str] = Counter()
    rows: list[Example] = []
    for example in examples:
        hit = False
        for text in texts_of(example):
            if text not in known:
                known[text] = find(text)
                totals.update(known[text])
            hit = hit or bool(known[text])
        if hit:
            rows.append(example)
    if rows:
        kinds = _kinds(totals.items())
        text = f"{what} in {count_of(len(rows), 'row')}, not shown here ({kinds})"
        yield about(code, text, rows)


def texts_of(example: Example) -> Iterator[str]:
    """All that a row says."""
    for message in example.messages:
        yield message.content
    yield example.answer


def _kinds(counts: Iterable[tuple[str, int]]) -> str:
    groups: dict[str, int] = defaultdict(int)
    for name, count in counts:
        groups[name] += count
    return ", ".join(
        f"{name}: {count:,}" for name, count in sorted(groups.items(), key=lambda kv: -kv[1])
    )
