"""Hand-made questions with known answers, and a predictor that misses by a known amount."""

import numpy as np

from mu0.dataset.evaluation import EvaluationSample
from mu0.interfaces import AbstractTracePredictor
from mu0.records import Observation, Queries, TraceSamples

N_STEPS = 8
INTRINSICS = np.array([[50.0, 0, 20], [0, 50.0, 15], [0, 0, 1]])
STEP = np.array([0.02, -0.01, 0.01])


def question(episode: str, source: str, *, is_3d: bool = True, n_queries: int = 3) -> EvaluationSample:
    """Keypoints that move in straight lines, but for the first, which stays."""
    rng = np.random.default_rng(sum(map(ord, episode)))
    anchor = rng.uniform(-0.5, 0.5, (n_queries, 3)) + np.array([0, 0, 1.5])
    steps = np.arange(1, N_STEPS + 1)[:, None]
    speed = np.ones((n_queries, 1, 1))
    speed[0] = 0
    motion = STEP * [1, 1, is_3d]
    anchor[:, 2] *= is_3d
    return EvaluationSample(
        episode_id=f"{source}/{episode}",
        source=source,
        scene_id=episode,
        frame_index=0,
        is_3d=is_3d,
        observation=Observation(
            image=rng.integers(0, 255, (30, 40, 3), dtype=np.uint8),
            instruction="go",
            depth_m=np.full((30, 40), 1.5, np.float32) if is_3d else None,
            intrinsics=INTRINSICS,
        ),
        queries=Queries(anchor, anchor[:, None] - np.arange(4, 0, -1)[:, None] * motion * speed),
        truth_uvz=anchor[:, None] + steps * motion * speed,
        valid=np.ones((n_queries, N_STEPS), bool),
    )


QUESTIONS = [
    *(question(f"e{i}", "arm") for i in range(6)),
    *(question(f"h{i}", "hand") for i in range(3)),
    question("p0", "phone", is_3d=False),
]


class OffsetPredictor(AbstractTracePredictor):
    """Sample s of every keypoint moves like the truth, but `0.1 + 0.1 ((s + seed) % 2)` too far right."""

    name = "offset"

    def predict(self, observation: Observation, queries: Queries, n_samples: int, seed: int) -> TraceSamples:
        anchor = queries.anchor_uvz
        is_3d = bool((anchor[:, 2] > 0).any())
        steps = np.arange(1, N_STEPS + 1)[:, None]
        speed = np.ones((len(anchor), 1, 1))
        speed[0] = 0
        exact = anchor[:, None] + steps * STEP * [1, 1, is_3d] * speed
        offsets = 0.1 + 0.1 * ((np.arange(n_samples) + seed) % 2)
        uvz = exact[None] + offsets[:, None, None, None] * np.array([1.0, 0, 0])
        return TraceSamples(uvz, np.ones(uvz.shape[:3]))
