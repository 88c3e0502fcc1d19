"""One difference between what was recorded and what is there."""

from dataclasses import dataclass

NOTHING = "nothing"


@dataclass(frozen=True)
class Difference:
    """What a person needs to know about one path.

    Attributes:
        path: Relative to the project where it lies in it.
        expected: What should be there.
        found: What is there.
        remedy: What to do; a command in it works as printed.
    """

    path: str
    expected: str
    found: str
    remedy: str

    def __str__(self) -> str:
        lines = (f"expected: {self.expected}", f"found:    {self.found}", f"to do:    {self.remedy}")
        return "\n    ".join((self.path, *lines))
