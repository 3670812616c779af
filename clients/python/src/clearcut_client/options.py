"""The options of jobs and previews, and how they are written into a form."""

import json
from dataclasses import dataclass
from typing import Any, Literal, Mapping

OutputFormat = Literal["webm", "stacked-alpha", "mp4", "webp", "apng", "gif", "mov", "hevc-alpha", "png-sequence", "sprite-sheet", "matte", "foreground", "poster"]
#: That of a clip, a PNG of one image, or a ZIP of PNGs of several.
FileFormat = Literal["webm", "stacked-alpha", "mp4", "webp", "apng", "gif", "mov", "hevc-alpha", "png-sequence", "sprite-sheet", "matte", "foreground", "poster", "png", "zip"]
Method = Literal["auto", "chroma", "ai"]
Shadow = Literal["keep", "drop"]
Deinterlace = Literal["auto", "on", "off"]
Audio = Literal["keep", "drop"]
Loop = Literal["boomerang", "seamless"]
Fit = Literal["contain", "cover", "pad"]
Preset = Literal[
    "telegram-sticker",
    "telegram-emoji",
    "whatsapp-sticker",
    "discord-sticker",
    "discord-emoji",
    "slack-emoji",
    "line-sticker",
    "imessage-sticker",
    "web-hero",
]
ImageFit = Literal["cover", "contain", "fill", "inside", "outside"]
ImageFormat = Literal["jpeg", "png", "webp"]
ThumbnailSize = Literal["small", "medium", "large"]
Event = Literal["job.started", "job.completed", "job.failed"]


@dataclass(frozen=True, slots=True)
class StorageId:
    """A clip that was uploaded before."""

    id: str


@dataclass(frozen=True, slots=True)
class Hint:
    """A region that is subject (keep) or background (remove): a point, or a box if it has width and height.

    Positions and sizes are shares of the frame, 0-1, from its upper left corner; the time is in seconds.
    """

    time: float
    x: float
    y: float
    kind: Literal["keep", "remove"]
    width: float | None = None
    height: float | None = None

    def to_json(self) -> dict[str, Any]:
        """The hint on the wire."""
        values = {name: getattr(self, name) for name in ("time", "x", "y", "kind", "width", "height")}
        return {name: value for name, value in values.items() if value is not None}


def fields_of(options: Mapping[str, Any]) -> dict[str, str]:
    """Options as fields of a form. Options that are None are left out."""
    return {name: _text(value) for name, value in options.items() if value is not None}


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (int, float)):
        return str(value)
    return json.dumps([item.to_json() if isinstance(item, Hint) else item for item in value])
