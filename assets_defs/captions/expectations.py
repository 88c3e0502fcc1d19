"""Captions: every episode has some, none is empty, spans run forwards, and how many a model did not write."""

from pathlib import Path

from assets_defs.checks.params import ChecksParams
from assets_defs.checks.suite import (
    WARNING,
    Suite,
    between,
    facts,
    in_set,
    n_rows,
    not_above,
    not_blank,
)  # fmt: skip
from assets_defs.checks.tables import read_table
from assets_defs.sections import section

MOST_NOT_BY_MODEL = 0.05
INSTRUCTIONS = ("instruction_1", "instruction_2", "instruction_3")


def suites(root: Path) -> list[Suite]:
    """Suites about data/captions/captions.parquet."""
    limits = section("checks", ChecksParams, root)
    captions = read_table(
        root / "data/captions/captions.parquet",
        numbers=("chunk_id", "start_idx", "end_idx"),
        texts=("episode_id", "kind", "status", *INSTRUCTIONS),
    )
    clips = read_table(root / "data/extracted_traces/quality.parquet", texts=("source", "clip_id", "status"))
    ok = clips[clips["status"] == "ok"]
    episodes = set(ok["source"].astype(str) + "/" + ok["clip_id"].astype(str))
    status = captions["status"]
    told = captions[status != "failed"]  # a text that failed is in the table with its reason only
    captioned = set(told["episode_id"].dropna())
    return [
        Suite("captions", told, [
            *n_rows(limits.min_clips),
            *in_set("status", ["ok", "fallback"]),
            *in_set("kind", ["chunk", "merged"]),
            *not_blank("episode_id", *INSTRUCTIONS),
            *between("chunk_id"),
            *between("start_idx", 0),
            *not_above("start_idx", "end_idx"),
        ]),
        Suite("coverage", facts(
            n_episodes=float(len(episodes)),
            n_without_caption=float(len(episodes - captioned)),
            n_unknown_episodes=float(len(captioned - episodes)),
            fallback_share=float((status == "fallback").mean()) if len(status) else 0.0,
            failed_share=float((status == "failed").mean()) if len(status) else 0.0,
        ), [
            *between("n_episodes", 1),
            *between("n_without_caption", 0, 0),
            *between("n_unknown_episodes", 0, 0, severity=WARNING),
            *between("fallback_share", 0, MOST_NOT_BY_MODEL, severity=WARNING),
            *between("failed_share", 0, MOST_NOT_BY_MODEL, severity=WARNING),
        ]),
    ]  # fmt: skip
