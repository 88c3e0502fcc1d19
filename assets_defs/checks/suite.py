"""A table and what is expected of it, and short names for the expectations that our suites use.

Great Expectations leaves nulls out of every expectation about a column, so a column of nothing but NaN
passes all of them. Here nulls are failures: `assets_defs.checks.validate` counts a missing value against
whatever is expected of its column, and among the bad ones where only a share has to be good. Where a value
may be missing the suite says why (`may_be_null`), and it is then a warning, never silence. Numbers are always
finite. A table without rows breaks its suite too, unless the suite says why it may be empty.
"""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from assets_defs.checks.lean_start import lean_start

with lean_start():
    import great_expectations.expectations as gxe

CRITICAL = "critical"
WARNING = "warning"
LARGEST = 1e30
NULLS = "nulls"  # in the notes of an expectation: why a missing value is no failure of it
Expectations = list[Any]


@dataclass(frozen=True)
class Suite:
    """Expectations about one table; one-row tables hold facts that were computed beforehand.

    Attributes:
        name: Unique within the artifact.
        table: What is looked at.
        expectations: What the builders below return, one after the other, with or without a star.
        may_be_empty: Why a table without rows is all right; empty when it is not.
    """

    name: str
    table: pd.DataFrame
    expectations: Expectations
    may_be_empty: str = ""

    def __post_init__(self) -> None:
        """Builders return lists: one level of them is laid flat."""
        lists = [each if isinstance(each, list) else [each] for each in self.expectations]
        object.__setattr__(self, "expectations", [each for several in lists for each in several])


def facts(**values: float | bool | str) -> pd.DataFrame:
    """A table of one row."""
    return pd.DataFrame([values])


def n_rows(low: int, high: int | None = None, severity: str = CRITICAL) -> Expectations:
    """The number of rows lies in [low, high]."""
    return [gxe.ExpectTableRowCountToBeBetween(min_value=low, max_value=high, severity=severity)]


def known(*columns: str, severity: str = CRITICAL) -> Expectations:
    """Every column is there and has a value in every row."""
    return [gxe.ExpectColumnValuesToNotBeNull(column=column, severity=severity) for column in columns]


def unique(column: str) -> Expectations:
    """No value occurs twice."""
    return [gxe.ExpectColumnValuesToBeUnique(column=column, severity=CRITICAL)]


def unique_together(*columns: str) -> Expectations:
    """No combination of values occurs twice; a combination with a gap is a failure."""
    return [
        gxe.ExpectCompoundColumnsToBeUnique(
            column_list=list(columns), ignore_row_if="any_value_is_missing", severity=CRITICAL
        )
    ]


def in_set(column: str, values: list[Any], severity: str = CRITICAL) -> Expectations:
    """Every value is one of these."""
    return [gxe.ExpectColumnValuesToBeInSet(column=column, value_set=values, severity=severity)]


def mostly_in_set(
    column: str, values: list[Any], *, mostly: float, among: list[Any], severity: str = CRITICAL
) -> Expectations:
    """At least the share `mostly` of all rows has one of `values`, and no row one that is not `among`."""
    return [
        gxe.ExpectColumnValuesToBeInSet(column=column, value_set=values, mostly=mostly, severity=severity),
        *in_set(column, among),
    ]


def true(column: str, severity: str = CRITICAL) -> Expectations:
    """Every value is true."""
    return in_set(column, [True], severity=severity)


def between(
    column: str,
    low: float | None = None,
    high: float | None = None,
    *,
    severity: str = CRITICAL,
    may_be_null: str = "",
) -> Expectations:
    """Every value is a finite number in [low, high].

    Args:
        column: Of numbers.
        low: Smallest; any when None.
        high: Largest; any when None.
        severity: Of a value outside, and of a missing one.
        may_be_null: Why a value may be missing; it then is a warning at most.
    """
    limits = (-LARGEST if low is None else low, LARGEST if high is None else high)
    if not may_be_null:
        return [_between(column, limits, severity)]
    gap = gxe.ExpectColumnValuesToNotBeNull(column=column, severity=WARNING, meta={NULLS: may_be_null})
    return [_between(column, limits, severity, meta={NULLS: may_be_null}), gap]


def mostly_between(
    column: str,
    low: float,
    high: float,
    *,
    mostly: float,
    never_outside: tuple[float, float],
    severity: str = CRITICAL,
) -> Expectations:
    """At least the share `mostly` of all rows lies in [low, high], and no value `never_outside`.

    Missing values count among those outside [low, high]; the wider limits are for the absurd single one,
    which a share would let pass.
    """
    counted = {NULLS: "they count against the share"}
    return [
        _between(column, (low, high), severity, mostly=mostly),
        _between(column, never_outside, severity, meta=counted),
    ]


def _between(column: str, limits: tuple[float, float], severity: str, **rest: Any) -> Any:
    low, high = limits
    return gxe.ExpectColumnValuesToBeBetween(
        column=column, min_value=low, max_value=high, severity=severity, **rest
    )


def not_above(lower: str, upper: str) -> Expectations:
    """Column `lower` <= column `upper` in every row."""
    return [
        gxe.ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=upper, column_B=lower, or_equal=True, ignore_row_if="either_value_is_missing",
            severity=CRITICAL,
        )
    ]  # fmt: skip


def not_blank(*columns: str) -> Expectations:
    """Every text holds at least one letter or digit."""
    return [
        gxe.ExpectColumnValuesToMatchRegex(column=column, regex=r"\w", severity=CRITICAL)
        for column in columns
    ]


def finite(*columns: str) -> Expectations:
    """No value is missing, NaN or infinite."""
    return [expectation for column in columns for expectation in between(column)]
