"""What a failed or killed stage has taken away: DVC removes the outputs of a stage before it runs it."""

from pathlib import Path

from orchestration.verify.cache import Cache, Hasher
from orchestration.verify.outputs import differences_of, recorded_outputs

MODELS = "models/"


def lost_outputs(root: Path) -> list[str]:
    """Recorded outputs that are gone, or models that are half written, and that DVC's cache holds."""
    cache, hasher = Cache.of(root), Hasher()
    return [
        output.path
        for output in recorded_outputs(root)
        if (
            not (root / output.path).exists()
            or (output.path.startswith(MODELS) and any(differences_of(root, output, cache, hasher)))
        )
        and cache.holds(output.md5)
    ]


def how_to_get_back(root: Path) -> str:
    """One sentence with a command that works as printed; empty when nothing is lost."""
    lost = lost_outputs(root)
    if not lost:
        return ""
    return (
        "DVC removes what a stage has made before the stage runs; what was there before comes back with "
        f"`dvc checkout --force {' '.join(lost)}`."
    )
