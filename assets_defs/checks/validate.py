"""Running suites with Great Expectations and keeping the verdict, as small and as stable as possible.

The report holds no times, ids or machine names: equal data gives equal bytes, so DVC sees no change.

Great Expectations leaves nulls out and finds no fault in a column that holds nothing else. The verdict is
therefore taken here from its counts: a missing value is a failure of whatever is expected of its column.
"""

import logging
import math
import os
from copy import copy
from pathlib import Path
from typing import Any

os.environ.setdefault("GX_ANALYTICS_ENABLED", "False")

from assets_defs.checks.lean_start import lean_start
from assets_defs.checks.suite import CRITICAL, LARGEST, NULLS, Suite, n_rows
from mu0.errors import CheckFailedError

with lean_start():
    import great_expectations as gx
    from great_expectations.data_context.types import base
    from great_expectations.data_context.types.base import ProgressBarsConfig

logging.getLogger(base.__name__).setLevel(logging.WARNING)  # it sets INFO itself, and names temporary folders
N_EXAMPLES = 5
ROUNDING = 1e-9
NO_LIMITS = (-LARGEST, LARGEST)
ROW_COUNT = n_rows(1)[0].expectation_type
RESULT_FORMAT = {"result_format": "SUMMARY", "partial_unexpected_count": N_EXAMPLES}
Report = dict[str, Any]


def run_suites(artifact: str, suites: list[Suite]) -> Report:
    """Validate every suite.

    Returns:
        `artifact`, `passed` (nothing critical is broken), counts, and one entry per expectation.
    """
    results = [result for suite in suites for result in _run(suite)]
    broken = [result for result in results if not result["success"]]
    return {
        "artifact": artifact,
        "passed": not any(result["severity"] == CRITICAL for result in broken),
        "n_expectations": len(results),
        "n_broken": len(broken),
        "n_rows": {suite.name: len(suite.table) for suite in suites},
        "results": results,
    }


def failure(report: Report, report_path: Path) -> CheckFailedError:
    """The error of a report that did not pass: every broken critical expectation with what was found."""
    broken = [
        result for result in report["results"] if not result["success"] and result["severity"] == CRITICAL
    ]
    lines = "\n".join(f"    {sentence(result)}" for result in broken)
    return CheckFailedError(
        f"{report['artifact']}: {len(broken)} of {report['n_expectations']} expectations are broken:\n"
        f"{lines}",
        expected=f"all critical expectations of assets_defs/{report['artifact']}/expectations.py to hold",
        remedy="correct the data or, if it is right, the limit in section `checks` of params.yaml; "
        f"the whole report: {report_path}",
    )


def sentence(result: dict[str, Any]) -> str:
    """One broken expectation for people: which, its limits, and what was found."""
    name = result["expectation"].removeprefix("expect_").replace("_", " ")
    keys = ("observed", "n_missing", "examples", "problem")
    found = "; ".join(f"{key} {result[key]}" for key in keys if key in result)
    limits = ", ".join(f"{key} {value}" for key, value in result["limits"].items() if value not in NO_LIMITS)
    return f"{result['suite']}: {name} ({limits}); found {found or 'other values'}"


def _run(suite: Suite) -> list[dict[str, Any]]:
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    expectations = context.suites.add(gx.ExpectationSuite(name=suite.name, expectations=_all_of(suite)))
    source = context.data_sources.add_pandas(suite.name).add_dataframe_asset(suite.name)
    batch = source.add_batch_definition_whole_dataframe(suite.name)
    definition = gx.ValidationDefinition(name=suite.name, data=batch, suite=expectations)
    outcome = context.validation_definitions.add(definition).run(
        batch_parameters={"dataframe": suite.table}, result_format=RESULT_FORMAT
    )
    return sorted((_entry(suite.name, result) for result in outcome.results), key=lambda entry: repr(entry))


def _all_of(suite: Suite) -> list[Any]:
    """What the suite says; of a table without rows also that there must be one to say it about."""
    is_told = any(each.expectation_type == ROW_COUNT for each in suite.expectations)
    may_be_empty = len(suite.table) or suite.may_be_empty or is_told
    every = suite.expectations if may_be_empty else [*n_rows(1), *suite.expectations]
    return [copy(each) for each in every]  # Great Expectations writes into those it is given


def _entry(suite: str, result: Any) -> dict[str, Any]:
    config, details = result.expectation_config, result.result or {}
    severity = getattr(config.severity, "value", config.severity)
    entry: dict[str, Any] = {
        "suite": suite,
        "expectation": config.type,
        "severity": str(severity),
        "success": bool(result.success) and _holds_with_nulls(config, details),
        "limits": {
            key: value
            for key, value in config.kwargs.items()
            if key not in {"batch_id", "ignore_row_if"} and value is not None
        },
    }
    if why := (config.meta or {}).get(NULLS):
        entry["limits"][NULLS] = why
    if "observed_value" in details:
        entry["observed"] = _plain(details["observed_value"])
    if details.get("missing_count"):
        entry["n_missing"] = int(details["missing_count"])
    if details.get("unexpected_count"):
        entry["n_unexpected"] = int(details["unexpected_count"])
        entry["examples"] = [_plain(value) for value in details.get("partial_unexpected_list", [])]
    if problem := _problem(result.exception_info or {}):
        entry["problem"] = problem
    return entry


def _holds_with_nulls(config: Any, details: dict[str, Any]) -> bool:
    """Whether enough of all rows are good, those without a value being bad."""
    n_missing = details.get("missing_count")
    if not n_missing or (config.meta or {}).get(NULLS):
        return True
    n_good = details["element_count"] - n_missing - details["unexpected_count"]
    return bool(n_good >= config.kwargs.get("mostly", 1.0) * details["element_count"] - ROUNDING)


def _problem(exception_info: dict[str, Any]) -> str:
    infos = [exception_info] if "raised_exception" in exception_info else exception_info.values()
    messages = [str(info["exception_message"]) for info in infos if info.get("raised_exception")]
    return "; ".join(sorted(set(messages)))


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # JSON knows no such number
    return value if isinstance(value, int | float | bool | str | None) else str(value)
