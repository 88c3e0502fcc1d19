"""The registry's part of `mu0 verify`: the stored files behind champion, challenger and previous."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from assets_defs.tracking import configure_mlflow
from assets_defs.tracking_store.fault import store_errors
from assets_defs.tracking_store.opening import tracking_uri
from assets_defs.tracking_store.probe import SQLITE, sqlite_file
from orchestration.promotion.promotion import promotable
from orchestration.promotion.registry import ALIASES, CHAMPION, PREVIOUS, Registry
from orchestration.promotion.repair import heal
from orchestration.verify.difference import Difference

LOST = {
    CHAMPION: "`mu0 promote` puts the present model there if it passes, `mu0 rollback` the one before.",
    PREVIOUS: "there is nothing to roll back to until the next promotion.",
}


def open_registry() -> bool:
    """Open the store; False where nothing was ever registered, because looking must not make one.

    Raises:
        StageError: The tracking store does not work.
    """
    uri = tracking_uri()
    if urlsplit(uri).scheme == SQLITE and not sqlite_file(uri).exists():
        return False
    configure_mlflow()
    return True


def examine_registry(root: Path, *, fix: bool, tell: Callable[[str], None]) -> tuple[list[Difference], int]:
    """Re-hash registered files.

    Args:
        root: Project folder.
        fix: Store again what is not whole, where its bytes are somewhere.
        tell: Is told what was mended.

    Returns:
        The differences that are left, and how many versions were read.

    Raises:
        StageError: The tracking store failed.
    """
    differences: list[Difference] = []
    n_versions = 0
    if not open_registry():
        return differences, n_versions
    with store_errors(tracking_uri()):
        for candidate in promotable(root):
            registry = Registry(candidate.registered_name, root)
            n_versions += len({one.number for alias in ALIASES if (one := registry.by_alias(alias))})
            for healed in heal(registry, root, candidate.folder, dry_run=not fix):
                if healed.new:
                    tell(f"mended: {registry.name} {healed}")
                    continue
                name = f"{registry.name} version {healed.version.number} ({', '.join(healed.aliases)})"
                after = next(
                    (text for alias, text in LOST.items() if alias in healed.aliases), "`mu0 promote`."
                )
                remedy = (
                    f"its bytes are neither in {candidate.folder} nor in DVC's cache; {after}"
                    if fix
                    else "run `mu0 verify --fix`: stores it again if models/ or DVC's cache holds its bytes."
                )
                where = f"{name} at {healed.fault.place}"
                differences.append(Difference(where, healed.fault.expected, healed.fault.found, remedy))
    return differences, n_versions
