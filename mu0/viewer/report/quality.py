"""The report's section on extraction quality: where every clip, frame, point and pair went, and how good.

Everything is read from the three tables beside the episodes; a project made before they existed is told so.
"""

import pandas as pd

from mu0.viewer.episode.facts import DROPPED, MEASURED
from mu0.viewer.page import table, text
from mu0.viewer.report.page import Page, Shown

LEVELS = {
    "clip": ("clips", "n_clips", "n_ok", "became episodes"),
    "frame": ("frames", "n_frames_in", "n_frames", "are in episodes"),
    "point": ("points chosen", "n_points_in", "n_points_out", "were followed"),
    "pair": ("points × anchor frames", "n_pairs_in", "n_rows", "are traces"),
}
CLIP_WORDS = {
    "unreadable": "unreadable", "failed": "failed", "rejected": "nothing usable moved",
    "clip_failed": "in clips that failed", "clip_rejected": "in rejected clips",
}  # fmt: skip
COLOURS = ("#c9c3d6", "#e6a45c", "#d9695f", "#7fa7cf", "#b68fc9", "#8fb08c", "#a8927a", "#777")
KEPT_COLOUR = "#6b3fd4"
MOST_CLIPS = 12
SMALLEST_SHARE = 0.001  # of a bar; smaller pieces are in the text only
FLAGS = {
    "episodes": "n_ok", "3-D": "n_3d", "camera poses": "n_with_poses", "robot actions": "n_with_actions",
    "instructions": "n_with_instruction",
}  # fmt: skip
MEDIANS = {"fps_hz": ("rate, median", 1.0, "Hz"), "median_depth_m": ("depth, median", 1.0, "m")}
MOST_NOTES = 20


def quality(shown: Shown, page: Page) -> None:
    """Bars of what came through, measures and capabilities by source, and the clips that are no episode."""
    paths = [shown["extracted_traces"] / f"{name}.parquet" for name in ("sources", "drops")]
    page.parts.append("<h3>Where everything went</h3>")
    if not all(path.is_file() for path in paths):
        page.parts.append('<p class="note">These episodes were extracted before drops were recorded.</p>')
        return
    sources, drops = (pd.read_parquet(path) for path in paths)
    page.parts.append(
        '<p class="note">On every level, what went in is what came out plus what was dropped for a reason; '
        "a check stops the chain when the counts do not add up.</p>"
    )
    page.parts += [_bar(level, sources, drops) for level in LEVELS]
    page.parts.append("<h3>Measured and known, by source</h3>")
    page.parts.append(_sources(sources))
    page.parts.append(_lost_clips(drops))
    rows = pd.read_parquet(shown["extracted_traces"] / "quality.parquet")
    if "note" in rows:  # tables made before clips carried notes have none
        page.parts.append(_notes(rows))


def _bar(level: str, sources: pd.DataFrame, drops: pd.DataFrame) -> str:
    """One level as a bar of pieces, with the numbers in words under it."""
    what, column_in, column_out, became = LEVELS[level]
    n_in, n_out = int(sources[column_in].sum()), int(sources[column_out].sum())
    if n_in == 0:
        return ""
    counts = drops[drops["level"] == level].groupby("reason")["count"].sum().sort_values(ascending=False)
    pieces = [(became, n_out, KEPT_COLOUR)] + [
        (_words(str(reason)), int(count), COLOURS[number % len(COLOURS)])
        for number, (reason, count) in enumerate(counts.items())
    ]
    bar = "".join(
        f'<i style="flex:{count};background:{colour}" title="{text(words)}: {count:,}"></i>'
        for words, count, colour in pieces
        if count >= SMALLEST_SHARE * n_in
    )
    legend = ", ".join(
        f'<i style="background:{colour}"></i> {count:,} {text(words)}'
        for words, count, colour in pieces
        if count
    )
    return f'<div class="flow"><b>{n_in:,} {text(what)}</b><div>{bar}</div><span>{legend}</span></div>'


def _words(reason: str) -> str:
    return CLIP_WORDS.get(reason, DROPPED.get(reason, reason))


def _sources(sources: pd.DataFrame) -> str:
    """One column per source."""
    rows = sources.to_dict("records")
    lines = [[words, *(f"{row[column]:,}" for row in rows)] for words, column in FLAGS.items()]
    for words, column in (("lens", "intrinsics_sources"), ("licence", "licences")):
        lines.append([words, *(row[column] or "–" for row in rows)])
    for key, (words, scale, unit) in (MEDIANS | MEASURED).items():
        if key in sources and sources[key].notna().any():
            shown = ("–" if pd.isna(row[key]) else f"{scale * row[key]:.3g} {unit}" for row in rows)
            lines.append([words, *shown])
    return table(["", *(str(row["source"]) for row in rows)], lines)


def _notes(rows: pd.DataFrame) -> str:
    """What clips were read with: what was not used, assumed or doubted; equal notes once."""
    found = rows[rows["note"] != ""].groupby("note", sort=True)
    if not len(found):
        return ""
    items = "".join(
        f"<li><b>{text(_whose(clips))}</b> {text(note)}</li>" for note, clips in list(found)[:MOST_NOTES]
    )
    more = len(found) - MOST_NOTES
    rest = f'<p class="note">{more:,} more in extracted_traces/quality.parquet.</p>' if more > 0 else ""
    return f'<h3>Met while reading</h3><ul class="lost">{items}</ul>{rest}'


def _whose(clips: pd.DataFrame) -> str:
    first = clips.iloc[0]
    more = f" and {len(clips) - 1} more" if len(clips) > 1 else ""
    return f"{first['source']}/{first['clip_id']}{more}"


def _lost_clips(drops: pd.DataFrame) -> str:
    lost = drops[drops["level"] == "clip"]
    if lost.empty:
        return '<p class="note">Every clip became an episode.</p>'
    items = "".join(
        f"<li><b>{text(row['source'])}/{text(row['clip_id'])}</b> "
        f"{text(_words(row['reason']))}: {text(row['detail'])}</li>"
        for row in lost.head(MOST_CLIPS).to_dict("records")
    )
    more = len(lost) - MOST_CLIPS
    rest = f'<p class="note">{more:,} more in extracted_traces/drops.parquet.</p>' if more > 0 else ""
    return f'<h3>Clips that are no episode</h3><ul class="lost">{items}</ul>{rest}'
