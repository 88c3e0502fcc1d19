"""How far an evaluation leaves what the demonstrations show, one thing at a time.

    in_distribution   as the scenes that one learns from
    unseen_objects    kinds and colours of no training scene
    layouts           the sink on either side, anywhere in reach; the camera centimetres elsewhere
    textures          table, wall and sink of any colour, light from anywhere, dim to bright

Layouts of levels other than the first draw what they change from a stream of their own, so a seed's things
stay the same in all of them where the level does not concern them.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from mu0.envs.objects import UNSEEN, USUAL, Catalogue

Level = Literal["in_distribution", "unseen_objects", "layouts", "textures"]
LEVEL_NAMES: tuple[Level, ...] = get_args(Level)
USUAL_LEVEL: Level = "in_distribution"


@dataclass(frozen=True)
class LevelSetting:
    """What a level varies."""

    catalogue: Catalogue = USUAL
    moves_places: bool = False
    changes_looks: bool = False


LEVELS = MappingProxyType(
    {
        "in_distribution": LevelSetting(),
        "unseen_objects": LevelSetting(catalogue=UNSEEN),
        "layouts": LevelSetting(moves_places=True),
        "textures": LevelSetting(changes_looks=True),
    }
)
