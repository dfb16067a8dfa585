"""The skill `caption`: one sentence on what a picture shows."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Task, Work

KIND = "basic_caption"


def make(work: Work) -> None:
    """The finding `basic_caption`; description and alternative text are filled where nobody has written any."""
    found = work.describe(Task.CAPTION)
    value = {"caption": found.text, "generator": found.generator}
    work.add_finding(KIND, value, model=found.generator, confidence=found.confidence)
    work.suggest(description=found.text, alt_text=found.text)


GENERATE = Step("generate_basic_caption", make)

SKILL = Skill(
    name="caption",
    description="A caption; fills description and alternative text where they are blank",
    version=1,
    kinds=frozenset({"image"}),
    queue=Queue.ENRICH,
    steps=(GENERATE,),
    automatic=False,
    describes=True,
    aliases=frozenset({"ai-caption", "ai_caption", "basic_caption", "basic-caption", "generate_basic_caption"}),
)
