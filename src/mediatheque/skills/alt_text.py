"""The skill `alt-text`: what a screen reader says in place of a picture."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.understanding import Task

KIND = "alt_text"


def make(work: Work) -> None:
    """The finding `alt_text`; the asset's own alternative text is filled where nobody has written any."""
    found = work.describe(Task.ALT_TEXT)
    value = {"altText": found.text, "generator": found.generator}
    work.add_finding(KIND, value, model=found.generator, confidence=found.confidence)
    work.suggest(alt_text=found.text)


SKILL = Skill(
    name="alt-text",
    description="An alternative text for screen readers; kept as the asset's where that is blank",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.ENRICH,
    steps=(Step("generate_alt_text", make),),
    automatic=False,
    aliases=frozenset({"alt_text", "generate_alt_text", "generate-alt-text"}),
)
