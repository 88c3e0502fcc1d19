"""Rows of a dataset as experts learn from them: those of training have chunks and keyframes, others none."""

import numpy as np

from mu0.policy.demonstrations import DemonstrationFrames, chunks_of, next_keyframes
from mu0.policy.embodiment import Embodiment
from mu0.policy.own_robot.held_out import Split
from mu0.policy.own_robot.reading import OwnDataset

FRONT = 0


def training_rows(
    dataset: OwnDataset, split: Split, embodiment: Embodiment, chunk_len: int, frame_stride: int
) -> DemonstrationFrames:
    """All rows, of which those of the split's training part may be drawn; without stems.

    Args:
        dataset: With its pictures.
        split: Chunks end where a training segment ends: no command of a held-out row is seen.
        embodiment: Of the dataset.
        chunk_len: Actions per chunk.
        frame_stride: Segment k gives its rows k % frame_stride, + frame_stride, ...
    """
    n_rows = sum(dataset.lengths)
    state = np.concatenate([one.state for one in dataset.episodes])
    chunk = np.zeros((n_rows, chunk_len, embodiment.action_dim), np.float32)
    keyframe = np.zeros((n_rows, embodiment.keyframe_dims), np.float32)
    keyframe_valid = np.zeros(n_rows, bool)
    drawn = []
    for number, segment in enumerate(split.train):
        one, own = dataset.episodes[segment.episode], slice(segment.first, segment.end)
        rows = slice(*(dataset.firsts[segment.episode] + end for end in (segment.first, segment.end)))
        chunk[rows] = chunks_of(one.action[own], chunk_len, embodiment)
        keyframe[rows], keyframe_valid[rows] = next_keyframes(one.state[own], one.action[own], embodiment)
        drawn.append(np.arange(rows.start + number % frame_stride, rows.stop, frame_stride))
    instructions = list(dict.fromkeys(one.instruction for one in dataset.episodes))
    numbers = [instructions.index(one.instruction) for one in dataset.episodes]
    return DemonstrationFrames(
        front=dataset.pictures[FRONT],
        wrist=None,
        state=state,
        chunk=chunk,
        keyframe=keyframe,
        keyframe_valid=keyframe_valid,
        told=None,
        instruction_id=np.repeat(numbers, dataset.lengths),
        instructions=instructions,
        drawn=np.concatenate(drawn),
    )
