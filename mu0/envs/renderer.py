"""What a renderer is; which one a machine can use is decided in `mu0.envs.rendering`."""

from abc import ABC, abstractmethod

import numpy as np
from jaxtyping import Float, UInt8

from mu0.envs.camera import Camera

BACKDROP_GROUP = 1  # floor and wall touch nothing that is seen: a renderer may draw them after all the rest


class AbstractRenderer(ABC):
    """Takes pictures of one simulated world, as it is at the moment of the call."""

    @abstractmethod
    def render(
        self, camera: Camera
    ) -> tuple[UInt8[np.ndarray, "height width 3"], Float[np.ndarray, "height width"]]:
        """Colours, and depth along the optical axis [m]; depth is 0 where nothing is hit."""

    def colours(self, camera: Camera) -> UInt8[np.ndarray, "height width 3"]:
        """The colours of `render` alone, to the last bit; faster where depth costs."""
        return self.render(camera)[0]

    @abstractmethod
    def close(self) -> None:
        """Free what the renderer holds."""
