"""Statistics as LeRobot's stats.json holds them: min, max, mean, std, count and quantiles per feature."""

from typing import Any, final

import numpy as np
from jaxtyping import Float, Integer, Shaped

EIGHT_BITS = np.arange(256) / 255
QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}


def vector_statistics(rows: Shaped[np.ndarray, "n *d"]) -> dict[str, Any]:
    """Statistics over the rows of a feature; numbers become one-element lists."""
    table = rows.reshape(len(rows), -1).astype(np.float64)
    return {
        "min": table.min(0).tolist(),
        "max": table.max(0).tolist(),
        "mean": table.mean(0).tolist(),
        "std": table.std(0).tolist(),
        "count": [len(table)],
        **{name: np.quantile(table, share, axis=0).tolist() for name, share in QUANTILES.items()},
    }


@final
class PixelStatistics:
    """Exact statistics of many frames in constant memory: few levels need only a histogram per channel."""

    def __init__(self, values: Float[np.ndarray, " level"] = EIGHT_BITS, channels: int = 3) -> None:
        self._values = values  # that the levels of a pixel stand for
        self._counts = np.zeros((channels, len(values)), np.int64)
        self._n_frames = 0

    def add(self, frames: Integer[np.ndarray, "t h w channels"]) -> None:
        """Take in some frames."""
        for channel, counts in enumerate(self._counts):
            counts += np.bincount(frames[..., channel].ravel(), minlength=len(counts))
        self._n_frames += len(frames)

    def summary(self) -> dict[str, Any]:
        """Statistics of the values, nested channels x 1 x 1."""
        values = self._values
        share = self._counts / self._counts.sum(1, keepdims=True)
        mean = share @ values
        variance = share @ values**2 - mean**2
        cumulative = share.cumsum(1)
        found = {
            "min": values[(self._counts > 0).argmax(1)],
            "max": values[len(values) - 1 - (self._counts[:, ::-1] > 0).argmax(1)],
            "mean": mean,
            "std": np.sqrt(np.maximum(variance, 0)),
            **{name: values[(cumulative >= level - 1e-12).argmax(1)] for name, level in QUANTILES.items()},
        }
        nested = {name: [[[float(number)]] for number in numbers] for name, numbers in found.items()}
        return {**nested, "count": [self._n_frames]}
