"""The hands of a clip beside its other tracks: looked for once in the whole clip, added window by window.

    footage --landmarker--> sightings --identity--> hands with depth --in every window--> tracks of joints

Joints need no handing over: their runs are the clip's. So they are put beside what a window followed only
after it handed its points on, with the same numbers of tracks and entities in every window.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Float32, UInt8

from mu0.episodes.hand_skeletons import RELATIVE, HandSkeletons
from mu0.params.extract import ExtractParams
from mu0.traceextract.backends.interfaces import Footage, Reconstruction
from mu0.traceextract.backends.registry import load_hand_landmarker
from mu0.traceextract.hands.contacts import ContactSettings, Touch, contacts_of, touches
from mu0.traceextract.hands.identity import Hands, identify
from mu0.traceextract.hands.joint_tracks import N_JOINTS, JointTracks, depth_of, joint_tracks, runs_of
from mu0.traceextract.hands.protection import owner
from mu0.traceextract.hands.regions import scale_px
from mu0.traceextract.long_clips.following import Identities, View
from mu0.traceextract.long_clips.handover import Followed
from mu0.traceextract.long_clips.life_cycle import Event
from mu0.traceextract.long_clips.windows import Window
from mu0.traceextract.quality.unexplained import unexplained_motion
from mu0.traceextract.tracking.world_tracks import WorldTracks

PALM_M = 0.1  # longest edge of a palm, from the wrist to the root of a finger


@dataclass
class HandsBeside:
    """The hands of one clip, and the numbers that they were given.

    Attributes:
        backend: Who looked for them.
        hands: All of them.
        depth_m: Of their joints.
        depth_from: Where that is from.
        first_track: Run -> number of its first joint's track.
        entity: Hand -> its number among the clip's entities.
        touches: What tips did with other things, so far.
    """

    backend: str
    hands: Hands
    depth_m: Float32[np.ndarray, "h t 21"]
    depth_from: UInt8[np.ndarray, "h t 21"]
    first_track: dict[int, int] = field(default_factory=dict)
    entity: dict[int, int] = field(default_factory=dict)
    touches: list[Touch] = field(default_factory=list)

    def beside(
        self, followed: Followed, view: View, window: Window, params: ExtractParams, identities: Identities
    ) -> Followed:
        """What a window followed, with the joints of the hands that live in it."""
        footage, reconstruction = view
        frames = slice(window.start, window.start + len(footage.frames))
        found = joint_tracks(
            self.hands,
            self.depth_m,
            frames,
            followed.tracks,
            reconstruction,
            params,
            footage.image_size_px,
        )
        new = found.tracks
        if new.n_points == 0:
            return followed
        for hand in np.unique(new.entity).tolist():
            self.entity.setdefault(hand, identities.entities.new_number())
        for run, start in zip(
            found.run[::N_JOINTS].tolist(), new.query_frame[::N_JOINTS].tolist(), strict=True
        ):
            if run not in self.first_track:
                self.first_track[run] = identities.n_tracks
                identities.n_tracks += N_JOINTS
                ids = self.first_track[run] + np.arange(N_JOINTS)
                identities.life.note(Event.CHOSEN, ids, np.full(N_JOINTS, start))
        track_id = np.array([self.first_track[run] for run in found.run.tolist()]) + found.joint
        followed = replace(followed, tracks=self._on_hands(followed.tracks, frames))
        self._note_touches(followed.tracks, found, window)
        entity = np.array([self.entity[hand] for hand in new.entity.tolist()], np.int32)
        both = _joined(followed.tracks, replace(new, entity=entity))
        both = replace(both, residuals=both.residuals | unexplained_motion(footage, reconstruction, both))
        return Followed(
            both,
            np.concatenate([followed.track_id, track_id]).astype(np.int32),
            np.concatenate([followed.has_moved, new.is_moving]),
            np.concatenate([followed.is_hidden, np.zeros(new.n_points, bool)]),
        )

    def _on_hands(self, tracks: WorldTracks, frames: slice) -> WorldTracks:
        """Moving tracks that lie on a hand get its entity."""
        hand = owner(tracks.uv_px, tracks.visible, self.hands, frames)
        mine = (hand >= 0) & tracks.is_moving & np.isin(hand, list(self.entity))
        entity = tracks.entity.copy()
        entity[mine] = [self.entity[one] for one in hand[mine].tolist()]
        return replace(tracks, entity=entity)

    def _note_touches(self, tracks: WorldTracks, found: JointTracks, window: Window) -> None:
        """What tips and moving points of other entities do together in the window's core."""
        others = tracks.is_moving & ~np.isin(tracks.entity, list(self.entity.values()))
        seen = tracks.visible[:, others]
        if tracks.lives is not None:
            seen = seen & tracks.lives[:, others]
        for start in range(0, len(found.run), N_JOINTS):
            columns = slice(start, start + N_JOINTS)
            hand = int(found.tracks.entity[start])
            span = slice(window.start, window.start + tracks.n_frames)
            pixel = self.hands.landmarks[hand, span, :, :2]
            assert found.tracks.lives is not None
            known = found.tracks.lives[:, columns]
            scale = np.array([scale_px(np.nan_to_num(one)) for one in pixel])
            joints, points = found.tracks.uv_px[:, columns], tracks.uv_px[:, others]
            settings = ContactSettings()
            if found.tracks.points_world is not None and tracks.points_world is not None:
                joints, points = found.tracks.points_world[:, columns], tracks.points_world[:, others]
                scale = np.full(len(scale), PALM_M)
            joints = np.where(known[..., None], joints, np.nan)
            noted = touches(hand, joints, points, seen, tracks.entity[others], scale, settings)
            self.touches += [
                (hand, entity, frame + window.start, joint)
                for hand, entity, frame, joint in noted
                if frame + window.start in window.core
            ]

    def skeletons(self) -> HandSkeletons:
        """What the episode keeps of them."""
        landmarks = self.hands.landmarks.copy()
        known = self.depth_from != RELATIVE
        landmarks[..., 2] = np.where(known, self.depth_m, landmarks[..., 2])
        hand_of = {run.number: run.hand for run in runs_of(self.hands)}
        rows = [
            (first + joint, hand_of[run], joint)
            for run, first in sorted(self.first_track.items(), key=lambda item: item[1])
            for joint in range(N_JOINTS)
        ]
        return HandSkeletons(
            backend=self.backend,
            landmarks=landmarks,
            score=self.hands.score,
            depth_from=self.depth_from,
            handedness=self.hands.handedness,
            entity=tuple(self.entity.get(hand, -1) for hand in range(len(self.hands))),
            tracks=np.array(rows, np.int32).reshape(-1, 3),
            contacts=contacts_of(self.touches, ContactSettings()),
        )


def find_hands(footage: Footage, reconstruction: Reconstruction, params: ExtractParams) -> HandsBeside | None:
    """The hands of a clip; None if `params` asks for none.

    Raises:
        ExtractionError: Their environment is missing, or ends.
    """
    if params.hands == "off":
        return None
    landmarker = load_hand_landmarker(params.hands, params.learned)
    hands = identify(landmarker.find(footage), footage.fps_hz)
    depth, source = depth_of(hands, reconstruction.depth_m, float(reconstruction.intrinsics[0, 0]))
    return HandsBeside(params.hands, hands, depth, source)


def _joined(others: WorldTracks, new: WorldTracks) -> WorldTracks:
    """These, then the others; all others live in every frame unless they say otherwise."""
    assert others.keypoint is not None
    assert others.rides_on is not None
    assert new.lives is not None
    assert new.keypoint is not None
    assert new.rides_on is not None
    lives = np.ones(others.visible.shape, bool) if others.lives is None else others.lives
    world = None
    if others.points_world is not None and new.points_world is not None:
        world = np.concatenate([others.points_world, new.points_world], 1)
    first = None
    if others.first_frame is not None:
        first = np.concatenate([others.first_frame, np.zeros(new.n_points, np.int32)])
    return replace(
        others,
        points_world=world,
        first_frame=first,
        uv_px=np.concatenate([others.uv_px, new.uv_px], 1),
        visible=np.concatenate([others.visible, new.visible], 1),
        confidence=np.concatenate([others.confidence, new.confidence], 1),
        lives=np.concatenate([lives, new.lives], 1),
        rests=_flags(others.rests, new.n_points),
        untrusted=_flags(others.untrusted, new.n_points),
        query_frame=np.concatenate([others.query_frame, new.query_frame]),
        entity=np.concatenate([others.entity, new.entity]),
        is_moving=np.concatenate([others.is_moving, new.is_moving]),
        keypoint=np.concatenate([others.keypoint, new.keypoint]),
        rides_on=np.concatenate([others.rides_on, new.rides_on]),
    )


def _flags(others: Bool[np.ndarray, " n"] | None, n_new: int) -> Bool[np.ndarray, " m"] | None:
    """The flags of the others, and none for joints."""
    return None if others is None else np.concatenate([others, np.zeros(n_new, bool)])
