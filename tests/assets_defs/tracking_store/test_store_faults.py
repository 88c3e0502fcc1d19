"""A store that does not work is said within seconds, with what to do; nothing foreign comes through."""

import socket
import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import OperationalError

from assets_defs.tracking_store import probe
from assets_defs.tracking_store.fault import fault, store_errors, without_password
from assets_defs.tracking_store.opening import open_store
from assets_defs.tracking_store.probe import is_reachable, require_store
from mu0.errors import StageError

AT_MOST_S = 20.0
SAFETY_S = 120.0


def refused(uri: str) -> StageError:
    """The error that opening raises; it comes by itself, long before anybody's patience ends."""
    with ThreadPoolExecutor(1) as asking, pytest.raises(StageError) as caught:
        asking.submit(require_store, uri).result(timeout=SAFETY_S)
    assert caught.value.expected
    assert caught.value.remedy
    return caught.value


@pytest.fixture
def silent_server() -> Iterator[int]:
    """Takes connections and never answers."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        yield server.getsockname()[1]


def test_a_server_that_is_down() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    error = refused(f"http://127.0.0.1:{port}")
    assert "nothing answers (Connection refused)" in error.found
    assert "MU0_TRACKING=off mu0 run" in error.remedy


def test_a_server_that_hangs(silent_server: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "ANSWER_S", 0.2)
    assert "it listens and does not answer" in refused(f"http://127.0.0.1:{silent_server}").found


def test_a_server_with_a_fault_of_its_own() -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Broken(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_error(503)

        def log_message(self, *_: object) -> None:
            return

    with HTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert "HTTP 503" in refused(f"http://127.0.0.1:{server.server_port}").found
        server.shutdown()


def test_the_limits_add_up_to_less_than_the_promise() -> None:
    assert probe.CONNECT_S + probe.ANSWER_S + probe.LOCKED_S < AT_MOST_S


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("nonsense", "is no address that MLflow knows"),
        ("ftp://store", "is no address that MLflow knows"),
        ("mlruns/here", "is no address that MLflow knows"),
        ("sqlite://", "names no file"),
        ("sqlite:///", "names no file"),
        ("http://", "names no host"),
        ("http://127.0.0.1:port", "nothing answers"),
    ],
)
def test_nonsense(uri: str, words: str) -> None:
    assert words in refused(uri).found


@pytest.mark.parametrize("content", [b"broken\n" * 50, b"\x00" * 4096, "folder"])
def test_a_file_that_is_no_database(tmp_path: Path, content: bytes | str) -> None:
    path = tmp_path / "mlflow.db"
    path.mkdir() if content == "folder" else path.write_bytes(bytes(content))  # type: ignore[arg-type]
    error = refused(f"sqlite:///{path}")
    assert "not a database" in error.found
    assert "mv mlflow.db mlflow.db.broken" in error.remedy


def test_a_truncated_database(store: Path) -> None:
    store.write_bytes(store.read_bytes()[: store.stat().st_size // 2])
    with pytest.raises(StageError, match=r"malformed|not a database"):
        open_store("mu0")


def test_a_database_that_another_process_holds(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probe, "LOCKED_S", 0.1)
    with closing(sqlite3.connect(store, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert "locked" in refused(f"sqlite:///{store}").found
    assert is_reachable(f"sqlite:///{store}")


def test_a_database_that_may_not_be_written(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(  # root may write everything, so the right is taken away in SQLite
        sqlite3, "connect", lambda path, **rest: connect(str(path).replace("mode=rw", "mode=ro"), **rest)
    )
    error = refused(f"sqlite:///{store}")
    assert "readonly database" in error.found
    assert "chmod u+w" in error.remedy


@pytest.mark.parametrize("revision", ["ffffffffffff", "451aebb31d03"])
def test_a_database_of_another_mlflow(store: Path, revision: str) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    with pytest.raises(StageError) as caught:
        open_store("mu0")
    assert "schema" in caught.value.found
    assert f"`mlflow db upgrade sqlite:///{store}`" in caught.value.remedy
    assert "a newer MLflow wrote it" in caught.value.remedy


def test_a_deleted_experiment_comes_back_by_the_printed_command(store: Path) -> None:
    identity = open_store("mu0")
    MlflowClient().delete_experiment(identity)
    with pytest.raises(StageError, match=r"The experiment 'mu0' .* is deleted") as caught:
        open_store("mu0")
    assert f"mlflow experiments restore --experiment-id {identity}`" in caught.value.remedy
    MlflowClient().restore_experiment(identity)
    assert open_store("mu0") == identity


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (
            OperationalError("INSERT …", {}, sqlite3.OperationalError("database or disk is full")),
            "free some space",
        ),
        (OSError(28, "No space left on device"), "free some space"),
        (sqlite3.OperationalError("database is locked"), "wait until that process"),
        (MlflowException("something new"), "MU0_TRACKING=off"),
    ],
)
def test_what_comes_later_is_translated_too(error: Exception, words: str) -> None:
    with pytest.raises(StageError) as caught, store_errors("sqlite:///mlflow.db"):
        raise error
    assert words in caught.value.remedy
    assert caught.value.__cause__ is error


def test_passwords_are_not_printed() -> None:
    assert without_password("postgresql://me:secret@host/db") == "postgresql://me:***@host/db"
    assert "secret" not in str(fault("http://me:secret@host", "no"))
