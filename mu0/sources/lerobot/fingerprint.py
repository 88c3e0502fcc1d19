"""What the clip of an episode depends on, as a hash that other episodes of the same files do not change.

A dataset that grows has its shared files written anew with the old episodes in front: the packets and rows of
those stay the same bytes. So an episode of a v3.0 dataset is hashed by its own packets (from the key frame
before it on) and rows, and adding episodes to a dataset costs those episodes only.
"""

import hashlib
from pathlib import Path
from typing import Any

import av

from mu0.errors import SourceError
from mu0.files import inside
from mu0.sources.containers.opening import CUT_OFF_REMEDY, opened
from mu0.sources.item import content_fingerprint
from mu0.sources.lerobot.layout import Layout
from mu0.sources.lerobot.places import Episode, VideoPlace
from mu0.sources.lerobot.rows import open_rows


def episode_fingerprint(layout: Layout, episode: Episode, keys: list[str], **facts: Any) -> str:
    """A hash of an episode's rows, of its frames of the cameras `keys`, and of `facts`.

    Raises:
        SourceError: A file is missing or damaged.
    """
    facts |= {
        "episode": (episode.name, episode.length, episode.tasks),
        "fps": layout.fps_hz,
        "robot": layout.robot_type,
        "features": {key: layout.features[key] for key in keys},
    }
    places = [episode.videos[key] for key in keys if key in episode.videos]
    if episode.rows is None:
        names = [episode.data_file, *(place.file for place in places)]
        return content_fingerprint(*(inside(layout.root, name) for name in names), **facts)
    rows = open_rows(layout.root, episode)
    columns = [name for name in layout.features if name in rows.columns() and name not in {"index", *keys}]
    columns += [key for key in keys if key in rows.columns()]
    packets = [packets_hash(inside(layout.root, place.file), place) for place in places]
    return content_fingerprint(**facts, rows={name: rows.hash_of(name) for name in columns}, packets=packets)


def packets_hash(path: Path, place: VideoPlace) -> str:
    """A hash of the packets that an episode's frames are decoded from.

    Raises:
        SourceError: The file is missing or damaged.
    """
    assert place.seconds is not None
    from_s, to_s = place.seconds
    digest = hashlib.sha256()
    with opened(path) as (container, stream):
        digest.update(bytes(stream.codec_context.extradata or b""))
        tick_s = float(stream.time_base or 1)
        first_tick: int | None = None
        try:
            container.seek(max(0, round(from_s / tick_s)), stream=stream)
            for packet in container.demux(stream):
                if packet.dts is not None and packet.dts * tick_s >= to_s:
                    break
                first_tick = packet.pts if first_tick is None else first_tick
                if packet.pts is not None and first_tick is not None and packet.pts * tick_s < to_s:
                    digest.update(f"{packet.pts - first_tick} ".encode() + bytes(packet))
        except av.error.FFmpegError as error:
            raise SourceError(
                f"{path} cannot be read from {from_s:.4f} s on: {error}.",
                expected="a readable video",
                remedy=CUT_OFF_REMEDY,
            ) from error
    return digest.hexdigest()
