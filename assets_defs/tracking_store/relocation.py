"""Artifact locations of a project folder that was moved or copied.

MLflow writes absolute paths into its database (relative ones are resolved when an experiment is made, MLflow
#7670), so after a move every run and model points to a folder that is gone, and new runs would make that
folder anew. There is no call that changes a location; the columns are rewritten in one transaction.

    /old/project/mlruns/1/models/m-7/artifacts  ->  <folder of the database>/mlruns/1/models/m-7/artifacts

Rewritten are
    rows of things   where the files lie under this database's own `mlruns`
    experiments      also where the old place is gone, or belongs to another project (an `mlflow.db` lies
                     there): what this project logs next belongs here
"""

import logging
import sqlite3
from pathlib import Path
from urllib.parse import unquote, urlsplit

from assets_defs.tracking_store.probe import SQLITE, sqlite_file

ARTIFACTS = "mlruns"
EXPERIMENTS = ("experiments", "artifact_location")
THINGS = (
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
    ("model_versions", "source"),
)
LOG = logging.getLogger("mu0.tracking")


def follow_the_folder(uri: str) -> int:
    """Point the database at the artifacts beside it.

    Args:
        uri: Of the store; anything but an existing SQLite file is left alone.

    Returns:
        How many locations were rewritten.
    """
    if urlsplit(uri).scheme != SQLITE or not sqlite_file(uri).is_file():
        return 0
    database = sqlite_file(uri).resolve()
    connection = sqlite3.connect(database, isolation_level=None)
    try:
        if not _columns(connection, *EXPERIMENTS) or not _moved(connection, *EXPERIMENTS, database.parent):
            return 0
        connection.execute("BEGIN IMMEDIATE")
        count = sum(
            _rewrite(connection, table, column, new)
            for table, column in (EXPERIMENTS, *THINGS)
            if _columns(connection, table, column)
            for new in [_moved(connection, table, column, database.parent)]
        )
        connection.execute("COMMIT")
    finally:
        connection.close()
    LOG.warning(
        "The project folder was moved or copied: %d places in %s now point to %s.",
        count, database.name, database.parent / ARTIFACTS,
    )  # fmt: skip
    return count


def new_place(location: str, home: Path, *, is_experiment: bool) -> str | None:
    """Where something lies now; None where its place is right, or is none of ours."""
    parts = urlsplit(location)
    if parts.scheme not in {"", "file"}:
        return None
    old = Path(unquote(parts.path))
    if ARTIFACTS not in old.parts or not old.is_absolute() or old.is_relative_to(home):
        return None
    at = len(old.parts) - 1 - old.parts[::-1].index(ARTIFACTS)
    former_home, new = Path(*old.parts[:at]), home.joinpath(*old.parts[at:])
    is_ours = new.exists() or (is_experiment and (not old.exists() or (former_home / "mlflow.db").exists()))
    return str(new) if is_ours else None


def _columns(connection: sqlite3.Connection, table: str, column: str) -> bool:
    return any(row[1] == column for row in connection.execute(f"PRAGMA table_info({table})"))


def _moved(connection: sqlite3.Connection, table: str, column: str, home: Path) -> dict[str, str]:
    rows = connection.execute(f"SELECT DISTINCT {column} FROM {table} WHERE {column} IS NOT NULL")
    found = {old: new_place(old, home, is_experiment=table == EXPERIMENTS[0]) for (old,) in rows}
    return {old: new for old, new in found.items() if new}


def _rewrite(connection: sqlite3.Connection, table: str, column: str, new: dict[str, str]) -> int:
    update = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"
    return sum(connection.execute(update, (place, old)).rowcount for old, place in new.items())
