"""The kind `video`: moving pictures in the five containers that browsers and phones make."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mediatheque.model import Facts

EXTENSIONS = {
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/x-m4v": ".m4v",
    "video/webm": ".webm",
    "video/x-msvideo": ".avi",
}


@dataclass(frozen=True, slots=True)
class VideoKind:
    name: str = "video"
    media_types: frozenset[str] = frozenset(EXTENSIONS)
    probe: str = "mediatheque.kinds.video_probe:probe"

    def facts(self, probed: dict[str, Any]) -> Facts:
        """`details`: what the contract calls `video_metadata` (3.5)."""
        media_type = probed["media_type"]
        return Facts(
            media_type=media_type,
            extension=EXTENSIONS[media_type],
            kind=self.name,
            width=int(probed["width"]),
            height=int(probed["height"]),
            captured_at=datetime.fromisoformat(probed["captured_at"]) if probed["captured_at"] else None,
            details=dict(probed["details"]),
        )


KIND = VideoKind()
