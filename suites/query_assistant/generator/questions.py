"""Draws and words whole questions: plain, how many, ranked, and lists of requests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from generator.conditions import draw_filters, draw_property, draw_time
from generator.wording import PHRASES, SCHEMA, Filter, Intent, Wording


def draw_measure(say: Wording) -> tuple[str, str]:
    """A calculation and its noun phrase."""
    roll = say.rng.random()
    if roll < 0.34:
        stat = say.rng.choice(["p50", "p95", "p95", "p99", "p99", "avg", "avg", "max"])
        noun = say.pick(PHRASES["stat_nouns"]["duration_ms"])
        name = say.pick(PHRASES["latency_stats"][stat])
        bare = name in {"p95", "p99"} and say.chance(0.3)
        return f"duration_ms.{stat}", name if bare else f"{name} {noun}"
    if roll < 0.42:
        stat = say.rng.choice(["p95", "avg", "avg", "p99", "max"])
        name, noun = PHRASES["latency_stats"][stat], PHRASES["stat_nouns"]["db_ms"]
        return f"db_ms.{stat}", f"{say.pick(name)} {say.pick(noun)}"
    if roll < 0.49:
        stat = say.rng.choice(list(PHRASES["size_stats"]))
        name, noun = PHRASES["size_stats"][stat], PHRASES["stat_nouns"]["bytes_out"]
        return f"bytes_out.{stat}", f"{say.pick(name)} {say.pick(noun)}"
    name = say.rng.choice(
        ["count"] * 5 + ["count+error"] * 5 + ["rpm"] * 4 + ["errpct"] * 6 + ["user_id.uniq"] * 5
        + ["bytes_out.sum"] * 2 + ["duration_ms.p95"] * 3
        + ["pod.uniq", "version.uniq", "endpoint.uniq"]
    )  # fmt: skip
    return name, say.pick(PHRASES["measures"][name])


def plural(noun: str) -> str:
    """An English plural that is good enough for these nouns."""
    return {"status": "statuses", "geo": "geos", "cache status": "cache statuses"}.get(
        noun, noun + "s"
    )


def place_filters(say: Wording, noun: str, filters: Sequence[Filter], counts: bool) -> str:
    """The noun phrase with its conditions around it. `counts`: the noun is itself requests."""
    before: list[str] = []
    after: list[str] = []
    needs_noun = False
    for item in say.rng.sample(list(filters), len(filters)):
        if item.adjective and not before and (item.place or counts) and say.chance(0.3):
            before.append(item.adjective)
        elif item.place:
            after.append(item.words)
        else:
            needs_noun = needs_noun or not counts
            after.append(item.words)
    if needs_noun:
        props = [item.words for item in filters if not item.place and item.words in after]
        rest = [words for words in after if words not in props]
        glue = say.pick("for requests|of requests|for calls|for reqs")
        parts = [f"{glue} {' and '.join(props)}", " ".join(rest)]
        after = parts if say.chance(0.6) else parts[::-1]
    return " ".join(part for part in [*before, noun, *after] if part)


def group_words(say: Wording, columns: Sequence[str]) -> str:
    """A breakdown: by region, per pod and status, split by plan."""
    names = " and ".join(say.pick(PHRASES["groups"][column]) for column in columns)
    form = (
        "by {n}|by {n}|per {n}|broken down by {n}|split by {n}|for each {n}|grouped by {n}|"
        "*sliced by {n}|*one line per {n}"
    )
    return say.pick(form).format(n=names)


def is_requests(measure: str) -> bool:
    """Whether the measure's noun is requests, so that properties attach to it directly."""
    return measure in {"count", "count+error"}


def taken_columns(measures: Sequence[str], per: Sequence[str]) -> set[str]:
    """Columns that a filter would make odd: the breakdown's and those calculated on."""
    taken = set(per) | {m.split(".")[0] for m in measures}
    if any(m in {"errpct", "count+error"} for m in measures):
        taken |= {"error", "status"}
    return taken


def ask_plain(say: Wording) -> tuple[str, Intent]:
    """A measure, perhaps filtered, broken down by columns or time, over a window."""
    measure, noun = draw_measure(say)
    intent = Intent([measure])
    intent.window, when, front = draw_time(say)
    group = ""
    roll = say.rng.random()
    if roll < 0.42:
        intent.per = draw_groups(say, measure)
        group = group_words(say, intent.per)
    elif roll < 0.52:
        bucket = say.rng.choice(sensible_buckets(intent.window))
        intent.per, group = [bucket], say.pick(PHRASES["buckets"][bucket])
    if say.chance(0.14):
        second, other = draw_measure(say)
        if second not in intent.measures and not {"count+error"} & {second, measure}:
            intent.measures.append(second)
            noun = f"{noun} {say.pick('and|and|&|plus')} {other}"
    intent.filters = draw_filters(say, taken_columns(intent.measures, intent.per))
    core = place_filters(say, noun, intent.filters, noun in PHRASES["holds_properties"].split("|"))
    tail = [part for part in (group, when if not front else "") if part]
    say.rng.shuffle(tail)
    return _sentence(say, core, tail, front), intent


def sensible_buckets(window: str) -> list[str]:
    """The buckets that cut this window into a readable number of pieces."""
    sizes = {"m": 1, "h": 60, "d": 1_440, "w": 10_080}
    whole = re.fullmatch(r"([0-9]+)([mhdw])", window)
    minutes = int(whole[1]) * sizes[whole[2]] if whole else 1_440 * (3 if ".." in window else 1)
    return [
        b for b in PHRASES["buckets"] if 3 <= minutes / (int(b[:-1]) * sizes[b[-1]]) <= 300
    ] or ["1m"]


def draw_groups(say: Wording, measure: str) -> list[str]:
    """One breakdown column, now and then two."""
    columns = ["service", "endpoint", "endpoint", "region", "region", "pod", "version", "plan"]
    columns += ["method", "status", "cache_hit"]
    if measure == "count+error":
        columns += ["error", "error", "user_id"]
    columns = [column for column in columns if not measure.startswith(column)]
    chosen = say.rng.choice(columns)
    if say.chance(0.12):
        return list(dict.fromkeys([chosen, say.rng.choice(columns)]))
    return [chosen]


def _sentence(say: Wording, core: str, tail: list[str], front: str) -> str:
    if front:
        return " ".join([front, core, *tail])
    roll = say.rng.random()
    if roll < 0.34:
        return " ".join([core, *tail])
    if roll < 0.5:
        return f"{say.pick(PHRASES['asks'])} {' '.join([core, *tail])}?"
    if roll < 0.82:
        return " ".join([say.pick(PHRASES["openers"]), core, *tail])
    if roll < 0.9 and len(tail) == 2:
        return f"{tail[0]}, {core} {tail[1]}"
    return f"{core} {', '.join(tail)}".strip() + say.pick("?|?||, pls|*, thx")


def ask_how_many(say: Wording) -> tuple[str, Intent]:
    """How many requests, errors, users."""
    measure = say.rng.choice(
        ["count"] * 5 + ["count+error"] * 3 + ["user_id.uniq"] * 4
        + ["pod.uniq", "version.uniq", "endpoint.uniq"]
    )  # fmt: skip
    noun = say.pick(PHRASES["how_many"][measure])
    intent = Intent([measure])
    if say.chance(0.22):
        intent.per = draw_groups(say, measure)
    taken = taken_columns([measure], intent.per) | {"plan", "method"}
    intent.window, when, _ = draw_time(say)
    if measure == "user_id.uniq" and say.chance(0.5):
        item = draw_property(say)
        while item.column in taken:
            item = draw_property(say)
        verb = say.pick("saw requests|had requests|made requests|had calls")
        places = draw_filters(say, taken | {item.column})
        intent.filters = [item, *[f for f in places if f.place][:1]]
        words = f"{noun} {verb} {' '.join(f.words for f in intent.filters)}"
    else:
        intent.filters = draw_filters(say, taken)
        if measure not in {"count", "count+error"}:
            intent.filters = [f for f in intent.filters if f.place]
        words = place_filters(say, noun, intent.filters, counts=True)
    head = say.pick("how many {w}|how many {w}|count of {w}|count {w}|*total {w}|*tally of {w}")
    parts = [head.format(w=words)]
    if intent.per:
        parts.append(group_words(say, intent.per))
    parts.append(when)
    return " ".join(p for p in parts if p) + say.pick("?||?"), intent


def ask_ranked(say: Wording) -> tuple[str, Intent]:
    """The most or least of something: top 5 endpoints by p95, which pod errors most."""
    column = say.rng.choice(
        ["endpoint"] * 5 + ["service"] * 3 + ["pod"] * 2 + ["region"] * 2
        + ["version", "user_id", "plan"]
    )  # fmt: skip
    thing = say.pick(PHRASES["groups"][column])
    many = say.rng.choice([3, 3, 5, 5, 5, 10, 10, 20])
    intent, head = _ranked_head(say, column, thing, many)
    intent.per = [column]
    intent.filters = draw_filters(say, taken_columns(intent.measures, intent.per) | {"error"})
    if not is_requests(intent.measures[0]):
        intent.filters = [f for f in intent.filters if f.place]
    intent.filters = intent.filters[:2]
    intent.window, when, front = draw_time(say)
    words = [
        f.words if f.place else f"{say.pick('for requests|for calls')} {f.words}"
        for f in intent.filters
    ]
    parts = [front, head, *words, "" if front else when]
    if head.startswith("which"):
        parts = [head, *words, when]
    question = "?" if head.startswith("which") and say.chance(0.7) else ""
    opener = ""
    if not front and not head.startswith("which") and say.chance(0.35):
        opener = say.pick(PHRASES["openers"])
        head_article = "the " if say.chance(0.5) else ""
        parts[1] = head_article + head
    return " ".join(part for part in [opener, *parts] if part) + question, intent


def _ranked_head(say: Wording, column: str, thing: str, many: int) -> tuple[Intent, str]:
    """The intent's measure and rank, with the words that ask for them."""
    things = plural(thing)
    shape = say.rng.choice(["number"] * 5 + ["open", "one", "one"])
    limit = {"number": f"high {many}", "open": "", "one": "high 1"}[shape]
    if say.chance(0.4):
        measure = say.rng.choice(["duration_ms.p95", "count", "count+error", "user_id.uniq"])
        if column == "user_id" and measure == "user_id.uniq":
            measure = "count"
        head = say.pick(PHRASES["ranked"][measure][shape])
        return Intent([measure], rank=limit), head.format(n=many, ts=things, t=thing)
    measure, noun = draw_measure(say)
    while measure.startswith(column) or measure in {"duration_ms.p95", "count+error"}:
        measure, noun = draw_measure(say)
    table = PHRASES["highest"]
    if say.chance(0.25):
        table = PHRASES["lowest"]
        limit = limit.replace("high", "low") or "low"
    head = say.pick(table[shape])
    return Intent([measure], rank=limit), head.format(n=many, ts=things, t=thing, m=noun)


def ask_rows(say: Wording) -> tuple[str, Intent]:
    """Raw requests: some columns, newest first or ranked by a column."""
    columns = [
        column
        for column in SCHEMA
        if column in say.rng.sample(SCHEMA, say.rng.choice([1, 2, 2, 3]))
    ] or ["endpoint"]
    intent = Intent([], rows=columns)
    words = PHRASES["row_columns"]
    listed = [say.pick(words.get(column, column)) for column in columns]
    names = ", ".join(listed[:-1]) + " and " + listed[-1] if len(listed) > 1 else listed[0]
    many = say.rng.choice([5, 10, 10, 20, 25, 100])
    key = say.rng.choice(["", "", "duration_ms", "duration_ms", "db_ms", "bytes_out"])
    if key:
        intent.rank = f"high {many} {key}"
        size = {"duration_ms": "slowest", "db_ms": "most db-heavy", "bytes_out": "largest"}[key]
        noun = f"{many} {size} {say.pick('requests|requests|calls')}"
    else:
        intent.rank = f"high {many}"
        noun = f"{say.pick('last|latest|most recent')} {many} {say.pick('requests|calls|reqs')}"
    taken = {"duration_ms", "db_ms", "bytes_out"} | set(columns)
    intent.filters = draw_filters(say, taken)
    intent.window, when, _ = draw_time(say)
    subject = place_filters(say, noun, [f for f in intent.filters if not f.adjective], counts=True)
    intent.filters = [f for f in intent.filters if not f.adjective]
    form = say.pick(PHRASES["row_lists"])
    text = form.format(c=names, s=subject, w=when)
    return re.sub(r" +([,:]|$)", r"\1", text), intent


FRAMES = (
    [ask_plain] * 11 + [ask_how_many] * 4 + [ask_ranked] * 5 + [ask_rows] * 2
)  # relative frequencies


def roughen(say: Wording, text: str) -> str:
    """What typing does to a question: case, question marks, short forms, a typo now and then."""
    if say.chance(0.10):
        text = say.pick(PHRASES["greetings"]) + text
    if say.chance(0.15):
        old, new = say.rng.choice(list(PHRASES["abbreviations"].items()))
        text = text.replace(old, new, 1)
    if say.chance(0.30):
        text = text[0].upper() + text[1:] if text[0].isalpha() and "'" not in text[:2] else text
    if say.chance(0.06):
        present = [
            word for word in PHRASES["typo_words"].split("|") if re.search(rf"\b{word}\b", text)
        ]
        if present:
            word = say.rng.choice(present)
            spot = say.rng.randrange(1, len(word) - 2)
            wrong = word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :]
            text = re.sub(rf"\b{word}\b", wrong, text, count=1)
    return re.sub(r"\s+", " ", text).strip()
