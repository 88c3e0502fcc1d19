"""What the rooms share when they say what they are: lists of code, and short ways to write a stage.

A stage lists all code that its result depends on, files of its own room one by one: what an artifact is
called or who owns it changes no result.
"""

from assets_defs.graph import Artifact, Stage

PARAMS = ("section", "numbers", "yaml_lines", "read")  # how sections are made and read; each is listed apart
CORE = (
    "mu0/errors.py",
    "mu0/file_content.py",
    "mu0/files.py",
    "mu0/text_files.py",
    "mu0/file_lock.py",
    "mu0/progress.py",
    "mu0/system_errors.py",
    "mu0/processes",
    *(f"mu0/params/{name}.py" for name in PARAMS),
    "assets_defs/entry.py",
    "assets_defs/sections.py",
)
SHARED = ("mu0/records.py", "mu0/interfaces.py")
EPISODES = ("mu0/episodes", "mu0/geometry")
MODEL_PARAMS = ("mu0/params/world_model.py",)
MODEL = (*SHARED, *EPISODES, "mu0/dataset", "mu0/hardware", "mu0/model", *MODEL_PARAMS)
POLICY_PARAMS = ("mu0/params/action_expert.py",)
POLICY = (*MODEL, "mu0/policy", *POLICY_PARAMS)
LEVELS = ("mu0/envs/levels.py", "mu0/envs/objects.py")
LABELS = ("mu0/envs/entities.py", "mu0/envs/phases.py")  # phases and entities, as simulated clips know them
TRACKING = (
    "assets_defs/tracking.py",
    "assets_defs/tracking_models.py",
    "assets_defs/tracking_store",
    "assets_defs/dvc_state.py",
)
TRAIN = ("mu0/training", *TRACKING)
SIMULATION = ("mu0/envs", "mu0/sources", "mu0/geometry", "mu0/params/raw_videos.py")
EXTRACTION = (*SHARED, *EPISODES, "mu0/traceextract", "mu0/params/extract.py", "mu0/params/learned.py")


def command(room: str, arguments: str = "") -> str:
    """How the stage of a room is started."""
    return f"python -m assets_defs.{room}.stage {arguments}".strip()


def code(room: str, *others: str) -> tuple[str, ...]:
    """What every stage runs, the room's own command, and `others`."""
    return (*CORE, f"assets_defs/{room}/stage.py", *others)


def data(name: str, group: str, kind: str, owner: str, description: str, contents: str = "") -> Artifact:
    """A folder below data/; `contents` is a file inside that changes with every byte of the rest."""
    return Artifact(name, f"data/{name}", group, description, (kind,), contents or None, (owner,))


def model(name: str, group: str, owner: str, description: str) -> Artifact:
    """A folder of weights below models/."""
    return Artifact(name, f"models/{name}", group, description, ("torch",), owners=(owner,))


def report(name: str, owner: str, description: str, folder: str = "", group: str = "reports") -> Artifact:
    """A folder below reports/, called like the artifact unless `folder` says otherwise."""
    path = f"reports/{folder or name}"
    return Artifact(name, path, group, description, ("report",), owners=(owner,))


def check(artifact: str, *params: str, others: tuple[str, ...] = (), reads: tuple[str, ...] = ()) -> Stage:
    """The stage that holds an artifact against the expectations in its room.

    Args:
        artifact: Its name, and its room's.
        params: Sections of params.yaml that the expectations read, besides `checks`.
        others: Code that the expectations run, besides assets_defs/checks.
        reads: Other artifacts that this one is held against.
    """
    expectations = f"assets_defs/{artifact}/expectations.py"
    return Stage(
        name=f"check_{artifact}",
        command=f"python -m assets_defs.checks {artifact}",
        code=(*CORE, "assets_defs/checks", expectations, *others),
        inputs=(artifact, *reads),
        params=("checks", *params),
        checks=artifact,
        report=f"reports/checks/{artifact}.json",
    )
