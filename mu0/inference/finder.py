"""Keypoints from words: Grounding DINO finds boxes for a phrase, SAM cuts out what is in them.

    find_things(image, "red mug. drawer", models)  ->  boxes, scores, masks
    mu0.inference.keypoints.points_on(masks, ...)  ->  keypoints inside the masks

Both are classes of transformers, loaded by name on the hub or from a local folder, whole or not at all. A
phrase that names several things separates them by full stops, as Grounding DINO was trained.

Sources
    Grounding DINO arXiv:2303.05499; Segment Anything arXiv:2304.02643; both Apache-2.0 (model cards
    IDEA-Research/grounding-dino-tiny and facebook/sam-vit-base).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, UInt8

from mu0.errors import PredictionError, WeightsError

DETECTOR, SEGMENTER = "IDEA-Research/grounding-dino-tiny", "facebook/sam-vit-base"
DETECTOR_CLASSES = {
    "grounding-dino": "GroundingDinoForObjectDetection",
    "mm-grounding-dino": "MMGroundingDinoForObjectDetection",
}
SEGMENTER_CLASSES = {"sam": "SamModel"}
LICENCES = {  # family, by the last part of the name -> licence of code and weights
    "grounding-dino-tiny": "Apache-2.0",
    "grounding-dino-base": "Apache-2.0",
    "sam-vit-base": "Apache-2.0",
    "sam-vit-large": "Apache-2.0",
    "sam-vit-huge": "Apache-2.0",
}
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FinderModels:
    """Which models find and cut out, and how sure they must be."""

    detector: str = DETECTOR
    segmenter: str = SEGMENTER
    box_threshold: float = 0.3
    text_threshold: float = 0.25


@dataclass(frozen=True)
class Thing:
    """One thing that was found; `box_px` is left, top, right, bottom."""

    label: str
    score: float
    box_px: Float[np.ndarray, " 4"]
    mask: Bool[np.ndarray, "h w"]


class Finder:
    """Both models, loaded once for any number of pictures.

    Raises:
        WeightsError: A model cannot be fetched, is damaged, incomplete, or of another family.
    """

    def __init__(self, models: FinderModels) -> None:
        self._models = models
        self._words, self._detector = _load(models.detector, "--detector", DETECTOR_CLASSES, DETECTOR)
        self._boxes, self._segmenter = _load(models.segmenter, "--segmenter", SEGMENTER_CLASSES, SEGMENTER)

    def find(self, image: UInt8[np.ndarray, "h w 3"], phrase: str) -> list[Thing]:
        """Things that the phrase names, the surest first.

        Raises:
            PredictionError: Nothing is found.
        """
        text = prompt(phrase)
        with torch.inference_mode():
            found = self._detect(image, text)
            order = found["scores"].argsort(descending=True, stable=True)
            boxes = found["boxes"][order].double().numpy()
            masks = self._cut_out(image, boxes) if len(boxes) else np.zeros((0, *image.shape[:2]), bool)
        if not masks.any():
            raise PredictionError(
                f"{self._models.detector} finds nothing in the picture for {text!r}.",
                expected=f"at least one box with a score above {self._models.box_threshold}",
                remedy="name what is to be seen, e.g. 'red mug. drawer', or lower --box-threshold.",
            )
        labels = [found["text_labels"][int(index)] for index in order]
        scores = found["scores"][order].tolist()
        things = zip(labels, scores, boxes, masks, strict=True)
        return [Thing(label, score, box, mask) for label, score, box, mask in things]

    def _detect(self, image: UInt8[np.ndarray, "h w 3"], text: str) -> dict[str, Any]:
        inputs = self._words(images=image, text=text, return_tensors="pt")
        outputs = self._detector(**inputs)
        return self._words.post_process_grounded_object_detection(
            outputs,
            inputs["input_ids"],
            threshold=self._models.box_threshold,
            text_threshold=self._models.text_threshold,
            target_sizes=[image.shape[:2]],
        )[0]

    def _cut_out(
        self, image: UInt8[np.ndarray, "h w 3"], boxes_px: Float[np.ndarray, "n 4"]
    ) -> Bool[np.ndarray, "n h w"]:
        """The inside of every box that SAM takes for the thing in it."""
        inputs = self._boxes(images=image, input_boxes=[boxes_px.tolist()], return_tensors="pt")
        sizes, reshaped = inputs.pop("original_sizes"), inputs.pop("reshaped_input_sizes")
        inputs["input_boxes"] = inputs["input_boxes"].float()
        outputs = self._segmenter(**inputs, multimask_output=False)
        masks = self._boxes.image_processor.post_process_masks(outputs.pred_masks, sizes, reshaped)
        inside = np.stack([_box_mask(box, image.shape[:2]) for box in boxes_px])
        return masks[0][:, 0].numpy().astype(bool) & inside


def prompt(phrase: str) -> str:
    """Lower case, things separated and ended by full stops.

    Raises:
        PredictionError: The phrase is empty.
    """
    things = [thing.strip() for thing in phrase.lower().replace(",", ".").split(".") if thing.strip()]
    if not things:
        raise PredictionError(
            f"The phrase {phrase!r} names nothing.",
            expected="what to look for, e.g. 'red mug. drawer'",
            remedy="name it with --find.",
        )
    return ". ".join(things) + "."


def _box_mask(box_px: Float[np.ndarray, " 4"], shape: Sequence[int]) -> Bool[np.ndarray, "h w"]:
    left, top = np.floor(np.maximum(box_px[:2], 0)).astype(int)
    right, bottom = np.ceil(np.maximum(box_px[2:], 0)).astype(int)
    mask = np.zeros(tuple(shape), bool)
    mask[top:bottom, left:right] = True
    return mask


def _load(name: str, option: str, classes: dict[str, str], example: str) -> tuple[Any, Any]:
    """Processor and model, in evaluation mode."""
    import transformers
    from huggingface_hub.errors import StrictDataclassError
    from safetensors import SafetensorError

    is_local = name.startswith((".", "/", "~")) or Path(name).expanduser().exists()
    place = str(Path(name).expanduser()) if is_local else name
    if is_local and not Path(place).is_dir():
        raise _missing(name, option, example, "there is no such folder")
    try:
        kind = transformers.AutoConfig.from_pretrained(place, local_files_only=is_local).model_type
        if kind not in classes:
            raise _missing(name, option, example, f"it is of type {kind!r}, not {' or '.join(classes)}")
        processor = transformers.AutoProcessor.from_pretrained(place, local_files_only=is_local)
        model, info = getattr(transformers, classes[kind]).from_pretrained(
            place, local_files_only=is_local, dtype=torch.float32, output_loading_info=True
        )
    except (OSError, ValueError, SafetensorError, StrictDataclassError) as error:
        why = str(error).strip().partition("\n")[0].rstrip(".")
        raise _missing(name, option, example, why) from error
    lacking = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if lacking:
        raise _missing(name, option, example, f"it lacks {len(lacking)} weights, e.g. {lacking[0]}")
    _tell_licence(name)
    return processor, model.eval().requires_grad_(requires_grad=False)


def _missing(name: str, option: str, example: str, why: str) -> WeightsError:
    folder = f"models/{example.rpartition('/')[2]}"
    return WeightsError(
        f"{name!r} cannot be loaded: {why}.",
        expected="a local folder with model, processor and tokenizer, or a name on the hub",
        remedy=f"where there is network, `hf download {example} --local-dir {folder}`; "
        f"then give {option} {folder}.",
    )


def _tell_licence(name: str) -> None:
    """Of the weights that were just loaded; those of another name are unknown."""
    licence = LICENCES.get(Path(name).name)
    if licence is None:
        log.warning("%s: LICENCE UNKNOWN. Look at its model card before you use it.", name)
    else:
        log.info("%s: weights and code %s.", name, licence)
