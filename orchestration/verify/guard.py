"""Before and after `mu0 run`: DVC must not hand out damaged bytes as up to date.

DVC trusts its cache without looking. A damaged byte in a hard-linked file damages the object too; DVC sees a
changed output, finds its stage in the run cache, and hands the damaged object out again. So the objects of
recorded outputs are looked at before DVC runs (it might restore from them) and after (it did).

Not everything is read each time: models always, whole; of the rest what might have changed: single files, and
members of a folder that were written after the folder's list, which DVC writes last. What changes without a
new time of writing (a failing disk) is found by `mu0 verify`, which reads everything.

Models are also cut loose from the cache: a hard link is replaced by a copy, so that whatever happens to the
one, the other is whole. (Data stay linked; see docs/operations.md for what copies would cost.)
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from mu0.errors import StageError
from mu0.files import atomic_file
from orchestration.verify.cache import DIR, Cache, Hasher
from orchestration.verify.outputs import Recorded, differences_of, files_in, recorded_outputs

MODELS = "models/"
SHOWN = 5


def require_sound_cache(root: Path) -> None:
    """Stop before DVC can restore recorded outputs from damaged objects.

    Raises:
        StageError: An object has not the bytes of its name; the message names each.
    """
    cache, hasher = Cache.of(root), Hasher()
    damaged = {
        cache.path(md5): (output, md5)
        for output in recorded_outputs(root)
        for md5 in _suspects(output, cache)
        if cache.path(md5).is_file() and not cache.is_good(md5, hasher)
    }
    if damaged:
        lines = [
            f"{path.relative_to(root)}, part of {output.path}, has md5 {hasher.md5(path)}"
            for path, (output, _) in list(damaged.items())[:SHOWN]
        ]
        more = f" (and {len(damaged) - SHOWN} more)" if len(damaged) > SHOWN else ""
        raise StageError(
            f"DVC's cache is damaged: {'; '.join(lines)}{more}.",
            expected="objects with the md5 of their names; DVC would hand these out as up to date",
            remedy="run `mu0 verify --fix`, which moves them aside and puts back what it can, "
            "then `mu0 run`, which makes the rest again.",
        )


def require_recorded_models(root: Path) -> None:
    """Stop when a model on disk is not the one in dvc.lock; cut the good ones loose from the cache.

    Raises:
        StageError: A model's bytes differ from what DVC recorded.
    """
    cache, hasher = Cache.of(root), Hasher()
    for output in _models(root):
        differences = list(differences_of(root, output, cache, hasher))
        if differences:
            first = differences[0]
            raise StageError(
                f"{first.path} has md5 {first.found or 'none: it is not there'}, "
                f"dvc.lock says {first.expected or 'that there is no such file'}.",
                expected=f"{output.path} as DVC recorded it when {output.stage} ran",
                remedy="run `mu0 verify --fix`, which puts it back if DVC's cache holds it; else `mu0 run "
                f"--force {output.stage}` trains it again.",
            )
        cut_loose(root / output.path)


def cut_loose(folder: Path) -> int:
    """Replace hard links by copies; returns how many."""
    linked = [path for _, path in files_in(folder) if path.stat().st_nlink > 1]
    for path in linked:
        with atomic_file(path) as temporary:
            shutil.copyfile(path, temporary)
    return len(linked)


def _models(root: Path) -> list[Recorded]:
    return [
        output
        for output in recorded_outputs(root)
        if output.path.startswith(MODELS) and (root / output.path).exists()
    ]


def _suspects(output: Recorded, cache: Cache) -> Iterator[str]:
    """Objects of an output that are worth reading."""
    listing = cache.path(output.md5)
    yield output.md5
    if not output.md5.endswith(DIR) or not listing.is_file():
        return
    written_ns = listing.stat().st_mtime_ns
    for member in cache.members(output.md5)[1:]:
        path = cache.path(member)
        if path.is_file() and (output.path.startswith(MODELS) or path.stat().st_mtime_ns > written_ns):
            yield member
