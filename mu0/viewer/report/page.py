"""What the sections of the report add to: the page while it grows."""

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Page:
    """HTML in order, and the scenes that slots in the HTML refer to."""

    parts: list[str] = field(default_factory=list)
    scenes: list[dict[str, Any]] = field(default_factory=list)
