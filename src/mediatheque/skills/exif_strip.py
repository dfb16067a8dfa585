"""The skill `exif-strip`: the same picture without what the camera and other programs wrote into the file."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work


def strip(work: Work) -> None:
    """The asset's bytes without EXIF, GPS, XMP, IPTC, comments, embedded previews and trailing data.

    Pixels stay as they are; only a picture whose orientation was told by its metadata is turned and written anew.
    """
    file = work.folder / "stripped"
    made = work.decode(
        "mediatheque.skills.exif_strip_decode:strip",
        path=str(work.source),
        media_type=work.facts.media_type,
        orientation=int(work.facts.details.get("orientation", 1)),
        output=str(file),
    )
    known = work.facts.details
    details = {name: known[name] for name in ("has_alpha", "color_space") if name in known} | {"orientation": 1}
    unturned = {
        "width": work.facts.width,
        "height": work.facts.height,
        "frames": work.facts.frames,
        "details": details,
    }
    work.replace(file, media_type=work.facts.media_type, facts=made or unturned)


SKILL = Skill(
    name="exif-strip",
    description="Removes EXIF, GPS and other metadata from the picture",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.FAST,
    steps=(Step("strip_exif_metadata", strip),),
    automatic=False,
    aliases=frozenset({"exif_strip", "strip_exif_metadata", "strip-exif-metadata"}),
)
