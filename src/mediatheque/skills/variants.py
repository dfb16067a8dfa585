"""The skill `variants`: the sizes in which every picture is shown, and two hashes of what it looks like."""

from pathlib import Path

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work

SIZES = {"large_1024": 1024, "medium_750": 750, "small_256": 256, "tiny_64": 64}
"""The longest side in pixels, the largest first: each is made from the one before."""

THUMBNAIL = "thumbnail"
THUMBNAIL_SIZE = "small_256"
"""`thumbnail` has the size of this one and, where it can, the type of the original (decision 8)."""

WEBP = "image/webp"
THUMBNAIL_TYPES = {"image/jpeg": "image/jpeg", "image/png": "image/png", "image/gif": "image/png"}
HASHED = "tiny_64"
HASHES = ("blur_hash", "perceptual_hash")
"""4 x 3 components; 64 bits as 16 hex digits, of a picture that is not flat."""


def make(work: Work) -> None:
    """All variants and both hashes from one decode. Raises `errors.Malformed` for an image that turns out to be broken.

    In one question to the decoder, which could otherwise be at another picture when the second one comes.
    """
    make_from(work, work.source, work.facts.media_type)


def make_from(work: Work, picture: Path, media_type: str) -> None:
    """The same from a picture that stands for the file."""
    made = work.decode(
        "mediatheque.skills.variants_decode:make",
        path=str(picture),
        media_type=media_type,
        folder=str(work.folder),
    )
    sizes, hashes = made["sizes"], made["hashes"]
    for name in SIZES:
        work.add_variant(name, work.folder / name, media_type=WEBP, width=sizes[name][0], height=sizes[name][1])
    width, height = sizes[THUMBNAIL_SIZE]
    thumbnail_type = THUMBNAIL_TYPES.get(media_type, WEBP)
    work.add_variant(THUMBNAIL, work.folder / THUMBNAIL, media_type=thumbnail_type, width=width, height=height)
    for kind in HASHES:
        if hashes[kind] is not None:
            work.add_finding(kind, hashes[kind])


SKILL = Skill(
    name="variants",
    description="Sizes for display, a thumbnail, and hashes for placeholders and for finding duplicates",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.FAST,
    steps=(Step("variants", make),),
    essential=True,
    listed=False,
    variants=frozenset({*SIZES, THUMBNAIL}),
)
