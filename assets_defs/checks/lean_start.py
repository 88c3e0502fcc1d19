"""Great Expectations with half of its start left for later; what a gate does not use is not loaded.

Every gate is a process of its own, and most of its time went into importing charts (altair), distributions
(scipy.stats) and databases (sqlalchemy), of which no suite here uses any. The first two are still there for
whoever touches them: they load then. Great Expectations runs without a database library by design and then
refuses its SQL parts by name; suites here look at tables in memory only. Collecting garbage while classes are
made finds none and costs a tenth of the time.
"""

import gc
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

LATER = ("altair", "scipy.stats")
NOT_USED = "sqlalchemy"


@contextmanager
def lean_start() -> Iterator[None]:
    """Import Great Expectations inside of this; what was loaded before stays as it is."""
    for name in LATER:
        if name not in sys.modules:
            _load_when_touched(name)
    is_blocked, collects = NOT_USED not in sys.modules, gc.isenabled()
    if is_blocked:
        sys.modules[NOT_USED] = None  # type: ignore[assignment]  # the import system's word for "not here"
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
        if is_blocked:
            del sys.modules[NOT_USED]


class _Later(ModuleType):
    """A module that is executed when something is asked for that it does not have yet.

    `importlib.util.LazyLoader` executes its modules at the second import already, which asks for `__spec__`.
    """

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        if spec is None or spec.loader is None:
            raise AttributeError(name)
        self.__class__ = ModuleType  # type: ignore[assignment]  # mypy: a class is not what it inherits from
        spec.loader.exec_module(self)
        return getattr(self, name)


def _load_when_touched(name: str) -> None:
    spec = importlib.util.find_spec(name)
    if spec is None:
        return
    module = importlib.util.module_from_spec(spec)
    module.__class__ = _Later
    sys.modules[name] = module
