"""What the process environment says of where tunegate runs: in CI or not, for which change."""

from __future__ import annotations

from collections.abc import Mapping

_SERVICES = ("CI", "GITHUB_ACTIONS", "TF_BUILD", "TEAMCITY_VERSION")
_NO = {"", "0", "false", "no"}


def in_ci(environ: Mapping[str, str]) -> bool:
    """Whether a continuous-integration service runs this."""
    return any(_is_set(environ, name) for name in _SERVICES)


def in_github(environ: Mapping[str, str]) -> bool:
    """Whether GitHub Actions, or a service that speaks its commands, runs this."""
    return _is_set(environ, "GITHUB_ACTIONS")


def base_from(environ: Mapping[str, str]) -> str | None:
    """The revision that a change is compared with, as the service states it; None where none is.

    `TUNEGATE_BASE` first, then what GitHub states of a pull request and GitLab of a merge
    request.
    """
    if base := environ.get("TUNEGATE_BASE"):
        return base
    if branch := environ.get("GITHUB_BASE_REF"):
        return f"refs/remotes/origin/{branch}"  # a tag may be called origin/main, too
    # Where GitLab merges before it tests, the change begins at the target it merged into.
    merged_into = environ.get("CI_MERGE_REQUEST_TARGET_BRANCH_SHA")
    return merged_into or environ.get("CI_MERGE_REQUEST_DIFF_BASE_SHA") or None


def _is_set(environ: Mapping[str, str], name: str) -> bool:
    return environ.get(name, "").strip().lower() not in _NO
