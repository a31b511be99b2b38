"""Draws the conditions and the time of a question, each with its wording."""

from __future__ import annotations

from collections.abc import Iterable

from generator.wording import PHRASES, VALUES, Filter, Wording


def draw_time(say: Wording) -> tuple[str, str, str]:
    """A window: canonical text, wording at the end, wording at the front (perhaps empty)."""
    roll = say.rng.random()
    if roll < 0.50:
        return _relative_time(say)
    if roll < 0.64:
        window, words = say.rng.choice(
            [
                ("today", "today|so far today|today only"),
                ("yesterday", "yesterday|yday|*all of yesterday"),
                ("yesterday..today", "since yesterday"),
            ]
        )
        front = f"{window}'s" if window in {"today", "yesterday"} and say.chance(0.3) else ""
        return window, say.pick(words), front
    if roll < 0.74:
        return _date_time(say)
    if roll < 0.82:
        day = say.rng.choice(["monday", "tuesday", "wednesday", "thursday", "friday", "saturday"])
        if say.chance(0.5):
            return f"{day[:3]}..today", say.pick(f"since {day}|from {day} on|since {day[:3]}"), ""
        return day[:3], say.pick(f"on {day}|last {day}|{day}|on {day[:3]}"), ""
    return "1h", "", ""


def _relative_time(say: Wording) -> tuple[str, str, str]:
    amount, unit = say.rng.choice(
        [(n, "m") for n in (5, 10, 15, 20, 30, 45, 90)]
        + [(n, "h") for n in (1, 1, 2, 3, 4, 6, 8, 12, 24, 24)]
        + [(n, "d") for n in (2, 3, 5, 7, 10)]
        + [(n, "w") for n in (1, 2)]
    )
    window = {(24, "h"): "1d", (7, "d"): "1w"}.get((amount, unit), f"{amount}{unit}")
    long = {"m": "minutes|mins|min", "h": "hours|hrs|hours", "d": "days", "w": "weeks"}[unit]
    if amount == 1:
        span = say.pick({"h": "hour|hour|hr|1h", "w": "week|week|7 days"}[unit])
    else:
        span = say.pick(f"{amount}{unit}|{amount} {say.pick(long)}|{amount} {say.pick(long)}")
    form = say.pick(
        "last {s}|past {s}|in the last {s}|over the past {s}|over the last {s}|in past {s}|"
        "for the last {s}|within the last {s}|*going back {s}"
    )
    front = f"last {span}:" if say.chance(0.08) else ""
    return window, form.format(s=span), front


def _date_time(say: Wording) -> tuple[str, str, str]:
    month = say.rng.choice(
        ["january", "february", "march", "april", "june", "september", "october"]
    )
    short, first = month[:3], say.rng.randint(1, 24)
    last = first + say.rng.randint(1, 4)
    if say.chance(0.6):
        words = say.pick(
            f"on {month} {first}|on {short} {first}|{first} {short}|on {first} {month}"
        )
        return f"{short}{first:02}", words, ""
    words = say.pick(
        f"between {short} {first} and {short} {last}|from {month} {first} to {last}|"
        f"{short} {first}-{last}|from {first} to {last} {month}"
    )
    return f"{short}{first:02}..{short}{last:02}", words, ""


def draw_place(say: Wording) -> Filter:
    """A condition that says where: attaches to any noun."""
    column = say.rng.choice(
        ["service"] * 7 + ["endpoint"] * 3 + ["region"] * 4
        + ["pod", "version", "version", "plan", "plan", "user_id", "method"]
    )  # fmt: skip
    if column == "region" and say.chance(0.3):
        return _region_variant(say)
    if column == "endpoint" and say.chance(0.4):
        return _endpoint_variant(say)
    if column == "service" and say.chance(0.12):
        one, two = say.some(VALUES["service"], 2)
        words = say.pick(f"on {one} and {two}|for {one} or {two}|across {two} and {one}")
        return Filter(f"service=[{one}, {two}]", words)
    value = say.pick(VALUES[column])
    shown = value.replace("-", " ") if column == "region" and say.chance(0.15) else value
    words = say.pick(PHRASES["places"][column]).format(v=shown)
    adjective = shown if column in {"service", "region", "method", "plan"} else ""
    return Filter(f"{column}={value.lower()}", words, adjective=adjective)


def _region_variant(say: Wording) -> Filter:
    one, two = say.some(VALUES["region"], 2)
    if say.chance(0.5):
        words = say.pick(
            f"in {one} and {two}|in {two} or {one}|for {one} + {two}|*in {two} plus {one}"
        )
        return Filter(f"region=[{one}, {two}]", words)
    words = say.pick(
        f"outside {one}|not in {one}|everywhere but {one}|excluding {one}|*minus {one}"
    )
    return Filter(f"region!={one}", words)


def _endpoint_variant(say: Wording) -> Filter:
    if say.chance(0.6):
        prefix = say.pick(VALUES["endpoint_prefix"])
        words = say.pick(
            f"under {prefix}|for anything under {prefix}|on {prefix}/*|on endpoints starting with "
            f"{prefix}|for paths beginning with {prefix}|*below {prefix}"
        )
        return Filter(f"endpoint^{prefix}", words)
    word = say.pick(VALUES["endpoint_word"])
    words = say.pick(
        f"on endpoints containing {word}|with {word} in the path|on any {word} endpoint|"
        f"where the route contains {word}|*on whatever has {word} in the url"
    )
    return Filter(f"endpoint~{word}", words)


def draw_property(say: Wording) -> Filter:
    """A condition on a request itself: needs `requests` or the like in front."""
    makers = [_status_filter] * 4 + [_slow_filter] * 3 + [_error_filter] * 3
    makers += [_other_filter] * 3
    return say.rng.choice(makers)(say)


def _status_filter(say: Wording) -> Filter:
    roll = say.rng.random()
    if roll < 0.35:
        family = say.pick("4xx|5xx|5xx")
        words = f"with {family}|returning {family}|that ended in a {family}|that got {family}"
        return Filter(f"status={family}", say.pick(words), False, family)
    if roll < 0.65:
        code = say.pick(VALUES["status"])
        words = (
            f"with status {code}|returning {code}|that came back {code}|with a {code}|"
            f"status={code}|that got {code}|*answered with {code}"
        )
        return Filter(f"status={code}", say.pick(words), False, code)
    if roll < 0.76:
        one, two = say.some(VALUES["status"], 2)
        words = f"returning {one} or {two}|with status {one}/{two}|that got {two} or {one}"
        return Filter(f"status=[{one}, {two}]", say.pick(words), False)
    if roll < 0.88:
        words = "with status >= 400|with status 400 or above|with 4xx or 5xx|status 400+"
        return Filter("status>=400", say.pick(words), False)
    code = say.pick("200|200|404|401")
    words = f"that weren't {code}|not {code}|status != {code}|with anything other than {code}"
    return Filter(f"status!={code}", say.pick(words), False, f"non-{code}")


def _slow_filter(say: Wording) -> Filter:
    if say.chance(0.15):
        size, text = say.rng.choice(
            [
                ("1mb", "1MB"),
                ("5mb", "5 MB"),
                ("500kb", "500kb"),
                ("100kb", "100 KB"),
                ("2mb", "2mb"),
            ]
        )
        words = f"bigger than {text}|with responses over {text}|returning more than {text}"
        return Filter(f"bytes_out>{size}", say.pick(words), False)
    value, text = say.rng.choice(
        [(100, "100ms"), (200, "200ms"), (250, "250 ms"), (300, "300ms"), (500, "500ms"),
         (500, "half a second"), (800, "800ms"), (1000, "1s"), (1000, "a second"),
         (1500, "1.5s"), (2000, "2s"), (2000, "2 seconds"), (2500, "2.5s"), (3000, "3s"),
         (5000, "5s"), (5000, "5 sec"), (10000, "10s"), (30000, "30 seconds")]
    )  # fmt: skip
    if say.chance(0.22):
        words = (
            f"spending over {text} in the db|with db time above {text}|with db_ms > {value}|"
            f"with more than {text} of db time|*stuck in the database for over {text}"
        )
        return Filter(f"db_ms>{value}", say.pick(words), False)
    op, words = say.rng.choice(
        [(">", "slower than {t}|over {t}|taking more than {t}|above {t}|> {t}|that took over {t}|"
          "*dragging past {t}")] * 4
        + [(">=", "taking at least {t}|of {t} or more|>= {t}|*lasting {t}+"),
           ("<", "under {t}|faster than {t}|that took less than {t}|below {t}")]
    )  # fmt: skip
    return Filter(f"duration_ms{op}{value}", say.pick(words).format(t=text), False)


def _error_filter(say: Wording) -> Filter:
    roll = say.rng.random()
    if roll < 0.35:
        words = "that failed|with errors|that errored|with an error|*that blew up"
        return Filter("+error", say.pick(words), False, say.pick("failed|failing|errored"))
    if roll < 0.5:
        words = "without errors|that succeeded|with no error|*that went through fine"
        return Filter("-error", say.pick(words), False, "successful")
    if roll < 0.75:
        word = say.pick(VALUES["error_word"])
        words = (
            f"with {word} in the error|where the error contains {word}|with {word} errors|"
            f"failing with {word}|where error mentions {word}|*dying with {word}"
        )
        return Filter(f"error~{word}", say.pick(words), False)
    text = say.pick(VALUES["error_text"])
    words = f'failing with "{text}"|with "{text}" in the error|where the error says "{text}"'
    return Filter(f'error~"{text}"', say.pick(words), False)


def _other_filter(say: Wording) -> Filter:
    roll = say.rng.random()
    if roll < 0.3:
        return Filter(
            "cache_hit=no",
            say.pick("that missed the cache|uncached|with cache misses"),
            False,
            "uncached",
        )
    if roll < 0.5:
        return Filter(
            "cache_hit=yes",
            say.pick("served from cache|that hit the cache|with a cache hit"),
            False,
            "cached",
        )
    if roll < 0.7:
        return Filter(
            "plan!=free",
            say.pick("from paying customers|from non-free plans|not on the free plan"),
            False,
        )
    if roll < 0.85:
        return Filter(
            "+user_id",
            say.pick("with a user id|from logged-in users|where user_id is set"),
            False,
            "logged-in",
        )
    start = say.pick("cart-|auth-|search-|gateway-|media-|*ledger-")
    return Filter(
        f"pod^{start}", say.pick(f"from pods starting with {start}|on {start}* pods"), False
    )


def draw_filters(say: Wording, taken: Iterable[str]) -> list[Filter]:
    """None to two conditions (three where held-out wording is allowed), one for each column."""
    weights = (12, 50, 32, 6) if say.held else (14, 54, 32, 0)
    wanted = say.rng.choices((0, 1, 2, 3), weights)[0]
    filters: list[Filter] = []
    used = set(taken)
    while len(filters) < wanted:
        item = draw_place(say) if say.chance(0.62) else draw_property(say)
        if item.column not in used:
            used.add(item.column)
            filters.append(item)
    return filters
