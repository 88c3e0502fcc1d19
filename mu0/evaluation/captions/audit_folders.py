"""All captioned episodes of simulated clips, audited, and their scores by source."""

from pathlib import Path
from typing import Any

import pandas as pd

from mu0.episodes.read import list_episodes
from mu0.episodes.sidecar import read_sidecar
from mu0.evaluation.captions.audit import Event, audit_captions
from mu0.evaluation.captions.truth import read_caption_truth
from mu0.files import read_json
from mu0.progress import track

CAPTIONS_NAME = "curated_captions.json"
COLUMNS = ["episode_id", "source", "n_changes", "n_boundaries", "n_events"]  # of an audit of nothing


def audit_caption_folders(captions: Path, episodes: Path, truths: Path, most: int) -> pd.DataFrame:
    """Audit up to `most` episodes of each source that have a truth.

    Args:
        captions: data/captions.
        episodes: The episodes that they are of; asked which frames of the clip they kept.
        truths: Exact truth, `<source>/<clip>.npz`.
        most: Episodes of a source.

    Returns:
        A row of counts per episode.

    Raises:
        StageError: A truth was recorded before phases were.
    """
    rows: list[dict[str, object]] = []
    for source in sorted({folder.parent for folder in list_episodes(episodes)}):
        names = [folder.name for folder in list_episodes(source)]
        told = [name for name in names if (truths / source.name / f"{name}.npz").is_file()][:most]
        for name in track(told, f"captions of {source.name}"):
            content = read_json(captions / source.name / name / CAPTIONS_NAME)
            sidecar = read_sidecar(source / name, content["n_frames"])
            truth = read_caption_truth(truths / source.name / f"{name}.npz", sidecar.source_frames)
            counts = audit_captions(events_of(content), sidecar.instruction.strip(), truth)
            rows.append({"episode_id": f"{source.name}/{name}", "source": source.name, **counts})
    return pd.DataFrame(rows, columns=None if rows else COLUMNS)


def events_of(content: dict[str, Any]) -> list[Event]:
    """The events of a curated_captions.json; one that failed has no labels and no text."""
    return [
        Event(
            first=chunk["chunk"]["start_idx"],
            last=chunk["chunk"]["end_idx"],
            labels=tuple(chunk.get("caption", {}).get("skill_labels", ())),
            objects=tuple(chunk.get("caption", {}).get("objects", ())),
            text=chunk.get("caption", {}).get("instruction_1", ""),
        )
        for chunk in content["chunks"]
    ]


def summarize_captions(table: pd.DataFrame) -> dict[str, dict[str, float | None]]:
    """Scores by source; None where there is nothing to be right or wrong about."""
    return {
        str(source): _scores({str(key): float(value) for key, value in part.sum(numeric_only=True).items()})
        | {"n_episodes": float(len(part))}
        for source, part in table.groupby("source")
    }


def _scores(sums: dict[str, float]) -> dict[str, float | None]:
    claims = sums["n_mover_claims"] + sums["n_direction_claims"]
    right = sums["n_mover_claims_right"] + sums["n_direction_claims_right"]
    return {
        "boundary_f1": _share(2 * sums["n_boundaries_right"], sums["n_changes"] + sums["n_boundaries"]),
        "skill_accuracy": _share(sums["n_skills_right"], sums["n_events"]),
        "claims_right": _share(right, claims),
        "mover_claims_right": _share(sums["n_mover_claims_right"], sums["n_mover_claims"]),
        "direction_claims_right": _share(sums["n_direction_claims_right"], sums["n_direction_claims"]),
        "objects_right": _share(sums["n_objects_right"], sums["n_events"]),
        "n_events": sums["n_events"],
        "n_claims": claims,
    }


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
