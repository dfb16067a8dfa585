"""The kind `audio`: recordings in the five containers that people keep (decisions 9)."""

from dataclasses import dataclass
from typing import Any

from mediatheque.model import Facts

EXTENSIONS = {
    "audio/mpeg": ".mp3",
    "audio/mp4": ".m4a",
    "audio/wav": ".wav",
    "audio/ogg": ".ogg",
    "audio/flac": ".flac",
}


@dataclass(frozen=True, slots=True)
class AudioKind:
    name: str = "audio"
    media_types: frozenset[str] = frozenset(EXTENSIONS)
    probe: str = "mediatheque.kinds.audio_probe:probe"

    def facts(self, probed: dict[str, Any]) -> Facts:
        """`details`: `duration_seconds`, `audio_codec`, `sample_rate`, `channels`, `bitrate_kbps`."""
        media_type = probed["media_type"]
        return Facts(media_type, EXTENSIONS[media_type], self.name, details=dict(probed["details"]))


KIND = AudioKind()
