"""`mu0 demos doctor --replay`: every episode once more in our simulator, from the seed in the episode table.

Two runs of each. In the first the arm gets what it was told when the episode was recorded (the commands in
the states, which contain the demonstrator's disturbances): how far the TCP leaves its recorded path is told
in centimetres. The dataset holds float32, the simulator counts in float64: no run can be nearer than that. In
the second it gets the recorded actions, which is what a policy learns. Both must end as the label says; of
almonds and cloth, which magnify the rounding, another end is told and no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from mu0.envs.levels import Level
from mu0.envs.ur3.arm_world import ArmWorld
from mu0.envs.ur3.arm_world import Episode as Start
from mu0.envs.ur3.tasks import find_task
from mu0.errors import SourceError
from mu0.progress import track
from mu0.sources.lerobot.doctor.findings import Finding
from mu0.sources.lerobot.doctor.signals import ACTION, STATE
from mu0.sources.lerobot.doctor.times import LEAVE_OUT
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import Episode
from mu0.sources.lerobot.rows import open_rows

FACTS = ("scene_seed", "variant", "unseen_objects", "success")
PICK = "pick"  # the task of datasets that name none
N_TCP = 3  # the last numbers of a state
MOST_OFF_CM = 1.0
OTHER_SCENE_CM = 0.1  # at the first row, before anything was commanded


@dataclass(frozen=True)
class Replay:
    """What came of an episode.

    Attributes:
        name: The episode's.
        label: Whether it is labelled a success.
        start_off_cm: How far the TCP is from its recorded place before the first command.
        off_cm: How far it is at most, in any row.
        is_equal: The states of all rows are those of the dataset, to the bit.
        ends_well: Whether the commands reach the goal.
        actions_end_well: Whether the actions do.
        is_firm: The task's outcome does not hang on how numbers are rounded.
    """

    name: str
    label: bool
    start_off_cm: float
    off_cm: float
    is_equal: bool
    ends_well: bool
    actions_end_well: bool
    is_firm: bool = True

    def findings(self) -> Iterator[Finding]:
        """What is wrong with the episode, by the simulator."""
        words = {True: "success", False: "failure"}
        if self.start_off_cm > OTHER_SCENE_CM:
            found = f"the arm starts {self.start_off_cm:.1f} cm from where it was recorded: another scene"
            yield self._told("unusable", found, "the scene of `scene_seed` and `variant`")
            return
        for what, ends_well in (("commands", self.ends_well), ("actions", self.actions_end_well)):
            if ends_well != self.label:
                found = f"its {what} end in {words[ends_well]}, its label says {words[self.label]}"
                yield self._told("unusable" if self.is_firm else "notice", found, "the outcome of the label")
        if self.off_cm > MOST_OFF_CM:
            found = f"the TCP leaves its recorded path by {self.off_cm:.2f} cm"
            yield self._told("notice", found, f"at most {MOST_OFF_CM:g} cm")

    def _told(self, severity: str, found: str, expected: str) -> Finding:
        if severity == "unusable":
            return Finding(self.name, "replay", "unusable", found, expected, LEAVE_OUT)
        return Finding(self.name, "replay", "notice", found, expected, "look at the episode.")


def replay_all(layout: Layout, names: set[str]) -> Iterator[Replay]:
    """Replay the episodes called `names`.

    Raises:
        SourceError: The dataset does not tell its scenes, or is not of our UR3.
    """
    chosen = [episode for episode in layout.episodes if episode.name in names]
    for episode in track(chosen, "replaying"):
        _require_ours(layout, episode)
        yield _replay(layout, episode)


def _replay(layout: Layout, episode: Episode) -> Replay:
    rows = open_rows(layout.root, episode)
    state, action = rows.column(STATE), rows.column(ACTION)
    world = _world(_task(episode), unseen_objects=bool(episode.facts["unseen_objects"]))
    commands = np.concatenate([state[1:, : action.shape[1]], action[-1:]])
    found = _run(world, episode, commands)
    ends_well = world.is_success()
    off_cm = 100 * np.linalg.norm(found[:, -N_TCP:] - state[:, -N_TCP:], axis=1)
    _run(world, episode, action)
    return Replay(
        name=episode.name,
        label=bool(episode.facts["success"]),
        start_off_cm=float(off_cm[0]),
        off_cm=float(off_cm.max()),
        is_equal=bool(np.array_equal(found, state)),
        ends_well=ends_well,
        actions_end_well=world.is_success(),
        is_firm=_task(episode) == PICK,
    )


def _run(
    world: ArmWorld, episode: Episode, commands: Float[np.ndarray, "t action"]
) -> Float[np.ndarray, "t state"]:
    """The states before each command."""
    world.begin(Start(int(episode.facts["scene_seed"]), int(episode.facts["variant"])))
    states = []
    for command in commands.astype(np.float64):
        states.append(world.state())
        world.advance(command)
    return np.stack(states)


@lru_cache(maxsize=2)
def _world(task: str, *, unseen_objects: bool) -> ArmWorld:
    level: Level = "unseen_objects" if unseen_objects else "in_distribution"
    return find_task(task).make(render=False, level=level)


def _task(episode: Episode) -> str:
    return str(episode.facts.get("task") or PICK)


def _require_ours(layout: Layout, episode: Episode) -> None:
    missing = [name for name in FACTS if episode.facts.get(name) is None]
    task = find_task(_task(episode))
    wanted = {STATE: len(task.state_names), ACTION: len(task.action_names)}
    sizes = {key: int(np.prod((layout.features.get(key) or {}).get("shape") or [0])) for key in wanted}
    if missing or sizes != wanted:
        has = f"has {sizes[STATE]} states and {sizes[ACTION]} actions"
        lacks = f"lacks {', '.join(missing)}"
        raise SourceError(
            f"{layout.root}: {episode.name} {lacks if missing else has}.",
            expected=f"{', '.join(FACTS)} in the episode table, {wanted[STATE]} states and {wanted[ACTION]} "
            "actions: our simulator's own",
            remedy="leave --replay out, or let `mu0 run demonstrations` write the dataset again.",
        )
