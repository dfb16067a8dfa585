"""The skill `format-convert`: the same picture in another format."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import parameters

TARGETS = {
    "webp": "image/webp",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "tga": "image/x-tga",
    "tif": "image/tiff",
    "tiff": "image/tiff",
}


def convert(work: Work) -> None:
    """The asset's bytes in `TargetFormat`; with `KeepOriginal` the old ones stay as the variant `source`."""
    wanted = parameters.text(work.parameters, "TargetFormat", "", code="format_convert_target_format_invalid")
    if not wanted:
        raise parameters.refused("format_convert_target_format_required", "TargetFormat is required")
    target = TARGETS.get(wanted.lower())
    if target is None:
        known = ", ".join(TARGETS)
        raise parameters.refused("format_convert_target_format_invalid", f"TargetFormat is one of {known}")
    keep = parameters.truth(work.parameters, "KeepOriginal", False, code="format_convert_keep_original_invalid")
    file = work.folder / "converted"
    made = work.decode(
        "mediatheque.skills.format_convert_decode:convert",
        path=str(work.source),
        media_type=work.facts.media_type,
        frames=work.facts.frames,
        target=target,
        output=str(file),
    )
    work.replace(file, media_type=target, facts=made, keep_original=keep)


SKILL = Skill(
    name="format-convert",
    description="Converts the picture: TargetFormat webp, jpg, png, gif, bmp, tga or tiff; KeepOriginal",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.FAST,
    steps=(Step("convert_image_format", convert),),
    automatic=False,
    aliases=frozenset({"format_convert", "convert_image_format", "convert-image-format"}),
)
