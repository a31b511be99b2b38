"""Personal data: addresses of mail and of computers, telephone, card and account numbers.

Each number is checked as its issuer would: cards by length, prefix and Luhn's digit (ISO/IEC
7812), accounts by IBAN's (ISO 13616) through `stdnum`, telephone numbers by the numbering plans
through `phonenumbers`. What is reserved for examples is no one's (RFC 2606, 5737, 6761).
Names of people and postal addresses are not looked for.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice

from evals.records import Finding
from tuning.data.dataset import Example
from tuning.data.lint.rows import remark
from tuning.data.lint.secrets import Find, lint_found

_MAIL = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})\b")
_RESERVED = re.compile(r"(?:^|\.)(?:example(?:\.(?:com|net|org))?|test|invalid|localhost|local)$")
# Four numbers with dots are a version as often: no fifth number, no "v" or "version" before.
_IPV4 = re.compile(r"(?<![\w.-])((?:[0-9]{1,3}\.){3}[0-9]{1,3})(?![\w-]|\.[0-9])")
_VERSION = re.compile(r"(?:version|release|v|build)[ :=]{0,3}$", re.IGNORECASE)
_IPV6 = re.compile(r"(?<![\w:.])[0-9A-Fa-f]{1,4}(?::{1,2}[0-9A-Fa-f]{1,4}){3,7}(?![\w:])")
_CARD = re.compile(r"(?<![\w.+-])[0-9](?:[ -]?[0-9]){12,18}(?![\w]|[.-][0-9])")
_IBAN = re.compile(r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?\b")
# With a country's code; or three, three and four digits, as written in North America.
_PLUS = re.compile(r"(?<![\w+])\+[1-9][0-9 ().-]{6,20}[0-9](?!\w)")
_AMERICAN = re.compile(
    r"(?<![\w.-])(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}-)[2-9][0-9]{2}-[0-9]{4}(?![\w-])"
)


# Of one text so many are checked and counted.
_MOST = 1_000


def lint_personal(examples: Sequence[Example]) -> Iterator[Finding]:
    """Rows with personal data, and what was not looked for, where a library is missing."""
    yield from lint_found(examples, _finder(), "personal_data", "personal data")
    missing = [
        what
        for module, what in (
            ("phonenumbers", "telephone numbers"),
            ("stdnum", "card and account numbers"),
        )
        if not importlib.util.find_spec(module)
    ]
    if missing:
        text = f"{' and '.join(missing)} were not looked for: pip install 'tunegate[tune]'"
        yield remark("not_looked_for", text)


def personal_in(text: str) -> Mapping[str, int]:
    """How many of each kind a text holds."""
    return _finder()(text)


def _finder() -> Find:
    kinds: list[tuple[str, Callable[[str], int]]] = [
        ("e-mail address", _mails),
        ("IP address", _hosts),
    ]
    if importlib.util.find_spec("stdnum"):
        kinds += [("card number", _cards), ("IBAN", _ibans)]
    if importlib.util.find_spec("phonenumbers"):
        kinds.append(("telephone number", _phones))

    def find(text: str) -> Mapping[str, int]:
        return Counter({name: count for name, of in kinds if (count := of(text))})

    return find


def _mails(text: str) -> int:
    if "@" not in text:
        return 0
    return sum(
        not _RESERVED.search(found[1].lower()) for found in islice(_MAIL.finditer(text), _MOST)
    )


def _hosts(text: str) -> int:
    count = 0
    for found in islice(_IPV4.finditer(text), _MOST):
        before = text[max(0, found.start() - 12) : found.start()]
        count += not _VERSION.search(before) and _is_public(found[1])
    if text.count(":") > 2:
        count += sum(_is_public(found[0]) for found in islice(_IPV6.finditer(text), _MOST))
    return count


def _is_public(text: str) -> bool:
    """Whether this is somebody's address: not private, reserved, of documentation or 8.8.8.8."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return address.is_global and len(set(text.replace(".", ""))) > 1


def _cards(text: str) -> int:
    from stdnum import luhn

    numbers = (re.sub("[ -]", "", found[0]) for found in islice(_CARD.finditer(text), _MOST))
    return sum(_is_card(number) and luhn.is_valid(number) for number in numbers)


def _is_card(number: str) -> bool:
    """Whether prefix and length are those of a scheme.

    American Express, Diners, Discover, JCB, Mastercard or Visa.
    """
    first, size = int(number[:4]), len(number)
    if size == 15:
        return first // 100 in (34, 37)
    if size == 14:
        return first // 100 in (36, 38, 39) or 3000 <= first <= 3059
    if size not in (13, 16, 19):
        return False
    if first // 1000 == 4:
        return True
    return size == 16 and (
        5100 <= first <= 5599
        or 2221 <= first <= 2720
        or first == 6011
        or 6440 <= first <= 6599
        or 3528 <= first <= 3589
    )


def _ibans(text: str) -> int:
    from stdnum import iban

    count = 0
    for found in islice(_IBAN.finditer(text), _MOST):
        words = found[0].split(" ")  # capitals that follow an account may look like a part of it
        count += any(iban.is_valid("".join(words[:n])) for n in range(len(words), 0, -1))
    return count


def _phones(text: str) -> int:
    import phonenumbers

    def valid(number: str, region: str | None) -> bool:
        try:
            return bool(phonenumbers.is_valid_number(phonenumbers.parse(number, region)))
        except phonenumbers.NumberParseException:
            return False

    count = (
        sum(valid(found[0], None) for found in islice(_PLUS.finditer(text), _MOST))
        if "+" in text
        else 0
    )
    return count + sum(
        valid(found[0], "US") and "555-01" not in found[0]
        for found in islice(_AMERICAN.finditer(text), _MOST)
    )
