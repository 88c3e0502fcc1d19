"""What a trace policy refuses, each by a name of its own; all are `PolicyError`s.

    UncalibratedCameraError   no metres without a calibrated camera
    HandOutOfSightError       too few points of the gripper lie in the picture
    UnknownObjectError        nothing in the picture is called so
    TraceNotFiniteError       a trace holds NaN or infinity
    WorkspaceError            traces lead out of the workspace
    ReachError                the arm cannot go there within its joint limits
    DisagreementError         traces said several things, or nothing, too often

Whoever is told one of them has moved no further than the moment before.
"""

from mu0.errors import PolicyError


class UncalibratedCameraError(PolicyError):
    """No metres without a calibrated camera."""


class HandOutOfSightError(PolicyError):
    """Too few points of the gripper lie in the picture."""


class UnknownObjectError(PolicyError):
    """Nothing in the picture is called so."""


class TraceNotFiniteError(PolicyError):
    """A trace holds NaN or infinity."""


class WorkspaceError(PolicyError):
    """Traces lead out of the workspace."""


class ReachError(PolicyError):
    """The arm cannot go there within its joint limits."""


class DisagreementError(PolicyError):
    """Traces said several things, or nothing, too often."""
