"""The oracle-context probe: the leader with each case's own documents in its prompt.

It tells missing knowledge from missing behaviour. It is no candidate: nobody can deploy what
is told beforehand which documents a question needs, so the search never counts it.
"""

from __future__ import annotations

from dataclasses import replace

from evals.approach import Technique
from evals.ledger import Ledger
from evals.records import Candidate, Run
from evals.retrieval.showing import documents_fingerprint
from evals.suite.spec import Suite
from tuning.records import Decision


def oracle_candidate(suite: Suite, leader: Candidate) -> Candidate:
    """The leader in all but what it is shown: each case's own documents, in place of others."""
    technique: Technique = replace(leader.technique, retrieval="oracle", documents=0)
    return replace(
        leader,
        technique=technique,
        documents_fingerprint=documents_fingerprint(suite, technique),
    )


def awaits_oracle(suite: Suite, decision: Decision) -> bool:
    """Whether the probe can change the verdict and is not in it: a plateau, no earlier rule."""
    if not (suite.names_documents and decision.plateau and decision.oracle is None):
        return False
    verdicts = [rule.verdict for rule in decision.rules]
    applied = [rule.status for rule in decision.rules].index("applies")
    return applied >= verdicts.index("use_retrieval")


def find_oracle(suite: Suite, ledger: Ledger, leader: Run) -> Run | None:
    """The stored probe of this leader, over the same cases and scored the same; or None."""
    wanted = oracle_candidate(suite, leader.candidate).fingerprint
    for header in reversed(ledger.runs(leader.suite, leader.split, wanted)):
        if header.scoring_fingerprint == leader.scoring_fingerprint:
            run = ledger.run(header.id)
            if _cases(run) == _cases(leader):
                return run
    return None


def _cases(run: Run) -> dict[str, str]:
    return {result.case_id: result.case_fingerprint for result in run.results}
