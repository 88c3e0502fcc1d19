"""What stages took on this machine before: `.mu0_cache/stage_seconds.json`, the best forecast there is.

A stage that was interrupted goes on from where it was, so its next time is only a part, and is not kept.
"""

import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mu0.files import atomic_file

RECORD = Path(".mu0_cache/stage_seconds.json")
SHORT_SHARE = 0.5  # of the time kept: less of it means that most was found in a cache


@dataclass(frozen=True)
class Took:
    """One run of a stage to its end, and how many units of work it did."""

    seconds: float
    units: float


def this_machine() -> str:
    """A name for what decides how long work takes: processor and cores."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        lines = (line.partition(":") for line in cpuinfo.read_text().splitlines())
        model = next((value.strip() for key, _, value in lines if key.strip() == "model name"), model)
    return f"{model}, {os.cpu_count()} cores"


class StageSeconds:
    """The record of one project.

    Args:
        path: Of the file; one that is missing or damaged counts as empty: a forecast is no reason to stop.
        machine: Whose times are read and written.
    """

    def __init__(self, path: Path = RECORD, machine: str | None = None) -> None:
        self._path, self._machine = path, machine or this_machine()

    def of_this_machine(self) -> dict[str, Took]:
        """Stages by name."""
        try:
            took = self._content()[self._machine]["took"]
            return {name: Took(float(row["seconds"]), float(row["units"])) for name, row in took.items()}
        except (KeyError, TypeError, ValueError, AttributeError):
            return {}

    def begin(self, stage: str) -> None:
        """Until `end`, the stage counts as interrupted."""
        self._change(lambda mine: mine["begun"].append(stage))

    def end(self, stage: str, took: Took) -> None:
        """The stage came to its end; keeps its time unless it was only a part of the work."""

        def note(mine: dict[str, Any]) -> None:
            is_whole = mine["begun"].count(stage) == 1
            mine["begun"] = [name for name in mine["begun"] if name != stage]
            known = self.of_this_machine().get(stage)
            if is_whole and (known is None or _is_like(took, known)):
                mine["took"][stage] = {"seconds": round(took.seconds, 2), "units": round(took.units, 3)}

        self._change(note)

    def _change(self, change: Any) -> None:
        content = self._content()
        mine = content.setdefault(self._machine, {})
        if not (isinstance(mine, dict) and isinstance(mine.get("took"), dict)):
            mine = content[self._machine] = {"took": {}}
        if not isinstance(mine.get("begun"), list):
            mine["begun"] = []
        change(mine)
        with atomic_file(self._path) as temporary:
            temporary.write_text(json.dumps(content, indent=2) + "\n")

    def _content(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text())
        except (OSError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}


def _is_like(took: Took, known: Took) -> bool:
    """Not much shorter than before for as much work; another amount of work is always news."""
    return took.units != known.units or took.seconds >= SHORT_SHARE * known.seconds
