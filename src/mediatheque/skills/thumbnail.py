"""The skill `thumbnail`: a PNG for lists and previews."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work

NAME = "thumbnail_256"
SIDE = 256
PNG = "image/png"


def make(work: Work) -> None:
    """The variant `thumbnail_256`: fits 256 x 256 pixels and is never larger than the original (contract, 2.5)."""
    file = work.folder / NAME
    width, height = work.decode(
        "mediatheque.skills.thumbnail_decode:make",
        path=str(work.source),
        media_type=work.facts.media_type,
        output=str(file),
    )
    work.add_variant(NAME, file, media_type=PNG, width=width, height=height)


GENERATE = Step("generate_thumbnail", make)

SKILL = Skill(
    name="thumbnail",
    description="A PNG thumbnail that fits 256 x 256 pixels",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.FAST,
    steps=(GENERATE,),
    automatic=False,
    aliases=frozenset({"generate_thumbnail", "generate-thumbnail"}),
    variants=frozenset({NAME}),
)
