"""Captions as the official records: the training file, the debug file, and the lists around them.

Paths are relative to the episode's caption folder, so the folder can be moved. A text that failed is in the
debug file with its reason and in no training file.

Source
    Keys and their order: reference/traceextract.md §4.4 to §4.6; faults 37, 39 and 42.
"""

from collections.abc import Mapping

import numpy as np

from mu0.params.extract import CaptionsParams
from mu0.traceextract.captions.captioners.interfaces import EventView
from mu0.traceextract.captions.captioners.vocabulary import FLAGS, TASK_TYPE, Caption, Failure, MergedCaption
from mu0.traceextract.captions.episode_captions import EpisodeCaptions, Plan, Told
from mu0.traceextract.captions.evidence.event_cutting import Chunk, MergeWindow
from mu0.traceextract.captions.evidence.pictures import is_medium

Record = dict[str, object]
PICTURE_FILES = {
    "FIRST_FRAME": "curated/frames/chunk_{:03d}_first.png",
    "MIDDLE_FRAME": "curated/frames/chunk_{:03d}_middle.png",
    "LAST_FRAME": "curated/frames/chunk_{:03d}_last.png",
    "MOTION_MASK": "curated/masks/chunk_{:03d}_mask.png",
    "OVERLAY": "curated/masks/chunk_{:03d}_overlay.png",
}
FRAME_KEYS = {
    "first_frame": "FIRST_FRAME",
    "last_frame": "LAST_FRAME",
    "middle_frame": "MIDDLE_FRAME",
    "mask": "MOTION_MASK",
    "overlay": "OVERLAY",
}


def training_record(captions: EpisodeCaptions, video_id: str, params: CaptionsParams) -> Record:
    """Content of curated_training_texts.json."""
    plan = captions.plan
    return {
        "video_id": video_id,
        "n_frames": plan.episode.n_frames,
        **_description(plan, params),
        "chunk_texts": [
            chunk_text(view, told, params)
            for view, told in zip(plan.views, captions.chunks, strict=True)
            if told.caption
        ],
        "merged_texts": [
            merged_text(window, told.caption, captions)
            for window, told in zip(plan.windows, captions.merged, strict=True)
            if told.caption
        ],
    }


def _description(plan: Plan, params: CaptionsParams) -> Record:
    return {"task_description": plan.task} if params.preset == "agibot" else {}


def chunk_text(view: EventView, told: Told[Caption], params: CaptionsParams) -> Record:
    """The official record of one event."""
    caption, chunk = told.caption, view.chunk
    assert caption is not None
    record: Record = {
        "chunk_id": chunk.chunk_id,
        "start_idx": chunk.start_idx,
        "end_idx": chunk.end_idx,
        **_instructions(caption),
        "embodiment_type": caption.embodiment_type,
        "task_type": TASK_TYPE,
        "skill_labels": list(caption.skill_labels),
        "hallucination_flags": _flags(caption),
        "used_middle_frame": _saw_middle(view, told),
        "complexity_tier": _tier(view),
    }
    if params.preset == "agibot":
        record |= {"task_description": view.task} | _place(view, told)
    return record


def merged_text(window: MergeWindow, caption: MergedCaption, captions: EpisodeCaptions) -> Record:
    """The official record of a merge window; frame ranges and labels are ours, only words are the model's."""
    own = [captions.chunks[chunk.chunk_id].caption for chunk in window.chunks]
    labels = [label for each in own if each for label in each.skill_labels]
    return {
        **_window(window),
        **_instructions(caption),
        "skill_labels": list(dict.fromkeys(labels)),
        "timeline": [
            {
                "chunk_id": chunk.chunk_id,
                "start_idx": chunk.start_idx,
                "end_idx": chunk.end_idx,
                "event": event,
            }
            for chunk, event in zip(window.chunks, caption.events, strict=True)
        ],
    }


def debug_record(
    captions: EpisodeCaptions, episode_id: str, params: CaptionsParams, *, has_pictures: bool
) -> Record:
    """Content of curated_captions.json."""
    plan = captions.plan
    model = next((told.origin.model for told in captions.chunks if told.origin.model), "")
    config: Record = {
        "backend": params.captioner,
        "caption_model": model,
        "merge_model": model,
        "smooth_window": params.smooth_window,
        "min_chunk_len": params.min_chunk_len,
        "max_chunk_len": params.max_chunk_len,
        "accel_threshold_ratio": params.accel_threshold_ratio,
        "min_prominence_ratio": params.min_prominence_ratio,
        "max_chunks": params.max_chunks,
        "use_motion_mask": params.use_motion_mask,
    }
    return {
        "video_id": episode_id.rsplit("/", 1)[-1],
        "video_dir": episode_id,
        "n_frames": plan.episode.n_frames,
        **_description(plan, params),
        "config": config,
        "chunks": [
            _debug_chunk(view, told, params, has_pictures=has_pictures)
            for view, told in zip(plan.views, captions.chunks, strict=True)
        ],
        "merged_windows": merged_records(captions),
    }


def merged_records(captions: EpisodeCaptions) -> list[Record]:
    """Content of curated/merged_windows.json: failed windows have empty texts and `_error`."""
    records = []
    for window, told in zip(captions.plan.windows, captions.merged, strict=True):
        if told.caption:
            record = merged_text(window, told.caption, captions)
        else:
            empty: Record = {"instruction_1": "", "instruction_2": "", "instruction_3": ""}
            record = {**_window(window), **empty, "skill_labels": [], "timeline": []}
        records.append(record | _failure(told.failure))
    return records


def _debug_chunk(
    view: EventView, told: Told[Caption], params: CaptionsParams, *, has_pictures: bool
) -> Record:
    place = _place(view, told) | {"mask_sent_to_vlm": params.use_motion_mask and has_pictures}
    extra = {"agibot_meta": {"task_description": view.task} | place}
    record: Record = {
        "chunk": chunk_meta(view.episode.folder.name, view.chunk, np.asarray(view.episode.acceleration)),
        **(extra if params.preset == "agibot" else {}),
    }
    if told.caption is None:
        assert told.failure is not None
        raw = {"_raw": told.failure.raw} if told.failure.raw else {}
        return record | {"error": told.failure.reason} | raw
    files = picture_files(view) if has_pictures else {}
    region = view.region
    return record | {
        "num_keypoints_at_start": region.n_points,
        "used_middle_frame": _saw_middle(view, told),
        "complexity_tier": _tier(view),
        "frames": {
            **{key: files.get(label) for key, label in FRAME_KEYS.items()},
            "mask_cluster_id": region.entity,
            "mask_n_keypoints": len(region.points_px),
            "mask_displacement": round(region.displacement_px, 3),
            "mask_notes": region.note,
        },
        "caption": caption_record(told.caption) | _failure(told.failure),
    }


def caption_record(caption: Caption) -> Record:
    """A caption by itself, with the fields of §4.4 and its objects."""
    return {
        **_instructions(caption),
        "embodiment_type": caption.embodiment_type,
        "task_type": TASK_TYPE,
        "skill_labels": list(caption.skill_labels),
        "objects": list(caption.objects),
        "hallucination_flags": _flags(caption),
        "structured_motion": caption.structured_motion,
    }


def chunk_meta(video_id: str, chunk: Chunk, acceleration: np.ndarray) -> Record:
    """An entry of curated/chunks_meta.json; peak and mean are of the unsmoothed signal."""
    own = acceleration[chunk.start_idx : chunk.end_idx + 1].astype(np.float64)
    return {
        "video_id": video_id,
        "chunk_id": chunk.chunk_id,
        "segment_id": chunk.segment_id,
        "start_idx": chunk.start_idx,
        "end_idx": chunk.end_idx,
        "length": chunk.length,
        "peak_acceleration": float(np.nan_to_num(own).max(initial=0.0)),
        "mean_acceleration": float(np.nan_to_num(own).mean()) if len(own) else 0.0,
    }


def segments_meta(plan: Plan, params: CaptionsParams) -> Record:
    """Content of curated/segments_meta.json, with a note where the noisy-frame rule was dropped."""

    def ranges(found: tuple[tuple[int, int], ...]) -> list[Record]:
        return [{"start_idx": a, "end_idx": b, "length": b - a + 1} for a, b in found]

    events = plan.events
    record: Record = {
        "n_frames": plan.episode.n_frames,
        "max_keypoints_per_frame": params.max_keypoints_per_frame,
        "noisy_pad": params.noisy_pad,
        "noisy_intervals": ranges(events.noisy),
        "clean_segments": [
            {"segment_id": number} | entry for number, entry in enumerate(ranges(events.segments))
        ],
    }
    return record | ({"note": events.note} if events.note else {})


def picture_files(view: EventView) -> dict[str, str]:
    """Where an event's pictures lie."""
    return {
        picture.label: PICTURE_FILES[picture.label].format(view.chunk.chunk_id) for picture in view.pictures
    }


def _place(view: EventView, told: Told[Caption]) -> Record:
    chunk = view.chunk
    middle = [(chunk.start_idx + chunk.end_idx) // 2] if _saw_middle(view, told) else []
    return {
        "chunk_index": chunk.chunk_id,
        "num_chunks": view.n_chunks,
        "start_frame": chunk.start_idx,
        "end_frame": chunk.end_idx,
        "selected_frame_indices": [chunk.start_idx, *middle, chunk.end_idx],
    }


def _saw_middle(view: EventView, told: Told[Caption]) -> bool:
    """Templates see no frames."""
    return told.origin.captioner != "template" and is_medium(view.chunk, view.region)


def _tier(view: EventView) -> str:
    return "medium" if is_medium(view.chunk, view.region) else "simple"


def _window(window: MergeWindow) -> Record:
    return {
        "merge_type": window.merge_type,
        "source_chunk_ids": [chunk.chunk_id for chunk in window.chunks],
        "start_idx": window.chunks[0].start_idx,
        "end_idx": window.chunks[-1].end_idx,
    }


def _instructions(caption: Caption | MergedCaption) -> Record:
    return {f"instruction_{number}": text for number, text in enumerate(caption.instructions, 1)}


def _flags(caption: Caption) -> Mapping[str, bool]:
    return {name: caption.hallucination_flags.get(name, False) for name in FLAGS}


def _failure(failure: Failure | None) -> Record:
    if failure is None:
        return {}
    record: Record = {"_error": failure.reason}
    return record | ({"_raw": failure.raw} if failure.raw else {})
