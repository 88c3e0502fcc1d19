"""Any endpoint that speaks OpenAI's chat completions: OpenAI itself, vLLM, Ollama, llama.cpp and others.

What may pass is tried again, later and later and with jitter, and never before the time that the endpoint
asks for: 408, 409, 425, 429, every 5xx, timeouts and broken connections. A wrong key, an unknown model or
spent money end the run at once, with the answers so far kept. Any other refusal concerns one request. When
many requests in a row have failed for good, the rest are not sent.

The key is read from the environment, goes into one header, and is cut out of whatever the endpoint says.

Source
    Limits and delays of the official captioner: reference/traceextract.md §4.3.
"""

import base64
import json
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from urllib.parse import urlsplit

import numpy as np

from mu0.errors import CaptionError
from mu0.params.extract import OpenAiParams
from mu0.traceextract.captions.captioners.http_json import TRANSPORT_ERRORS, HttpAnswer, post_json
from mu0.traceextract.captions.captioners.interfaces import AbstractChatModel, Origin, Prompt, Reply
from mu0.traceextract.captions.evidence.pictures import Picture

PASSING = {408, 409, 425, 429}  # and every 5xx
HOPELESS = {401: "the key", 402: "the account", 403: "the key's rights", 404: "base_url and model"}
NO_MONEY = ("insufficient_quota", "billing_hard_limit_reached")
REASONING = ("gpt-5", "o1", "o3", "o4")  # no temperature, and another name for the limit
REASONING_TOKENS = 2048
GIVE_UP_AFTER = 5
MOST_SAID = 300


@dataclass
class _Counts:
    requests: int = 0
    retries: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    failed_in_a_row: int = 0
    last_failure: str = ""


class OpenAiChat(AbstractChatModel):
    """A model behind an endpoint."""

    def __init__(self, params: OpenAiParams, seed: int) -> None:
        """Read the key; nothing is sent yet.

        Raises:
            CaptionError: The environment variable for the key is not set.
        """
        self.params = params
        self.seed = seed
        self._key = _key_from(params.api_key_env)
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._not_before = 0.0  # on the clock of time.monotonic; set by Retry-After for all threads
        self.counts = _Counts()

    @property
    def origin(self) -> Origin:
        """The model's name, and that the endpoint's own terms hold."""
        return Origin("openai", self.params.model, f"terms of {urlsplit(self.params.base_url).hostname}")

    @property
    def settings(self) -> dict[str, object]:
        """The endpoint and what shapes its answers."""
        names = {"base_url", "temperature", "max_tokens", "json_mode"}
        if self.params.top_p is not None:  # left out otherwise, so that answers kept before it came are found
            names.add("top_p")
        return self.params.model_dump(include=names) | {"seed": self.seed}

    def reply(self, prompts: Sequence[Prompt]) -> Iterator[tuple[int, Reply]]:
        """Answers as they come, `concurrency` requests at a time.

        Raises:
            CaptionError: The endpoint refuses everything.
        """
        self._stopped.clear()
        pool = ThreadPoolExecutor(self.params.concurrency, thread_name_prefix="captions")
        refusal: CaptionError | None = None
        try:
            waiting = {pool.submit(self._answer, prompt): n for n, prompt in enumerate(prompts)}
            for done in as_completed(waiting):
                if done.cancelled():
                    continue
                if isinstance(error := done.exception(), CaptionError):
                    refusal = error
                    self._stopped.set()
                    for other in waiting:
                        other.cancel()
                    continue  # answers that are on their way are paid for, so they are still handed out
                yield waiting[done], done.result()
        finally:
            self._stopped.set()  # after an error or Ctrl-C, whoever waits to try again stops waiting
            pool.shutdown(wait=True, cancel_futures=True)
        if refusal:
            raise refusal

    def report(self) -> list[str]:
        """Requests and tokens of this run, and what they cost where prices are given."""
        counts, params = self.counts, self.params
        line = (
            f"{counts.requests} requests, {counts.retries} of them retries; "
            f"{counts.prompt_tokens} prompt and {counts.completion_tokens} completion tokens"
        )
        dollars = (
            counts.prompt_tokens * params.usd_per_million_prompt_tokens
            + counts.completion_tokens * params.usd_per_million_completion_tokens
        ) / 1e6
        return [f"{line}, {dollars:.4f} USD" if dollars else line]

    def _answer(self, prompt: Prompt) -> Reply:
        with self._lock:
            if self.counts.failed_in_a_row >= GIVE_UP_AFTER:
                last = self.counts.last_failure
                return Reply("", f"not asked, {GIVE_UP_AFTER} requests in a row failed before; last: {last}")
            jitter = np.random.default_rng([self.seed, self.counts.requests])
        content = self._body(prompt)
        failure = "stopped"
        for attempt in range(self.params.attempts):
            self._wait()
            if self._stopped.is_set():
                break
            reply, failure, wait_s = self._attempt(content, is_retry=attempt > 0)
            if reply:
                return reply
            if wait_s is None or wait_s > self.params.longest_wait_s or attempt + 1 == self.params.attempts:
                break
            self._stopped.wait(max(self.params.backoff_s * (2**attempt + jitter.uniform()), wait_s))
        with self._lock:
            self.counts.failed_in_a_row += 1
            self.counts.last_failure = failure
        return Reply("", failure)

    def _wait(self) -> None:
        """Until the time that the endpoint named to any of our threads."""
        while (rest_s := self._not_before - time.monotonic()) > 0 and not self._stopped.wait(rest_s):
            pass

    def _attempt(
        self, content: dict[str, object], *, is_retry: bool
    ) -> tuple[Reply | None, str, float | None]:
        """A reply; or what failed, and the least time [s] to wait (None: do not try again)."""
        with self._lock:
            self.counts.requests += 1
            self.counts.retries += is_retry
        url = self.params.base_url.rstrip("/") + "/chat/completions"
        try:
            answer = post_json(url, content, self._key, self.params.timeout_s)
        except TRANSPORT_ERRORS as error:
            said = getattr(error, "reason", None) or error or type(error).__name__
            return None, self._clean(f"{urlsplit(url).netloc}: {said}"), 0.0
        if answer.status == 200:
            reply = _reply(answer.body)
            if reply is None:
                said = self._clean(_said(answer.body))
                return None, f"the endpoint's answer is not a chat completion: {said}", 0.0
            self._count(reply)
            return reply, "", None
        failure = self._clean(f"HTTP {answer.status}: {_said(answer.body)}")
        self._refuse_if_hopeless(answer, failure)
        if answer.status not in PASSING and answer.status < 500:
            return None, failure, None
        wait_s = answer.retry_after_s or 0.0
        if wait_s <= self.params.longest_wait_s:
            with self._lock:
                self._not_before = max(self._not_before, time.monotonic() + wait_s)
        return None, failure, wait_s

    def _count(self, reply: Reply) -> None:
        with self._lock:
            self.counts.failed_in_a_row = 0
            self.counts.prompt_tokens += reply.n_prompt_tokens
            self.counts.completion_tokens += reply.n_completion_tokens

    def _refuse_if_hopeless(self, answer: HttpAnswer, failure: str) -> None:
        out_of_money = answer.status == 429 and any(word.encode() in answer.body for word in NO_MONEY)
        if answer.status in HOPELESS or out_of_money:
            what = "the account" if out_of_money else HOPELESS[answer.status]
            raise CaptionError(
                f"{self.params.base_url} refuses all requests. {failure}",
                expected=f"a chat completion of {self.params.model!r}",
                remedy=f"check {what} (captions.openai in params.yaml; the key is read from the environment "
                f"variable {self.params.api_key_env!r}). Answers so far are kept; the same command goes on.",
            )

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "[key]") if self._key else text

    def _body(self, prompt: Prompt) -> dict[str, object]:
        params = self.params
        messages: list[dict[str, object]] = [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": [_part(part) for part in prompt.parts]},
        ]
        for said, told in prompt.corrections:
            messages += [{"role": "assistant", "content": said}, {"role": "user", "content": told}]
        body: dict[str, object] = {"model": params.model, "messages": messages}
        if params.model.startswith(REASONING):
            body["max_completion_tokens"] = max(params.max_tokens, REASONING_TOKENS)
        else:
            body |= {"max_tokens": params.max_tokens, "temperature": params.temperature}
            body |= {} if params.top_p is None else {"top_p": params.top_p}
        if params.temperature > 0 and not params.model.startswith(REASONING):
            body["seed"] = self.seed
        if params.json_mode:
            body["response_format"] = {"type": "json_object"}
        return body


def _key_from(name: str) -> str:
    key = os.environ.get(name, "").strip() if name else ""
    if name and not key:
        raise CaptionError(
            f"The environment variable {name} is not set.",
            expected="the key of the endpoint in captions.openai.base_url",
            remedy=f"export {name}=..., or set captions.openai.api_key_env: '' if the endpoint needs none.",
        )
    return key


def _part(part: str | Picture) -> dict[str, object]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    url = f"data:image/png;base64,{base64.b64encode(part.png).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _reply(body: bytes) -> Reply | None:
    """The first choice of a chat completion; None if this is none."""
    try:
        content = json.loads(body)
        choice = content["choices"][0]
        text = choice["message"]["content"]
        usage = content.get("usage") or {}
        tokens = [int(usage.get(f"{kind}_tokens") or 0) for kind in ("prompt", "completion")]
        if isinstance(text, list):
            text = "".join(piece.get("text", "") for piece in text)
        return Reply(
            text or "",
            is_cut=choice.get("finish_reason") == "length",
            n_prompt_tokens=tokens[0],
            n_completion_tokens=tokens[1],
        )
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _said(body: bytes) -> str:
    """What an endpoint says about an error, in one line."""
    text = body.decode(errors="replace")
    try:
        error = json.loads(text)["error"]
        text = error if isinstance(error, str) else str(error["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    return " ".join(text.split())[:MOST_SAID]
