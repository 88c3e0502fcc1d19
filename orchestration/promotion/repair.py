"""A version whose stored files are gone or damaged is stored again, from bytes that are still what they were.

    model folder on disk   where it has the version's hash
    DVC's cache            the version's tags hold DVC's md5 of the model and of what went into it

The new version carries the old one's tags and takes over its aliases; the old one stays as a record without
files. Nothing is stored that has not the hash of the tag.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from assets_defs.dvc_state import md5_of
from mu0.files import sha256_of_tree
from orchestration.promotion.registry import ALIASES, Registry, Version
from orchestration.promotion.verify_registry import SHA_TAG, STORED_TAG, StoredFault
from orchestration.verify.cache import Cache, Hasher

REPAIRED_TAG = "repaired/of_version"
DVC_TAG = "dvc/"
WORLD_MODEL = "models/world_model"


@dataclass(frozen=True)
class Healed:
    """A version whose files were not whole, and what became of it: `new`, or nothing where it is lost."""

    version: Version
    aliases: tuple[str, ...]
    fault: StoredFault
    new: Version | None
    dry_run: bool = False

    @property
    def is_lost(self) -> bool:
        """Whether its bytes were searched and are nowhere."""
        return self.new is None and not self.dry_run

    def __str__(self) -> str:
        what = f"version {self.version.number} ({', '.join(self.aliases)}): {self.fault}"
        if self.new:
            return f"{what}; stored again as version {self.new.number}"
        if self.dry_run:
            return f"{what}; would be stored again if models/ or DVC's cache holds its bytes"
        return f"{what}; neither models/ nor DVC's cache holds its bytes"


def heal(registry: Registry, root: Path, model: Path, *, dry_run: bool = False) -> list[Healed]:
    """Re-hash what the aliases point to, and store again what is not whole.

    Args:
        registry: Of the model.
        root: Project folder.
        model: Where the trained model lies, in `root`.
        dry_run: Only look.

    Returns:
        The versions that were not whole; empty when all is well.
    """
    pointed = {version.number: version for alias in ALIASES if (version := registry.by_alias(alias))}
    healed = []
    for version in pointed.values():
        fault = registry.fault(version)
        if fault:
            aliases = tuple(registry.aliases_of(version))
            new = (
                None if dry_run else _store_again(registry, version, root, model.relative_to(root).as_posix())
            )
            for alias in aliases:
                if new:
                    registry.point(alias, new)
            healed.append(Healed(version, aliases, fault, new, dry_run))
    return healed


def _store_again(registry: Registry, version: Version, root: Path, model: str) -> Version | None:
    twin = registry.find(version.sha256)
    if twin and registry.fault(twin) is None:
        return twin
    with model_with_hash(version, root, model) as folder:
        if folder is None:
            return None
        tags = {name: value for name, value in version.tags.items() if name not in {SHA_TAG, STORED_TAG}}
        return registry.register(folder, Path(model).name, {**tags, REPAIRED_TAG: version.number})


@contextmanager
def model_with_hash(version: Version, root: Path, model: str) -> Iterator[Path | None]:
    """A folder with exactly the version's bytes, an expert's μ0 beside it; None where there is none."""
    md5s = {path: md5 for path in (model, WORLD_MODEL) if (md5 := version.tags.get(f"{DVC_TAG}{path}"))}
    on_disk = (root / model).is_dir() and sha256_of_tree(root / model) == version.sha256
    if on_disk and all(md5_of(root / path) == md5 for path, md5 in md5s.items()):
        yield root / model
        return
    with tempfile.TemporaryDirectory(prefix="mu0_repair_") as folder:
        cache, goal = Cache.of(root), Path(folder) / model
        restored = [cache.restore(md5, Path(folder) / path, Hasher()) for path, md5 in md5s.items()]
        is_whole = model in md5s and all(restored) and sha256_of_tree(goal) == version.sha256
        yield goal if is_whole else None
