"""A look at the store before MLflow talks to it: MLflow tries again for minutes without a word.

SQLite     the file is a database, nobody holds it, it may be written
server     something listens at host and port within seconds, and answers one question
"""

import socket
import sqlite3
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from assets_defs.tracking_store.fault import fault
from mu0.errors import StageError

CONNECT_S = 5.0
ANSWER_S = 8.0
LOCKED_S = 5.0
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
OWN_PROTOCOLS = ("databricks", "uc", "file")
SQLITE = "sqlite"


def require_store(uri: str) -> None:
    """Stop within seconds when the store cannot work.

    Raises:
        StageError: It is no address, nothing answers, or the database cannot be read and written.
    """
    parts = urlsplit(uri)
    kind = parts.scheme.partition("+")[0]
    if kind == SQLITE:
        _require_database(uri, sqlite_file(uri))
    elif kind in PORTS:
        _require_listener(uri, parts, PORTS[kind])
        if kind in {"http", "https"}:
            _require_answer(uri)
    elif kind not in OWN_PROTOCOLS:
        raise StageError(
            f"The tracking store {uri!r} is no address that MLflow knows.",
            expected="sqlite:///FILE, http(s)://HOST:PORT, or a database such as postgresql://…",
            remedy="correct MLFLOW_TRACKING_URI, or unset it: the store is then sqlite:///mlflow.db.",
        )


def sqlite_file(uri: str) -> Path:
    """The file of an SQLite address.

    Raises:
        StageError: The address names none.
    """
    parts = urlsplit(uri)
    path = unquote(parts.path)
    if parts.netloc or len(path) < 2:
        raise StageError(
            f"The tracking store {uri!r} names no file.",
            expected="sqlite:///mlflow.db (relative) or sqlite:////folder/mlflow.db (absolute)",
            remedy="correct MLFLOW_TRACKING_URI, or unset it.",
        )
    return Path(path[1:])


def is_reachable(uri: str) -> bool:
    """Whether it is worth while to try the store again."""
    try:
        require_store(uri)
    except StageError:
        return False
    return True


def _require_database(uri: str, path: Path) -> None:
    if not path.exists():
        return  # MLflow makes a new one
    if path.is_dir():
        raise fault(uri, f"file is not a database, {path} is a folder")
    connection = None
    try:
        connection = sqlite3.connect(
            f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=LOCKED_S, isolation_level=None
        )
        (number,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(f"PRAGMA user_version = {number + 1}")  # a read-only database refuses only a write
        connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise fault(uri, error) from error
    finally:
        if connection is not None:
            connection.close()


def _require_listener(uri: str, parts: SplitResult, default_port: int) -> None:
    try:
        address = (parts.hostname or "", parts.port or default_port)
        if not parts.hostname:
            raise fault(uri, "the address names no host")
        socket.create_connection(address, timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise fault(uri, f"nothing answers ({first_words(error)})") from error


def _require_answer(uri: str) -> None:
    import requests

    try:
        answer = requests.get(f"{uri.rstrip('/')}/health", timeout=ANSWER_S)
    except requests.RequestException as error:
        raise fault(uri, f"it listens and does not answer ({type(error).__name__})") from error
    if answer.status_code >= 500:
        raise fault(uri, f"it answers with HTTP {answer.status_code}")


def first_words(error: Exception) -> str:
    """`[Errno 111] Connection refused` -> `Connection refused`."""
    return getattr(error, "strerror", None) or str(error)
