"""A miniature of the chain's end: inbox -> table -> model, under a real DVC."""

import os
import sys
from pathlib import Path

from orchestration.verify.cache import Cache, Hasher
from orchestration.verify.dvc_command import run_dvc
from orchestration.verify.outputs import files_in, recorded_outputs

MODEL = "models/world_model"
DVC_YAML = """
stages:
  table:
    cmd: PYTHON code.py table
    deps: [code.py, inbox]
    outs: [data/table.csv]
  world_model:
    cmd: PYTHON code.py train
    deps: [code.py, data/table.csv]
    outs: [models/world_model]
    metrics: [reports/training.json]
"""
CODE = """
import sys
from pathlib import Path

if sys.argv[1] == "table":
    Path("data").mkdir(exist_ok=True)
    Path("data/table.csv").write_text("".join(sorted(p.read_text() for p in Path("inbox").iterdir())))
else:
    print("training")
    if Path("fail").exists():
        sys.exit("killed")
    folder = Path("models/world_model")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.safetensors").write_bytes(Path("data/table.csv").read_bytes() * 1000)
    (folder / "config.json").write_text("{}")
    Path("reports").mkdir(exist_ok=True)
    Path("reports/training.json").write_text('{"loss": 0.5}')
"""


def make_project(root: Path) -> None:
    """Write the project and run its stages once."""
    (root / "inbox").mkdir(parents=True)
    (root / "inbox/a").write_text("a,1\n")
    (root / "code.py").write_text(CODE)
    (root / "dvc.yaml").write_text(DVC_YAML.replace("PYTHON", sys.executable))
    (root / ".dvc").mkdir()
    (root / ".dvc/config").write_text('[core]\n    no_scm = true\n[cache]\n    type = "hardlink,copy"\n')
    done = run_dvc(root, "repro", "-q")
    assert done.returncode == 0, done.stderr


def link_to_cache(root: Path) -> None:
    """Make every output a read-only hard link into the cache, as `dvc checkout` does."""
    cache, hasher = Cache.of(root), Hasher()
    for output in recorded_outputs(root):
        path = root / output.path
        for file in [each for _, each in files_in(path)] if path.is_dir() else [path]:
            stored = cache.path(hasher.md5(file))
            file.unlink()
            os.link(stored, file)
            file.chmod(0o444)


def flip_a_byte(path: Path, *, keeps_time: bool = False) -> None:
    """What a bad disk does, to a read-only hard link into the cache as well."""
    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as stream:
        stream.seek(status.st_size // 2)
        byte = stream.read(1)
        stream.seek(-1, os.SEEK_CUR)
        stream.write(bytes([byte[0] ^ 255]))
    path.chmod(0o444)
    if keeps_time:
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
