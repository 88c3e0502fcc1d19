"""One POST of JSON with the standard library, with a deadline for the whole answer.

Redirects are not followed, for they would carry the key to another host. An answer that ends early, drips for
ever or is far too large raises instead of being half used.
"""

import http.client
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from email.message import Message
from email.utils import parsedate_to_datetime

LARGEST_BYTES = 8 << 20
PIECE_BYTES = 1 << 16
TRANSPORT_ERRORS = (OSError, http.client.HTTPException)  # URLError and TimeoutError are OSErrors


@dataclass(frozen=True)
class HttpAnswer:
    """What came back.

    Attributes:
        status: HTTP status.
        retry_after_s: Content of Retry-After; None if absent or not understood.
        body: Bytes of the body.
    """

    status: int
    retry_after_s: float | None
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: object) -> None:  # noqa: ARG002
        return None


def post_json(url: str, content: object, key: str, timeout_s: float) -> HttpAnswer:
    """Send JSON and read the whole answer, whatever its status.

    Args:
        url: Where to.
        content: What.
        key: Bearer token; none is sent if this is empty.
        timeout_s: For the whole exchange.

    Raises:
        OSError: The host cannot be reached, does not answer in time, or breaks off.
        http.client.HTTPException: What it says is not HTTP.
    """
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(url, json.dumps(content).encode(), headers, method="POST")
    deadline = time.monotonic() + timeout_s
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            return HttpAnswer(response.status, retry_after_s(response.headers), _whole(response, deadline))
    except urllib.error.HTTPError as error:
        with error:
            return HttpAnswer(error.code, retry_after_s(error.headers), _whole(error, deadline))


def _whole(response: http.client.HTTPResponse | urllib.error.HTTPError, deadline: float) -> bytes:
    pieces: list[bytes] = []
    n_bytes = 0
    while piece := response.read1(PIECE_BYTES):
        pieces.append(piece)
        n_bytes += len(piece)
        if time.monotonic() > deadline:
            raise TimeoutError("the answer did not end in time")
        if n_bytes > LARGEST_BYTES:
            raise ConnectionError(f"the answer is larger than {LARGEST_BYTES >> 20} MiB")
    promised = response.headers.get("Content-Length", "")
    if promised.isdigit() and n_bytes < int(promised):
        raise ConnectionError(f"the answer broke off after {n_bytes} of {promised} bytes")
    return b"".join(pieces)


def retry_after_s(headers: Message) -> float | None:
    """How long an endpoint asks to wait: seconds or a date; None if it does not, or not in words we know."""
    value = headers.get("Retry-After", "").strip()
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
