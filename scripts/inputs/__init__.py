"""Every kind of input, in the order of its table: how its clip is drawn, and what is right."""

from . import streams, pictures
from .recipe import DISC, KINDS, SCENES

__all__ = ["DISC", "KINDS", "SCENES", "pictures", "streams"]
