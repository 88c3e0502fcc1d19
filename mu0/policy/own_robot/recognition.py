"""The embodiment of a dataset: told by names of its features, and by its numbers where names are silent.

    gripper    a name such as gripper, finger, jaw; without names, numbers that stay at two ends. It must
               move: fingers that rest while others grasp are none
    delta      a name with delta or velocity; without, actions that follow the change of the state
    relative   an action of the name (without names: of the place) of a state, and that follows it
    absolute   everything else; a gripper that stays at two ends as well: "closed" means the same everywhere

What is guessed wrong can be put right: `mu0 learn FOLDER --describe > robot.json`, correct the file, then
`mu0 learn FOLDER --embodiment robot.json`.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float

from mu0.policy.embodiment import UR3, Embodiment, Kind
from mu0.sources.lerobot.depth_and_robot import ACTION, STATE
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.robot_episodes import RobotEpisode

GRIPPER = re.compile(r"grip|finger|claw|jaw|thumb|pinky|hand_?(ring|middle|index)")
DELTA = re.compile(r"delta|vel(ocity)?(?![a-z])")
WRIST = re.compile(r"wrist|hand|grip")
FOLLOWS = 0.8
"""Correlation from which on an action is a target of a state, or a change of it."""
LAGS = (0, 1, 2, 5)
"""Rows after which a robot may have done what it was told: arms need one or two, hands more."""
MOVES = 0.25
"""Of the widest gripper's range: what moves less only rests."""
END, AT_ENDS, EACH_END = 0.05, 0.95, 0.02
"""Of the range, of the rows at either end, and of the rows at each: how numbers of a gripper lie."""
FLOOR = 0.02
MARGIN = 0.05
KEYFRAME = 0.25
"""Shares of a dimension's range: least spread, how far limits lie beyond what was seen, unit of keyframes."""


def recognise(layout: Layout, episodes: Sequence[RobotEpisode], cameras: tuple[str, ...]) -> Embodiment:
    """Make the record of a dataset from its features and from these episodes.

    Args:
        layout: The dataset.
        episodes: Usable ones, at least one.
        cameras: That the policy shall look through.
    """
    state_names = names_of(layout.features.get(STATE), episodes[0].state.shape[1], "state")
    action_names = names_of(layout.features.get(ACTION), episodes[0].action.shape[1], "action")
    if (state_names, action_names, cameras) == (UR3.state_names, UR3.action_names, UR3.cameras):
        return UR3
    state = np.concatenate([one.state for one in episodes]).astype(np.float64)
    action = np.concatenate([one.action for one in episodes]).astype(np.float64)
    grippers = _grippers(action_names, action)
    partner = _partners(state_names, action_names, state.shape[1])
    kinds = _kinds(action_names, grippers, partner, episodes)
    relative_to = tuple(partner[i] if kind == "relative" else None for i, kind in enumerate(kinds))
    low, high = action.min(0), action.max(0)
    span = high - low
    pose = [i for i, reference in enumerate(relative_to) if reference is not None and i not in grippers]
    return Embodiment(
        name=layout.robot_type or "unnamed",
        rate_hz=layout.fps_hz,
        cameras=cameras,
        state_names=state_names,
        action_names=action_names,
        action_kinds=kinds,
        relative_to=relative_to,
        grippers=grippers,
        state_floor=_shares(state.max(0) - state.min(0), FLOOR),
        action_floor=_shares(span, FLOOR),
        keyframe_scale=_shares(span[pose], KEYFRAME),
        action_low=tuple((low - MARGIN * span).tolist()),
        action_high=tuple((high + MARGIN * span).tolist()),
    )


def main_view_first(cameras: Sequence[str]) -> tuple[str, ...]:
    """Cameras of the scene before those of wrists, otherwise in their order."""
    return tuple(sorted(cameras, key=lambda key: bool(WRIST.search(key.lower().rpartition(".")[2]))))


def names_of(feature: dict[str, Any] | None, size: int, word: str) -> tuple[str, ...]:
    """The names of a feature's dimensions, however they are nested; `word` and a number where it has none."""
    flat = _flat((feature or {}).get("names"))
    return tuple(flat) if len(flat) == size else tuple(f"{word}_{i}" for i in range(size))


def _flat(names: Any) -> list[str]:
    if isinstance(names, dict):
        names = list(names.values())
    if isinstance(names, list | tuple):
        return [name for part in names for name in _flat(part)]
    return [str(names)] if isinstance(names, str) else []


def _shares(span: Float[np.ndarray, " n"], share: float) -> tuple[float, ...]:
    """A share of each range; one unit where nothing ever moved."""
    return tuple(np.where(span > 0, share * span, 1.0).tolist())


def _is_named(name: str) -> bool:
    return not re.fullmatch(r"(state|action)_\d+", name)


def _grippers(names: tuple[str, ...], action: Float[np.ndarray, "t action"]) -> tuple[int, ...]:
    span = action.max(0) - action.min(0)
    if any(_is_named(name) for name in names):
        found = [i for i, name in enumerate(names) if GRIPPER.search(name.lower())]
    else:
        found = [i for i in range(len(names)) if span[i] > 0 and _lies_at_two_ends(action[:, i])]
    widest = max((span[i] for i in found), default=0.0)
    return tuple(i for i in found if span[i] > MOVES * widest)


def _lies_at_two_ends(values: Float[np.ndarray, " t"]) -> bool:
    share = (values - values.min()) / (values.max() - values.min())
    at_low, at_high = (share < END).mean(), (share > 1 - END).mean()
    return bool(at_low + at_high >= AT_ENDS and min(at_low, at_high) >= EACH_END)


def _partners(states: tuple[str, ...], actions: tuple[str, ...], n_states: int) -> list[int | None]:
    """The state that each action may be a target of."""
    if any(_is_named(name) for name in states):
        return [states.index(name) if name in states else None for name in actions]
    return [i if i < n_states else None for i in range(len(actions))]


def _follows(episodes: Sequence[RobotEpisode], pairs: list[tuple[int, int]], *, changes: bool) -> float:
    """How actions correlate with the states, or their changes, a moment later.

    Returns:
        The median over the pairs that move at all, at the lag where it is highest; 0 without any.
    """
    return max(_follows_after(episodes, pairs, lag, changes=changes) for lag in LAGS)


def _follows_after(
    episodes: Sequence[RobotEpisode], pairs: list[tuple[int, int]], lag: int, *, changes: bool
) -> float:
    told = [np.diff(one.state, axis=0) if changes else one.state for one in episodes]
    long = [(one.action, own) for one, own in zip(episodes, told, strict=True) if len(own) > lag]
    if not long:
        return 0.0
    later = np.concatenate([own[lag:] for _, own in long]).astype(np.float64)
    action = np.concatenate([act[: len(own) - lag] for act, own in long]).astype(np.float64)
    found = [_correlation(action[:, i], later[:, j]) for i, j in pairs]
    known = [value for value in found if value is not None]
    return float(np.median(known)) if known else 0.0


def _correlation(one: Float[np.ndarray, " t"], other: Float[np.ndarray, " t"]) -> float | None:
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    return float(np.corrcoef(one, other)[0, 1])


def _kinds(
    names: tuple[str, ...],
    grippers: tuple[int, ...],
    partner: list[int | None],
    episodes: Sequence[RobotEpisode],
) -> tuple[Kind, ...]:
    """The kind of each action; those with a partner are judged together, because some may rest.

    A number that never changes is no increment: the robot would drift.
    """
    fingers = {i for i, name in enumerate(names) if i in grippers or GRIPPER.search(name.lower())}
    named_delta = {i for i, name in enumerate(names) if i not in fingers and DELTA.search(name.lower())}
    paired = [(i, j) for i, j in enumerate(partner) if j is not None and i not in named_delta]
    pairs = [pair for pair in paired if pair[0] not in fingers]
    follows_state = _follows(episodes, pairs, changes=False)
    follows_change = _follows(episodes, pairs, changes=True)
    kinds: dict[int, Kind] = dict.fromkeys(named_delta, "delta")
    if follows_state >= max(FOLLOWS, follows_change):
        own = [pair for pair in paired if pair[0] in fingers and not _is_switch(episodes, pair[0])]
        follow_too = _follows(episodes, own, changes=False) >= FOLLOWS
        kinds |= {i: "relative" for i, _ in (*pairs, *(own if follow_too else []))}
    elif follows_change >= FOLLOWS:
        kinds |= {i: "delta" for i, _ in pairs if any(np.ptp(one.action[:, i]) > 0 for one in episodes)}
    return tuple(kinds.get(i, "absolute") for i in range(len(names)))


def _is_switch(episodes: Sequence[RobotEpisode], number: int) -> bool:
    """Whether an action never changes, or stays at two ends."""
    values = np.concatenate([one.action[:, number] for one in episodes])
    return bool(np.ptp(values) == 0) or _lies_at_two_ends(values)
