"""One request of a suite, asked turn by turn, as one output."""

from __future__ import annotations

from evals.models.hosted.attempts import Asked, Asker
from evals.models.hosted.failures import Failure
from evals.models.hosted.ranking import rank
from evals.models.hosted.reply import Reply
from evals.models.hosted.wire import chat_body, replied, said
from evals.records import Decoding, FinishReason, Output, Request, ToolCall


async def answer(asker: Asker, request: Request, decoding: Decoding) -> Output:
    """The output of one request; its `seconds` are the latency of the attempts that succeeded.

    What the model was asked to call is not run: see `wire.replied`. Raises what ends all work.
    """
    told = Tally()
    ranking = bool(request.choices)
    messages = [said(message) for message in request.messages]
    turns = (None, *(() if ranking else request.follow_ups))
    for turn, user in enumerate(turns):
        if user is not None:
            messages.append({"role": "user", "content": user})
        body = chat_body(asker.model, messages, decoding, request.tools, ranking=ranking)
        asked = await asker.ask(body)
        if isinstance(asked.found, Failure):
            return told.failed(asked, asked.found)
        reply = asked.found
        told.add(asked, reply)
        if user is not None or len(turns) > 1:
            messages += replied(reply.text, reply.calls, turn)
    return told.chosen(request, reply) if ranking else told.done(reply.finish)


class Tally:
    """What the turns of a conversation add up to."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._calls: list[ToolCall] = []
        self._prompt = self._completion = self._cached = self._attempts = 0
        self._seconds = 0.0

    def add(self, asked: Asked, reply: Reply) -> None:
        """Count a turn that was answered."""
        self._texts.append(reply.text)
        self._calls += reply.calls
        if reply.usage is not None:
            self._prompt += reply.usage.prompt_tokens
            self._completion += reply.usage.completion_tokens
            self._cached += reply.usage.cached_tokens
        self._attempts += asked.attempts
        self._seconds += asked.seconds

    def done(self, finish: FinishReason) -> Output:
        """The output of a conversation that was answered to its end."""
        several = len(self._texts) > 1
        return self._output(
            self._texts[-1],
            finish,
            tool_calls=tuple(self._calls),
            replies=tuple(self._texts) if several else (),
        )

    def chosen(self, request: Request, reply: Reply) -> Output:
        """The output of a ranking."""
        ranked = rank(request.choices, reply.candidates)
        if ranked.error is not None:
            return self._output(None, "error", error=ranked.error)
        return self._output(request.choices[ranked.best], "choice", logprobs=ranked.logprobs)

    def failed(self, asked: Asked, failure: Failure) -> Output:
        """The output of a conversation that ended without an answer."""
        turn = f"turn {len(self._texts) + 1}: " if self._texts else ""
        self._attempts += asked.attempts
        self._texts.append("")
        return self._output(
            None, "error", error=turn + failure.reason, transient=failure.follows == "again"
        )

    def _output(
        self,
        text: str | None,
        finish: FinishReason,
        *,
        logprobs: tuple[float, ...] = (),
        error: str | None = None,
        transient: bool = False,
        tool_calls: tuple[ToolCall, ...] = (),
        replies: tuple[str, ...] = (),
    ) -> Output:
        return Output(
            text,
            finish,
            self._prompt,
            self._completion,
            self._seconds,
            logprobs,
            error,
            transient,
            tool_calls,
            replies,
            self._cached,
            self._attempts if self._attempts > len(self._texts) else 0,
        )
