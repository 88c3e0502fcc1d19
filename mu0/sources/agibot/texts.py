"""AgiBot World's texts: `task_info/task_<task>.json`, a list with one entry per episode.

    {"episode_id": 648642, "task_name": "Pickup items in the supermarket", "init_scene_text": "...",
     "label_info": {"action_config": [
         {"start_frame": 0, "end_frame": 215, "action_text": "Retrieve cucumber ...", "skill": "Pick"}]}}

The task's name becomes the clip's instruction; the actions with their frames go into its note.
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mu0.errors import SourceError
from mu0.text_files import load_json


@dataclass(frozen=True)
class TaskText:
    """What is said about an episode."""

    instruction: str
    note: str = ""


def read_task_info(path: Path, episode: str) -> TaskText:
    """The texts of one episode; empty, with a note, where the file does not know it.

    Raises:
        SourceError: The file is damaged.
    """
    try:
        entries = _entries(path, path.stat().st_mtime_ns)
        entry = next((entry for entry in entries if str(entry["episode_id"]) == episode), None)
        if entry is None:
            return TaskText("", f"{path.name} does not know this episode")
        actions = entry.get("label_info", {}).get("action_config", [])
        steps = [f"{step['start_frame']}-{step['end_frame']} {step['action_text']}" for step in actions]
        return TaskText(
            str(entry.get("task_name", "")).strip(), "actions: " + " | ".join(steps) if steps else ""
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"{path} does not describe episodes: {error!r}.",
            expected="a list with episode_id, task_name and label_info.action_config",
            remedy="download this file again.",
        ) from error


@lru_cache(maxsize=16)
def _entries(path: Path, changed_ns: int) -> list[dict[str, Any]]:  # noqa: ARG001 - part of the key
    content = load_json(path)
    if not isinstance(content, list):
        raise ValueError(f"it holds a {type(content).__name__}")  # noqa: TRY004 - told by the caller
    return content
