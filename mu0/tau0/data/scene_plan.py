"""Which scenes there are, and what is recorded in each: a pure function of params.yaml.

    task scenes   a demonstration; in some also an error, in some a clumsy arm; branches from some moments
    hand scenes   a hand tidies the table
    umi scenes    a demonstration of picking, as a hand-held gripper would see it

A scene has a seed of its own, so nothing of it occurs in another one; splits are made of whole scenes.
Shares are met evenly along the list, whatever its length. A scene in which the wrong thing is to be taken is
moved on to the next seed, far away, that has another thing in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mu0.envs.even_shares import is_in_share
from mu0.envs.layout import draw_layout
from mu0.envs.ur3.faults import KINDS_OF, FaultKind
from mu0.params.tau0_data import ChunkName, Tau0DataParams

Source = Literal["task", "hand", "umi"]
SEEDS_OF_A_TASK = 1_000_000
ANOTHER_SEED = 100_000
FAULTS, ROLLOUTS = 0, 1  # streams of even shares


@dataclass(frozen=True)
class SceneJob:
    """One scene and what is recorded in it.

    Attributes:
        scene_id: Unique.
        source: Which kind of scene.
        task: Of the arm; `hand` for hand scenes.
        seed: Of the scene.
        fault: The error that is recorded, if any.
        rollout: Whether a clumsy arm plays it too.
        groups: The error of each moment from which branches are recorded.
        chunks: What is done from each of these moments.
        chunk_steps: How long.
        image_size_px: Of the front picture.
    """

    scene_id: str
    source: Source
    task: str
    seed: int
    fault: FaultKind | None
    rollout: bool
    groups: tuple[FaultKind, ...]
    chunks: tuple[ChunkName, ...]
    chunk_steps: int
    image_size_px: int


def plan_scenes(params: Tau0DataParams) -> list[SceneJob]:
    """All scenes, in order."""
    counts = params.scenes.model_dump()
    jobs: list[SceneJob] = []
    for place, (task, count) in enumerate(counts.items()):
        jobs += _of_a_task(task, count, params.seed + place * SEEDS_OF_A_TASK, params)
    first = params.seed + len(counts) * SEEDS_OF_A_TASK
    jobs += [_plain("hand", "hand", first + index, params) for index in range(params.hand_scenes)]
    first += SEEDS_OF_A_TASK
    jobs += [_plain("umi", "pick", first + index, params) for index in range(params.umi_scenes)]
    return jobs


def asked_faults(task: str, params: Tau0DataParams) -> tuple[FaultKind, ...]:
    """Those errors of params.yaml that make sense in a task, in their order there."""
    return tuple(kind for kind in params.fault_kinds if kind in KINDS_OF[task])


def _of_a_task(task: str, count: int, first_seed: int, params: Tau0DataParams) -> Iterator[SceneJob]:
    kinds, n_faults = asked_faults(task, params), 0
    for index in range(count):
        fault = None
        if kinds and is_in_share(index, params.fault_share, FAULTS):
            fault = kinds[n_faults % len(kinds)]
            n_faults += 1
        seed = _seed_for(task, fault, first_seed + index)
        yield SceneJob(
            scene_id=f"{task}_{seed:08d}",
            source="task",
            task=task,
            seed=seed,
            fault=fault,
            rollout=is_in_share(index, params.rollout_share, ROLLOUTS),
            groups=_groups(task, seed, index, fault, params),
            chunks=tuple(params.chunks),
            chunk_steps=params.chunk_steps,
            image_size_px=params.image_size_px,
        )


def _groups(
    task: str, seed: int, index: int, fault: FaultKind | None, params: Tau0DataParams
) -> tuple[FaultKind, ...]:
    """The first group leaves the demonstration where the recorded error does, the others take turns."""
    kinds = asked_faults(task, params) or KINDS_OF[task]
    possible = [kind for kind in kinds if kind != "wrong_object" or _has_others(seed)] or ["stall"]
    turns = [possible[(index + group) % len(possible)] for group in range(params.groups_per_scene)]
    return (fault, *turns[1:]) if fault and turns else tuple(turns)


def _seed_for(task: str, fault: FaultKind | None, seed: int) -> int:
    while task == "pick" and fault == "wrong_object" and not _has_others(seed):
        seed += ANOTHER_SEED
    return seed


def _has_others(seed: int) -> bool:
    return len(draw_layout(seed).objects) > 1


def _plain(source: Source, task: str, seed: int, params: Tau0DataParams) -> SceneJob:
    return SceneJob(
        scene_id=f"{source}_{seed:08d}",
        source=source,
        task=task,
        seed=seed,
        fault=None,
        rollout=False,
        groups=(),
        chunks=(),
        chunk_steps=params.chunk_steps,
        image_size_px=params.image_size_px,
    )
