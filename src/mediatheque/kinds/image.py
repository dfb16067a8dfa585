"""The kind `image`: still and animated pictures of the six types we take."""

from dataclasses import dataclass
from datetime import datetime
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
            captured_at=datetime.fromisoformat(probed["captured_at"]) if probed["captured_at"] else None,
            details=dict(probed["details"]),
        )


KIND = ImageKind()
