"""An OpenAI-compatible endpoint on 127.0.0.1 that answers by a script, for the tests of the captioner."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Act:
    """One answer of the endpoint.

    Attributes:
        status: HTTP status.
        text: What the model says, in a chat completion; used if `body` is None.
        body: The whole body instead.
        headers: Additional headers.
        gate: Called before anything is sent; it may wait for something.
        finish: The completion's finish_reason.
        missing_bytes: So many bytes of the body are promised and not sent.
        is_chunked: Send the body in HTTP chunks and break off before the last one.
    """

    status: int = 200
    text: str = ""
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    gate: Callable[[], object] = bool
    finish: str = "stop"
    missing_bytes: int = 0
    is_chunked: bool = False

    @property
    def whole_body(self) -> bytes:
        if self.body is not None or self.status != 200:
            return self.body or b""
        message = {"role": "assistant", "content": self.text}
        choice = {"index": 0, "message": message, "finish_reason": self.finish}
        usage = {"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050}
        return json.dumps({"id": "x", "choices": [choice], "usage": usage}).encode()


Script = Callable[[int, dict[str, Any]], Act]


@dataclass
class Seen:
    """What the endpoint was sent."""

    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    busy: int = 0
    most_busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def endpoint(script: Script) -> Iterator[tuple[str, Seen]]:
    """Serve `script(number of the request, its body)`; yields base_url and what was seen."""
    seen = Seen()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with seen.lock:
                number = len(seen.bodies)
                seen.bodies.append(body)
                seen.headers.append(dict(self.headers))
                seen.paths.append(self.path)
                seen.busy += 1
                seen.most_busy = max(seen.most_busy, seen.busy)
            try:
                self._play(script(number, body))
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client did not wait
            finally:
                with seen.lock:
                    seen.busy -= 1

        def _play(self, act: Act) -> None:
            act.gate()
            content = act.whole_body
            self.send_response(act.status)
            for name, value in act.headers.items():
                self.send_header(name, value)
            if act.is_chunked:
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(f"{len(content) + 9:x}\r\n".encode() + content)
            else:
                self.send_header("Content-Length", str(len(content) + act.missing_bytes))
                self.end_headers()
                self.wfile.write(content)
            self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
