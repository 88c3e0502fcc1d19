"""Rollback: `champion` and `previous` change places, the files of the one that comes back verified first.

    champion 7, previous 5   --rollback-->   champion 5, previous 7   --rollback-->   champion 7, previous 5

A version that was taken back is marked, and promotion refuses it until a rollback brings it back: a nightly
`mu0 promote` must not undo what a person did on purpose. Who, when and why stand in tags of both versions.
"""

import getpass
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from assets_defs.tracking import configure_mlflow
from assets_defs.tracking_store.fault import store_errors
from assets_defs.tracking_store.opening import tracking_uri
from mu0.errors import PromotionError
from orchestration.promotion.registry import CHAMPION, PREVIOUS, Registry, Version
from orchestration.promotion.verify_registry import StoredFault

TAKEN_BACK = "taken_back/"
BROUGHT_BACK = "rollback/"


@dataclass(frozen=True)
class ModelRollback:
    """What a rollback does, did or cannot do to one model."""

    name: str
    champion: Version | None
    previous: Version | None
    fault: StoredFault | None

    @property
    def is_possible(self) -> bool:
        """Whether there is something whole to go back to."""
        return self.previous is not None and self.fault is None

    def describe(self, *, done: bool) -> str:
        """One line, and the version that steps aside."""
        if self.previous is None:
            return f"{self.name} has no previous champion; it stays as it is."
        if self.fault is not None:
            number = self.previous.number
            return f"{self.name}: the files of version {number} (previous) are not whole: {self.fault}."
        old = f"version {self.champion.number}" if self.champion else "no version"
        verb, its = ("is champion again", "is") if done else ("would become champion again", "would be")
        return f"{self.name} version {self.previous.number} {verb}; {old} {its} `previous`."


@dataclass(frozen=True)
class RollbackOutcome:
    """What became of all models that were asked for."""

    models: tuple[ModelRollback, ...]
    dry_run: bool

    def describe(self) -> str:
        """All of it in words."""
        return "\n".join(model.describe(done=not self.dry_run) for model in self.models)


def rollback(names: Sequence[str], root: Path, *, dry_run: bool = False, reason: str = "") -> RollbackOutcome:
    """Go back to the previous champions.

    Args:
        names: Registered models, such as `mu0-world-model`; those without a previous champion stay as they
            are.
        root: Project folder.
        dry_run: Say only what would happen.
        reason: Why; kept in the registry.

    Raises:
        PromotionError: There is nothing to go back to, or its files are gone or damaged; nothing was moved.
        StageError: The tracking store failed.
    """
    configure_mlflow()
    with store_errors(tracking_uri()):
        return _rollback([Registry(name, root) for name in names], dry_run=dry_run, reason=reason)


def _rollback(registries: list[Registry], *, dry_run: bool, reason: str) -> RollbackOutcome:
    models = tuple(_look(registry) for registry in registries)
    outcome = RollbackOutcome(models, dry_run)
    if any(model.fault for model in models):
        raise PromotionError(
            f"The previous champion cannot come back.\n{RollbackOutcome(models, dry_run=True).describe()}",
            expected="stored files with the hash that the version was registered with",
            remedy="run `mu0 verify --fix`, which stores them again if the model lies in models/ or in DVC's "
            "cache, then the same command again.",
        )
    if not any(model.is_possible for model in models):
        raise PromotionError(
            f"There is nothing to go back to.\n{outcome.describe()}",
            expected="a version with the alias `previous`, set by `mu0 promote` when it replaces a champion",
            remedy="promote two different models first, or set the alias yourself in the MLflow UI.",
        )
    if not dry_run:
        for registry, model in zip(registries, models, strict=True):
            if model.is_possible:
                _swap(registry, model, reason)
    return outcome


def why_taken_back(version: Version | None) -> str:
    """In words, if a person took this version back; empty otherwise."""
    if version is None or f"{TAKEN_BACK}at" not in version.tags:
        return ""
    at, by, reason = (version.tags.get(f"{TAKEN_BACK}{part}", "") for part in ("at", "by", "reason"))
    return f"version {version.number} was taken back at {at} by {by}" + (f": {reason}" if reason else "")


def _look(registry: Registry) -> ModelRollback:
    champion, previous = registry.by_alias(CHAMPION), registry.by_alias(PREVIOUS)
    if champion and previous and champion.number == previous.number:
        previous = None
    return ModelRollback(registry.name, champion, previous, registry.fault(previous) if previous else None)


def _swap(registry: Registry, model: ModelRollback, reason: str) -> None:
    assert model.previous
    facts = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": getpass.getuser(),
        "reason": reason,
    }
    registry.point(CHAMPION, model.previous)
    if model.champion:
        registry.point(PREVIOUS, model.champion)
        _mark(registry, model.champion, TAKEN_BACK, facts)
    else:
        registry.unpoint(PREVIOUS)
    came_from = model.champion.number if model.champion else ""
    _mark(registry, model.previous, BROUGHT_BACK, {**facts, "from_version": came_from})
    _mark(registry, model.previous, TAKEN_BACK, dict.fromkeys(facts, ""))


def _mark(registry: Registry, version: Version, prefix: str, facts: dict[str, str]) -> None:
    tags = {f"{prefix}{name}": value for name, value in facts.items()}
    registry.tag(
        version.number, {name: value for name, value in tags.items() if value or name in version.tags}
    )
