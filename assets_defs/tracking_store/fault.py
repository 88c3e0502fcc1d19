"""Faults of the tracking store as errors for people.

MLflow lets through what its layers throw: its own exceptions, SQLAlchemy's, Alembic's, those of requests and
of the file system. All of them mean the same to a reader: the store did not do what was asked.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from mu0.errors import StageError

REMEDIES = (
    (
        "can't locate revision",
        "a database of the installed MLflow {version}",
        "install the newer MLflow that wrote it, or move the file aside: the next run begins a new one.",
    ),
    (
        "out-of-date database schema",
        "a database of the installed MLflow {version}",
        "keep a copy of the database and run `mlflow db upgrade {uri}`; if that cannot locate the revision, "
        "a newer MLflow wrote it: install that one, or move the file aside.",
    ),
    (
        "readonly database",
        "a database that this user may write",
        "give yourself the right to write the file and its folder (`chmod u+w`), or choose another store "
        "with MLFLOW_TRACKING_URI.",
    ),
    (
        "locked",
        "a database that another process does not hold locked",
        "wait until that process has finished (`fuser` on the file names it), then run the command again.",
    ),
    (
        "full",
        "room on the disk of the store",
        "free some space, then run the same command again.",
    ),
    (
        "no space left",
        "room on the disk of the store",
        "free some space, then run the same command again.",
    ),
    (
        "not a database",
        "an SQLite database that MLflow wrote",
        "restore the file from a copy, or move it aside (`mv mlflow.db mlflow.db.broken`): the next run "
        "begins a new one and `mu0 promote` registers the present models again.",
    ),
)
OTHERWISE = (
    "a tracking store that answers",
    "start the server or correct MLFLOW_TRACKING_URI; `MU0_TRACKING=off mu0 run` trains without a store.",
)


def store_faults() -> tuple[type[Exception], ...]:
    """Everything that MLflow lets through when its store fails."""
    import sqlite3

    from alembic.util import CommandError
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return (MlflowException, SQLAlchemyError, CommandError, RequestException, sqlite3.Error, OSError)


@contextmanager
def store_errors(uri: str) -> Iterator[None]:
    """Turn whatever the store throws inside the block into a `StageError`.

    Raises:
        StageError: The store failed; the message holds its own first line.
    """
    try:
        yield
    except store_faults() as error:
        raise fault(uri, error) from error


def fault(uri: str, error: Exception | str) -> StageError:
    """The error for people behind one of the store's."""
    from importlib.metadata import version

    told = first_line(error)
    expected, remedy = next((pair for words, *pair in REMEDIES if words in str(error).lower()), OTHERWISE)
    shown = without_password(uri)
    known = {"uri": shown, "version": version("mlflow")}
    return StageError(
        f"The tracking store {shown} failed: {told}",
        expected=expected.format(**known),
        remedy=remedy.format(**known),
    )


def first_line(error: Exception | str) -> str:
    """What a store said, without its pages of SQL."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:300] if lines else type(error).__name__


def without_password(uri: str) -> str:
    """`postgresql://me:secret@host/db` -> `postgresql://me:***@host/db`."""
    from urllib.parse import urlsplit

    password = urlsplit(uri).password
    return uri.replace(f":{password}@", ":***@", 1) if password else uri
