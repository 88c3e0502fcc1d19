"""Traces with a known error: how wrong may they be before the policy fails?

Per episode, the target's traces are moved as a whole, by one draw before the grasp and by another one after
it; the gripper's keep what they say about the target, so the grasp moves by as much, and the place too.
"""

from dataclasses import replace

import numpy as np

from mu0.trace_policy.sources import AbstractTraceSource, Futures, Moment


class ShiftedTraces(AbstractTraceSource):
    """Another source, moved.

    Args:
        source: Whose traces are moved.
        noise_m: Standard deviation of the shift across the table, per axis.
    """

    def __init__(self, source: AbstractTraceSource, noise_m: float) -> None:
        self._source, self._noise_m = source, noise_m
        self.reset(0)

    def reset(self, seed: int) -> None:
        """Draw both shifts of an episode."""
        self._source.reset(seed)
        across = np.random.default_rng([seed, 11]).normal(0, self._noise_m, (2, 2))
        self._shift_m = np.concatenate([across, np.zeros((2, 1))], axis=1)

    def look(self, moment: Moment) -> Futures:
        """The other source's futures: all of the gripper's way after now ends elsewhere."""
        futures = self._source.look(moment)
        gripper_m = futures.gripper_m.copy()
        gripper_m[:, :, 1:] += self._shift_m[int(moment.tool.closing)]
        return replace(futures, gripper_m=gripper_m)
