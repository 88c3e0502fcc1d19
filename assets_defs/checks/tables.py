"""Reading what is checked; what is missing, broken or of another type is an error for people.

A suite names the columns that it relies on by what they hold. Missing values are left for the suite to
judge, in one form whatever the file says: NaN for numbers, NA for flags, None for texts.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandas.api.types import infer_dtype, is_bool_dtype, is_numeric_dtype

from mu0.errors import StageError
from mu0.files import read_json

REMEDY = "run `mu0 run` again; if it stops here again, force the stage that writes it (`mu0 run --force`)."


def read_table(
    path: Path,
    *,
    numbers: Sequence[str] = (),
    flags: Sequence[str] = (),
    texts: Sequence[str] = (),
    vectors: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a parquet file.

    Args:
        path: Of the file.
        numbers: Columns that are numbers; they become float64.
        flags: Columns that are true or false; they become nullable booleans.
        texts: Columns that are texts.
        vectors: Columns whose values are lists.

    Raises:
        StageError: The file is missing or is not parquet, or a column is missing or holds something else.
    """
    table = _read(path)
    asked = {"numbers": numbers, "flags": flags, "texts": texts, "vectors": vectors}
    kinds = {name: kind for kind, names in asked.items() for name in names}
    faults = [f"{name} is missing" for name in kinds if name not in table]
    for name, kind in kinds.items():
        if name not in table:
            continue
        values = table[name]
        if (found := _kind_of(values)) not in {kind, "nothing"}:
            faults.append(f"{name} holds {found}, not {kind}")
            continue
        table[name] = _as(kind, values)
    if faults:
        raise StageError(
            f"{path}: {'; '.join(faults)}.",
            expected=", ".join(f"{name} ({kind})" for name, kind in kinds.items()),
            remedy=REMEDY,
        )
    return table


def is_true(flags: "pd.Series[Any]") -> "pd.Series[bool]":
    """Where a flag is set; a missing one is not."""
    return flags.fillna(value=False).astype(bool)


def number_at(content: Any, *keys: str) -> float:
    """The number below `keys` in JSON content; NaN where there is none."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    is_number = isinstance(content, int | float) and not isinstance(content, bool)
    return float(content) if is_number else float("nan")


def numbers_in(content: Any, prefix: str = "") -> dict[str, float]:
    """All numbers of nested JSON content, by path; `null` counts as NaN, so that nothing is overlooked."""
    if content is None:
        return {prefix: float("nan")}
    if isinstance(content, bool | str):
        return {}
    if isinstance(content, int | float):
        return {prefix: float(content)}
    items = content.items() if isinstance(content, dict) else enumerate(content)
    found: dict[str, float] = {}
    for key, value in items:
        found |= numbers_in(value, f"{prefix}.{key}" if prefix else str(key))
    return found


def table_of_numbers(path: Path, needed: Sequence[str] = ()) -> pd.DataFrame:
    """One row per number in a JSON file: name, value; NaN for what is `needed` and not there.

    A name is there when it, or anything below it, is a number.
    """
    found = numbers_in(read_json(path))
    for name in needed:
        if not any(other == name or other.startswith(f"{name}.") for other in found):
            found[name] = float("nan")
    rows = sorted(found.items())
    return pd.DataFrame({"name": [name for name, _ in rows], "value": [value for _, value in rows]})


def _read(path: Path) -> pd.DataFrame:
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        found = f"{path} is missing."
    except (pa.ArrowInvalid, OSError) as error:
        found = f"{path} is not a parquet file: {error}."
    raise StageError(found, expected="the table that the stage before writes", remedy="run `mu0 run` again.")


def _kind_of(values: "pd.Series[Any]") -> str:
    if values.isna().all():
        return "nothing"
    if is_bool_dtype(values.dtype):
        return "flags"
    if is_numeric_dtype(values.dtype):
        return "numbers"
    if isinstance(values.dropna().iloc[0], list | np.ndarray):
        return "vectors"
    inferred = infer_dtype(values, skipna=True)
    return {"string": "texts", "boolean": "flags"}.get(inferred, f"{inferred} values")


def _as(kind: str, values: "pd.Series[Any]") -> "pd.Series[Any]":
    if kind == "numbers":
        return values.astype("Float64").astype("float64") if values.dtype == object else values.astype(float)
    if kind == "flags":
        return values.astype("boolean")
    return values.astype(object).where(values.notna(), None)
