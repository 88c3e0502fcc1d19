"""Sections `demonstrations`, `action_expert` and `ur3_report`."""

from typing import Literal

from pydantic import Field

from mu0.params.numbers import Count, Index, LearningRate, Seed, Workers
from mu0.params.section import Section


class DemonstrationsParams(Section):
    """Recorded robot clips -> LeRobotDataset v3.0."""

    source: str = "ur3_sim"
    keep_failures: bool = Field(default=True, description="Labelled, behind the successful ones.")
    cameras: bool = Field(default=False, description="Also intrinsics and extrinsics of the front camera.")
    depth: bool = Field(default=False, description="Also depth of the front camera, as LeRobot codes it.")


class ActionExpertParams(Section):
    """The head on the frozen μ0 and its training."""

    n_demonstrations: Count | None = None  # the first so many; all where it is not given
    with_failures: bool = False  # also learn from demonstrations that are labelled as failures
    chunk_len: Count = 16
    steps: Count
    batch_size: Count = 32
    noise_draws: Count = 2  # flow times per row that share one encoding
    lr: LearningRate = 1e-3
    objective: Literal["flow", "l1"] = "flow"
    frame_stride: Count = 1  # 2 halves the time that frozen features take
    width: Count = 128
    blocks: Count = 2
    device: Literal["auto", "cpu", "cuda"] = "auto"
    convolutions: Literal["auto", "float32", "bfloat16"] = "auto"  # auto: whatever is faster on this machine
    feature_threads: Index = 0  # of the CPU, for each operation of the frozen μ0; 0 is one per core
    seed: Seed = 0


class Ur3ReportParams(Section):
    """Closed-loop rollouts."""

    n_rollouts: Count
    execute_steps: Count = 8
    horizon_steps: Count = 120  # 12 s; demonstrations take 6 to 8
    first_seed: Seed = 50_000
    workers: Workers = 2
