"""Promotion: register what was trained as `challenger`; move `champion` when every gate passes.

The old champion stays as `previous`. Promoting the same model again changes nothing and says so. Each model
is judged by itself, so a good world model is promoted even if its action expert is refused. Before any
verdict the stored files of champion, challenger and previous are re-hashed, and stored again where they were
lost.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets_defs.chain import PIPELINE
from assets_defs.graph import Pipeline
from assets_defs.sections import section
from assets_defs.tracking import LAST_RUNS, configure_mlflow, flatten, git_commit, input_hashes
from assets_defs.tracking_store.fault import store_errors
from assets_defs.tracking_store.opening import tracking_uri
from assets_defs.tracking_store.patience import deliver
from mu0.errors import PromotionError
from mu0.files import sha256_of_tree
from orchestration.promotion.gates import (
    Evidence,
    Gate,
    action_expert_gates,
    provenance_gates,
    world_model_gates,
)
from orchestration.promotion.params import PromotionParams
from orchestration.promotion.registry import CHALLENGER, CHAMPION, METRIC_TAG, PREVIOUS, Registry, Version
from orchestration.promotion.repair import Healed, heal
from orchestration.promotion.rollback import why_taken_back

TAGGED = ("mu0_ade", "mu0_minus_static", "success")


@dataclass(frozen=True)
class ModelOutcome:
    """What became of one model.

    `result` is promoted, unchanged, repaired or refused; on a dry run also `would promote`, `would repair`.
    """

    name: str
    result: str
    version: str
    gates: tuple[Gate, ...]
    notes: tuple[str, ...] = ()

    def describe(self) -> str:
        """The outcome in words, every gate on its line."""
        version = f" version {self.version}" if self.version else ""
        texts = {
            "promoted": "is the new champion.",
            "unchanged": "is the champion already; nothing to do.",
            "repaired": "is the champion already; its stored files were lost and are there again.",
            "would repair": "is the champion already; its stored files are lost and would be stored again.",
            "refused": "is not promoted; it stays challenger.",
            "would promote": "would become champion.",
        }
        return "\n".join(
            [
                f"{self.name}{version} {texts[self.result]}",
                *(f"    {gate}" for gate in self.gates),
                *(f"    stored files  {note}" for note in self.notes),
            ]
        )


@dataclass(frozen=True)
class PromotionOutcome:
    """What became of all models."""

    models: tuple[ModelOutcome, ...]

    def describe(self) -> str:
        """All outcomes in words."""
        return "\n".join(model.describe() for model in self.models)


@dataclass(frozen=True)
class Candidate:
    """A trained model and what is known about it."""

    registered_name: str
    evidence: Evidence
    variant: str | None = None

    @property
    def folder(self) -> Path:
        """Where the model lies."""
        return self.evidence.root / self.evidence.pipeline.artifacts[self.evidence.model].path

    def measured(self) -> dict[str, Any]:
        """Headline numbers of this model alone."""
        metrics = self.evidence.metrics()
        return metrics if self.variant is None else metrics.get(self.variant, {})

    def gates(self, champion: Mapping[str, float] | None) -> tuple[Gate, ...]:
        """Every gate, judged."""
        metrics = self.evidence.metrics()
        if self.variant is None:
            own = world_model_gates(metrics, champion)
        else:
            own = action_expert_gates(metrics, self.variant, champion)
        return (*provenance_gates(self.evidence), *own)


def promote(*, dry_run: bool = False, root: Path = Path(), pipeline: Pipeline = PIPELINE) -> PromotionOutcome:
    """Judge the trained models and move the aliases of those that pass.

    Args:
        dry_run: Judge only; the registry is not changed.
        root: Project folder.
        pipeline: The stage graph.

    Raises:
        PromotionError: A model is missing or was refused; the message lists every gate with its numbers.
        StageError: The tracking store failed.
    """
    candidates = promotable(root, pipeline)
    for candidate in candidates:
        if not candidate.folder.is_dir():
            raise PromotionError(
                f"There is no {candidate.folder}.", expected="a trained model", remedy="run `mu0 run` first."
            )
    configure_mlflow()
    with store_errors(tracking_uri()):
        deliver(root / LAST_RUNS)
        outcome = PromotionOutcome(tuple(_promote(candidate, dry_run=dry_run) for candidate in candidates))
    if any(model.result == "refused" for model in outcome.models):
        raise PromotionError(
            f"Not every model passed its gates.\n{outcome.describe()}",
            expected="every gate to pass; the champion stays what it was where one did not",
            remedy="improve what the refused gates name (longer training: `world_model.train.steps` and "
            "`action_expert.steps` in params.yaml), run `mu0 run`, promote again.",
        )
    return outcome


def promotable(root: Path, pipeline: Pipeline = PIPELINE) -> list[Candidate]:
    """The models of this project that have a place in the registry."""
    params = section("promotion", PromotionParams, root)
    variant = params.action_expert_variant
    world_model = Evidence(root, pipeline, "world_model", "trace_report", "reports/trace_report_metrics.json")
    expert = Evidence(
        root, pipeline, f"action_expert_ur3_{variant}", "ur3_report", "reports/ur3_report_metrics.json"
    )
    return [
        Candidate(f"{params.registry_prefix}-world-model", world_model),
        Candidate(f"{params.registry_prefix}-action-expert-ur3", expert, variant),
    ]


def registered_names(root: Path, model: str | None = None) -> list[str]:
    """Names in the registry, of all models or of one, which may also be called as its artifact is.

    Raises:
        PromotionError: There is no such model.
    """
    candidates = promotable(root)
    found = [
        candidate.registered_name
        for candidate in candidates
        if model is None or model in {candidate.registered_name, candidate.evidence.model}
    ]
    if not found:
        known = [f"{candidate.registered_name} ({candidate.evidence.model})" for candidate in candidates]
        raise PromotionError(
            f"There is no model called {model!r} in the registry of this project.",
            expected=" or ".join(known),
            remedy="check the spelling; without a name all models are meant.",
        )
    return found


def _promote(candidate: Candidate, *, dry_run: bool) -> ModelOutcome:
    registry = Registry(candidate.registered_name, candidate.evidence.root)
    healed = heal(registry, candidate.evidence.root, candidate.folder, dry_run=dry_run)
    notes = tuple(str(each) for each in healed)
    champion, version = registry.by_alias(CHAMPION), registry.find(sha256_of_tree(candidate.folder))
    if champion and version and champion.sha256 == version.sha256:
        return ModelOutcome(registry.name, _standing(champion, healed), champion.number, (), notes)
    gates = _judge(candidate, champion, version)
    passed = all(gate.passed for gate in gates)
    if dry_run:
        return ModelOutcome(registry.name, "would promote" if passed else "refused", "", gates, notes)
    if version is None or registry.fault(version):
        version = registry.register(candidate.folder, candidate.evidence.model, _tags(candidate))
    is_dead = any(each.is_lost and CHAMPION in each.aliases for each in healed)
    _move_aliases(registry, version, None if is_dead else champion, passed=passed)
    return ModelOutcome(registry.name, "promoted" if passed else "refused", version.number, gates, notes)


def _standing(champion: Version, healed: list[Healed]) -> str:
    """What is to be said of a champion that is the trained model."""
    for each in healed:
        if CHAMPION in each.aliases:
            return "repaired" if each.new and each.new.number == champion.number else "would repair"
    return "unchanged"


def _judge(candidate: Candidate, champion: Version | None, version: Version | None) -> tuple[Gate, ...]:
    gates = candidate.gates(champion.metrics if champion else None)
    taken_back = why_taken_back(version)
    if taken_back:
        numbers = f"{taken_back}; `mu0 rollback` brings it back"
        gates = (*gates, Gate("not taken back by a person", passed=False, numbers=numbers))
    return gates


def _move_aliases(registry: Registry, version: Version, champion: Version | None, *, passed: bool) -> None:
    registry.point(CHALLENGER, version)
    if not passed:
        return
    if champion:
        registry.point(PREVIOUS, champion)
    registry.point(CHAMPION, version)


def _tags(candidate: Candidate) -> dict[str, str]:
    root, pipeline = candidate.evidence.root, candidate.evidence.pipeline
    producer = pipeline.producer_of[candidate.evidence.model].name
    hashes = input_hashes(producer, root) | input_hashes(
        pipeline.producer_of[candidate.evidence.report].name, root
    )
    metrics = {
        name: value
        for name, value in flatten(candidate.measured()).items()
        if name.startswith(TAGGED) and isinstance(value, int | float)
    }
    return (
        {"git/commit": git_commit(root)}
        | {f"dvc/{path}": md5 for path, md5 in hashes.items()}
        | {f"{METRIC_TAG}{name}": repr(float(value)) for name, value in metrics.items()}
    )
