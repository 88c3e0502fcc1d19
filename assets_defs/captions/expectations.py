"""Captions: every episode has some, none is empty, spans run forwards, and how many a model did not write."""

from pathlib import Path

import pandas as pd

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    has_columns,
    in_set,
    n_rows,
    not_above,
    not_blank,
    not_null,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from assets_defs.sections import section

MOST_NOT_BY_MODEL = 0.05


def suites(root: Path) -> list[Suite]:
    """Suites about data/captions/captions.parquet."""
    limits = section("checks", ChecksParams, root)
    captions = read_table(root / "data/captions/captions.parquet")
    clips = read_table(root / "data/extracted_traces/quality.parquet")
    ok = clips[clips["status"] == "ok"]
    episodes = set(ok["source"].astype(str) + "/" + ok["clip_id"].astype(str))
    status = captions.get("status", pd.Series("ok", captions.index))
    told = captions[status != "failed"]  # a text that failed is in the table with its reason only
    captioned = set(told["episode_id"])
    return [
        Suite("captions", told, [
            *has_columns("episode_id", "kind", "chunk_id", "start_idx", "end_idx", "instruction_1"),
            n_rows(limits.min_clips),
            not_null("episode_id"),
            in_set("kind", ["chunk", "merged"]),
            *(expectation for number in (1, 2, 3)
              for expectation in (not_null(f"instruction_{number}"), not_blank(f"instruction_{number}"))),
            between("start_idx", 0, None),
            not_above("start_idx", "end_idx"),
        ]),
        Suite("coverage", facts(
            n_without_caption=float(len(episodes - captioned)),
            n_unknown_episodes=float(len(captioned - episodes)),
            fallback_share=float((status == "fallback").mean()) if len(status) else 0.0,
            failed_share=float((status == "failed").mean()) if len(status) else 0.0,
        ), [
            between("n_without_caption", 0, 0),
            between("n_unknown_episodes", 0, 0, severity=WARNING),
            between("fallback_share", 0, MOST_NOT_BY_MODEL, severity=WARNING),
            between("failed_share", 0, MOST_NOT_BY_MODEL, severity=WARNING),
        ]),
    ]  # fmt: skip
