"""Numbers of what belongs together in the exact truth; distractors are 5 to 99.

The sink's number is also that of another place where things go: the bowl. Almonds are many bodies and one
entity.
"""

TABLE, ARM, HAND, TARGET, SINK, FIRST_DISTRACTOR = 0, 1, 2, 3, 4, 5  # arm or forearm, gripper or hand
ALMONDS = 100
