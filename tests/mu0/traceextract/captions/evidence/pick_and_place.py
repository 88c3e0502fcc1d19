"""A hand that picks a thing up and puts it down, or pushes it, as paths with known phases, for tests."""

import numpy as np

UP = np.array([0.0, -1.0, 0.0])  # the axes are those of a camera that looks straight ahead
PHASES = (
    ("reach", 12, (0.1, 0.15, 0.0), False),
    ("grasp", 4, (0.0, 0.0, 0.0), False),
    ("lift", 9, (0.0, -0.15, 0.0), True),
    ("transport", 12, (-0.25, 0.0, 0.0), True),
    ("place", 7, (0.0, 0.1, 0.0), True),
    ("release", 4, (0.0, 0.0, 0.0), False),
    ("retreat", 10, (0.05, -0.14, 0.0), False),
)
PUSH = (
    ("reach", 14, (0.0, 0.15, 0.0), False),
    ("push", 12, (0.2, 0.0, 0.0), True),
    ("retreat", 10, (-0.05, -0.14, 0.0), False),
)
Phases = tuple[tuple[str, int, tuple[float, float, float], bool], ...]
N_HAND, N_OBJECT = 8, 3


def play(phases: Phases = PHASES, noise_m: float = 0.0005) -> tuple[np.ndarray, np.ndarray]:
    """Places [t n 3] of the hand's points and the object's after them, and entity numbers."""
    rng = np.random.default_rng(0)
    hand, thing = np.zeros(3), np.zeros(3)
    places = [np.stack([hand, thing])]
    for _, n_frames, way, holds in phases:
        step = np.array(way) / n_frames
        for _ in range(n_frames):
            hand = hand + step
            thing = thing + step if holds else thing
            places.append(np.stack([hand, thing]))
    entity = np.repeat([0, 1], [N_HAND, N_OBJECT])
    offset = rng.uniform([-0.05, -0.05, 1.0], [0.05, 0.05, 1.1], (N_HAND + N_OBJECT, 3))
    paths = np.stack(places)[:, entity] + offset
    return paths + rng.normal(0, noise_m, paths.shape), entity


def first_frames(phases: Phases = PHASES) -> list[int]:
    """Where phases begin."""
    return [0, *np.cumsum([n_frames for _, n_frames, _, _ in phases])[:-1].tolist()]


def names(phases: Phases = PHASES) -> list[str]:
    """What they are called."""
    return [name for name, _, _, _ in phases]
