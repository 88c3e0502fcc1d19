"""What pages call the actors of closed-loop rollouts, their refusals, tasks and levels."""

NAMES = {
    "demonstrator": "scripted demonstrator (ceiling)",
    "trace_policy": "trace policy, no action learned",
    "grounded": "expert told where μ0 finds the named thing",
    "grounded_front": "told, and on μ0’s trace features",
    "mu0": "expert on μ0’s trace features",
    "no_trace": "the same without trace features",
}
REFUSALS = {
    "UnknownObjectError": "found nothing of that name",
    "DisagreementError": "its traces disagreed",
    "ReachError": "out of the arm’s reach",
    "WorkspaceError": "outside the workspace",
    "SimulatorError": "the simulator hung or died",
    "HandOutOfSightError": "the hand was out of sight",
    "TraceNotFiniteError": "a trace was not finite",
}
TASKS = {"pick": "pick into sink", "pour": "pour almonds", "towel": "unfold towel"}
SCORES = {
    "pick": "half for a thing that was lifted, all of it in the sink",
    "pour": "the share of the almonds in the bowl",
    "towel": "the share of what was folded away that lies open",
}
LEVELS = {
    "in_distribution": "as learned from",
    "unseen_objects": "other things",
    "layouts": "places and camera elsewhere",
    "textures": "other colours and light",
}
EMPTY = "–"


def percent(share: float) -> str:
    """A share for people."""
    return f"{100 * share:.0f} %"


def span(low: float, high: float) -> str:
    """The ends of an interval of shares."""
    return f"{100 * low:.0f} to {100 * high:.0f} %"
