"""`tool_calls@1`: the calls that a model asked for are those that are expected."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from evals.records import Case, Json, Output, Part, Score
from evals.scorers.options import Options
from evals.scorers.plain import case_error, printable
from evals.scorers.protocol import Scorer
from evals.scorers.structured.call_match import Matcher
from evals.scorers.structured.call_values import Rule
from evals.scorers.structured.called import MAX_CALLS, Call, CallsError, calls_of

MAX_UNEXPECTED = 20  # arguments and calls nobody expected that become parts of a score


@dataclass(frozen=True)
class ToolCallScorer:
    """Pairs the calls made with those expected, and gives the share that is right, or 1 or 0."""

    rule: Rule
    ordered: bool
    extra: bool
    partial: bool

    def check(self, case: Case) -> None:
        """Raise ScorerError where `case.expected` is no list of calls."""
        _expected(case)

    def __call__(self, case: Case, output: Output) -> Score:
        """Judge the output's calls, or those in its text."""
        wanted = _expected(case)
        try:
            got = calls_of(output)
        except CallsError as error:
            return Score(0.0, f"the calls cannot be read: {printable(str(error))}", "bad_json")
        if not wanted or not got:
            return _without_pairs(wanted, got)
        matcher = Matcher(self.rule)
        chosen = matcher.assign(wanted, got, ordered=self.ordered)
        pairs = list(zip(wanted, [None if n is None else got[n] for n in chosen], strict=True))
        values = [0.0 if found is None else matcher.pair(one, found) for one, found in pairs]
        unasked = [call for n, call in enumerate(got) if n not in set(chosen)]
        parts = tuple(self._parts(matcher, pairs, unasked))
        count = len(wanted) if self.extra else max(len(wanted), len(got))
        if all(value == 1.0 for value in values) and count == len(wanted):
            return Score(1.0, parts=parts)
        kind, reason = self._fault(matcher, pairs, values, got)
        return Score(sum(values) / count if self.partial else 0.0, reason, kind, parts)

    def close(self) -> None:
        """Nothing to release."""

    def _fault(
        self,
        matcher: Matcher,
        pairs: Sequence[tuple[Call, Call | None]],
        values: Sequence[float],
        got: Sequence[Call],
    ) -> tuple[str, str]:
        wanted = [one for one, _ in pairs]
        if self.ordered and min(values) < 1.0 and _all_are_there(matcher, wanted, got):
            return "wrong_order", f"the calls come in another order: {_names(got)}"
        for (one, found), value in zip(pairs, values, strict=True):
            if found is None:
                return _absent(one.name, wanted, got)
            if found.arguments is None and value < 1.0:
                return "bad_json", f"{one.name}: {printable(found.fault)}"
            if value < 1.0:
                keys = matcher.keys(one, found)
                wrong = [key for key in keys if not matcher.agrees(key, one, found)]
                return "wrong_arguments", f"{one.name}: {self._told(wrong[0], one, found)}"
        return "extra_call", f"{len(wanted)} calls expected, got {len(got)}: {_names(got)}"

    def _told(self, key: str, expected: Call, got: Call) -> str:
        wanted, found = _shown(expected, key), _shown(got, key)
        name = printable(key, 60)
        if wanted is None:
            return f"the argument {name} is not expected"
        return f"{name}: expected {wanted}, got {found or 'nothing'}"

    def _parts(
        self,
        matcher: Matcher,
        pairs: Sequence[tuple[Call, Call | None]],
        unasked: Sequence[Call],
    ) -> Iterator[Part]:
        for one, found in pairs:
            made = None if found is None else found.name
            yield Part("field", one.name, float(found is not None), one.name, made)
            strangers = 0
            for key in matcher.keys(one, found or Call(one.name)):
                strangers += key not in (one.arguments or {})
                if strangers > MAX_UNEXPECTED and key not in (one.arguments or {}):
                    continue
                right = found is not None and matcher.agrees(key, one, found)
                name = f"{one.name}.{printable(key, 60)}"
                got = None if found is None else _shown(found, key)
                yield Part("field", name, float(right), _shown(one, key), got)
        for call in unasked[:MAX_UNEXPECTED]:
            name = printable(call.name, 60)
            yield Part("field", name, float(self.extra), None, name)


def _all_are_there(matcher: Matcher, wanted: Sequence[Call], got: Sequence[Call]) -> bool:
    """Whether every expected call was made, in whatever order."""
    chosen = matcher.assign(wanted, got, ordered=False)
    pairs = zip(wanted, chosen, strict=True)
    return all(n is not None and matcher.pair(one, got[n]) == 1.0 for one, n in pairs)


def _absent(name: str, wanted: Sequence[Call], got: Sequence[Call]) -> tuple[str, str]:
    """Kind and reason where no call stands for one that is expected of this tool."""
    most = sum(call.name == name for call in wanted)
    made = sum(call.name == name for call in got)
    if made == 0:
        return "wrong_tool", f"{name} is not called; called: {_names(got)}"
    if made >= most:
        return "wrong_order", f"{name} is not called where it is expected; called: {_names(got)}"
    times = "once" if made == 1 else f"{made} times"
    kind = "no_call" if len(got) < len(wanted) else "wrong_tool"  # called in its place
    return kind, f"{name} is called {times} instead of {most} times; called: {_names(got)}"


def _without_pairs(wanted: Sequence[Call], got: Sequence[Call]) -> Score:
    parts = tuple(Part("field", one.name, 0.0, one.name, None) for one in wanted)
    if wanted:
        return Score(0.0, f"{wanted[0].name} is not called: there is no call", "no_call", parts)
    if got:
        return Score(0.0, f"no call is expected, got {_names(got)}", "extra_call")
    return Score(1.0)


def _names(calls: Sequence[Call]) -> str:
    more = f" and {len(calls) - 5} more" if len(calls) > 5 else ""
    return ", ".join(printable(call.name, 60) for call in calls[:5]) + more


def _shown(call: Call, key: str) -> str | None:
    if call.arguments is None or key not in call.arguments:
        return None
    text = json.dumps(call.arguments[key], sort_keys=True)
    return text if len(text) <= 80 else text[:79] + "…"


def _expected(case: Case) -> list[Call]:
    """The case's calls; raises ScorerError where it has none that could be compared."""
    if isinstance(case.expected, list | tuple) and len(case.expected) <= MAX_CALLS:
        calls = [_stated(item) for item in case.expected]
        if None not in calls:
            return [call for call in calls if call is not None]
    raise case_error(
        case,
        f"expected must be a list of at most {MAX_CALLS} calls, not {case.expected!r:.80}",
        hint='as [{"name": "search", "arguments": {"query": "x"}}], or [] for no call',
    )


def _stated(item: Json) -> Call | None:
    if not isinstance(item, Mapping) or not set(item) <= {"name", "arguments"}:
        return None
    name, arguments = item.get("name"), item.get("arguments", {})
    if not isinstance(name, str) or not name or not isinstance(arguments, Mapping):
        return None
    return Call(name, arguments)


def tool_calls(options: Options) -> Scorer:
    """`tool_calls@1`: the output's tool calls, or those in its text, are `case.expected`.

    Options: `order` (false), `arguments` ("exact", "subset", "names_only"), `ignore` (names of
    arguments), `strings` ("exact", "normalized"), `abs` and `rel` (tolerances of numbers),
    `extra_calls` (false), `partial` (false: 1 or 0). Where `expected` is an empty list the model
    must not call. Kinds: "bad_json", "no_call", "wrong_order", "wrong_tool", "wrong_arguments",
    "extra_call".
    """
    mode = options.one_of("arguments", ("exact", "subset", "names_only"), default="exact")
    rule = Rule(
        arguments="subset" if mode == "subset" else "exact" if mode == "exact" else "names_only",
        ignore=frozenset(options.texts("ignore") if options.has("ignore") else ()),
        normalised=options.one_of("strings", ("exact", "normalized"), default="exact") != "exact",
        absolute=options.number("abs", default=0.0),
        relative=options.number("rel", default=0.0),
    )
    return ToolCallScorer(
        rule,
        ordered=options.flag("order", default=False),
        extra=options.flag("extra_calls", default=False),
        partial=options.flag("partial", default=False),
    )
