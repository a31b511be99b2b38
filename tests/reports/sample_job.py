"""A whole job as the records hold it, made up but realistic, for tests and for looking at.

Nothing is computed here the way tunegate computes it: scores are drawn with a fixed seed
and the decisions are written down, so that a wrong report cannot agree with itself.
"""
# ruff: noqa: E501 - the sentences of a report are long

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

from evals.records import Candidate, Case, CaseResult, Finding, Output, Run, Score, SplitName
from tuning.records import (
    Decision,
    GuardLine,
    Interval,
    JobRecord,
    LossPoint,
    Phase,
    Proof,
    RuleLine,
    ShipDecision,
    TrainingEstimate,
    TrainingRecord,
    TrialLine,
)

HOSTILE_OUTPUTS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(2)>",
    "</textarea></details></main><h1>SHIP IT</h1>",
    "\x1b[31mred\x1b[0m and \x00 NUL and \x07 bell",
    "left \u202etxet desrever\u202c right \u2066isolate\u2069",
    "lone \ud800 surrogate \udfff here",
    "{{ 7 * 7 }} {% raw %} ${7*7} <%= 7 %>",
    "[bold red]rich markup[/] | pipe | `tick` ```fence @octocat #1",
    "COUNT WHERE " + "x" * 9_000,
    "word " * 1_500,
)

COLUMNS = ("duration_ms", "status_code", "service.name", "http.route", "error", "user.plan")
QUESTIONS = (
    "p95 latency for {s} last hour, split by route",
    "why's {s} slow? slowest 10 endpoints pls",
    "count of 5xx from {s} since yesterday by status",
    "how many distinct users hit {s} on the enterprise plan",
    "heatmap of durations in {s}, only errors",
    "top 5 routes by volume, {s}, past 30m",
)
SERVICES = ("checkout", "search-api", "auth", "ingest", "billing", "frontend")

# label, round, family, dev score, prompt tokens
TRIALS: tuple[tuple[str, int, str, float, float], ...] = (
    ("terse", 1, "wording", 0.085, 84.2),
    ("spec", 1, "wording", 0.240, 611.7),
    ("spec_with_demos", 1, "wording", 0.315, 842.4),
    ("spec + 4 static", 2, "few_shot", 0.330, 905.1),
    ("spec + 8 static", 2, "few_shot", 0.305, 1198.6),
    ("spec + 4 nearest", 3, "nearest", 0.355, 908.9),
    ("spec + 8 nearest", 3, "nearest", 0.345, 1203.3),
)


def _query(random_: random.Random, service: str) -> str:
    column = random_.choice(COLUMNS)
    calculation = random_.choice(
        ("COUNT", f"P95({column})", f"HEATMAP({column})", f"MAX({column})")
    )
    order = random_.choice(("", " ORDER BY COUNT DESC LIMIT 10", " LIMIT 5"))
    hours = random_.choice(("30m", "1h", "24h"))
    return (
        f'{calculation} WHERE service.name = "{service}" GROUP BY http.route{order} SINCE {hours}'
    )


def make_cases(count: int, split: SplitName, seed: int) -> tuple[Case, ...]:
    """Cases of one split, tagged with where their phrasing came from."""
    random_ = random.Random(seed)
    cases = []
    for index in range(count):
        service = random_.choice(SERVICES)
        answer = _query(random_, service)
        cases.append(
            Case(
                id=f"{split}-{index + 1:03d}",
                input={"question": random_.choice(QUESTIONS).format(s=service)},
                expected={"query": answer, "equivalent": []},
                answer=answer,
                split=split,
                tags={"origin": "handwritten" if index % 5 < 3 else "generated"},
                path="suites/query_assistant/cases.jsonl",
                line=index + 1,
            )
        )
    return tuple(cases)


def _wrong(random_: random.Random, answer: str) -> tuple[str, Score]:
    if random_.random() < 0.4:
        text = "SELECT " + answer.replace(" GROUP BY", ", group by").replace(" = ", " is ")
        return text, Score(0.0, "column 8: expected a calculation, found SELECT", "grammar")
    words = answer.split()
    words[0] = "COUNT_DISTINCT(user.id)"
    text = " ".join([*words[:-2], "SINCE", "7d"])
    return text, Score(0.0, "calculation and time range differ", "wrong_query")


def make_run(
    run_id: str,
    cases: Sequence[Case],
    candidate: Candidate,
    mean: float,
    seed: int,
    *,
    tokens: float = 100.0,
    hostile: Sequence[str] = (),
    errors: int = 0,
    suite: str = "query_assistant",
) -> Run:
    """A run whose cases are right with probability `mean`; the first ones hostile."""
    random_ = random.Random(seed)
    results = []
    for index, case in enumerate(cases):
        error = (
            "prompt of 2,310 tokens does not fit 2,048" if index >= len(cases) - errors else None
        )
        if random_.random() < mean:
            text, score = case.answer, Score(1.0, "same meaning")
        else:
            text, score = _wrong(random_, case.answer)
        if index < len(hostile):
            text, score = (
                hostile[index],
                Score(0.0, f"cannot parse {hostile[index][:40]!r}", "grammar"),
            )
        valid = Score(
            0.0 if score.kind == "grammar" else 1.0,
            "",
            score.kind if score.kind == "grammar" else "",
        )
        results.append(
            CaseResult(
                case_id=case.id,
                case_fingerprint=case.fingerprint,
                prompt_hash=f"{index:016x}",
                output=Output(
                    text=None if error else text,
                    finish_reason="error" if error else "stop",
                    prompt_tokens=round(tokens + random_.uniform(-9, 9)),
                    completion_tokens=len(text) // 4,
                    seconds=tokens / 2200 + 0.09,
                    error=error,
                ),
                scores={} if error else {"correct": score, "parses": valid},
            )
        )
    return Run(
        id=run_id,
        suite=suite,
        suite_fingerprint="0f3a99c1d2e4b586",
        scoring_fingerprint="77aa12de90bb3c41",
        split=cases[0].split,
        primary="correct",
        candidate=candidate,
        results=tuple(results),
        seconds=sum(r.output.seconds for r in results),
        created="2025-03-04T09:30:00Z",
        environment={"torch": "2.13.0", "precision": "bfloat16"},
    )


def _candidate(label: str, adapter: str = "") -> Candidate:
    prompt, _, rest = label.partition(" + ")
    k, _, method = rest.partition(" ")
    return Candidate(
        model="smollm2-135m",
        model_fingerprint="5d1f0c7ab2e39640",
        prompt=prompt,
        prompt_fingerprint=f"{sum(map(ord, prompt)):016x}",
        demonstrations=method or "none",  # type: ignore[arg-type]
        k=int(k or 0),
        adapter=adapter,
    )


def _around(estimate: float, half: float = 0.065, level: float = 0.95) -> Interval:
    return Interval(estimate, max(0.0, estimate - half), min(1.0, estimate + half), level)


def _trials(runs: dict[str, Run]) -> tuple[TrialLine, ...]:
    lines = []
    for index, (label, round_index, family, mean, tokens) in enumerate(TRIALS):
        gain = mean - 0.315
        lines.append(
            TrialLine(
                run_id=f"dev{index:05d}",
                label=label,
                round_index=round_index,
                family=family,
                score=_around(mean),
                cases=200,
                errors=len(runs[f"dev{index:05d}"].errors),
                prompt_tokens=tokens,
                versus_anchor=None
                if label == "spec_with_demos"
                else Interval(gain, gain - 0.058, gain + 0.056, 0.983),
                flat=label != "spec_with_demos",
            )
        )
    return tuple(lines)


RULES = (
    RuleLine("fix_evals", "The evals are sound", "does_not_apply", "self-test: 950 of 950 gold answers score 1; no leaks; 0 contradictions"),
    RuleLine("fine_tune", "A tuned model pays for itself", "not_tested", "no prices were given"),
    RuleLine("prompt_suffices", "Prompting is already good enough", "does_not_apply", "leader's lower bound 0.268 < target 0.850"),
    RuleLine("fix_evals", "Enough cases to ever be flat", "does_not_apply", "200 cases; 50 needed"),
    RuleLine("try_stronger_model", "A stronger model does it by prompt", "not_tested", "no compare_models in the suite"),
    RuleLine("use_retrieval", "Knowledge is missing", "not_tested", "no reference documents"),
    RuleLine("collect_examples", "Too few clean examples", "does_not_apply", "400 clean examples, 100 needed"),
    RuleLine("fine_tune", "On a plateau, and the gap is behaviour", "applies", "two rounds of different families since the anchor; the largest upper bound is +0.096, below +0.100"),
    RuleLine("prompt_more", "Something still improves", "not_reached", "largest lower bound −0.018"),
    RuleLine("more_cases", "Neither flat nor improved", "not_reached", ""),
)  # fmt: skip

PREVIEW = (
    "<|im_start|>system\nTranslate the question.<|im_end|>\n"
    "<|im_start|>user\np95 latency for auth last hour<|im_end|>\n"
    '<|im_start|>assistant\n⟦P95(duration_ms) WHERE service.name = "auth" SINCE 1h<|im_end|>⟧\n'
)


def _training() -> TrainingRecord:
    random_ = random.Random(5)
    curve = []
    for step in range(2, 122, 2):
        loss = 1.9 * 0.965**step + 0.06 + random_.uniform(-0.03, 0.03)
        curve.append(LossPoint(step, step / 40, loss=loss))
        if step % 20 == 0:
            curve.append(LossPoint(step, step / 40, held_out=1.7 * 0.968**step + 0.11))
    return TrainingRecord(
        adapter="c0ffee1234567890",
        adapter_path="adapters/c0ffee1234567890",
        base="smollm2-135m",
        base_fingerprint="5d1f0c7ab2e39640",
        method="lora",
        prompt="terse",
        template_hash="1b2d9e70aa55cc31",
        examples=360,
        held_out=40,
        data_fingerprint="9f8e7d6c5b4a3210",
        settings={"rank": 16, "alpha": 32, "learning_rate": 0.0005, "epochs": 3, "batch": 8, "seed": 0, "packing": False},
        trained_parameters=4_884_480,
        total_parameters=139_400_064,
        trained_tokens=48_212,
        seconds=251.4,
        peak_memory_mb=2_871.0,
        curve=tuple(curve),
        best_step=120,
        findings=(
            Finding("warning", "near_duplicate", "2 training examples differ only in white space", "cases.jsonl:41"),
            Finding("warning", "truncated", "2 prompts are cut to fit 512 tokens (tune.too_long): extra.jsonl:4 (data/extra.jsonl:4), extra.jsonl:9 (data/extra.jsonl:9)", "data/extra.jsonl:4", ("extra.jsonl:4 (data/extra.jsonl:4)", "extra.jsonl:9 (data/extra.jsonl:9)")),
            Finding("warning", "contradiction", "let pass by tune.allow: the same prompt has different answers: t-17 (cases.jsonl:17), t-93 (cases.jsonl:93)", "cases.jsonl:93", ("t-17 (cases.jsonl:17)", "t-93 (cases.jsonl:93)"), allowed=True),
            Finding("note", "lengths", "longest example 212 tokens of 8,192; nothing truncated"),
        ),
        preview=PREVIEW,
        proofs=(
            Proof("changes the logits", True, "largest change 7.31 over 8 prompts"),
            Proof("reloads to the same outputs", True, "8 of 8 identical"),
            Proof("same chat template as the evals", True, "1b2d9e70aa55cc31"),
            Proof("trains the stop token", True, "360 of 360 examples end in it"),
        ),
        sources={"suite": 310, "file extra.jsonl": 90},
    )  # fmt: skip


def _guard() -> GuardLine:
    return GuardLine(
        suite="general_ability",
        base_run="guardbase",
        tuned_run="guardtuned",
        base=_around(0.584, 0.048),
        tuned=_around(0.571, 0.048),
        difference=Interval(-0.013, -0.041, 0.016, 0.95),
        margin=0.10,
        result="pass",
        likely_loss=False,
        cases=420,
        cases_needed=None,
    )


def sample_job(test_cases: int = 250, dev_cases: int = 200, guard_cases: int = 420) -> JobRecord:
    """The whole job: seven candidates in three rounds, a decision, an adapter, a verdict."""
    dev, test = make_cases(dev_cases, "dev", 1), make_cases(test_cases, "test", 2)
    guard = tuple(replace(c, id=f"g-{i}") for i, c in enumerate(make_cases(guard_cases, "test", 3)))
    runs: dict[str, Run] = {}
    for index, (label, _, _, mean, tokens) in enumerate(TRIALS):
        run_id = f"dev{index:05d}"
        runs[run_id] = make_run(run_id, dev, _candidate(label), mean, 10 + index, tokens=tokens, errors=index % 2)  # fmt: skip
    before = make_run("testbefore", test, _candidate("spec + 4 nearest"), 0.34, 30, tokens=909.0, hostile=HOSTILE_OUTPUTS, errors=1)  # fmt: skip
    after = make_run("testafter", test, _candidate("terse", adapter="c0ffee1234567890"), 0.80, 31, tokens=84.0, hostile=HOSTILE_OUTPUTS[5:])  # fmt: skip
    adapted = make_run("devafter", dev, _candidate("terse", adapter="c0ffee1234567890"), 0.78, 32, tokens=84.0)  # fmt: skip
    runs |= {"testbefore": before, "testafter": after, "devafter": adapted}
    for run_id, adapter, mean in (
        ("guardbase", "", 0.584),
        ("guardtuned", "c0ffee1234567890", 0.571),
    ):
        runs[run_id] = make_run(run_id, guard, _candidate("plain", adapter), mean, 40, suite="general_ability")  # fmt: skip
    old, new = before.values(), after.values()
    shared = [key for key in old if key in new]
    wins = sum(new[key] > old[key] for key in shared)
    losses = sum(new[key] < old[key] for key in shared)
    gain = (wins - losses) / len(shared)
    decision = Decision(
        verdict="fine_tune",
        sentence="Seven prompts in three rounds were tried and the last two rounds brought nothing that could be 10 points better, while the best prompt is far from the target: prompting has run out.",
        next_steps=("Train an adapter: tunegate tune query_assistant",),
        rules=RULES,
        trials=_trials(runs),
        leader="dev00005",
        anchor="dev00002",
        plateau=True,
        flags=(),
        cases=200,
        cases_needed=None,
        min_gain=0.10,
        target=0.85,
        alpha=0.05,
        would_train=TrainingEstimate(600.0, 1200.0, "as fast as the dev runs were"),
    )  # fmt: skip
    shipping = ShipDecision(
        verdict="ship_adapter",
        sentence="On sealed cases that nothing was tuned on, the adapter answers far more questions correctly than the best prompt, with a tenth of the prompt, and it forgot nothing that the guard can see.",
        next_steps=("Serve the adapter with the terse prompt", "Make it the CI baseline: tunegate accept query_assistant testafter"),
        before=_around(sum(old.values()) / len(old), 0.058),
        after=_around(sum(new.values()) / len(new), 0.052),
        gain=Interval(gain, gain - 0.081, gain + 0.067, 0.95),
        wins=wins,
        losses=losses,
        ties=len(shared) - wins - losses,
        cases=len(shared),
        cases_needed=None,
        look=1,
        alpha=0.025,
        min_gain=0.10,
        guards=(_guard(),),
        reasons=("quality: the gain's lower bound is above 0 and the gain is at least 0.100", "guard general_ability: passed with margin 0.100"),
    )  # fmt: skip
    cases = {c.fingerprint: c for c in (*dev, *test, *guard)}
    return JobRecord(
        suite="query_assistant",
        task="Turn an engineer's question into a query of the observability product.",
        model="smollm2-135m",
        min_gain=0.10,
        target=0.85,
        primary="correct",
        split_sizes={"train": 400, "dev": dev_cases, "test": test_cases},
        calls_per_month=2_000_000,
        checks=(Finding("note", "detectable_gain", "200 dev cases can decide a plateau for a gain of 0.11"),),
        decision=decision,
        training=_training(),
        shipping=shipping,
        leader_test="testbefore",
        adapter_test="testafter",
        adapter_dev="devafter",
        templates={"dev00000": "Answer with a query: {{ question }}", "dev00005": "The language has these parts: ..."},
        override=None,
        phases=(Phase("check", 3.1), Phase("rounds", 241.0), Phase("train", 251.4), Phase("sealed evals", 88.0), Phase("guards", 61.5)),
        runs=runs,
        cases=cases,
        slices=("origin",),
        commands=("tunegate check query_assistant", "tunegate run query_assistant --model smollm2-135m"),
        environment={"tunegate": "0.1.0", "python": "3.11.9", "torch": "2.13.0", "precision": "bfloat16", "machine": "x86_64, 2 cores"},
    )  # fmt: skip
