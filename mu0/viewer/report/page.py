"""What the sections of the report read and write: artifacts by name, and the page while it grows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Shown:
    """What the report is about.

    Attributes:
        title: Of the page, such as the project's name.
        artifacts: Folders by the artifact's name in the chain: `world_model`, `trace_report` ...
        checks: Reports of the checks that passed, by the name of the artifact.
    """

    title: str
    artifacts: Mapping[str, Path]
    checks: Mapping[str, Path] = field(default_factory=dict)

    def __getitem__(self, artifact: str) -> Path:
        return self.artifacts[artifact]


@dataclass
class Page:
    """HTML in order, and the scenes that slots in the HTML refer to."""

    parts: list[str] = field(default_factory=list)
    scenes: list[dict[str, Any]] = field(default_factory=list)
