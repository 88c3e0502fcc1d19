"""What has been rolled out so far: a file per rollout, so that an interrupted report goes on.

    <folder>/<level>/<actor>_<seed>.json      the row of a rollout that ended
    <folder>/<level>/<actor>_<seed>.started   one that is under way, or was when its process died
    <folder>/videos/<actor>_<seed>.mp4        videos of those that may be shown
    <folder>/videos/<actor>_<outcome>/<seed>  marks: who ended how, in whatever order

The folder belongs to one setting: `journal_folder` names it by a hash of everything that a rollout depends
on, weights and code among it.
"""

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import mu0
from mu0.envs.levels import Level
from mu0.files import read_json, sha256_of, sha256_of_tree, write_json
from mu0.policy.rollout import Rollout

EARLIER_BY_S = 1.0  # a timer and a clock may differ by so much


@dataclass(frozen=True)
class Job:
    """One rollout."""

    level: Level
    actor: str
    seed: int


@dataclass(frozen=True)
class Journal:
    """The rollouts in a folder."""

    folder: Path

    def holds(self, job: Job) -> bool:
        """Whether that rollout has ended."""
        return self._path(job, "json").exists()

    def row(self, job: Job) -> Rollout:
        """The row of an ended rollout.

        Raises:
            StageError: There is none, or the file is damaged.
        """
        return Rollout(**read_json(self._path(job, "json")))

    def forget_started(self) -> None:
        """Forget what was under way when an earlier report was interrupted; nothing died of it."""
        for path in self.folder.glob("*/*.started"):
            path.unlink()

    def begin(self, job: Job) -> None:
        """Note that the rollout is under way."""
        path = self._path(job, "started")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()

    def keep(self, job: Job, row: Rollout) -> None:
        """Note how it ended."""
        write_json(self._path(job, "json"), asdict(row))
        self._path(job, "started").unlink(missing_ok=True)

    def suspects(self, limit_s: float) -> list[Job]:
        """Rollouts that were under way when their process died, those that took too long first."""
        paths = sorted(self.folder.glob("*/*.started"))
        found = [self._job(path) for path in paths]
        return sorted(found, key=lambda job: not self.is_overdue(job, limit_s))

    def is_overdue(self, job: Job, limit_s: float) -> bool:
        """Whether a rollout that is under way has taken as long as it may."""
        path = self._path(job, "started")
        return path.exists() and time.time() - path.stat().st_mtime > limit_s - EARLIER_BY_S

    def video(self, actor: str, seed: int) -> Path:
        """Where the video of a rollout lies."""
        return self.folder / "videos" / f"{actor}_{seed}.mp4"

    def is_telling(self, row: Rollout, most: int | None) -> bool:
        """Whether a video may be among the first `most` of its actor and outcome; encoding costs .2 s.

        Rollouts that ended before leave a mark with their seed. Where enough of smaller seeds did, whatever
        still comes cannot make room for this one; where they did not yet, it is encoded, perhaps in vain.
        """
        if most is None:
            return True
        marks = self.folder / "videos" / f"{row.actor}_{'success' if row.success else 'failure'}"
        marks.mkdir(parents=True, exist_ok=True)
        n_before = sum(int(mark.name) < row.seed for mark in marks.iterdir())
        (marks / str(row.seed)).touch()
        return n_before < most

    def _path(self, job: Job, ending: str) -> Path:
        return self.folder / job.level / f"{job.actor}_{job.seed}.{ending}"

    def _job(self, path: Path) -> Job:
        actor, _, seed = path.stem.rpartition("_")
        return Job(path.parent.name, actor, int(seed))  # type: ignore[arg-type]


def journal_folder(cache: Path, weights: list[Path], setting: dict[str, object]) -> Path:
    """The folder of a setting: the same while weights, setting and code are.

    Args:
        cache: Where such folders lie.
        weights: Folders of models.
        setting: Numbers that rollouts depend on, plain JSON.
    """
    room = Path(mu0.__file__).parent
    code = hashlib.sha256("".join(map(sha256_of, sorted(room.rglob("*.py")))).encode()).hexdigest()
    content = [code, *map(sha256_of_tree, weights), setting]
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
    return cache / "rollouts" / key
