"""Gates: what a model must show before it becomes champion. Each gate is one sentence with its numbers.

recorded    the model on disk is the one that dvc.lock knows
measured    the report was made with this very model, and is unchanged since
checks      every check of every artifact behind the report passed on the data as it is recorded now
better      world model: lower error than the static baseline, the whole paired interval below zero; the
            same at gripper and target while something is carried, where the report knows phases in metres
successful  action expert: at least one success in closed loop
champion    not worse than the present champion beyond the champion's own interval
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assets_defs.dvc_state import RecordedStage, md5_of, read_recorded_stages
from assets_defs.graph import Pipeline, Stage
from mu0.files import read_json

SPACES = ("uv", "m")
CARRIED = ("gripper", "target")


@dataclass(frozen=True)
class Gate:
    """One condition, whether it holds, and the numbers it was judged by."""

    name: str
    passed: bool
    numbers: str

    def __str__(self) -> str:
        return f"{'passed ' if self.passed else 'REFUSED'}  {self.name}: {self.numbers}"


@dataclass(frozen=True)
class Evidence:
    """Where a model's measurements are.

    Attributes:
        root: Project folder.
        pipeline: The stage graph.
        model: Artifact name of the model.
        report: Artifact name of its report.
        metrics_path: JSON of the report's headline numbers, below `root`.
    """

    root: Path
    pipeline: Pipeline
    model: str
    report: str
    metrics_path: str

    def metrics(self) -> dict[str, Any]:
        """Headline numbers; empty where the report is missing."""
        path = self.root / self.metrics_path
        return read_json(path) if path.is_file() else {}


def provenance_gates(evidence: Evidence) -> list[Gate]:
    """Gates about the question whether the numbers are those of this model and of good data."""
    recorded = read_recorded_stages(evidence.root)
    return [_recorded(evidence, recorded), _measured(evidence, recorded), _checks(evidence, recorded)]


def world_model_gates(metrics: Mapping[str, Any], champion: Mapping[str, float] | None) -> list[Gate]:
    """Gates about the errors of μ0, in uv and, where there was depth, in metres."""
    spaces = [space for space in SPACES if f"mu0_minus_static_ade_{space}" in metrics]
    if not spaces:
        return [
            Gate("better than the static baseline", passed=False, numbers="the report has no such comparison")
        ]
    gates = []
    for space in spaces:
        key = f"mu0_minus_static_ade_{space}"
        mean, low, high = (float(metrics.get(f"{key}{part}", "nan")) for part in ("", "_low", "_high"))
        numbers = (
            f"ADE minus static {mean:.4g} {space} [{low:.4g}, {high:.4g}]; the interval must lie below 0"
        )
        gates.append(Gate(f"better than the static baseline in {space}", high < 0, numbers))
        limit = (champion or {}).get(f"{key}_high")
        if limit is not None:
            numbers = f"ADE minus static {mean:.4g} {space}, the champion's interval ends at {limit:.4g}"
            gates.append(Gate(f"not worse than the champion in {space}", mean <= limit, numbers))
    return gates + _carry_gates(metrics)


def _carry_gates(metrics: Mapping[str, Any]) -> list[Gate]:
    """A mean over all moments may hide a model that is right about rest and wrong about what moves."""
    gates = []
    for entity in CARRIED:
        key = f"mu0_carry_{entity}_minus_static_ade_m"
        if key in metrics:
            mean, low, high = (
                100 * float(metrics.get(f"{key}{end}", "nan")) for end in ("", "_low", "_high")
            )
            numbers = f"ADE minus static {mean:.3g} cm [{low:.3g}, {high:.3g}]; the interval must lie below 0"
            gates.append(
                Gate(f"better than the static baseline at the {entity} while carrying", high < 0, numbers)
            )
    return gates


def action_expert_gates(
    metrics: Mapping[str, Any], variant: str, champion: Mapping[str, float] | None
) -> list[Gate]:
    """Gates about closed-loop success."""
    rates = metrics.get(variant, {})
    rate, low, high = (float(rates.get(f"success_{part}", "nan")) for part in ("rate", "low", "high"))
    numbers = (
        f"success {rate:.3g} [{low:.3g}, {high:.3g}] of {metrics.get('n_rollouts', 0)} rollouts; "
        "must be above 0"
    )
    gates = [Gate("successful in closed loop", rate > 0, numbers)]
    limit = (champion or {}).get("success_low")
    if limit is not None:
        numbers = f"success {rate:.3g}, the champion's interval starts at {limit:.3g}"
        gates.append(Gate("not worse than the champion", rate >= limit, numbers))
    return gates


def _recorded(evidence: Evidence, recorded: Mapping[str, RecordedStage]) -> Gate:
    path = evidence.pipeline.artifacts[evidence.model].path
    stage = recorded.get(evidence.pipeline.producer_of[evidence.model].name)
    known, found = stage.output_md5.get(path) if stage else None, md5_of(evidence.root / path)
    numbers = f"{path} is {found}, dvc.lock says {known}"
    return Gate("the model is the one that DVC recorded", found is not None and found == known, numbers)


def _measured(evidence: Evidence, recorded: Mapping[str, RecordedStage]) -> Gate:
    pipeline = evidence.pipeline
    report = recorded.get(pipeline.producer_of[evidence.report].name)
    path = pipeline.artifacts[evidence.model].path
    model_md5 = md5_of(evidence.root / path)
    metrics_md5 = md5_of(evidence.root / evidence.metrics_path)
    same_model = report is not None and report.dependency_md5.get(path) == model_md5
    same_numbers = report is not None and report.output_md5.get(evidence.metrics_path) == metrics_md5
    numbers = (
        f"{evidence.metrics_path} {'is' if same_numbers else 'is not'} as recorded, "
        f"{'of this model' if same_model else 'of another model'}"
    )
    return Gate(
        "the report measured this model", same_model and same_numbers and metrics_md5 is not None, numbers
    )


def _checks(evidence: Evidence, recorded: Mapping[str, RecordedStage]) -> Gate:
    artifacts = sorted(_upstream(evidence.pipeline, evidence.report))
    checks = [evidence.pipeline.check_of[name] for name in artifacts if name in evidence.pipeline.check_of]
    missing = [check.name for check in checks if not _check_is_current(evidence, recorded, check)]
    problem = f"; not passed or not current: {', '.join(missing)}" if missing else ""
    numbers = f"{len(checks) - len(missing)} of {len(checks)} checks{problem}"
    return Gate("all checks passed on the present data", not missing, numbers)


def _check_is_current(evidence: Evidence, recorded: Mapping[str, RecordedStage], check: Stage) -> bool:
    assert check.checks
    assert check.report
    entry, producer = recorded.get(check.name), recorded.get(evidence.pipeline.producer_of[check.checks].name)
    path, report = evidence.pipeline.artifacts[check.checks].path, evidence.root / check.report
    if entry is None or producer is None or not report.is_file():
        return False
    same_data = entry.dependency_md5.get(path) == producer.output_md5.get(path)
    return (
        same_data
        and entry.output_md5.get(check.report) == md5_of(report)
        and bool(read_json(report)["passed"])
    )


def _upstream(pipeline: Pipeline, artifact: str) -> set[str]:
    inputs = pipeline.producer_of[artifact].inputs
    return {artifact}.union(*(_upstream(pipeline, name) for name in inputs))
