"""Sections `demonstrations`, `action_expert` and `ur3_report`."""

from typing import Literal

from pydantic import Field

from mu0.params.numbers import Count, Index, LearningRate, Positive, Seed, Workers
from mu0.params.section import Section

SizeName = Literal["small", "base", "paper"]
HORIZON_STEPS = {"pick": 120, "pour": 250, "towel": 300}
"""Of 0.1 s, after which a rollout of a task has failed; demonstrations of pick take 60 to 80."""


class DemonstrationsParams(Section):
    """Recorded robot clips -> LeRobotDataset v3.0."""

    source: str = "ur3_sim"
    keep_failures: bool = Field(default=True, description="Labelled, behind the successful ones.")
    cameras: bool = Field(default=False, description="Also intrinsics and extrinsics of the front camera.")
    depth: bool = Field(default=False, description="Also depth of the front camera, as LeRobot codes it.")


class ActionExpertParams(Section):
    """The head on the frozen μ0 and its training."""

    demonstrations: str | None = None  # a LeRobot folder of any robot, for `mu0 learn`; the chain has its own
    n_demonstrations: Count | None = None  # the first so many; all where it is not given
    with_failures: bool = False  # also learn from demonstrations that are labelled as failures
    chunk_len: Count = 16
    steps: Count
    batch_size: Count = 32
    noise_draws: Count = 2  # flow times per row that share one encoding
    lr: LearningRate = 1e-3
    objective: Literal["flow", "l1"] = "flow"
    frame_stride: Count = 1  # 2 halves the time that frozen features take
    size: SizeName = "small"  # base: twice the weights; paper: width and depth of the release, for a GPU
    device: Literal["auto", "cpu", "cuda"] = "auto"
    convolutions: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: whatever is faster on this machine
    feature_threads: Index = 0  # of the CPU, for each operation of the frozen μ0; 0 is one per core
    seed: Seed = 0


class Ur3ReportParams(Section):
    """Closed-loop rollouts."""

    n_rollouts: Count
    n_rollouts_elsewhere: Index = 0  # of each other level: unseen objects, other layouts, other looks
    execute_steps: Count = 8
    horizon_steps: Count | None = None  # of 0.1 s; None is the task's in `HORIZON_STEPS`
    first_seed: Seed = 50_000
    workers: Workers = 2
    best_of: Count = 1  # experts choose the most consistent of so many chunks at every plan
    limit_s: Positive = 300.0  # a rollout that takes longer ends its process and counts as a failure
