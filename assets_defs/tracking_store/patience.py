"""Numbers of a training wait while the store is away; the training goes on.

The first failure is said once, and what waits is written to `<record folder>/<run>.waiting.jsonl`, so that a
killed training loses nothing. The store is asked again now and then; what waits is delivered when it is back,
at the end of the run, or at the start of the next one (`deliver`).

The file: a line `{"run_id": …, "status": …}`, then one line `[name, value, time_ms, step]` per number. MLflow
keeps equal numbers once, so that a second delivery of the same line changes nothing.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

from assets_defs.tracking_store.fault import first_line, store_faults
from assets_defs.tracking_store.probe import is_reachable

RETRY_AFTER_S = 30.0
BATCH = 1000  # MLflow's limit for one call
ONE_SHORT_TRY = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
REFUSED = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
SUFFIX = ".waiting.jsonl"
LOG = logging.getLogger("mu0.tracking")

Number = tuple[str, float, int, int]


class PatientStore:
    """Calls into the store of one run that may fail without ending the run.

    Args:
        uri: Of the store.
        run_id: Of the run.
        path: Where numbers wait.
    """

    def __init__(self, uri: str, run_id: str, path: Path) -> None:
        self.uri, self.run_id, self.path = uri, run_id, path
        self._waiting: list[Number] = []
        self._failed_s: float | None = None
        self._has_warned = False

    @property
    def n_waiting(self) -> int:
        """Numbers that the store has not taken."""
        return len(self._waiting)

    def write(self, numbers: Iterable[Number], *, now: bool = False) -> None:
        """Send numbers after those that wait.

        Args:
            numbers: To be kept, whatever happens.
            now: Ask the store even if it has just failed.
        """
        new = list(numbers)
        self._waiting += new
        if not self._waiting:
            return
        if self.attempt(lambda: send(self.run_id, self._waiting), now=now):
            self._waiting = []
            self.path.unlink(missing_ok=True)
        else:
            self._keep(new)

    def attempt(self, call: Callable[[], object], *, now: bool = False) -> bool:
        """Whether `call` succeeded; a store that has just failed is left alone for a while."""
        if not now and self._failed_s is not None and time.monotonic() - self._failed_s < RETRY_AFTER_S:
            return False
        try:
            if self._failed_s is not None and not is_reachable(self.uri):
                self._failed_s = time.monotonic()
                return False
            call()
        except store_faults() as error:
            self._failed_s = time.monotonic()
            self._warn(error)
            return False
        if self._failed_s is not None:
            LOG.warning("The tracking store answers again.")
        self._failed_s, self._has_warned = None, False
        return True

    def end(self, status: str) -> None:
        """Say how the run ended, even if only in the file that waits."""
        self.write([], now=True)
        with _hurried() if self._failed_s is not None else nullcontext():
            is_told = self._end_in_store(status)
        if not is_told or self._waiting:
            self._leave(status)

    def _leave(self, status: str) -> None:
        """For the next run of a stage to deliver."""
        try:
            _write_waiting(self.path, self.run_id, status, self._waiting)
        except OSError as error:
            LOG.warning("%d numbers of this run are lost to MLflow: %s", len(self._waiting), error)
            return
        LOG.warning(
            "%d numbers of this run wait in %s; the next run of a stage delivers them.",
            len(self._waiting), self.path,
        )  # fmt: skip

    def _end_in_store(self, status: str) -> bool:
        """Also where the store is away: MLflow would otherwise end its active run once more at exit."""
        import mlflow

        active = mlflow.active_run()
        try:
            if active is not None and active.info.run_id == self.run_id:
                mlflow.end_run(status)
            else:
                mlflow.MlflowClient().set_terminated(self.run_id, status)
        except store_faults() as error:
            self._failed_s = time.monotonic()
            self._warn(error)
            return False
        return True

    def _warn(self, error: Exception) -> None:
        if not self._has_warned:
            LOG.warning(
                "The tracking store failed (%s). The run goes on; its numbers wait in %s.",
                first_line(error), self.path,
            )  # fmt: skip
        self._has_warned = True

    def _keep(self, new: list[Number]) -> None:
        with suppress(OSError):  # a full disk: they wait in memory
            if self.path.exists():
                with self.path.open("a") as stream:
                    stream.writelines(f"{json.dumps(number)}\n" for number in new)
            else:
                _write_waiting(self.path, self.run_id, "", self._waiting)


@contextmanager
def _hurried() -> Iterator[None]:
    """One short try: a store that has failed before is only told, not waited for."""
    former = {name: os.environ.get(name) for name in ONE_SHORT_TRY}
    os.environ.update(ONE_SHORT_TRY)
    try:
        yield
    finally:
        for name, value in former.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def send(run_id: str, numbers: list[Number]) -> None:
    """Write numbers to a run."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric

    metrics = [Metric(*number) for number in numbers]
    for start in range(0, len(metrics), BATCH):
        MlflowClient().log_batch(run_id, metrics=metrics[start : start + BATCH])


def deliver(folder: Path) -> None:
    """Send what earlier runs left waiting in `folder`; what the store refuses for good is set aside.

    Such are runs that it does not know, and files that are not whole. Two processes may do this at once.
    """
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException

    for path in sorted(folder.glob(f"*{SUFFIX}")):
        try:
            head, numbers = read_waiting(path)
            send(head["run_id"], numbers)
            if head["status"]:
                MlflowClient().set_terminated(head["run_id"], head["status"])
        except FileNotFoundError:
            continue  # another process was faster
        except (MlflowException, ValueError, LookupError, TypeError) as error:
            if isinstance(error, MlflowException) and error.error_code not in REFUSED:
                raise
            LOG.warning("%s cannot be delivered (%s); set aside.", path, first_line(error))
            with suppress(FileNotFoundError):
                path.replace(path.with_suffix(".refused"))
            continue
        path.unlink(missing_ok=True)
        LOG.info("%d numbers that waited in %s are in the store now.", len(numbers), path)


def read_waiting(path: Path) -> tuple[dict[str, Any], list[Number]]:
    """Head and numbers of a file that waits; a last line that a kill cut short is left out."""
    lines = path.read_text().splitlines(keepends=True)
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return rows[0], [(row[0], float(row[1]), row[2], row[3]) for row in rows[1:]]


def _write_waiting(path: Path, run_id: str, status: str, numbers: list[Number]) -> None:
    from mu0.files import atomic_file

    rows: list[Any] = [{"run_id": run_id, "status": status}, *numbers]
    with atomic_file(path) as temporary:
        temporary.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
