"""The HTML report is one safe file, and says the same about the same records."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest

import reports
from evals.errors import RecordError
from evals.text import visible
from reports import render_html
from reports.disclosure import EVERYTHING
from reports.html import SECTIONS, TEMPLATES
from tests.reports.hostile import PAYLOADS, poisoned
from tests.reports.page_reader import PageReader
from tests.reports.partial_jobs import (
    PARTIAL,
    fix_evals,
    gate_only,
    nothing_run,
    one_run,
    small_job,
    trained_not_judged,
)
from tests.reports.sample_job import sample_job


@cache
def sample_page() -> str:
    return render_html(sample_job(), EVERYTHING)


@cache
def harmless() -> PageReader:
    return PageReader(render_html(poisoned("harmless "), EVERYTHING))


def test_the_public_surface_is_sorted_and_importable() -> None:
    assert reports.__all__ == sorted(reports.__all__)
    assert all(callable(getattr(reports, name)) for name in reports.__all__)


def test_the_same_records_give_the_same_bytes() -> None:
    assert render_html(sample_job(), EVERYTHING).encode() == sample_page().encode()


def test_the_same_records_give_the_same_bytes_in_another_process() -> None:
    code = (
        "import hashlib\n"
        "from reports import render_html\n"
        "from reports.disclosure import EVERYTHING\n"
        "from tests.reports.sample_job import sample_job\n"
        "print(hashlib.sha256(render_html(sample_job(), EVERYTHING).encode()).hexdigest())\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(reports.__file__).parents[1],
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": "."},
    )
    assert found.stdout.strip() == hashlib.sha256(sample_page().encode()).hexdigest()


def test_the_verdict_comes_first_with_both_decisions_and_what_to_do() -> None:
    text = PageReader(sample_page()).text
    assert (
        text.index("Better than prompting, below the target")
        < text.index("Gate: Fine-tune")
        < text.index("Why The gate")
    )
    job = sample_job()
    assert job.decision is not None
    assert job.shipping is not None
    for sentence in (job.shipping.sentence, job.decision.sentence, *job.shipping.next_steps):
        assert sentence in text


def test_every_rule_of_the_decision_table_is_shown_with_its_status() -> None:
    text = PageReader(sample_page()).text
    decision = sample_job().decision
    assert decision is not None
    for rule in decision.rules:
        assert rule.title in text
        assert rule.evidence in text
    for words in ("does not apply", "not tested", "not reached", "applies"):
        assert words in text


def test_numbers_of_the_verdict_are_the_decisions_own() -> None:
    job = sample_job()
    assert job.shipping is not None
    odd = replace(job.shipping, gain=replace(job.shipping.gain, low=0.123456, high=0.987654))
    text = PageReader(render_html(replace(job, shipping=odd))).text
    table = text[text.index("Metrics, intervals") : text.index("Slices of")]
    assert "+0.123 to +0.988" in table


def test_the_honesty_line_names_looks_errors_and_what_was_not_tested() -> None:
    text = PageReader(sample_page()).text
    assert "look 1; at most 2.5 % of such looks find a gain where there is none (α = 0.025)" in text
    assert "1 of 500 sealed results and 3 of 1,400 dev results" in text
    assert "Not tested, whether a tuned model pays for itself; a stronger model does it" in text
    assert "8 times in 10" in text


def test_an_adapter_that_ships_is_called_good_only_where_the_target_may_be_reached() -> None:
    job = small_job()
    assert job.shipping is not None
    high = job.shipping.sealed.after.high
    for target, headline in (
        (None, "Ship the adapter"),
        (high, "Ship the adapter"),
        (high + 1e-6, "Better than prompting, below the target"),
    ):
        page = PageReader(render_html(replace(job, target=target))).text
        assert page.startswith(f"{headline}: ")


def test_an_override_stands_above_the_verdict() -> None:
    text = PageReader(render_html(trained_not_judged())).text
    assert text.index("the demo is on Friday") < text.index("Seven prompts in three rounds")


def test_the_policy_allows_only_the_two_texts_in_the_file() -> None:
    page = sample_page()
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    directives = dict(part.split(" ", 1) for part in policy[1].replace("&#39;", "'").split("; "))
    assert directives["default-src"] == "'none'"
    assert "unsafe" not in policy[1]
    for tag, name in (("script", "script-src"), ("style", "style-src")):
        bodies = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert len(bodies) == 1
        digest = base64.b64encode(hashlib.sha256(bodies[0].encode()).digest()).decode()
        assert directives[name] == f"'sha256-{digest}'"


def test_nothing_outside_the_file_is_named_as_an_address() -> None:
    reader = PageReader(sample_page())
    assert all(value.startswith("#") for value in reader.values["href"])
    assert not {"src", "srcset", "action", "poster", "data", "style"} & set(reader.values)
    for name in ("report.css", "report.js"):
        asset = (TEMPLATES / name).read_text(encoding="utf-8")
        assert not re.search(r"url\(|@import|https?:|//[a-z]|innerHTML|eval\(", asset), name


def test_no_template_marks_anything_safe_or_leaves_escaping() -> None:
    for path in TEMPLATES.glob("*.j2"):
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"\|\s*safe|autoescape|Markup", source), path.name


@pytest.mark.parametrize("payload", PAYLOADS, ids=range(len(PAYLOADS)))
def test_hostile_text_in_every_field_is_shown_and_never_becomes_markup(payload: str) -> None:
    page = render_html(poisoned(payload), EVERYTHING)
    page.encode("utf-8")
    reader = PageReader(page)
    allowed = harmless()
    assert set(reader.tags) <= set(allowed.tags) | {"ins", "del"}
    assert reader.attributes <= allowed.attributes
    assert reader.classes <= allowed.classes
    assert (reader.tags["script"], reader.tags["style"]) == (2, 1)
    assert re.search(
        r'<script type="application/octet-stream" id="case-data">[\w+/]+=*</script>', page
    )
    assert reader.comments == 0
    assert all(value.startswith("#") for value in reader.values["href"])
    assert len(reader.values["id"]) == len(set(reader.values["id"]))
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", page)
    if payload not in PAYLOADS[-2:]:  # those are cut
        shown = " ".join(visible(payload + "Turn an engineer's", layout=True).split())
        assert shown in reader.text


def test_a_name_of_any_length_is_cut_where_it_would_slow_a_browser_down() -> None:
    page = render_html(poisoned("A" * 5_000), EVERYTHING)
    assert "A" * 2_001 not in re.sub(r"<pre.*?</pre>", "", page, flags=re.DOTALL)


def test_every_link_within_the_page_has_its_target() -> None:
    reader = PageReader(sample_page())
    assert {value[1:] for value in reader.values["href"]} <= set(reader.values["id"])


def test_headings_begin_with_one_h1_and_skip_no_level() -> None:
    headings = PageReader(sample_page()).headings
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(b - a <= 1 for a, b in pairwise(headings))


def test_every_chart_has_a_title_a_description_and_a_table() -> None:
    page = sample_page()
    charts = re.findall(
        r'<svg class="chart".*?aria-labelledby="([^"]*)".*?</svg>\s', page, re.DOTALL
    )
    assert len(charts) == 5
    for names in charts:
        title, description = names.split()
        assert re.search(rf'<title id="{title}">[^<]+</title>', page)
        assert re.search(rf'<desc id="{description}">[^<]+</desc>', page)
    for section in re.findall(r"<section.*?</section>", page, re.DOTALL):
        if 'class="chart"' in section:
            assert "<table" in section


def test_long_outputs_are_cut_with_a_count_of_the_rest() -> None:
    page = sample_page()
    assert "x" * 1_988 in page  # 2,000 characters, 12 of them before the first x
    assert "x" * 1_989 not in page
    assert "7,012 more characters" in page


@pytest.mark.parametrize("make", PARTIAL, ids=lambda make: make.__name__)
def test_a_partial_job_renders_whole_with_every_section(make: object) -> None:
    assert callable(make)
    reader = PageReader(render_html(make()))
    assert {anchor for anchor, _ in SECTIONS} - {"judge"} <= set(reader.values["id"])
    assert "None" not in reader.text
    assert "nan" not in reader.text


def test_what_was_not_run_is_said_with_the_command() -> None:
    empty = PageReader(render_html(nothing_run())).text
    assert "No verdict yet" in empty
    assert empty.count("Not run.") == 8
    assert "tunegate run query_assistant" in empty
    assert "To do it: tunegate gate query_assistant" in PageReader(render_html(one_run())).text
    untrained = PageReader(render_html(gate_only())).text
    assert "Nothing has been run on the sealed cases" in untrained
    assert "tunegate tune query_assistant" in untrained


def test_a_refusal_still_gives_the_provisional_ranking() -> None:
    text = PageReader(render_html(fix_evals())).text
    assert "Fix the evals first" in text
    assert "Provisional ranking" in text
    assert "leads so far" in text
    assert "cases needed 250 there are 12" in text
    assert "every prompt scores near zero" in text


def test_a_candidate_without_any_score_is_listed_and_not_drawn_as_zero() -> None:
    job = gate_only()
    assert job.decision is not None
    first, *rest = job.decision.trials
    broken = replace(first, cases=0, errors=12)
    page = render_html(replace(job, decision=replace(job.decision, trials=(broken, *rest))))
    row = re.search(rf'<tr><th scope="row">{first.label}</th>.*?</tr>', page, re.DOTALL)
    assert row
    assert "<b>–</b>" in row[0]
    assert f">{first.label}<tspan" not in page
    assert f'class="label" y="22">{first.label}<' not in page


def test_a_run_that_is_named_but_not_stored_is_one_clear_error() -> None:
    job = small_job()
    runs = {key: run for key, run in job.runs.items() if key != "testafter"}
    with pytest.raises(RecordError, match=r"'testafter'.*not stored"):
        render_html(replace(job, runs=runs))


def test_a_large_report_stays_small_and_quick() -> None:
    job = sample_job(660)
    started = time.process_time()
    page = render_html(job)
    assert len(page.encode()) < 3_000_000
    assert time.process_time() - started < 20  # about 1 s of processor time
