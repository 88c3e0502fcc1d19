"""One learned model in memory at a time.

A depth network, a feature network and a tracker together do not fit on most GPUs, and the steps of extraction
need them one after the other. So there is one slot per process: asking for another model frees the one that
was there BEFORE the new one is loaded; asking for the same one again costs nothing.
"""

import gc
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any


class ModelSlot:
    """Room for one model, known by its key."""

    def __init__(self) -> None:
        self._key: Hashable = None
        self._model: Any = None
        self._users = 0

    @contextmanager
    def hold(self, key: Hashable, load: Callable[[], Any]) -> Iterator[Any]:
        """Use the model called `key`, loading it if the slot holds another one or none.

        While it is held, only the same model may be asked for again: that nobody uses two at once is the
        caller's business, and a mistake there would otherwise free a model that is in use.
        """
        assert self._users == 0 or key == self._key, f"{self._key} is in use"
        if key != self._key or self._model is None:
            self.free()
            self._model, self._key = load(), key
        self._users += 1
        try:
            yield self._model
        finally:
            self._users -= 1

    def held(self) -> Hashable:
        """The key of the model in memory; None if there is none."""
        return self._key

    def free(self) -> None:
        """Forget the model and give its memory back."""
        assert self._users == 0, f"{self._key} is in use"
        if self._model is None:
            return
        self._key, self._model = None, None
        gc.collect()
        import torch

        if torch.cuda.is_available():
            torch.cuda.empty_cache()


SLOT = ModelSlot()
