"""What the doctor finds, and how bad it is.

unusable   the episode must not be learned from, and nothing here can mend it
mendable   `--repair` mends it, or leaves out what there is twice
notice     a person should look; nothing is changed
"""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["unusable", "mendable", "notice"]
WHOLE = "(dataset)"


@dataclass(frozen=True)
class Finding:
    """One thing that was found; `where` is an episode's name or `WHOLE`."""

    where: str
    check: str
    severity: Severity
    found: str
    expected: str
    remedy: str
