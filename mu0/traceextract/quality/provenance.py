"""Where an episode comes from: the sidecar of what an extraction knows."""

from importlib.metadata import version

from mu0.episodes.retiming import Retiming
from mu0.episodes.sidecar import Sidecar
from mu0.params.extract import ExtractParams
from mu0.sources.clip.on_disk import Clip
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.backends.licences import licences_of

VERSIONED = ("mu0", "numpy", "opencv-python-headless")


def sidecar_of(
    clip: Clip,
    footage: Footage,
    reconstruction: Reconstruction,
    retiming: Retiming | None,
    params: ExtractParams,
) -> Sidecar:
    """What the official files forget.

    Args:
        clip: The source.
        footage: Its kept frames.
        reconstruction: Says whether positions are metres.
        retiming: Clock time of the samples; None without any.
        params: Names the backends.
    """
    info = clip.info
    return Sidecar(
        source=info.source,
        clip_id=info.clip_id,
        scene_id=info.scene_id,
        embodiment=info.embodiment,
        instruction=info.instruction,
        licence=info.licence,
        simulated=info.simulated,
        video_sha256=info.video_sha256,
        fps_hz=footage.fps_hz,
        source_frames=tuple(int(frame) for frame in footage.source_frames),
        is_3d=reconstruction.is_3d,
        pose_source=reconstruction.pose_source if reconstruction.is_3d else "none",
        backends={
            "features": params.features,
            "reconstructor": params.reconstructor,
            "tracker": params.tracker,
            **({} if params.hands == "off" else {"hands": params.hands}),
        },
        versions={name: version(name) for name in VERSIONED},
        retiming=retiming,
        licences=licences_of(params),
        intrinsics_source=reconstruction.intrinsics_source or info.intrinsics_source,
    )
