"""What DVC recorded and what it would record now: `dvc.lock`, and md5s of files and folders, without DVC.

A folder's hash is the md5 of the JSON list of its files, each with md5 and relative path, sorted by path,
with the suffix `.dir`. What `.dvcignore` names is left out; a test compares the constants here with that
file and the results with DVC's own.

Source
    dvc_data.hashfile.tree.Tree.as_bytes (dvc-data 3.18).
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

IGNORED_FOLDERS = frozenset({"__pycache__"})
IGNORED_SUFFIXES = frozenset({".pyc"})
PIPELINE_FOLDERS = (Path(), Path("benchmarks/traces"))  # where a dvc.yaml and its dvc.lock lie
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the same, in C: 0.04 s for dvc.lock, not 0.3


@dataclass(frozen=True)
class RecordedStage:
    """Hashes that DVC recorded when a stage last ran, by path."""

    dependency_md5: dict[str, str]
    output_md5: dict[str, str]


def read_recorded_stages(root: Path) -> dict[str, RecordedStage]:
    """Stages of every `dvc.lock` by name; empty before the first `dvc repro`."""
    return {
        name: RecordedStage(
            {item["path"]: item["md5"] for item in entry.get("deps", [])},
            {item["path"]: item["md5"] for item in entry.get("outs", [])},
        )
        for folder in PIPELINE_FOLDERS
        for name, entry in _stages_in(root / folder / "dvc.lock").items()
    }


def read_stage_dependencies(root: Path) -> dict[str, list[str]]:
    """Paths that each stage of every `dvc.yaml` depends on, by the stage's name."""
    return {
        name: entry.get("deps", [])
        for folder in PIPELINE_FOLDERS
        for name, entry in _stages_in(root / folder / "dvc.yaml").items()
    }


def _stages_in(path: Path) -> dict[str, Any]:
    content = yaml.load(path.read_text(), LOADER) if path.is_file() else None
    return (content or {}).get("stages", {})


def md5_of(path: Path) -> str | None:
    """DVC's md5 of a file or folder; None where there is nothing."""
    if path.is_file():
        return _md5_of_file(path)
    return _md5_of_folder(path) if path.is_dir() else None


def _md5_of_file(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _md5_of_folder(folder: Path) -> str:
    names = sorted(path.relative_to(folder).parts for path in folder.rglob("*") if _is_hashed(path, folder))
    entries = [{"md5": _md5_of_file(folder.joinpath(*parts)), "relpath": "/".join(parts)} for parts in names]
    return (
        hashlib.md5(json.dumps(entries, sort_keys=True).encode(), usedforsecurity=False).hexdigest() + ".dir"
    )


def _is_hashed(path: Path, folder: Path) -> bool:
    ignored = IGNORED_FOLDERS.intersection(path.relative_to(folder).parts) or path.suffix in IGNORED_SUFFIXES
    return path.is_file() and not ignored
