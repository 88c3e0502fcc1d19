"""Numbers of what belongs together in the exact truth; distractors are 5 and up."""

TABLE, ARM, HAND, TARGET, SINK, FIRST_DISTRACTOR = 0, 1, 2, 3, 4, 5  # arm or forearm, gripper or hand
