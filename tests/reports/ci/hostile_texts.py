"""Hostile texts for property tests: anything at all, mixed with what means something to CI."""

from __future__ import annotations

from hypothesis import strategies as st

from tests.reports.hostile import PAYLOADS

PIECES = (
    "::error::", "::set-output name=a::b", "::", ":", "##[error]", "##vso[task.complete]", "##",
    "#", "##teamcity[buildStop]", "\n", "\r", "\r\n", "\t", "\u2028", "\x85", "\x0c", "\x1b[0m",
    " ", "%", "%0A", "%3A", ",", "=", "]", "</details>", "<!-- tunegate:ci -->", "@octocat",
    "#12", "GH-12", "owner/repo#12", "4f2a9c1be07d33554f2a9c1be07d33554f2a9c1b", "|", "\\", "`",
    "https://attacker.example", "www.attacker.example", "a@attacker.example", "[x](y)", "- ", "# ",
    "!12", "%12", "~label", "\ud800", "\ufffe", "\x00", "]]>", "&amp;", "&#64;octocat",
)  # fmt: skip

hostile_texts = st.one_of(
    st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=12).map("".join),
    st.sampled_from(PAYLOADS).map(lambda text: text[:400]),
)
