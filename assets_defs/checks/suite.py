"""A table and what is expected of it, and short names for the expectations that our suites use."""

from dataclasses import dataclass
from typing import Any

import great_expectations.expectations as gxe
import pandas as pd

CRITICAL = "critical"
WARNING = "warning"
LARGEST = 1e30


@dataclass(frozen=True)
class Suite:
    """Expectations about one table; one-row tables hold facts that were computed beforehand."""

    name: str
    table: pd.DataFrame
    expectations: list[Any]


def facts(**values: float | bool | str) -> pd.DataFrame:
    """A table of one row."""
    return pd.DataFrame([values])


def has_columns(*names: str) -> list[Any]:
    """Every column is there."""
    return [gxe.ExpectColumnToExist(column=name, severity=CRITICAL) for name in names]


def n_rows(low: int, high: int | None = None, severity: str = CRITICAL) -> Any:
    """The number of rows lies in [low, high]."""
    return gxe.ExpectTableRowCountToBeBetween(min_value=low, max_value=high, severity=severity)


def unique(column: str) -> Any:
    """No value occurs twice."""
    return gxe.ExpectColumnValuesToBeUnique(column=column, severity=CRITICAL)


def unique_together(*columns: str) -> Any:
    """No combination of values occurs twice."""
    return gxe.ExpectCompoundColumnsToBeUnique(column_list=list(columns), severity=CRITICAL)


def not_null(column: str, severity: str = CRITICAL) -> Any:
    """No value is missing."""
    return gxe.ExpectColumnValuesToNotBeNull(column=column, severity=severity)


def in_set(column: str, values: list[Any], mostly: float = 1.0, severity: str = CRITICAL) -> Any:
    """At least the share `mostly` of the values is one of these."""
    return gxe.ExpectColumnValuesToBeInSet(column=column, value_set=values, mostly=mostly, severity=severity)


def between(
    column: str, low: float | None, high: float | None, *, mostly: float = 1.0, severity: str = CRITICAL
) -> Any:
    """At least the share `mostly` of the values lies in [low, high]."""
    return gxe.ExpectColumnValuesToBeBetween(
        column=column, min_value=low, max_value=high, mostly=mostly, severity=severity
    )


def not_above(lower: str, upper: str) -> Any:
    """Column `lower` <= column `upper` in every row."""
    return gxe.ExpectColumnPairValuesAToBeGreaterThanB(
        column_A=upper, column_B=lower, or_equal=True, severity=CRITICAL
    )


def not_blank(column: str) -> Any:
    """Every text holds at least one letter or digit."""
    return gxe.ExpectColumnValuesToMatchRegex(column=column, regex=r"\w", severity=CRITICAL)


def finite(*columns: str) -> list[Any]:
    """No value is missing, NaN or infinite."""
    return [
        expectation
        for column in columns
        for expectation in (not_null(column), between(column, -LARGEST, LARGEST))
    ]


def true(column: str, severity: str = CRITICAL) -> Any:
    """Every value is true."""
    return in_set(column, [True], severity=severity)
