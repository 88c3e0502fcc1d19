"""On every level, what went into extraction came out of it or was dropped with a reason."""

from pathlib import Path

import pandas as pd

from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    in_set,
    mostly_between,
    not_blank,
    unique,
    unique_together,
)  # fmt: skip
from assets_defs.checks.tables import read_table

LEVELS = ("clip", "frame", "point", "pair")  # of the ledgers of mu0.traceextract
MAX_DROPPED_POINTS = 0.5  # of the chosen keypoints of an episode; more warns
NOTHING_DROPPED = "nothing was dropped"


def account_suites(folder: Path, clips: pd.DataFrame) -> list[Suite]:
    """Suites about sources.parquet and drops.parquet, and their sums against `clips`.

    Args:
        folder: data/extracted_traces.
        clips: quality.parquet, one row per clip.
    """
    unaccounted = [f"n_{level}s_unaccounted" for level in LEVELS]
    sources = read_table(
        folder / "sources.parquet", numbers=("n_clips", "n_frames_in", *unaccounted), texts=("source",)
    )
    drops = read_table(
        folder / "drops.parquet", numbers=("count",), texts=("source", "clip_id", "level", "reason")
    )
    ok = clips[clips["status"] == "ok"]
    vanished = _vanished(clips, sources, drops)
    return [
        Suite("accounts", facts(**vanished), [each for name in vanished for each in between(name, 0, 0)]),
        Suite("sources", sources, [
            *unique("source"),
            *(each for name in ("n_clips", "n_frames_in") for each in between(name, 0)),
            *(each for name in unaccounted for each in between(name, 0, 0)),
        ]),
        Suite("drops", drops, [
            *unique_together("source", "clip_id", "level", "reason"),
            *in_set("level", list(LEVELS)),
            *between("count", 1),
            *not_blank("reason"),
        ], may_be_empty=NOTHING_DROPPED),
        Suite("dropped_points", _dropped_points(ok, drops),
              mostly_between("share", 0.0, MAX_DROPPED_POINTS, mostly=0.9, never_outside=(0.0, 1.0),
                             severity=WARNING)),
    ]  # fmt: skip


def _vanished(clips: pd.DataFrame, sources: pd.DataFrame, drops: pd.DataFrame) -> dict[str, float]:
    """What went in, less what came out and what was dropped; `n_clips` and `n_frames_in` are the index's."""
    ok = clips[clips["status"] == "ok"]
    balances = {
        "clip": (sources["n_clips"].sum(), len(ok)),
        "frame": (sources["n_frames_in"].sum(), ok["n_frames"].sum()),
        "point": (clips["n_points_in"].sum(), ok["n_points_out"].sum()),
        "pair": (clips["n_pairs_in"].sum(), ok["n_rows"].sum()),
    }
    return {
        f"{level}s_that_vanished": float(n_in - n_out - drops.loc[drops["level"] == level, "count"].sum())
        for level, (n_in, n_out) in balances.items()
    }


def _dropped_points(ok: pd.DataFrame, drops: pd.DataFrame) -> pd.DataFrame:
    """Share of the chosen keypoints that each episode lost."""
    dropped = drops[drops["level"] == "point"].groupby(["source", "clip_id"])["count"].sum()
    keys = pd.MultiIndex.from_frame(ok[["source", "clip_id"]].astype(str))
    lost = dropped.reindex(keys, fill_value=0).to_numpy() / ok["n_points_in"].clip(lower=1).to_numpy()
    return pd.DataFrame({"share": lost})
