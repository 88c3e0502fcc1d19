"""Section `raw_videos`: where videos come from."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from mu0.params.section import Section


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


class FilesSource(Section):
    """Video files, frame folders and RGB-D folders that a person put into `folder`."""

    kind: Literal["files"]
    folder: str
    frame_rate_hz: PositiveFloat = Field(10.0, description="Rate of frame folders that do not tell theirs.")


Source = Annotated[SimulatedSource | FilesSource, Field(discriminator="kind")]


class RawVideosParams(Section):
    """Sources by name; the name becomes a folder under data/raw_videos."""

    sources: dict[Annotated[str, Field(pattern=r"^[a-z0-9_]+$")], Source]
    workers: PositiveInt = 2
