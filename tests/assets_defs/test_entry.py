"""A stage that the system refuses something ends with a message and 1, and leaves nothing half-written."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from assets_defs.entry import run_stage
from mu0.sources.containers.encoding import write_video

ROOT = Path(__file__).parents[2]
PROFILE = ROOT / "profiles/smoke.yaml"
SMALL_MOUNT = ["unshare", "--user", "--map-root-user", "--mount"]
STAGE = """
set -e
mount -t tmpfs -o size=256k tmpfs disk
cd disk
cp ../params.yaml .
{before}
set +e
PYTHONPATH={root} {python} -m assets_defs.raw_videos.stage
echo "status $?" >&2
find . -type f | sort
"""


def _mounts() -> bool:
    """Whether this system lets a person mount a disk of their own."""
    if shutil.which("unshare") is None:
        return False
    asked = [*SMALL_MOUNT, "mount", "-t", "tmpfs", "tmpfs", "/mnt"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "data/a.npy"), "data/a.npy is full"),
        (OSError(errno.EROFS, "Read-only file system", "data"), "data cannot be written"),
        (PermissionError(errno.EACCES, "Permission denied", "data"), "give leave to write"),
        (TimeoutError("no answer"), "service that answers"),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), "Broken pipe"),
    ],
)
def test_an_error_of_the_system_is_a_message_and_1(
    error: OSError, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def main() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        run_stage(main)
    said = capsys.readouterr().err
    assert caught.value.code == 1
    assert "PlaceError" in said
    assert words in said
    assert "expected:" in said


@pytest.mark.slow
@pytest.mark.skipif(not _mounts(), reason="no disk can be mounted here (unshare)")
@pytest.mark.parametrize(
    ("before", "words"),
    [("mount -o remount,ro .", "Read-only file system"), ("", "No space left on device")],
)
def test_a_small_and_a_read_only_disk(tmp_path: Path, before: str, words: str) -> None:
    params = yaml.safe_load(PROFILE.read_text())
    params["raw_videos"]["sources"] = {"mine": {"kind": "files", "folder": "../videos"}}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(params))
    (tmp_path / "disk").mkdir()
    (tmp_path / "videos").mkdir()
    noise = np.random.default_rng(0).integers(0, 255, (12, 256, 256, 3), np.uint8)
    write_video(tmp_path / "videos/a.mp4", list(noise), 10.0)
    assert (tmp_path / "videos/a.mp4").stat().st_size > 256 * 1024
    script = STAGE.format(before=before, root=ROOT, python=sys.executable)
    found = subprocess.run(
        [*SMALL_MOUNT, "bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "status 1" in found.stderr
    assert "PlaceError" in found.stderr
    assert words in found.stderr
    assert "Traceback" not in found.stderr
    assert not [name for name in found.stdout.split() if name.startswith(("./data", "./reports"))]
