"""Sections `demonstrations`, `action_expert` and `ur3_report`."""

from typing import Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from mu0.params.section import Section


class DemonstrationsParams(Section):
    """Recorded robot clips -> LeRobotDataset v3.0."""

    source: str = "ur3_sim"


class ActionExpertParams(Section):
    """The head on the frozen μ0 and its training."""

    chunk_len: PositiveInt = 16
    steps: PositiveInt
    batch_size: PositiveInt = 32
    noise_draws: PositiveInt = 2  # flow times per row that share one encoding
    lr: PositiveFloat = 1e-3
    objective: Literal["flow", "l1"] = "flow"
    frame_stride: PositiveInt = 1  # 2 halves the time that frozen features take
    width: PositiveInt = 128
    blocks: PositiveInt = 2
    seed: NonNegativeInt = 0


class Ur3ReportParams(Section):
    """Closed-loop rollouts."""

    n_rollouts: PositiveInt
    execute_steps: PositiveInt = 8
    horizon_steps: PositiveInt = 120  # 12 s; demonstrations take 6 to 8
    first_seed: NonNegativeInt = 50_000
    workers: PositiveInt = 2
