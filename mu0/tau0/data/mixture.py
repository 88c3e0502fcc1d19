"""Which windows make a batch: a fixed number of each role, drawn from (seed, step) and nothing else.

    act       5   successful demonstrations      pictures and actions, from the moment alone
    act       1   the hand-held gripper
    imagine   3   demonstrations                 pictures and progress, from the moment and the commands
    imagine   3   errors and branches
    imagine   2   clumsy rollouts and branches
    watch     2   hand video                     pictures alone

The windows of a role are equally likely. Where a role has none (no hand video was recorded), demonstrations
take its place. So training resumes at any step with the same data, in any process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mu0.errors import DatasetError
from mu0.tau0.data.windows import Tau0Windows, WindowKey

Mode = Literal["act", "imagine", "watch"]


@dataclass(frozen=True)
class Role:
    """How many windows of a batch do what, and of which kinds they are."""

    mode: Mode
    kinds: tuple[str, ...]
    count: int


ROLES = (
    Role("act", ("demonstration",), 5),
    Role("act", ("umi",), 1),
    Role("imagine", ("demonstration",), 3),
    Role("imagine", ("fault", "branch"), 3),
    Role("imagine", ("rollout", "branch"), 2),
    Role("watch", ("hand",), 2),
)


@dataclass(frozen=True)
class Drawn:
    """One place of a batch."""

    mode: Mode
    key: WindowKey


class Mixture:
    """Draws batches from the windows of a split.

    Args:
        windows: Where from.
        roles: What a batch is made of; the first one must have windows.

    Raises:
        DatasetError: The first role has none.
    """

    def __init__(self, windows: Tau0Windows, roles: Sequence[Role] = ROLES) -> None:
        self._ends = {role: np.cumsum(_starts(windows, role)) for role in roles}
        if self._ends[roles[0]][-1] == 0:
            raise DatasetError(
                f"There is no {' or '.join(roles[0].kinds)} in this split.",
                expected="recordings for the first role of a batch",
                remedy="ask for scenes of a task in tau0_data of params.yaml.",
            )
        self.roles = tuple(role if self._ends[role][-1] else _instead(role, roles[0]) for role in roles)
        for role in self.roles:
            self._ends.setdefault(role, self._ends[roles[0]])

    def draw(self, seed: int, step: int) -> list[Drawn]:
        """The batch of a step, role by role."""
        rng = np.random.default_rng([seed, step])
        return [
            Drawn(role.mode, _key(self._ends[role], int(number)))
            for role in self.roles
            for number in rng.integers(self._ends[role][-1], size=role.count)
        ]


def _starts(windows: Tau0Windows, role: Role) -> list[int]:
    """How many windows of each recording may take the role; what is not to be cloned teaches no acting."""
    return [
        windows.n_starts(place)
        if kind in role.kinds and (role.mode != "act" or windows.supervised(place).cloned > 0)
        else 0
        for place, kind in enumerate(windows.recordings["kind"])
    ]


def _instead(role: Role, first: Role) -> Role:
    mode: Mode = first.mode if role.mode == "watch" else role.mode
    return Role(mode, first.kinds, role.count)


def _key(ends: np.ndarray, number: int) -> WindowKey:
    """Window `number` of those that are counted recording by recording."""
    place = int(np.searchsorted(ends, number, side="right"))
    before = int(ends[place - 1]) if place else 0
    return WindowKey(place, number - before)
