"""Section `tau0_data`: the recordings that τ0 learns from, and how progress is counted."""

from typing import Annotated, Literal

from pydantic import Field

from mu0.params.numbers import Count, Index, PositiveShare, Seed, Share, SidePx, Workers
from mu0.params.section import Section

FaultName = Literal["miss", "early_open", "wrong_object", "wrong_place", "stall", "no_close"]
ChunkName = Literal["demonstrated", "faulty", "hold", "mirrored"]
Discount = Annotated[float, Field(gt=0, lt=1)]


class TaskScenes(Section):
    """How many scenes of each task of the arm; a scene has a demonstration and what else is asked for."""

    pick: Index = 200
    pour: Index = 0
    towel: Index = 0


class Tau0DataParams(Section):
    """Scenes by kind, what is recorded in each, splits, and the labels."""

    scenes: TaskScenes = TaskScenes()
    fault_share: Share = Field(default=0.45, description="Of a task's scenes: also with an error in it.")
    fault_kinds: list[FaultName] = Field(
        default=["miss", "early_open", "wrong_object", "wrong_place", "stall", "no_close"],
        min_length=1,
        description="Taken in turn; a task leaves out those that make no sense in it.",
    )
    rollout_share: Share = Field(default=0.2, description="Of a task's scenes: also played by a clumsy arm.")
    groups_per_scene: Index = Field(default=1, description="Moments from which branches are recorded.")
    chunks: list[ChunkName] = Field(
        default=["demonstrated", "faulty", "hold", "mirrored"],
        min_length=1,
        description="What is done from each of these moments.",
    )
    chunk_steps: Count = Field(default=16, description="Of a branch, 0.1 s each.")
    hand_scenes: Index = Field(default=40, description="Hand video: front view only, no actions.")
    umi_scenes: Index = Field(
        default=20, description="As a hand-held gripper: wrist view only, weak actions."
    )
    umi_action_weight: PositiveShare = 0.5
    image_size_px: SidePx = 128
    gamma: Discount = Field(default=0.95, description="Of progress; half of it is lost in 13.5 steps.")
    val_share: Share = 0.1
    test_share: Share = 0.2
    seed: Seed = 40_000
    workers: Workers = 2
