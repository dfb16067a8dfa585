"""The skill `basic_image_enrich`: what is done to a new picture when its uploader wants it enriched."""

from mediatheque.model import Queue
from mediatheque.ports import Skill
from mediatheque.skills import caption, thumbnail

SKILL = Skill(
    name="basic_image_enrich",
    description="A thumbnail and a caption: the pipeline of new uploads",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.ENRICH,
    steps=(thumbnail.GENERATE, caption.GENERATE),
    automatic=False,
    describes=True,
    enriches=True,
    aliases=frozenset({"enrich", "basic-image-enrich"}),
    variants=frozenset({thumbnail.NAME}),
)
