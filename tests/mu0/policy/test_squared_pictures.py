"""A picture becomes a square once, and the same one in training and on the robot."""

import numpy as np

from mu0.policy.pictures import batch_of_one, squared


def test_a_square_of_the_right_size_is_left_alone() -> None:
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert squared(image, 2) is image


def test_the_whole_picture_is_squeezed_into_the_square() -> None:
    image = np.zeros((4, 8, 3), np.uint8)
    image[:, 4:] = 200
    small = squared(image, 2)
    np.testing.assert_array_equal(small[..., 0], [[0, 200], [0, 200]])


def test_channels_come_first_in_a_batch() -> None:
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    batch = batch_of_one(image)
    assert batch.shape == (1, 3, 2, 4)
    np.testing.assert_array_equal(batch[0].permute(1, 2, 0).numpy(), image)
