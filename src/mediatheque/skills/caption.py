"""The skill `caption`: what a picture shows, as often asked and compared as the sender of the file wants it (3.3)."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.skills import parameters
from mediatheque.understanding import Description, Intent, Level, Task

KIND, WHOLE, ALT_TEXT, TAGS, TEXT, CHECK = (
    "basic_caption", "description", "alt_text", "tags", "visible_text", "verification",
)  # fmt: skip
LEVEL, INTENT = "verification_level", "intent"
"""Parameters."""


def make(work: Work) -> None:
    """The finding `basic_caption`; description and alternative text are filled where nobody has written any.

    What else the describer says is a finding of its own: `description` (more than the caption), `alt_text`, `tags`,
    `visible_text`, and `verification`, what came of holding answers, or the file's own words, against the picture.
    """
    level = parameters.choice(work.parameters, LEVEL, Level.QUICK, code="caption_verification_level_invalid")
    intent = parameters.choice(work.parameters, INTENT, Intent.DESCRIBE, code="caption_intent_invalid")
    claimed = work.said if intent is Intent.VERIFY else None
    found = work.describe(Task.CAPTION, level=level, claimed=claimed)
    _add(work, found, KIND, {"caption": found.text, "generator": found.generator})
    if found.whole:
        _add(work, found, WHOLE, {"description": found.whole})
    if found.alt_text:
        _add(work, found, ALT_TEXT, {"altText": found.alt_text, "generator": found.generator})
    if found.tags:
        _add(work, found, TAGS, {"tags": list(found.tags)})
    if found.visible_text:
        _add(work, found, TEXT, {"text": found.visible_text})
    if found.check:
        _add(work, found, CHECK, dict(found.check))
    work.suggest(description=found.text, alt_text=found.alt_text or found.text, tags=found.tags)


def _add(work: Work, found: Description, kind: str, value: dict[str, object]) -> None:
    work.add_finding(kind, value, model=found.generator, confidence=found.confidence, prompt_hash=found.prompt_hash)


GENERATE = Step("generate_basic_caption", make)

SKILL = Skill(
    name="caption",
    description="A caption; fills description and alternative text where they are blank",
    version=2,
    kinds=frozenset({"image"}),
    queue=Queue.ENRICH,
    steps=(GENERATE,),
    automatic=False,
    describes=True,
    aliases=frozenset({"ai-caption", "ai_caption", "basic_caption", "basic-caption", "generate_basic_caption"}),
)
