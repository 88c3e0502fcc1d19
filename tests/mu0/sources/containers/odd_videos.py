"""Small videos as cameras and programs write them, in which a bright bar tells the number of each frame."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from mu0.sources.containers.video import iter_frames

HEIGHT, WIDTH, STEP, RATE_HZ = 32, 96, 4, 10


def picture(number: int) -> np.ndarray:
    """A dark frame with a bar at column `STEP * number`."""
    image = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
    image[:, STEP * number : STEP * (number + 1)] = 220
    return image


def numbers_in(path: Path, rate_hz: float | None = None) -> list[int]:
    """Which frames are shown, in order."""
    return [round(int(image[..., 0].mean(0).argmax()) / STEP - 0.4) for image in iter_frames(path, rate_hz)]


def write(
    path: Path,
    n: int = 20,
    *,
    codec: str = "libx264",
    pixels: str = "yuv420p",
    ticks: Sequence[int] | None = None,
    retime: Callable[[list[av.Packet]], None] | None = None,
    cover: bool = False,
    tags: dict[str, str] | None = None,
    **options: str,
) -> Path:
    """Encode frames; `ticks` are their times in 1 / RATE_HZ, `retime` may change the packets at the end."""
    packets: list[av.Packet] = []
    with av.open(str(path.absolute()), "w") as container:
        container.metadata.update(tags or {})
        still = container.add_stream("mjpeg", rate=RATE_HZ) if cover else None
        stream = container.add_stream(codec, rate=RATE_HZ, options=options)
        for each in filter(None, (still, stream)):
            each.height, each.width = HEIGHT, WIDTH
            each.pix_fmt = "yuvj420p" if each is still else pixels
        if still is not None:
            packets += [*still.encode(_frame(9, 0).reformat(format="yuvj420p")), *still.encode(None)]
        for number in range(n):
            packets += stream.encode(_frame(number, number if ticks is None else ticks[number]))
        packets += stream.encode(None)
        if retime is not None:
            retime(packets)
        container.start_encoding()
        for packet in packets:
            container.mux(packet)
    return path


def _frame(number: int, tick: int) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
    frame.pts, frame.time_base = tick, Fraction(1, RATE_HZ)
    return frame
