"""A page in headless Chromium, driven over its debugging pipe: run a script, hear its complaints, see it.

No package is needed: messages are JSON, ended by a zero byte, on file descriptors 3 and 4 of the browser.
"""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-quic",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip
COMPLAINTS = {"Runtime.exceptionThrown", "Log.entryAdded"}
PROBE = """(async () => {
const $ = (id) => document.getElementById(id);
const rest = (ms) => new Promise((done) => setTimeout(done, ms));
const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
const until = async (holds) => {
  for (let trial = 0; trial < 100; trial++) { if (holds()) return true; await rest(30); }
  return false;
};
const shot = (id) => $(id).toDataURL();
const pixels = (id) => $(id).getContext("2d").getImageData(0, 0, $(id).width, $(id).height).data;
const colours = (id) => new Set(new Uint32Array(pixels(id).buffer)).size;
const press = async (key) => {
  window.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
  await painted();
};
const found = {};
if (!await until(() => document.body.dataset.ready)) throw new Error("the page never became ready");
await Promise.all(mu0.episode.anchors.map((anchor) => anchor.picture.decode()));
mu0.draw(); await painted();
%s
return found;
})()"""


class Browser:
    """One page."""

    def __init__(self, orders: int, answers: int) -> None:
        self.orders, self.answers = orders, answers
        self.rest = b""
        self.count = 0
        self.session: str | None = None
        self.faults: list[str] = []

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Send a command and wait for its result; events that come in between may be complaints."""
        self.count += 1
        message: dict[str, Any] = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.orders, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.count:
            self._listen(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def wait_for(self, event: str) -> None:
        while (message := self._next()).get("method") != event:
            self._listen(message)

    def run(self, script: str) -> Any:
        """The value of an expression in the page, promises awaited."""
        answer = self.ask("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def _listen(self, message: dict[str, Any]) -> None:
        said = message.get("params", {})
        if message.get("method") in COMPLAINTS or said.get("type") in {"error", "warning", "assert"}:
            self.faults.append(json.dumps(said))

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.rest:
            piece = os.read(self.answers, 1 << 20)
            assert piece, "the browser ended"
            self.rest += piece
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)


@contextmanager
def open_page(page: Path, folder: Path, size: tuple[int, int] = (1200, 800)) -> Iterator[Browser]:
    """The page in a window of this size [px]; `folder` keeps the browser's own files."""
    assert CHROMIUM is not None
    read_orders, write_orders = os.pipe()
    read_answers, write_answers = os.pipe()
    command = ["bash", "-c", f'exec "$0" "$@" 3<&{read_orders} 4>&{write_answers}', CHROMIUM, *OPTIONS,
               f"--user-data-dir={folder / 'user'}"]  # fmt: skip
    process = subprocess.Popen(
        command, pass_fds=(read_orders, write_answers), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(read_orders)
    os.close(write_answers)
    browser = Browser(write_orders, read_answers)
    try:
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        attached = browser.ask("Target.attachToTarget", targetId=target, flatten=True)
        browser.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            browser.ask(f"{domain}.enable")
        browser.ask("Emulation.setDeviceMetricsOverride", width=size[0], height=size[1], deviceScaleFactor=1,
                    mobile=False)  # fmt: skip
        browser.ask("Page.navigate", url=page.resolve().as_uri())
        browser.wait_for("Page.loadEventFired")
        yield browser
    finally:
        os.write(write_orders, b'{"id": 0, "method": "Browser.close"}\0')
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
        os.close(write_orders)
        os.close(read_answers)


def probe(page: Path, script: str, folder: Path, size: tuple[int, int] = (1200, 800)) -> dict[str, Any]:
    """What `script` wrote into `found`; whatever the page complained about stands under "faults"."""
    with open_page(page, folder, size) as browser:
        found = browser.run(PROBE % script)
        return found | {"faults": browser.faults}


def screenshot(
    page: Path, goal: Path, script: str = "", size: tuple[int, int] = (1200, 800), *, theme: str = "light"
) -> None:
    """A picture of the window, after `script`."""
    with open_page(page, goal.parent, size) as browser:
        browser.run(f'document.documentElement.dataset.theme = "{theme}"')
        browser.run(PROBE % f"{script}; mu0.draw(); await painted();")
        picture = browser.ask("Page.captureScreenshot", format="png")["data"]
        goal.write_bytes(base64.b64decode(picture))
