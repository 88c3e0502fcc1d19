"""Joint best-of-N: one sample per scene, never better than a choice per keypoint."""

import numpy as np

from mu0.evaluation.traces.joint_best import joint_best
from mu0.evaluation.traces.metrics import best_of

ERRORS = np.random.default_rng(0).uniform(size=(5, 3, 40))
SCENES = np.repeat(np.arange(8), 5)


def naive(errors: np.ndarray, scenes: np.ndarray) -> np.ndarray:
    answer = np.empty(errors.shape[1:])
    for horizon in range(errors.shape[1]):
        for scene in np.unique(scenes):
            member = scenes == scene
            means = [np.nanmean(one[horizon, member]) for one in errors]
            answer[horizon, member] = errors[int(np.argmin(means)), horizon, member]
    return answer


def test_it_equals_the_loop_over_scenes_in_any_order() -> None:
    order = np.random.default_rng(1).permutation(40)
    np.testing.assert_array_equal(
        joint_best(ERRORS[..., order], SCENES[order]), naive(ERRORS, SCENES)[:, order]
    )


def test_it_is_never_below_the_choice_per_keypoint_and_equal_for_single_keypoints() -> None:
    per_keypoint = best_of(ERRORS)
    assert (joint_best(ERRORS, SCENES) >= per_keypoint).all()
    np.testing.assert_array_equal(joint_best(ERRORS, np.arange(40)), per_keypoint)


def test_its_mean_over_a_scene_is_the_smallest_of_all_samples() -> None:
    chosen = joint_best(ERRORS, SCENES)[:, :5].mean(axis=1)
    np.testing.assert_allclose(chosen, ERRORS[:, :, :5].mean(axis=2).min(axis=0))


def test_keypoints_without_an_error_have_no_say() -> None:
    errors = ERRORS.copy()
    errors[:, :, 2] = np.nan
    chosen = joint_best(errors, SCENES)
    assert np.isnan(chosen[:, 2]).all()
    np.testing.assert_array_equal(chosen[:, :2], joint_best(errors[:, :, :5], SCENES[:5])[:, :2])
    np.testing.assert_array_equal(np.delete(chosen, 2, 1), np.delete(naive(errors, SCENES), 2, 1))


def test_no_keypoint_has_no_error() -> None:
    assert joint_best(np.zeros((5, 3, 0)), np.zeros(0, int)).shape == (3, 0)
