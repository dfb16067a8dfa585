"""The skill `poster`: a picture that stands for a file that is none, in the sizes in which pictures are shown."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import variants

POSTER = "poster.png"
PICTURED = frozenset({"application/pdf"})
"""Documents that show a page; videos always show something."""


def take(work: Work) -> None:
    """A video's most telling frame, a PDF's first page; nothing of the documents that have no look of their own.

    Raises `errors.Malformed` when nothing can be shown.
    """
    if work.facts.kind == "document" and (
        work.facts.media_type not in PICTURED or work.facts.details.get("is_encrypted")
    ):
        return
    work.decode(
        "mediatheque.skills.poster_decode:take",
        path=str(work.source),
        media_type=work.facts.media_type,
        target=str(work.folder / POSTER),
    )


def resize(work: Work) -> None:
    if (work.folder / POSTER).exists():
        variants.make_from(work, work.folder / POSTER, "image/png")


SKILL = Skill(
    name="poster",
    description="A frame of a video or the first page of a PDF, in the sizes in which pictures are shown",
    version=1,
    kinds=frozenset({"video", "document"}),
    queue=Queue.FAST,
    steps=(Step("poster", take), Step("variants", resize)),
    listed=False,
    variants=frozenset({*variants.SIZES, variants.THUMBNAIL}),
)
