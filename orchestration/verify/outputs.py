"""What dvc.lock says that each stage wrote, against the files that are there."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

from assets_defs.dvc_state import (
    IGNORED_FOLDERS,
    IGNORED_SUFFIXES,
    md5_of,
    read_recorded_stages,
    read_stage_dependencies,
)
from orchestration.verify.cache import DIR, Cache, Hasher


@dataclass(frozen=True)
class Recorded:
    """One output as DVC recorded it; `stage` makes it (a `.dvc` file for what `dvc add` recorded)."""

    path: str
    md5: str
    stage: str


@dataclass(frozen=True)
class FileDifference:
    """One file of an output; `expected` or `found` is empty where there is none."""

    output: Recorded
    path: str
    expected: str
    found: str


def recorded_outputs(root: Path) -> list[Recorded]:
    """Outputs of every stage that dvc.yaml knows, and of the `.dvc` files in the project and in data/.

    A dvc.lock keeps stages that were renamed or left the graph; nobody makes their outputs any more.
    """
    known = read_stage_dependencies(root)
    found = [
        Recorded(path, md5, name)
        for name, stage in read_recorded_stages(root).items()
        if name in known
        for path, md5 in stage.output_md5.items()
    ]
    for file in sorted([*root.glob("*.dvc"), *root.glob("data/*.dvc")]):
        if not file.is_file():
            continue  # the folder .dvc itself
        parent, name = file.parent.relative_to(root), file.relative_to(root).as_posix()
        outs = (yaml.safe_load(file.read_text()) or {}).get("outs", [])
        found += [
            Recorded((parent / out["path"]).as_posix(), out["md5"], name) for out in outs if "md5" in out
        ]
    return found


def differences_of(root: Path, output: Recorded, cache: Cache, hasher: Hasher) -> Iterator[FileDifference]:
    """Every file of an output that is not as recorded; the output itself where its list is unknown."""
    path = root / output.path
    listing = cache.listing(output.md5) if output.md5.endswith(DIR) else None
    if listing is not None and path.is_dir():
        present = dict(files_in(path))
        for relative in sorted(listing.keys() | present.keys()):
            found = hasher.md5(present[relative]) if relative in present else ""
            if found != listing.get(relative, ""):
                yield FileDifference(output, f"{output.path}/{relative}", listing.get(relative, ""), found)
        return
    found = hasher.md5(path) if path.is_file() else md5_of(path) or ""
    if found != output.md5:
        yield FileDifference(output, output.path, output.md5, found)


def files_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """(relative name, path) of the files that DVC hashes."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        ignored = IGNORED_FOLDERS.intersection(relative.parts) or path.suffix in IGNORED_SUFFIXES
        if path.is_file() and not ignored:
            yield relative.as_posix(), path
