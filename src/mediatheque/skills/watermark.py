"""The skill `watermark`: text drawn over a picture."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import parameters

POSITIONS = ("BottomRight", "BottomLeft", "Center", "TopRight", "TopLeft")
MAX_FONT_SIZE = 1000
MAX_TEXT_CHARS = 200
WRITTEN_AS = {"image/heic": "image/jpeg", "image/avif": "image/webp"}
"""Types that we read and do not write, and what is written in their place."""


def draw(work: Work) -> None:
    """The asset's bytes become the picture with `Text` in a corner or the middle."""
    given = work.parameters
    text = parameters.text(given, "Text", "NekoHub", code="watermark_text_invalid")
    opacity = parameters.number(given, "Opacity", 0.5, code="watermark_opacity_invalid")
    if not 0 <= opacity <= 1:
        raise parameters.refused("watermark_opacity_out_of_range", "Opacity is 0 to 1")
    size = parameters.number(given, "FontSize", 36, code="watermark_font_size_invalid")
    if size != int(size):
        raise parameters.refused("watermark_font_size_invalid", "FontSize must be a whole number")
    if not 1 <= size <= MAX_FONT_SIZE:
        raise parameters.refused("watermark_font_size_out_of_range", f"FontSize is 1 to {MAX_FONT_SIZE}")
    position = parameters.text(given, "Position", POSITIONS[0], code="watermark_position_invalid").lower()
    if position not in {name.lower() for name in POSITIONS}:
        raise parameters.refused("watermark_position_invalid", f"Position is one of {', '.join(POSITIONS)}")
    file = work.folder / "watermarked"
    target = WRITTEN_AS.get(work.facts.media_type, work.facts.media_type)
    made = work.decode(
        "mediatheque.skills.watermark_decode:draw",
        path=str(work.source),
        media_type=work.facts.media_type,
        frames=work.facts.frames,
        target=target,
        text=text[:MAX_TEXT_CHARS],
        opacity=opacity,
        font_size=int(size),
        position=position,
        output=str(file),
    )
    work.replace(file, media_type=target, facts=made)


SKILL = Skill(
    name="watermark",
    description="Draws text on the picture: Text, Opacity, FontSize, Position",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.FAST,
    steps=(Step("draw_watermark", draw),),
    automatic=False,
    aliases=frozenset({"draw_watermark", "draw-watermark"}),
)
