"""One broken rule of the episode format."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Violation:
    """What is wrong, and where.

    Attributes:
        file: Path inside the episode folder.
        field: Array, key or property.
        found: What is there.
        expected: What should be there.
    """

    file: str
    field: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.file} [{self.field}]: found {self.found}, expected {self.expected}"
