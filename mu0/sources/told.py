"""What a collection tells in the terminal: a line per source, and what its clips met and did not use."""

from collections.abc import Iterator

import pandas as pd

MOST_NOTES = 12


def lines_of(index: pd.DataFrame) -> Iterator[str]:
    """Per source the rate, the median depth and the cameras; then each note once, with the clips it is of.

    Args:
        index: data/raw_videos/index.parquet.
    """
    ok = index[index["status"] == "ok"]
    for source, clips in ok.groupby("source", sort=True):
        depth_m = clips.loc[clips["median_depth_m"] > 0, "median_depth_m"]
        facts = [
            f"{len(clips)} clips",
            f"{_span(clips['fps_hz'])} Hz",
            f"depth {_span(depth_m)} m" if len(depth_m) else "no depth",
            f"camera {', '.join(sorted(set(clips['intrinsics_source'].astype(str))))}",
        ]
        yield f"{source}: {'; '.join(facts)}"
    noted = list(ok[ok["reason"] != ""].groupby("reason", sort=True))
    for note, clips in noted[:MOST_NOTES]:
        more = f" and {len(clips) - 1} more" if len(clips) > 1 else ""
        yield f"{clips['source'].iloc[0]}/{clips['clip_id'].iloc[0]}{more}: {note}"
    if len(noted) > MOST_NOTES:
        yield f"{len(noted) - MOST_NOTES} more notes stand in the column reason of index.parquet"


def _span(values: pd.Series) -> str:
    """The median, or lowest and highest where they differ by a tenth or more."""
    low, high = float(values.min()), float(values.max())
    return f"{float(values.median()):.4g}" if high <= 1.1 * low else f"{low:.4g} to {high:.4g}"
