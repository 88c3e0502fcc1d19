"""Which stages a run will work at, and how long each will take: asked of DVC before anything starts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from assets_defs.graph import Pipeline
from orchestration.progress.forecast import LONG_S, Forecast, forecast, probe
from orchestration.progress.recorded import StageSeconds

VARIABLE = "MU0_PLAN"
"""Environment variable in which the process that runs DVC finds the plan as JSON."""


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    Attributes:
        stages: All that are asked for, in the order of the chain.
        seconds: Of those that will probably run; the others are up to date.
        units: Of work in these.
        low: Shortest time by the middle one.
        high: Longest time by the middle one.
    """

    stages: tuple[str, ...]
    seconds: dict[str, float]
    units: dict[str, float]
    low: float = 1.0
    high: float = 1.0

    def to_json(self) -> str:
        """For the environment of the process that runs DVC."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """What `to_json` wrote."""
        content = json.loads(text)
        return cls(**{**content, "stages": tuple(content["stages"])})


def asked_for(pipeline: Pipeline, targets: Sequence[str]) -> tuple[str, ...]:
    """The targets and all that they need; everything if there are none."""
    if not targets:
        return tuple(pipeline.stages)
    parents, found, left = _parents(pipeline), set[str](), list(targets)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += parents[name]
    return tuple(name for name in pipeline.stages if name in found)


def will_run(pipeline: Pipeline, stages: Sequence[str], changed: set[str]) -> tuple[str, ...]:
    """Stages that changed, and those after them: what they read will be another thing then."""
    parents, running = _parents(pipeline), set[str]()
    for name in stages:  # in the order of the chain, so parents come first
        if name in changed or running.intersection(parents[name]):
            running.add(name)
    return tuple(name for name in stages if name in running)


def _parents(pipeline: Pipeline) -> dict[str, list[str]]:
    """Stages whose outputs or verdicts a stage reads."""
    writer = {stage.report: stage.name for stage in pipeline.all_stages if stage.report}
    return {
        stage.name: [pipeline.producer_of[name].name for name in stage.inputs]
        + [writer[report] for report in pipeline.gates(stage)]
        for stage in pipeline.all_stages
    }


def make_plan(
    stages: Sequence[str],
    running: Sequence[str],
    params: Any,
    environment: Mapping[str, str],
    record: StageSeconds | None = None,
) -> tuple[Plan, Forecast]:
    """Say how long `running` will take; asks the machine if nothing better is known and it may be long."""
    known = (record or StageSeconds()).of_this_machine()
    expected = forecast(running, params, known, {})
    if expected.source == "another machine" and sum(expected.seconds.values()) > LONG_S:
        expected = forecast(running, params, known, probe(environment))
    total_s = sum(expected.seconds.values()) or 1.0
    low_s, high_s = expected.range_s
    return Plan(tuple(stages), expected.seconds, expected.units, low_s / total_s, high_s / total_s), expected
