"""Which questions the trace benchmark asks, as params.yaml says."""

from assets_defs.sections import section
from mu0.evaluation.benchmark.questions import Asked
from mu0.params.benchmark import BenchmarkParams
from mu0.params.world_model import TraceDatasetParams


def read_asked() -> Asked:
    """The sections that decide which questions there are."""
    return Asked(section("benchmark", BenchmarkParams), section("trace_dataset", TraceDatasetParams))
