"""Which clips of a list have something that only a share of them shall have.

Shares are met evenly along the list, whatever its length, and independently of each other if their streams
differ.

Source: steps of the additive recurrence R2 (Roberts 2018).
"""

STEPS = (0.7548776662466927, 0.5698402909980532)


def is_in_share(index: int, share: float, stream: int) -> bool:
    """Whether place `index` of a list belongs to the share; `stream` is 0 or 1."""
    return (0.5 + index * STEPS[stream]) % 1.0 < share
