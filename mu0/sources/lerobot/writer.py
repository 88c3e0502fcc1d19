"""Writing demonstrations of our UR3, without labels or whatever else a dataset may hold.

The stage `demonstrations` writes more (`mu0.sources.demonstrations`); this is for tests and for programs that
have arrays at hand.
"""

from collections.abc import Iterable
from pathlib import Path

from mu0.sources.lerobot.dataset_v3 import DemonstrationEpisode, LeRobotDataset
from mu0.sources.lerobot.ur3_features import ur3_contents, ur3_episode
from mu0.sources.lerobot.writing_v3 import VIDEO_LIMIT_MB, write_v3


def write_lerobot_dataset(
    root: Path,
    episodes: Iterable[DemonstrationEpisode],
    *,
    fps_hz: float,
    robot_type: str,
    video_limit_mb: int = VIDEO_LIMIT_MB,
) -> LeRobotDataset:
    """Write demonstrations as a LeRobotDataset v3.0; raises as `write_v3`."""
    contents = ur3_contents(fps_hz, robot_type)
    write_v3(root, map(ur3_episode, episodes), contents, video_limit_mb=video_limit_mb)
    return LeRobotDataset.open(root)
