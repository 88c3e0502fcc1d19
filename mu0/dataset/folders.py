"""Where a trace dataset lies: its index, and the episodes and captions that the index speaks of."""

from dataclasses import dataclass
from pathlib import Path

from mu0.dataset.windows import STATISTICS_NAME


@dataclass(frozen=True)
class TraceFolders:
    """Three folders that belong together.

    Attributes:
        dataset: Holds index.parquet and, where somebody trains on it, normalizer_stats.json.
        episodes: Episodes by source and clip.
        captions: Their captions, by source and clip.
    """

    dataset: Path
    episodes: Path
    captions: Path

    @property
    def index(self) -> Path:
        """The table of all rows."""
        return self.dataset / "index.parquet"

    @property
    def statistics(self) -> Path:
        """What normalises the rows."""
        return self.dataset / STATISTICS_NAME
