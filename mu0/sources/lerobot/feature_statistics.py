"""Statistics as LeRobot's stats.json holds them: min, max, mean, std, count and quantiles per feature."""

from typing import Any, final

import numpy as np
from jaxtyping import Shaped, UInt8

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
    """Exact statistics of many frames in constant memory: 8-bit pixels need only a histogram per channel."""

    def __init__(self) -> None:
        self._counts = np.zeros((3, 256), np.int64)
        self._n_frames = 0

    def add(self, frames: UInt8[np.ndarray, "t h w 3"]) -> None:
        """Take in some frames."""
        for channel in range(3):
            self._counts[channel] += np.bincount(frames[..., channel].ravel(), minlength=256)
        self._n_frames += len(frames)

    def summary(self) -> dict[str, Any]:
        """Statistics of pixel values in [0, 1], nested 3 x 1 x 1."""
        values = np.arange(256) / 255
        share = self._counts / self._counts.sum(1, keepdims=True)
        mean = share @ values
        variance = share @ values**2 - mean**2
        cumulative = share.cumsum(1)
        found = {
            "min": values[(self._counts > 0).argmax(1)],
            "max": values[255 - (self._counts[:, ::-1] > 0).argmax(1)],
            "mean": mean,
            "std": np.sqrt(np.maximum(variance, 0)),
            **{name: values[(cumulative >= level - 1e-12).argmax(1)] for name, level in QUANTILES.items()},
        }
        nested = {name: [[[float(number)]] for number in numbers] for name, numbers in found.items()}
        return {**nested, "count": [self._n_frames]}
