"""The skill `look`: what a picture looks like, so that others like it are found though no byte or hash is the same."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import pixels, tags
from mediatheque.understanding import Model

ENGINE = "efficientnet-lite0/int8"
VERSION = 1
NAME = f"looks:efficientnet-lite0-{VERSION}"
"""Under which the vectors are kept; another version of what is done with a picture makes others beside them."""
SEEN = "mediatheque.skills.look_inference:seen"
SIDE = 448
MODEL = Model(
    name=f"{ENGINE} (features)",
    purpose="tells which pictures look alike",
    extra="vision",
    modules=("ai_edge_litert",),
    warm="mediatheque.skills.look_inference:warm",
    files=(tags.CLASSIFIER,),
)


def look(work: Work) -> None:
    """A vector of the picture, 384 numbers. Raises `errors.NotInstalled` without the extra `vision`."""
    work.check(MODEL)
    work.resemble(NAME, work.infer(MODEL, SEEN, **pixels.of(work, SIDE)))


SKILL = Skill(
    name="look",
    description="What a picture looks like, so that pictures like it are found",
    version=VERSION,
    kinds=frozenset({"image"}),
    queue=Queue.ENRICH,
    steps=(Step("embed_picture", look),),
    automatic=False,
    enriches=True,
    is_quiet=True,
    listed=False,
)
