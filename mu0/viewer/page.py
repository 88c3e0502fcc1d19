"""Pages that are one file: style, script, scenes, pictures and videos are inside, nothing is fetched.

Everything that comes from data passes through `html.escape`; scenes are embedded as JSON whose `<` is
escaped, so that an instruction can never close the script element.
"""

import base64
import html
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from mu0.files import atomic_file

SENTENCE = 38  # letters; longer cells are no numbers
MIME = {".png": "image/png", ".jpg": "image/jpeg", ".mp4": "video/mp4"}


def text(value: object) -> str:
    """A value as harmless HTML text."""
    return html.escape(str(value))


def data_uri(path: Path) -> str:
    """A picture or video as a `data:` address."""
    return f"data:{MIME[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode('ascii')}"


def picture(path: Path, caption: str) -> str:
    """A figure with an embedded picture."""
    words = text(caption)
    return f'<figure><img src="{data_uri(path)}" alt="{words}"><figcaption>{words}</figcaption></figure>'


def video(path: Path, caption: str) -> str:
    """A figure with an embedded looping video."""
    return (
        f'<figure><video src="{data_uri(path)}" controls loop muted playsinline preload="metadata"></video>'
        f"<figcaption>{text(caption)}</figcaption></figure>"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[object]], best_row: int | None = None) -> str:
    """A table; numbers come already formatted."""
    head = "".join(f"<th>{text(cell)}</th>" for cell in header)
    body = "".join(
        f"<tr{' class=best' if number == best_row else ''}>"
        + "".join(_cell(text(cell), is_name=number == 0) for number, cell in enumerate(row))
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _cell(shown: str, *, is_name: bool) -> str:
    """Sentences are read line by line, numbers below each other; a row's name stays on one line."""
    return f"<td{' class=words' if len(shown) > SENTENCE and not is_name else ''}>{shown}</td>"


def scene_slot(number: int) -> str:
    """The element that becomes the interactive scene `number`."""
    return f'<div class="mu0-scene" data-scene="{number}"></div>'


def write_page(
    goal: Path, title: str, body: str, scenes: Sequence[dict[str, Any]], *, single: bool = False
) -> None:
    """Write a self-contained page."""
    assets = resources.files("mu0.viewer") / "assets"
    payload = json.dumps(list(scenes), allow_nan=False).replace("<", "\\u003c")
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(title)}</title><style>{(assets / "page.css").read_text()}</style></head>
<body{' class="single"' if single else ""}>{body}
<script>window.MU0_SCENES = {payload};</script>
<script>{(assets / "scene.js").read_text()}</script></body></html>
"""
    with atomic_file(goal) as temporary:
        temporary.write_text(page)


def write_scene_page(goal: Path, title: str, scenes: Sequence[dict[str, Any]]) -> None:
    """A page with nothing but scenes, one below the other."""
    slots = "\n".join(scene_slot(number) for number in range(len(scenes)))
    ends = "<span>now</span>", "<span>end of the trace</span>"
    legend = f'<div class="legend-row">{ends[0]}<div class="legend"></div>{ends[1]}</div>'
    write_page(goal, title, f"<main><h2>{text(title)}</h2>{legend}{slots}</main>", scenes, single=True)
