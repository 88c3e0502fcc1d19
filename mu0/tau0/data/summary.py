"""What the recordings amount to, in numbers."""

from typing import Any

import pandas as pd

from mu0.tau0.data.labels import falls
from mu0.tau0.data.tables import Tables


def summarize(tables: Tables) -> dict[str, Any]:
    """Counts by kind and fault, agreement of labels with outcomes, how far branches end from each other."""
    recordings, branches = tables.recordings, tables.branches
    episodes = with_label_facts(tables)
    whole = recordings[recordings["kind"] != "branch"]
    successes = episodes[episodes["success"] & (episodes["kind"] != "branch")]
    failures = episodes[~episodes["success"] & (episodes["kind"] != "branch")]
    return {
        "n_scenes": int(recordings["scene_id"].nunique()),
        "n_frames": int(recordings["n_frames"].sum()),
        "n_recordings": _counts(recordings["kind"]),
        "n_faults": _counts(recordings.loc[recordings["kind"] == "fault", "fault"]),
        "success_rate": {
            str(kind): float(rows["success"].mean()) for kind, rows in whole.groupby("kind", sort=True)
        },
        "harmless_fault_share": _mean(recordings.loc[recordings["kind"] == "fault", "harmless"]),
        "labels": {
            "success_ends_at_1_rate": _mean(successes["last"] == 1),
            "failure_ends_below_0_rate": _mean(failures["last"] < 0),
            "mean_last_of_failures": _mean(failures["last"]),
        },
        "n_groups": len(branches.drop_duplicates(["scene_id", "group"])),
        "hand_gap_cm": _gaps_cm(branches, "end_gap_m"),
        "thing_gap_cm": _gaps_cm(branches, "thing_gap_m"),
    }


def with_label_facts(tables: Tables) -> pd.DataFrame:
    """The labelled recordings, with the label in their first, last and error frame and how often it falls.

    Columns besides those of `recordings`: `first`, `last`, `at_error` (NaN without one), `highest_after`
    the error, `lowest`, `highest`, `n_falls`.
    """
    rows = []
    labels = {
        key: part["overall"].to_numpy() for key, part in tables.frames.groupby(["scene_id", "recording"])
    }
    for told in tables.recordings.to_dict("records"):
        overall = labels.get((told["scene_id"], told["recording"]))
        if overall is None:
            continue
        has_error = told["error_step"] >= 0
        after = overall[told["error_step"] + 1 :] if has_error else overall[:0]
        rows.append(
            told
            | {
                "first": overall[0],
                "last": overall[-1],
                "at_error": overall[told["error_step"]] if has_error else float("nan"),
                "highest_after": after.max() if len(after) else float("nan"),
                "lowest": overall.min(),
                "highest": overall.max(),
                "n_falls": falls(overall),
            }
        )
    facts = ["first", "last", "at_error", "highest_after", "lowest", "highest", "n_falls"]
    return pd.DataFrame(rows, columns=[*tables.recordings.columns, *facts])


def _gaps_cm(branches: pd.DataFrame, column: str) -> dict[str, dict[str, float]]:
    """How far branches end from the demonstration, by chunk: mean, median and the share above 1 cm."""
    return {
        str(chunk): {
            "mean": float(100 * rows[column].mean()),
            "median": float(100 * rows[column].median()),
            "above_1_cm_share": float((rows[column] > 0.01).mean()),
        }
        for chunk, rows in branches.groupby("chunk", sort=True)
    }


def _counts(values: "pd.Series[Any]") -> dict[str, int]:
    return {str(name): int(count) for name, count in values.value_counts().sort_index().items()}


def _mean(values: "pd.Series[Any]") -> float:
    return float(values.astype(float).mean())
