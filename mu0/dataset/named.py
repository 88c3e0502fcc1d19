"""Where is the thing that a sentence names? Questions whose answers traces hold, without a label.

An image from before a thing is touched (`mu0.dataset.untouched`), a plain sentence, and some places in it:

    on the named thing       points that rest now and move later
    not on it                points that rest, on other things above all; points that move at once: the hand
    nothing is called so     all of them, under the sentence of another moment

A few hundred scenes are few, so each image is seen in another way every time: mirrored (left and right change
places in the sentence, too), zoomed and shifted.

Everything depends on (seed, step) and nothing else; the images of the traces are not touched.
"""

import re

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from mu0.dataset.batch import NamedBatch
from mu0.dataset.store import SlotStore

STREAM = 1  # of random numbers, beside those of the traces
MOST_ON_THING, MOST_ON_HAND, N_PLACES = 6, 4, 24
SWAPPED_SHARE = 0.4
MIRRORED_SHARE = 0.5
ZOOM, SHIFT_UV = (0.8, 1.05), 0.15
JITTER = 0.1  # of brightness and contrast
OPPOSITE = {"left": "right", "leftward": "rightward", "leftwards": "rightwards", "leftmost": "rightmost"}
OPPOSITE |= {right: left for left, right in OPPOSITE.items()}
SIDES = re.compile(rf"\b({'|'.join(OPPOSITE)})\b", re.IGNORECASE)


def named_batch(store: SlotStore, n_images: int, step: int, seed: int) -> NamedBatch | None:
    """The questions of (`seed`, `step`); None where there are none."""
    untouched = store.untouched
    if untouched is None or store.resting is None or n_images == 0:
        return None
    rng = np.random.default_rng([seed, step, STREAM])
    chosen = rng.integers(len(untouched.slots), size=n_images)
    uv = np.zeros((n_images, N_PLACES, 2), np.float32)
    is_named = np.zeros((n_images, N_PLACES), bool)
    valid = np.zeros((n_images, N_PLACES), bool)
    said = chosen.copy()
    for image, index in enumerate(chosen):
        places, is_on_thing = _places(store, int(untouched.slots[index]), rng)
        uv[image, : len(places)], valid[image, : len(places)] = places, True
        if rng.random() < SWAPPED_SHARE:
            said[image] = untouched.another(int(index), rng)
        if said[image] == index:
            is_named[image, : len(places)] = is_on_thing
    texts = [store.captions[slot].plain(int(store.frame_index[slot])) for slot in untouched.slots[said]]
    images = torch.from_numpy(store.images[untouched.slots[chosen]]).float() / 255
    batch = NamedBatch(
        images, texts, torch.from_numpy(uv), torch.from_numpy(is_named), torch.from_numpy(valid)
    )
    return seen_otherwise(batch, rng)


def _places(
    store: SlotStore, slot: int, rng: np.random.Generator
) -> tuple[Float[np.ndarray, "k 2"], Bool[np.ndarray, " k"]]:
    """Places of one anchor in u and v, and which of them are on the thing that moves later."""
    assert store.untouched is not None
    assert store.resting is not None
    rows = np.arange(store.first_row[slot], store.first_row[slot + 1])
    is_late = store.untouched.is_late[rows]
    on_thing = rng.permutation(rows[is_late])[: rng.integers(MOST_ON_THING + 1)]
    on_hand = rng.permutation(rows[~is_late])[: rng.integers(MOST_ON_HAND + 1)]
    moving = np.concatenate([on_thing, on_hand])
    resting = np.arange(store.resting.first_row[slot], store.resting.first_row[slot + 1])
    keys = rng.exponential(size=len(resting)) / store.resting.weight[resting]
    resting = resting[np.argsort(keys)][: N_PLACES - len(moving)]
    pixel = np.concatenate([store.windows.history[moving, 0, :2], store.resting.places[resting, :2]])
    uv = pixel.astype(np.float32) * (2 / store.width_height_px[slot]) - 1
    return uv, np.arange(len(uv)) < len(on_thing)


def seen_otherwise(batch: NamedBatch, rng: np.random.Generator) -> NamedBatch:
    """The same questions about mirrored, zoomed, shifted pictures of another brightness and contrast."""
    n_images = len(batch.image)
    is_mirrored = rng.random(n_images) < MIRRORED_SHARE
    zoom = torch.from_numpy(rng.uniform(*ZOOM, n_images)).float()
    shift_uv = torch.from_numpy(rng.uniform(-SHIFT_UV, SHIFT_UV, (n_images, 2))).float()
    factors = torch.from_numpy(rng.uniform(1 - JITTER, 1 + JITTER, (2, n_images, 1, 1, 1))).float()
    flip = torch.from_numpy(is_mirrored)
    image = torch.where(flip[:, None, None, None], batch.image.flip(-1), batch.image)
    mean = image.mean(dim=(1, 2, 3), keepdim=True)
    image = (((image - mean) * factors[0] + mean) * factors[1]).clamp(0, 1)
    u, v = batch.uv.unbind(-1)
    uv = torch.stack([torch.where(flip[:, None], -u, u), v], dim=-1)
    uv = (uv - shift_uv[:, None]) / zoom[:, None, None]
    texts = zip(batch.instructions, is_mirrored, strict=True)
    return NamedBatch(
        image=through_window(image, zoom, shift_uv),
        instructions=[with_sides_exchanged(text) if mirrored else text for text, mirrored in texts],
        uv=uv,
        is_named=batch.is_named,
        valid=batch.valid & (uv.abs() <= 1).all(-1),
    )


def through_window(
    images: Float[Tensor, "n c h w"], zoom: Float[Tensor, " n"], shift_uv: Float[Tensor, "n 2"]
) -> Float[Tensor, "n c h w"]:
    """Every image through a window of `zoom` times its width around `shift_uv`; borders are repeated."""
    place = torch.zeros(len(images), 2, 3)
    place[:, 0, 0] = place[:, 1, 1] = zoom
    place[:, :, 2] = shift_uv
    grid = functional.affine_grid(place, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def with_sides_exchanged(text: str) -> str:
    """The sentence about the mirrored picture."""

    def exchanged(found: re.Match[str]) -> str:
        word = found.group()
        other = OPPOSITE[word.lower()]
        return other.capitalize() if word[0].isupper() else other

    return SIDES.sub(exchanged, text)
