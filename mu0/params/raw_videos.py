"""Section `raw_videos`: where videos come from."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mu0.params.numbers import Count, Index, Positive, Seed, Share, SidePx, Workers
from mu0.params.section import Section

FovDeg = Annotated[float, Field(gt=0, lt=180)]


class SimulatedSource(Section):
    """Clips from our own simulator, with exact truth kept apart."""

    kind: Literal["simulated"]
    embodiment: Literal["ur3", "human_hand"]
    task: Literal["pick", "pour", "towel"] = Field(default="pick", description="What the arm does.")
    n_clips: Count
    clips_per_scene: Count = 2
    image_size_px: SidePx = 128
    width_px: SidePx | None = Field(default=None, description="Width of a picture that is not square.")
    height_px: SidePx | None = Field(default=None, description="Height of a picture that is not square.")
    depth_noise: Annotated[bool, Field(description="Depth as a sensor gives it: noisy, in mm.")] = True
    moving_camera_share: Share = 0.0
    known_pose_share: Share = 1.0
    unseen_objects: Annotated[bool, Field(description="Kinds and colours of no training source.")] = False
    orbiting_camera: Annotated[bool, Field(description="A motion of no training source.")] = False
    seed: Seed = 0

    @model_validator(mode="after")
    def _only_the_robot_meets_the_unseen(self) -> "SimulatedSource":
        if self.embodiment != "ur3" and (self.unseen_objects or self.orbiting_camera):
            raise ValueError("unseen_objects and orbiting_camera are for the embodiment ur3 only.")
        if self.embodiment != "ur3" and self.task != "pick":
            raise ValueError(f"task: {self.task} is for the embodiment ur3 only.")
        return self

    @property
    def clip_prefix(self) -> str:
        """How the names of its clips and scenes begin; those of tasks differ."""
        return self.embodiment if self.task == "pick" else f"{self.embodiment}_{self.task}"

    def facts(self) -> dict[str, Any]:
        """Everything that a clip depends on beside its number: more clips keep the ones that exist."""
        unsaid = {"n_clips"} | ({"task"} if self.task == "pick" else set())
        return self.model_dump(exclude=unsaid)

    def scene_of(self, index: int) -> tuple[int, int]:
        """Scene seed and variant of clip `index`: `clips_per_scene` consecutive clips share a scene."""
        return self.seed + index // self.clips_per_scene, index % self.clips_per_scene


class FolderSource(Section):
    """What all sources share that read a folder."""

    folder: str = Field(description="Where the data lie; relative to the project.")
    max_clips: Count | None = Field(default=None, description="Take at most this many clips.")
    first: Index = Field(default=0, description="Leave out this many clips at the beginning.")
    resample_hz: Positive | None = Field(
        default=None,
        description="Frames per second of the clips, picked by time; none keeps the own rate.",
    )
    calibration: str | None = Field(
        default=None,
        description="JSON with fx fy cx cy [px]; if known, camera_from_base or hand_eye (4 x 4).",
    )
    assumed_fov_deg: FovDeg | None = Field(
        default=None,
        description="Horizontal field of view to assume where intrinsics are unknown; flagged.",
    )
    licence: str = Field(default="", description="Licence of the recordings, where the data do not tell it.")


class FilesSource(FolderSource):
    """Video files, frame folders and RGB-D folders that a person put into `folder`."""

    kind: Literal["files"]
    frame_rate_hz: Positive = Field(default=10.0, description="Of frame folders that do not tell their rate.")
    depth_units_per_m: Positive | None = Field(
        default=None,
        description="Units of depth images; none: as the camera file says, else mm (TUM: 5000).",
    )


class DatasetSource(FolderSource):
    """A robot or hand dataset in its published layout."""

    kind: str
    camera: str | None = Field(default=None, description="Which camera; none takes the reader's default.")


class LeRobotSource(DatasetSource):
    """A LeRobotDataset v2.0, v2.1 or v3.0; `camera` is a video key such as observation.images.top."""

    kind: Literal["lerobot"]
    embodiment: Literal["ur3", "human_hand", "unknown"] = Field(
        default="unknown",
        description="ur3: states (9) and actions (5) in our own layout; others are left out.",
    )
    depth_camera: str | None = Field(
        default=None, description="Feature that holds depth; none looks for one named like the camera."
    )
    depth_units_per_m: Positive = Field(
        default=1000.0, description="Of 16-bit depth; the quantised depth of LeRobot tells its own scale."
    )


class DroidSource(DatasetSource):
    """DROID in RLDS TFRecord files, read without TensorFlow."""

    kind: Literal["droid"]


class EgoDexSource(DatasetSource):
    """EgoDex: pairs of an mp4 and an hdf5 file."""

    kind: Literal["egodex"]


class AgiBotSource(DatasetSource):
    """AgiBot World."""

    kind: Literal["agibot"]


class EgoVerseSource(DatasetSource):
    """EgoVerse episodes in Zarr v3."""

    kind: Literal["egoverse"]


Source = Annotated[
    SimulatedSource
    | FilesSource
    | LeRobotSource
    | DroidSource
    | EgoDexSource
    | AgiBotSource
    | EgoVerseSource,
    Field(discriminator="kind"),
]


class RawVideosParams(Section):
    """Sources by name; the name becomes a folder under data/raw_videos."""

    sources: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], Source]
    workers: Workers = 2
