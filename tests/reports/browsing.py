"""A real Chromium, and a page in it with everything that it should not do written down."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


def find_chromium() -> str | None:
    """TUNEGATE_CHROMIUM if it is set, else the first Chromium on the path."""
    named = os.environ.get("TUNEGATE_CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome"]
    return next(filter(None, map(shutil.which, names)), None)


@dataclass
class Watched:
    """A page with everything that it should not do written down."""

    page: Any
    address: str
    dialogs: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)

    def refuse(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def check(self) -> None:
        assert self.dialogs == []
        assert self.messages == []
        assert {url.split("#")[0] for url in self.requests} == {self.address}
        assert self.page.evaluate("window.pwned") is None


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    executable = find_chromium()
    if not executable:
        pytest.skip("no Chromium found: install one, or name it in TUNEGATE_CHROMIUM")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=executable, args=ARGUMENTS)
        yield opened
        opened.close()


def watch(browser: Any, path: Path, fragment: str = "", **options: Any) -> Watched:
    page = browser.new_page(**options)
    watched = Watched(page, path.as_uri())
    page.on("dialog", watched.refuse)
    page.on("request", lambda request: watched.requests.append(request.url))
    page.on("console", lambda message: watched.messages.append(message.text))
    page.on("pageerror", lambda error: watched.messages.append(str(error)))
    page.goto(path.as_uri() + fragment)
    return watched
