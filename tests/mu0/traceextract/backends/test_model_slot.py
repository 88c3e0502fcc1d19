"""One model at a time: the former is freed before the next is loaded; the same one is not loaded twice."""

import gc
import weakref

import pytest

from mu0.traceextract.backends.model_slot import ModelSlot


class Model:
    pass


class Loader:
    """Makes models and remembers how many were alive when each was made."""

    def __init__(self) -> None:
        self.made: list[weakref.ref[Model]] = []
        self.alive_before: list[int] = []

    def __call__(self) -> Model:
        gc.collect()
        self.alive_before.append(sum(reference() is not None for reference in self.made))
        model = Model()
        self.made.append(weakref.ref(model))
        return model


def _use(slot: ModelSlot, key: str, load: Loader) -> int:
    with slot.hold(key, load) as model:
        return id(model)


def test_another_model_is_loaded_only_after_the_former_is_gone() -> None:
    slot, load = ModelSlot(), Loader()
    for key in ("features", "tracker", "features", "depth"):
        _use(slot, key, load)
    assert load.alive_before == [0, 0, 0, 0]
    assert slot.held() == "depth"


def test_the_same_model_is_loaded_once() -> None:
    slot, load = ModelSlot(), Loader()
    assert len({_use(slot, "depth", load) for _ in range(3)}) == 1
    assert len(load.made) == 1


def test_a_held_model_may_be_asked_for_again_but_nothing_else() -> None:
    slot, load = ModelSlot(), Loader()
    with slot.hold("depth", load) as outer:
        with slot.hold("depth", load) as inner:
            assert inner is outer
        with pytest.raises(AssertionError, match="depth is in use"), slot.hold("tracker", load):
            pass
        with pytest.raises(AssertionError, match="depth is in use"):
            slot.free()


def test_a_failed_load_leaves_an_empty_slot_and_an_error_in_use_frees_it_again() -> None:
    slot, load = ModelSlot(), Loader()

    def fails() -> Model:
        raise OSError

    _use(slot, "depth", load)
    with pytest.raises(OSError), slot.hold("tracker", fails):  # noqa: PT011
        pass
    assert slot.held() is None
    with pytest.raises(ValueError, match="in the middle"), slot.hold("depth", load):
        raise ValueError("in the middle")
    slot.free()
    gc.collect()
    assert all(reference() is None for reference in load.made)
