"""The skill `scenes`: where a video cuts from one shot to the next, with a picture of each scene."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work

SCENES, FACTS = "scenes", "scene_facts"
MAX_SCENES = 100


def name_of(index: int) -> str:
    """What the variant is called that pictures a scene."""
    return f"scene_{index:03}"


def find(work: Work) -> None:
    """Findings `scenes` (a list of `index`, `start_seconds`, `end_seconds`) and `scene_facts` (`scene_count`,
    `is_cut`: not all of it could be looked at), and a variant for each.

    Raises `errors.Malformed` for a video that does not hold what it claims.
    """
    found = work.decode(
        "mediatheque.skills.scenes_decode:find",
        path=str(work.source),
        media_type=work.facts.media_type,
        folder=str(work.folder),
        most=MAX_SCENES,
    )
    for scene in found["scenes"]:
        file = work.folder / scene.pop("file")
        size = {side: scene.pop(side) for side in ("width", "height")}
        work.add_variant(name_of(scene["index"]), file, media_type="image/webp", **size)
    work.add_finding(SCENES, found["scenes"])
    work.add_finding(FACTS, {"scene_count": len(found["scenes"]), "is_cut": found["is_cut"]})


SKILL = Skill(
    name="scenes",
    description="The scenes of a video, each with a picture",
    version=2,
    kinds=frozenset({"video"}),
    queue=Queue.ENRICH,
    steps=(Step("find_scenes", find),),
    automatic=False,
    enriches=True,
    listed=False,
    analyses=True,
    variants=frozenset(name_of(index) for index in range(MAX_SCENES)),
)
