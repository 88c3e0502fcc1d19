"""How a training runs, independent of what is trained.

Schedules of the learning rate, all after a linear warm-up
    plateau    the peak, then over the last 40 % a cosine to 2 % of it; best for short runs
    cosine     a cosine to 2 % over the whole rest
    constant   the peak to the end, as the released trace model was trained

Precisions
    float32    everything
    bfloat16   matrix products in bfloat16 (autocast), weights, sums and optimizer in float32
    float16    the same with float16 and a scaled loss, so that small gradients survive; CUDA only
"""

import math
from dataclasses import dataclass
from typing import Literal

FINAL_LR_SHARE = 0.02
FALLING_SHARE = 0.4  # of the steps; short runs learn most while the rate is high

Schedule = Literal["plateau", "cosine", "constant"]
Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class FitSettings:
    """Length, pace and safety of one training.

    One step sees `accumulate` batches on each process and averages their gradients.
    """

    steps: int
    lr: float
    warmup_steps: int = 100
    schedule: Schedule = "plateau"
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    grad_clip: float = 10.0
    ema_decay: float = 0.98  # short runs: an average over hundreds of steps would lag behind; 0 is off
    accumulate: int = 1
    precision: Precision = "float32"
    threads: int = 0  # of the CPU, for each operation; 0: torch's own number
    seed: int = 0
    checkpoint_every_s: float = 60.0
    log_every: int = 10
    max_bad_batches: int = 10  # with a non-finite loss or gradient, before training gives up

    def lr_at(self, step: int) -> float:
        """The learning rate of a step; see the module's text."""
        warmup = min(self.warmup_steps, self.steps // 4)
        if step < warmup:
            return self.lr * (step + 1) / warmup
        if self.schedule == "constant":
            return self.lr
        falling = FALLING_SHARE * self.steps if self.schedule == "plateau" else self.steps - warmup
        n_falling = max(round(falling), 1)
        progress = max(step - (self.steps - n_falling), 0) / n_falling
        return self.lr * (FINAL_LR_SHARE + (1 - FINAL_LR_SHARE) * (1 + math.cos(math.pi * progress)) / 2)

    def ema_decay_at(self, step: int) -> float:
        """Shorter averages at the start, so that the random initial weights are forgotten."""
        return min(self.ema_decay, (1 + step) / (10 + step))
