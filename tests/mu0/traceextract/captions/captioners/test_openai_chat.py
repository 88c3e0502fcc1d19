"""An endpoint as captioner, against a server on this machine that misbehaves in every way we know of."""

import json
import logging
import shutil
import threading
from datetime import UTC, datetime, timedelta
from email.message import Message
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from fake_endpoint import Act, Script, Seen, endpoint
from pydantic import ValidationError

from mu0.errors import CaptionError
from mu0.files import sha256_of_tree
from mu0.params.extract import CaptionsParams, OpenAiParams
from mu0.traceextract.captions.captioners import http_json, openai_chat
from mu0.traceextract.captions.captioners.http_json import retry_after_s
from mu0.traceextract.captions.captioners.interfaces import Prompt, Reply
from mu0.traceextract.captions.captioners.openai_chat import OpenAiChat
from mu0.traceextract.captions.evidence.pictures import Picture
from mu0.traceextract.captions.official_files import write_captions
from tests.mu0.traceextract.captions.caption_fakes import GOOD_CAPTION, THREE_EVENTS, make_episode

SAFETY_S = 60.0  # a broken test ends; a good one never waits so long
KEY = "sk-very-secret-123"
GOOD = Act(text=json.dumps(GOOD_CAPTION))
PROMPT = Prompt("be careful", ("look:", Picture("FIRST_FRAME", b"\x89PNG"), "answer"))


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


def _params(url: str, **rest: Any) -> OpenAiParams:
    defaults: dict[str, Any] = {"backoff_s": 0.01, "timeout_s": 5.0, "concurrency": 3}
    return OpenAiParams(base_url=url, **(defaults | rest))


def _ask(script: Script, n_prompts: int = 1, **rest: Any) -> tuple[list[Reply], Seen, OpenAiChat]:
    with endpoint(script) as (url, seen):
        chat = OpenAiChat(_params(url, **rest), seed=0)
        replies = dict(chat.reply([PROMPT] * n_prompts))
    return [replies[number] for number in range(n_prompts)], seen, chat


def _first_fails(act: Act) -> Script:
    return lambda number, _: act if number == 0 else GOOD


def test_the_request_is_a_chat_completion_with_pictures() -> None:
    (reply,), seen, chat = _ask(lambda *_: GOOD)
    assert reply == Reply(GOOD.text, n_prompt_tokens=1000, n_completion_tokens=50)
    assert seen.paths == ["/v1/chat/completions"]
    assert seen.headers[0]["Authorization"] == f"Bearer {KEY}"
    body = seen.bodies[0]
    assert (body["model"], body["temperature"], body["max_tokens"]) == ("gpt-4o-mini", 0.0, 1024)
    assert body["response_format"] == {"type": "json_object"}
    assert [message["role"] for message in body["messages"]] == ["system", "user"]
    assert [part["type"] for part in body["messages"][1]["content"]] == ["text", "image_url", "text"]
    assert body["messages"][1]["content"][1]["image_url"]["url"] == "data:image/png;base64,iVBORw=="
    assert chat.origin.licence == "terms of 127.0.0.1"
    assert chat.report() == ["1 requests, 0 of them retries; 1000 prompt and 50 completion tokens"]


def test_reasoning_models_get_other_limits_and_prices_make_a_cost() -> None:
    _, seen, chat = _ask(
        lambda *_: GOOD,
        model="gpt-5-nano",
        usd_per_million_prompt_tokens=2.0,
        usd_per_million_completion_tokens=8.0,
    )
    assert "temperature" not in seen.bodies[0]
    assert "max_tokens" not in seen.bodies[0]
    assert seen.bodies[0]["max_completion_tokens"] == 2048
    assert chat.report()[0].endswith(", 0.0024 USD")


@pytest.mark.parametrize(
    "act",
    [
        Act(status=500, body=b"oops"),
        Act(status=503, body=b"{}"),
        Act(status=429, body=b'{"error": {"message": "slow down"}}'),
        Act(status=408),
        Act(body=b"<html>gateway</html>"),
        Act(body=b'{"choices": []}'),
        Act(body=b'{"error": {"message": "upstream"}}'),
        Act(body=b'{"choices": [{"mess', missing_bytes=40),
        Act(body=b'{"choices": [{"mess', is_chunked=True),
    ],
    ids=["500", "503", "429", "408", "html", "no choices", "200 with error", "cut off", "cut chunk"],
)
def test_what_may_pass_is_tried_again(act: Act) -> None:
    (reply,), seen, chat = _ask(_first_fails(act))
    assert reply.text == GOOD.text
    assert len(seen.bodies) == 2
    assert seen.bodies[0] == seen.bodies[1]
    assert chat.counts.retries == 1


def test_a_slow_answer_is_given_up_and_asked_for_again() -> None:
    asked_enough = threading.Event()
    late = Act(text="late", gate=lambda: asked_enough.wait(SAFETY_S))
    (reply,), seen, chat = _ask(_first_fails(late), timeout_s=0.5, attempts=8)
    asked_enough.set()
    assert reply.text == GOOD.text
    assert len(seen.bodies) == 1 + chat.counts.retries >= 2


class Waits(threading.Event):
    """Waiting in which no time passes: it is noted, and the clock of the captioner moves on."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited_s.append(timeout)
        return self.is_set()

    def monotonic(self) -> float:
        return sum(self.waited_s)


def _waits(
    script: Script, monkeypatch: pytest.MonkeyPatch, n_prompts: int = 1, **rest: Any
) -> tuple[list[Reply], list[float]]:
    """What came, and how long was waited for it."""
    waits = Waits()
    monkeypatch.setattr(openai_chat, "time", waits)
    with endpoint(script) as (url, _):
        chat = OpenAiChat(_params(url, concurrency=1, **rest), seed=0)
        chat._stopped = waits
        replies = dict(chat.reply([PROMPT] * n_prompts))
    return [replies[number] for number in range(n_prompts)], waits.waited_s


def test_retry_after_is_kept_by_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    script = _first_fails(Act(status=429, headers={"Retry-After": "40"}))
    (reply,), waited_s = _waits(script, monkeypatch)
    assert reply.text == GOOD.text
    assert waited_s == [40.0]


def test_retry_after_is_kept_by_all_others_too(monkeypatch: pytest.MonkeyPatch) -> None:
    script = _first_fails(Act(status=429, headers={"Retry-After": "40"}))
    replies, waited_s = _waits(script, monkeypatch, n_prompts=4, attempts=1)
    assert [bool(reply.failure) for reply in replies] == [True, False, False, False]
    assert waited_s == [40.0]


def test_retry_after_may_be_a_date(monkeypatch: pytest.MonkeyPatch) -> None:
    now = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    monkeypatch.setattr(http_json, "time", SimpleNamespace(time=now.timestamp))
    headers = Message()
    headers["Retry-After"] = format_datetime(now + timedelta(seconds=90), usegmt=True)
    assert retry_after_s(headers) == 90
    headers.replace_header("Retry-After", "soon")
    assert retry_after_s(headers) is None
    headers.replace_header("Retry-After", "-3")
    assert retry_after_s(headers) == 0


def test_a_very_long_retry_after_is_a_failure_and_not_a_wait() -> None:
    act = Act(status=429, body=b'{"error": {"message": "daily limit"}}', headers={"Retry-After": "86400"})
    (reply,), seen, _ = _ask(lambda *_: act)
    assert reply.failure == "HTTP 429: daily limit"
    assert len(seen.bodies) == 1


def test_delays_double_and_differ(monkeypatch: pytest.MonkeyPatch) -> None:
    replies, waited_s = _waits(
        lambda *_: Act(status=500), monkeypatch, n_prompts=2, backoff_s=0.05, attempts=4
    )
    assert {reply.failure for reply in replies} == {"HTTP 500: "}
    parts = np.array(waited_s).reshape(2, 3) / 0.05 - 2.0 ** np.arange(3)
    assert ((parts >= 0) & (parts < 1)).all()
    assert len(set(parts.round(6).ravel())) == 6


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_refused_request_is_not_repeated(status: int) -> None:
    body = b'{"error": {"message": "image\\n too large"}}'
    replies, seen, _ = _ask(_first_fails(Act(status=status, body=body)), n_prompts=2, concurrency=1)
    assert [reply.failure for reply in replies] == [f"HTTP {status}: image too large", ""]
    assert len(seen.bodies) == 2


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (
            Act(status=401, body=f'{{"error": {{"message": "Incorrect key {KEY}"}}}}'.encode()),
            "check the key",
        ),
        (Act(status=403, body=b"no"), "check the key's rights"),
        (Act(status=404, body=b'{"error": "no such model"}'), "check base_url and model"),
        (
            Act(status=429, body=b'{"error": {"code": "insufficient_quota", "message": "m"}}'),
            "check the account",
        ),
    ],
    ids=["401", "403", "404", "quota"],
)
def test_a_hopeless_refusal_ends_the_run_at_once_without_showing_the_key(act: Act, words: str) -> None:
    with endpoint(lambda *_: act) as (url, seen):
        chat = OpenAiChat(_params(url, concurrency=1), seed=0)
        with pytest.raises(CaptionError, match="refuses all requests") as caught:
            list(chat.reply([PROMPT] * 50))
    assert words in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(seen.bodies) <= 2


def test_a_dead_endpoint_is_given_up_after_some_requests() -> None:
    with endpoint(lambda *_: GOOD) as (url, _):
        pass  # nobody listens there any more
    chat = OpenAiChat(_params(url, concurrency=1, attempts=2), seed=0)
    replies = [reply for _, reply in chat.reply([PROMPT] * 40)]
    assert chat.counts.requests == 10
    assert "Connection refused" in replies[0].failure
    assert replies[-1].failure.startswith("not asked, 5 requests in a row failed before; last: 127.0.0.1:")


def test_an_endpoint_that_comes_and_goes_is_not_given_up() -> None:
    replies, _, chat = _ask(
        lambda number, _: Act(status=500) if number % 2 else GOOD, n_prompts=20, attempts=1, concurrency=1
    )
    assert sum(not reply.failure for reply in replies) == 10
    assert chat.counts.requests == 20


def test_so_many_requests_at_a_time_and_not_more() -> None:
    together = threading.Barrier(3)
    act = Act(text="{}", gate=lambda: together.wait(SAFETY_S))
    _, seen, _ = _ask(lambda *_: act, n_prompts=9, concurrency=3, timeout_s=SAFETY_S)
    assert seen.most_busy == 3


def test_redirects_do_not_carry_the_key_away() -> None:
    with endpoint(lambda *_: GOOD) as (elsewhere, stolen):
        act = Act(status=307, headers={"Location": f"{elsewhere}/chat/completions"})
        (reply,), _, _ = _ask(lambda *_: act)
    assert reply.failure == "HTTP 307: "
    assert stolen.bodies == []


def test_an_endless_answer_is_cut() -> None:
    (reply,), _, _ = _ask(lambda *_: Act(body=b" " * (9 << 20)), attempts=1)
    assert reply.failure.endswith("the answer is larger than 8 MiB")


def test_a_cut_answer_and_one_in_pieces_are_told_as_such() -> None:
    pieces = {"choices": [{"message": {"content": [{"type": "text", "text": "a"}, {"text": "b"}]}}]}
    acts = [Act(text="{", finish="length"), Act(body=json.dumps(pieces).encode())]
    replies, _, _ = _ask(lambda number, _: acts[number], n_prompts=2, concurrency=1)
    assert replies == [
        Reply("{", is_cut=True, n_prompt_tokens=1000, n_completion_tokens=50),
        Reply("ab"),
    ]


def test_a_missing_key_is_said_before_anything_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(CaptionError, match="environment variable OPENAI_API_KEY is not set"):
        OpenAiChat(OpenAiParams(), seed=0)
    _, seen, _ = _ask(lambda *_: GOOD, api_key_env="")
    assert "Authorization" not in seen.headers[0]


@pytest.mark.parametrize(
    ("name", "value"), [("base_url", "file:///etc"), ("base_url", "x.com"), ("api_key_env", "sk-1")]
)
def test_params_refuse_what_is_no_endpoint_and_keys_in_the_place_of_names(name: str, value: str) -> None:
    with pytest.raises(ValidationError):
        OpenAiParams.model_validate({name: value})


def test_who_stops_listening_stops_the_waiting_threads() -> None:
    def first_only(url: str) -> None:
        for _ in OpenAiChat(_params(url, concurrency=3, backoff_s=1e6), seed=0).reply([PROMPT] * 6):
            break

    with endpoint(lambda number, _: GOOD if number == 0 else Act(status=500)) as (url, _):
        listener = threading.Thread(target=first_only, args=(url,), daemon=True)
        listener.start()
        listener.join(SAFETY_S)
    assert not listener.is_alive()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("captions")]


# the whole stage -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two episodes of three events: six events, six windows."""
    folder = tmp_path_factory.mktemp("traces")
    for name in ("a", "b"):
        way = np.array([0.2, 0, 0])
        make_episode(folder / "web" / name, way, acceleration=THREE_EVENTS, task=f"task {name}")
    return folder


@pytest.fixture
def root(tmp_path: Path, traces: Path) -> Path:
    """A project with these episodes."""
    shutil.copytree(traces, tmp_path / "traces")
    return tmp_path


def _stage(root: Path, url: str, **rest: Any) -> dict[str, Any]:
    fallback = rest.pop("fallback", "template")
    params = CaptionsParams(captioner="openai", openai=_params(url, **rest), fallback=fallback)
    return write_captions(root / "traces", root / "captions", params, root / "cache").summary(params)


def _numbered(number: int, body: dict[str, Any]) -> Act:
    """A good answer that depends on the question alone."""
    question = json.dumps(body["messages"][1])
    own = {"instruction_1": f"Does task {'a' if 'task a' in question else 'b'}.", "instruction_3": "do it"}
    return Act(text=json.dumps(GOOD_CAPTION | own))


def test_a_stormy_run_ends_with_the_same_captions_as_a_calm_one(root: Path) -> None:
    with endpoint(_numbered) as (url, _):
        summary = _stage(root, url)
        assert summary["n_texts_by_status"] == {"ok": 12, "fallback": 0, "failed": 0}
        calm = sha256_of_tree(root / "captions")
    storm = [
        Act(status=429, headers={"Retry-After": "0.05"}),
        Act(status=500),
        Act(body=b"{"),
        Act(text="[]"),
    ]

    def script(number: int, body: dict[str, Any]) -> Act:
        return storm[number // 2 % 4] if number % 2 else _numbered(number, body)

    with endpoint(script) as (url, _):
        params = CaptionsParams(captioner="openai", openai=_params(url, attempts=8))
        totals = write_captions(root / "traces", root / "stormy", params, root / "other_cache")
    assert totals.count("ok") == 12
    assert sha256_of_tree(root / "stormy") == calm


def test_failed_requests_are_retried_by_the_next_run_and_finished_ones_are_not(root: Path) -> None:
    def half(number: int, body: dict[str, Any]) -> Act:
        return Act(status=400, body=b"no") if "Event 2 of 3" in json.dumps(body) else _numbered(number, body)

    mood: list[Script] = [half]
    with endpoint(lambda number, body: mood[0](number, body)) as (url, seen):
        first = _stage(root, url)
        assert first["n_texts_by_status"] == {"ok": 4, "fallback": 8, "failed": 0}
        assert first["reasons"]["HTTP 400: no"] == 2
        asked = len(seen.bodies)
        assert asked == 6  # no window without the second event; nothing asked for those with it
        mood[0] = _numbered
        second = _stage(root, url)
        assert second["n_texts_by_status"] == {"ok": 12, "fallback": 0, "failed": 0}
        assert len(seen.bodies) - asked == 2 + 6
        before = sha256_of_tree(root / "captions")
        assert _stage(root, url) == second
        assert len(seen.bodies) - asked == 8
        assert sha256_of_tree(root / "captions") == before
    texts = pd.read_parquet(root / "captions/captions.parquet")
    assert (texts["instruction_1"] != "").all()


def test_a_wrong_key_leaves_earlier_captions_and_keeps_what_was_paid_for(root: Path) -> None:
    write_captions(root / "traces", root / "captions", CaptionsParams(), root / "cache")
    before = sha256_of_tree(root / "captions")
    expired = Act(status=401, body=b"expired")
    until = [4]
    with endpoint(lambda n, body: expired if n >= until[0] else _numbered(n, body)) as (url, seen):
        with pytest.raises(CaptionError, match="check the key"):
            _stage(root, url, concurrency=1)
        assert sha256_of_tree(root / "captions") == before
        until[0] = 10**6
        refused = len(seen.bodies) - 4
        assert _stage(root, url)["n_texts_by_status"]["ok"] == 12
        assert len(seen.bodies) == 12 + refused


def test_an_endpoint_that_says_nothing_is_an_error_without_fallback(root: Path) -> None:
    silent = Act(status=500, body=b"down")
    with (
        endpoint(lambda *_: silent) as (url, _),
        pytest.raises(CaptionError, match=r"described none of 12 events and windows: .*HTTP 500: down"),
    ):
        _stage(root, url, fallback="none", attempts=1)
    assert not (root / "captions").exists()
    with endpoint(lambda *_: silent) as (url, _):
        summary = _stage(root, url, attempts=1)
    assert summary["n_texts_by_status"] == {"ok": 0, "fallback": 12, "failed": 0}
    assert summary["origins"] == {"template": {"model": "", "licence": ""}}


def test_the_key_is_written_nowhere(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    echo = Act(status=400, body=f'{{"error": {{"message": "key {KEY} is odd"}}}}'.encode())
    with endpoint(lambda number, body: echo if number % 2 else _numbered(number, body)) as (url, _):
        _stage(root, url)
    written = b"".join(path.read_bytes() for path in root.rglob("*") if path.is_file())
    assert KEY.encode() not in written
    assert KEY not in caplog.text
    assert "key [key] is odd" in caplog.text
