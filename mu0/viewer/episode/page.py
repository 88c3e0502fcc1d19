"""The page of an episode: one HTML file with the 3D scene, the frame, a slider and the timeline of captions.

    space     coloured cloud of the anchor frame, traces by time, the camera's path
    picture   the same frame with the same traces
    slider    anchor frames; both follow it
    timeline  events and merged windows, mean acceleration, seconds

Nothing is fetched: style, script, pictures and arrays are in the file. Everything that comes from data is
escaped.
"""

import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path

from mu0.episodes.read import Episode, read_episode
from mu0.files import atomic_file
from mu0.viewer.episode.facts import Chip, Rows, chips, fact_tables
from mu0.viewer.episode.pack import Limits, Packed, pack_episode
from mu0.viewer.episode.texts import read_texts
from mu0.viewer.page import text

SCRIPTS = ("episode_store.js", "episode_picture.js", "episode_space.js", "episode_page.js")
SPACE = """<section class="pane"><canvas id="space" role="img"
aria-label="Point cloud, traces and camera path in 3D"></canvas>
<div class="switches"><label><input type="checkbox" id="cloud" checked>cloud</label>
<label><input type="checkbox" id="path" checked>camera</label>
<label><input type="checkbox" id="through">look through the camera</label>
<button id="reset">reset view</button></div></section>"""
FLAT = '<span class="flag">2-D only: no depth, so nothing is known in metres</span>'
KEYS = (
    "<span class=\"keys\"><kbd>space</kbd> play <kbd>←</kbd><kbd>→</kbd> anchor "
    "<kbd>PgUp</kbd><kbd>PgDn</kbd> event <kbd>e</kbd> entities <kbd>p</kbd> past{more}</span>"
)  # fmt: skip
KEYS_3D = " <kbd>v</kbd> through the camera · drag orbits, shift-drag pans, wheel comes closer"


def write_episode_page(
    folder: Path,
    goal: Path,
    captions: Path | None = None,
    *,
    anchor: int | None = None,
    limits: Limits | None = None,
) -> None:
    """Write the page of an episode.

    Args:
        folder: The episode.
        goal: The HTML file.
        captions: Folder of its curated_training_texts.json; the episode's own folder is the fallback.
        anchor: Frame to begin with; the first anchor when None.
        limits: Budget of the page.

    Raises:
        EpisodeError: The episode cannot be read, holds no traces, or `anchor` is no anchor frame.
    """
    episode = read_episode(folder)
    texts = read_texts(*([captions] if captions else []), folder)
    packed = pack_episode(episode, texts, anchor=anchor, limits=limits or Limits())
    with atomic_file(goal) as temporary:
        temporary.write_text(_page(episode, packed), encoding="utf-8")


def _page(episode: Episode, packed: Packed) -> str:
    assets = resources.files("mu0.viewer") / "assets"
    script = "\n".join((assets / name).read_text(encoding="utf-8") for name in SCRIPTS)
    payload = json.dumps(packed.content, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    sidecar = episode.sidecar
    is_3d = bool(packed.content["is_3d"])
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{text(sidecar.episode_id)}</title>
<style>{(assets / "episode.css").read_text(encoding="utf-8")}</style></head>
<body style="--ratio: {packed.content["width"]} / {packed.content["height"]}"><div class="stage">
<header><h1><span>{text(sidecar.source)} /</span> {text(sidecar.clip_id)}</h1>
<p class="said">{text(f"“{sidecar.instruction}”" if sidecar.instruction else "")}</p>
<button id="theme" title="Light or dark">light / dark</button>{_chips(chips(episode))}</header>
<main class="panes{"" if is_3d else " flat"}">{SPACE if is_3d else ""}
<section class="pane"><canvas id="picture" role="img" aria-label="The frame with its traces"></canvas>
<div class="switches"><label><input type="checkbox" id="byEntity">colour by entity</label>
<label><input type="checkbox" id="past">past</label><span>● seen ○ hidden</span>{"" if is_3d else FLAT}</div>
</section></main>
<div class="player"><button id="play" aria-label="Play or pause">▶</button>
<input type="range" id="slider" min="0" value="0" aria-label="Anchor frame">
<output id="where"></output><output id="count"></output></div>
<div class="timeline"><div id="track"><svg viewBox="0 0 100 24" preserveAspectRatio="none" aria-hidden="true">
<polyline id="curve"/></svg><div id="head"></div></div><div id="ticks"></div></div>
<div class="words" id="words"><p id="caption"></p>
<p class="second"><span id="skills"></span><span id="others"></span></p></div>
<div class="legend"><span id="ofTime">now <i class="ramp"></i> end of the trace</span>
<span id="ofEntity" hidden></span>{KEYS.format(more=KEYS_3D if is_3d else "")}</div>
</div>
<div class="facts"><h2>What you see</h2><ul class="notes">{_notes(packed.notes, is_3d=is_3d)}</ul>
<div class="tables">{_tables(fact_tables(episode))}</div></div>
<script type="application/json" id="episode">{payload}</script>
<script>{script}</script></body></html>
"""


def _chips(facts: Sequence[Chip]) -> str:
    items = "".join(f'<li class="{chip.kind}">{text(chip.text)}</li>' for chip in facts)
    return f'<ul class="chips">{items}</ul>'


def _notes(notes: Sequence[str], *, is_3d: bool) -> str:
    units = (
        "Axes x red (right), y green (down), z blue (forward), metres in the episode’s world; the "
        "bar holds at the centre of the view. The violet outline is the camera of this frame."
        if is_3d
        else "All lengths are pixels."
    )
    curve = "The curve over the timeline is the mean acceleration of the moving points."
    return "".join(f"<li>{text(note)}</li>" for note in (units, curve, *notes))


def _tables(tables: dict[str, Rows]) -> str:
    return "".join(
        f"<section><h2>{text(title)}</h2><table>"
        + "".join(f"<tr><th>{text(name)}</th><td>{text(value)}</td></tr>" for name, value in rows)
        + "</table></section>"
        for title, rows in tables.items()
    )
