"""How a training runs, independent of what is trained."""

import math
from dataclasses import dataclass

FINAL_LR_SHARE = 0.02
FALLING_SHARE = 0.4  # of the steps; short runs learn most while the rate is high


@dataclass(frozen=True)
class FitSettings:
    """Length, pace and safety of one training."""

    steps: int
    lr: float
    warmup_steps: int = 100
    weight_decay: float = 0.01
    betas: tuple[float, float] = (0.9, 0.95)
    grad_clip: float = 10.0
    ema_decay: float = 0.98  # short runs: an average over hundreds of steps would lag behind
    seed: int = 0
    checkpoint_every_s: float = 60.0
    log_every: int = 10
    max_bad_batches: int = 10  # with a non-finite loss or gradient, before training gives up

    def lr_at(self, step: int) -> float:
        """Linear warm-up, a plateau, then over the last part a cosine to 2 % of the peak."""
        warmup = min(self.warmup_steps, self.steps // 4)
        if step < warmup:
            return self.lr * (step + 1) / warmup
        n_falling = max(round(self.steps * FALLING_SHARE), 1)
        progress = max(step - (self.steps - n_falling), 0) / n_falling
        return self.lr * (FINAL_LR_SHARE + (1 - FINAL_LR_SHARE) * (1 + math.cos(math.pi * progress)) / 2)

    def ema_decay_at(self, step: int) -> float:
        """Shorter averages at the start, so that the random initial weights are forgotten."""
        return min(self.ema_decay, (1 + step) / (10 + step))
