"""A server on 127.0.0.1 that keeps comments as GitHub and GitLab do, for one pull request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

GITHUB_COMMENTS = "/repos/acme/prompts/issues/7/comments"
GITHUB_COMMENT = "/repos/acme/prompts/issues/comments/"
GITLAB_NOTES = "/api/v4/projects/11/merge_requests/7/notes"
MOST_CHARACTERS = 65_536
PAGE = 100

WRITER, READER = "may-write", "may-read"
AUTHORS = {"github": "github-actions[bot]", "gitlab": "project_11_bot"}


@dataclass
class Comments:
    """What stands under the pull request, oldest first."""

    url: str = ""
    all: list[dict[str, Any]] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def add(self, login: str, body: str) -> dict[str, Any]:
        """A comment of `login`, as both services show it."""
        author = {"login": login, "username": login}
        comment = {"id": 100 + len(self.all), "body": body, "user": author, "author": author}
        self.all.append(comment)
        return comment

    def of(self, login: str) -> list[str]:
        """What `login` wrote."""
        return [one["body"] for one in self.all if one["user"]["login"] == login]


@contextmanager
def serving() -> Iterator[Comments]:
    """The server while the block runs."""
    comments = Comments()

    class Handler(_Handler):
        kept = comments

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    comments.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield comments
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    kept: Comments

    def log_message(self, *_: Any) -> None:
        """Nothing is logged."""

    def do_GET(self) -> None:
        place = self._begin()
        if place.path == "/api/v4/user":
            self._answer(200, {"username": AUTHORS["gitlab"]})
        elif place.path in (GITHUB_COMMENTS, GITLAB_NOTES):
            self._list(parse_qs(place.query), place.path)
        else:
            self._answer(404, {"message": "Not Found"})

    def _list(self, asked: dict[str, list[str]], path: str) -> None:
        size = min(PAGE, int(asked.get("per_page", ["30"])[0]))
        page = int(asked.get("page", ["1"])[0])
        more = page * size < len(self.kept.all)
        headers = {"X-Next-Page": str(page + 1) if more else ""}
        if more:
            following = f"{self.kept.url}{path}?per_page={size}&page={page + 1}"
            headers["Link"] = f'<{following}>; rel="next"'
        self._answer(200, self.kept.all[(page - 1) * size : page * size], headers)

    def do_POST(self) -> None:
        place = self._begin()
        if place.path not in (GITHUB_COMMENTS, GITLAB_NOTES):
            self._answer(404, {"message": "Not Found"})
        elif (body := self._body_to_write()) is not None:
            gitlab = place.path == GITLAB_NOTES
            self._answer(201, self.kept.add(AUTHORS["gitlab" if gitlab else "github"], body))

    def do_PATCH(self) -> None:
        self._change(GITHUB_COMMENT)

    def do_PUT(self) -> None:
        self._change(f"{GITLAB_NOTES}/")

    def _change(self, prefix: str) -> None:
        place = self._begin()
        known = {f"{prefix}{one['id']}": one for one in self.kept.all}
        if place.path not in known:
            self._answer(404, {"message": "Not Found"})
        elif (body := self._body_to_write()) is not None:
            known[place.path]["body"] = body
            self._answer(200, known[place.path])

    def _begin(self) -> Any:
        self.kept.requests.append(f"{self.command} {self.path}")
        return urlsplit(self.path)

    def _body_to_write(self) -> str | None:
        """The comment's text, where this token may write and the text is one; else None."""
        sent = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        token = self.headers.get("PRIVATE-TOKEN") or self.headers.get("Authorization", "")
        if token.removeprefix("token ") != WRITER:
            self._answer(403, {"message": "Resource not accessible by integration"})
            return None
        body = json.loads(sent).get("body", "")
        if not body or len(body) > MOST_CHARACTERS:
            self._answer(422, {"message": "Validation Failed"})
            return None
        return str(body)

    def _answer(self, status: int, document: Any, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)
