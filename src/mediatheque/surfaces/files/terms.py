"""What the doors of this dialect take (contract, 3.2, 3.3 and 10; decisions 9)."""

from dataclasses import replace

from mediatheque.model import Terms

PUBLISHED = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})

TERMS = Terms(
    surface="files",
    media_types=PUBLISHED | {"image/heic", "image/avif"},
    kinds=frozenset({"image", "document", "video", "audio", "link"}),
    takes_all_of=frozenset({"document", "audio"}),
    max_bytes=100 * 1024 * 1024,
    is_public=False,
    shows_failed=True,
)
"""Of the streamed uploads."""

LINK_TERMS = replace(
    TERMS, media_types=frozenset(), takes_all_of=frozenset({"link"}), max_bytes=8192, max_title_chars=500
)
"""Of saved links."""

PRESIGNED_TERMS = replace(TERMS, media_types=PUBLISHED, takes_all_of=frozenset(), max_bytes=50 * 1024 * 1024)
"""Of `upload/initiate`."""

DOCUMENT_TERMS = replace(
    PRESIGNED_TERMS,
    media_types=frozenset(
        {
            "application/pdf",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            "text/plain",
            "text/markdown",
        }
    ),
)
"""Of `document-uploads` (contract, 9)."""

VIDEO_TERMS = replace(
    TERMS,
    media_types=frozenset({"video/mp4", "video/quicktime", "video/x-m4v", "video/webm", "video/x-msvideo"}),
    takes_all_of=frozenset(),
    max_bytes=1 << 32,
)
"""Of `video-uploads` (contract, 9)."""
