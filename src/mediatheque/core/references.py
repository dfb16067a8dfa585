"""`asset:` links in artifacts: which files of the library a text refers to."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from mediatheque.core.media import ORIGINAL
from mediatheque.model import Actor, Asset, State
from mediatheque.records import assets
from mediatheque.records.engine import Tx

SCOPE = "files.read"
"""Whoever may not read the library's files gets no URL of them by writing down their ids."""
MAX_REFERENCES = 500
"""Different files that one text can refer to; those beyond stay as they are written."""
_HEX = "[0-9a-fA-F]"
_LINK = re.compile(
    rf"\basset:({_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}})"
    r"(?:/(thumbnail|large_1024|medium_750|small_256|tiny_64))?(?![\w-])"
)


@dataclass(frozen=True, slots=True)
class References:
    """The files that a text refers to, of those that are there; `resolved` puts what `url` says in place of links."""

    assets: dict[UUID, Asset]

    def resolved(self, content: str, url: Callable[[Asset, str], str]) -> str:
        def replaced(link: "re.Match[str]") -> str:
            it = self.assets.get(UUID(link[1]))
            return link[0] if it is None else url(it, link[2] or ORIGINAL)

        return _LINK.sub(replaced, content)


NONE = References({})


def named_in(content: str) -> list[UUID]:
    """The ids that a text refers to, each once, in the order in which they appear."""
    return list(dict.fromkeys(UUID(link[1]) for link in _LINK.finditer(content)))[:MAX_REFERENCES]


def of(tx: Tx, tenant_id: int, content: str) -> References:
    """The files of this tenant that a text refers to."""
    found = ((uuid, assets.asset_with(tx, uuid, tenant_id)) for uuid in named_in(content))
    return References({uuid: it for uuid, it in found if it is not None and it.state is not State.FAILED})


def shown_to(tx: Tx, actor: Actor, content: str) -> References:
    """The same, for somebody who may read files."""
    return of(tx, actor.tenant_id, content) if SCOPE in actor.scopes else NONE
