"""The kind `image`: still and animated pictures of the six types we take."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mediatheque.model import Facts

EXTENSIONS = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/gif": ".gif",
    "image/webp": ".webp",
    "image/heic": ".heic",
    "image/avif": ".avif",
}


@dataclass(frozen=True, slots=True)
class ImageKind:
    name: str = "image"
    media_types: frozenset[str] = frozenset(EXTENSIONS)
    probe: str = "mediatheque.kinds.image_probe:probe"

    def facts(self, probed: dict[str, Any]) -> Facts:
        media_type = probed["media_type"]
        return Facts(
            media_type=media_type,
            extension=EXTENSIONS[media_type],
            kind=self.name,
            width=int(probed["width"]),
            height=int(probed["height"]),
            frames=int(probed["frames"]),
            captured_at=_moment(probed["captured_at"]),
            details=dict(probed["details"]),
        )


KIND = ImageKind()


def _moment(text: str | None) -> datetime | None:
    """A time in UTC; None for one that no calendar has, which cameras without a set clock do write."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC) if text else None
    except (ValueError, OverflowError):
        return None
