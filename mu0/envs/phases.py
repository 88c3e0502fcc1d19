"""What a demonstrator is doing in each frame of a simulated clip: truth for audits of captions.

    reach      towards the object, with nothing in the hand
    grasp      at the object, until it is held
    lift       up with the object
    transport  across with the object
    place      down with the object
    release    at the goal, until it is let go
    push       along the table with the object
    pour       tipping over what the hand holds, and turning it upright again
    retreat    away from the object, with nothing in the hand

A frame has the phase of the command that moves the scene next; physics follows the robot's commands a frame
or two later.
"""

from typing import Literal

PhaseName = Literal["reach", "grasp", "lift", "transport", "place", "release", "push", "pour", "retreat"]
HOLDING: tuple[PhaseName, ...] = ("lift", "transport", "place", "push", "pour")
