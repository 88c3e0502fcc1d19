"""Section `raw_videos`: where videos come from."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from mu0.params.section import Section

FovDeg = Annotated[float, Field(gt=0, lt=180)]


class SimulatedSource(Section):
    """Clips from our own simulator, with exact truth kept apart."""

    kind: Literal["simulated"]
    embodiment: Literal["ur3", "human_hand"]
    n_clips: PositiveInt
    clips_per_scene: PositiveInt = 2
    image_size_px: PositiveInt = 128
    width_px: PositiveInt | None = Field(None, description="Width of a picture that is not square.")
    height_px: PositiveInt | None = Field(None, description="Height of a picture that is not square.")
    depth_noise: Annotated[bool, Field(description="Depth as a sensor gives it: noisy, in mm.")] = True
    moving_camera_share: Annotated[float, Field(ge=0, le=1)] = 0.0
    known_pose_share: Annotated[float, Field(ge=0, le=1)] = 1.0
    seed: NonNegativeInt = 0


class FolderSource(Section):
    """What all sources share that read a folder."""

    folder: str = Field(description="Where the data lie; relative to the project.")
    max_clips: PositiveInt | None = Field(None, description="Take at most this many clips.")
    first: NonNegativeInt = Field(0, description="Leave out this many clips at the beginning.")
    resample_hz: PositiveFloat | None = Field(
        None, description="Frames per second of the clips, picked by time; none keeps the recording's rate."
    )
    calibration: str | None = Field(
        None, description="JSON with fx fy cx cy [px] and, if known, camera_from_base or hand_eye (4 x 4)."
    )
    assumed_fov_deg: FovDeg | None = Field(
        None, description="Horizontal field of view to assume where no intrinsics are known; is flagged."
    )
    licence: str = Field("", description="Licence of the recordings, where the data do not tell it.")


class FilesSource(FolderSource):
    """Video files, frame folders and RGB-D folders that a person put into `folder`."""

    kind: Literal["files"]
    frame_rate_hz: PositiveFloat = Field(10.0, description="Rate of frame folders that do not tell theirs.")


class DatasetSource(FolderSource):
    """A robot or hand dataset in its published layout."""

    kind: str
    camera: str | None = Field(None, description="Which camera; none takes the reader's default.")


class LeRobotSource(DatasetSource):
    """A LeRobotDataset v2.0, v2.1 or v3.0; `camera` is a video key such as observation.images.top."""

    kind: Literal["lerobot"]
    embodiment: Literal["ur3", "human_hand", "unknown"] = Field(
        "unknown", description="ur3 keeps states (9) and actions (5) in our own layout; others are left out."
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
    workers: PositiveInt = 2
