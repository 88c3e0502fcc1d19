"""Reading what is checked; a missing or broken file is an error for people."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from mu0.errors import StageError
from mu0.files import read_json


def read_table(path: Path) -> pd.DataFrame:
    """Read a parquet file.

    Raises:
        StageError: The file is missing or is not parquet.
    """
    try:
        return pd.read_parquet(path)
    except FileNotFoundError:
        found = f"{path} is missing."
    except (pa.ArrowInvalid, OSError) as error:
        found = f"{path} is not a parquet file: {error}."
    raise StageError(found, expected="the table that the stage before writes", remedy="run `mu0 run` again.")


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


def table_of_numbers(path: Path) -> pd.DataFrame:
    """One row per number in a JSON file: name, value."""
    rows = sorted(numbers_in(read_json(path)).items())
    return pd.DataFrame({"name": [name for name, _ in rows], "value": [value for _, value in rows]})
