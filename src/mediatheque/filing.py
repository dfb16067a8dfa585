"""The words of filing: what files are looked for by, how they are listed, the folders they lie in, and links."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID


class SearchIn(StrEnum):
    """Which of a file's texts are searched."""

    ALL = "all"
    METADATA = "metadata"
    """Title, names and tags."""
    VISIBLE_TEXT = "visible_text"


class SearchBy(StrEnum):
    """What a search goes by."""

    WORDS = "words"
    MEANING = "semantic"
    BOTH = "hybrid"


class SortBy(StrEnum):
    CREATED_AT = "created_at"
    CONTENT_AT = "content_created_at"
    TITLE = "title"
    SIZE = "size_bytes"


@dataclass(frozen=True, slots=True)
class Order:
    by: SortBy = SortBy.CONTENT_AT
    ascending: bool = False


@dataclass(frozen=True, slots=True)
class FileFilter:
    """What a list of files is narrowed to; empty or None: no condition. Times are inclusive, of `created_at`."""

    text: str = ""
    search_in: SearchIn = SearchIn.ALL
    kinds: frozenset[str] = frozenset()
    tags: tuple[str, ...] = ()
    """The file has all of them."""
    ids: tuple[UUID, ...] = ()
    folder_id: str | None = None
    """That folder alone, not those below it; nothing lies in one that is not there."""
    has_description: bool | None = None
    created_from: datetime | None = None
    created_to: datetime | None = None
    in_trash: bool = False

    @property
    def is_open(self) -> bool:
        """Whether counts by kind and folder say how many files it leaves."""
        narrowing = self.text, self.tags, self.ids, self.created_from, self.created_to
        return not any(narrowing) and self.has_description is None


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of a tenant's tree; `path` is its names from the root, joined by `/`, `depth` 0 at the root."""

    id: int
    uuid: UUID
    name: str
    path: str
    parent_id: int | None
    parent_uuid: UUID | None
    created_at: datetime
    updated_at: datetime

    @property
    def depth(self) -> int:
        return self.path.count("/")


@dataclass(frozen=True, slots=True)
class Link:
    """Where a link leads. `domain` is the host alone, `site` the host and port that take turns in being asked."""

    asset_id: int
    url: str
    domain: str
    site: str
    recrawl_asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a crawl kept of a page, in two variants: `page` to be read, `text` to be compared.

    `url` is where it was found; `size_bytes` is of the page, `sha256` of the text.
    """

    uuid: UUID
    url: str
    title: str | None
    text_chars: int
    created_at: datetime
    page: str
    text: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came from the web into a file. `url` is where it was in the end; type and charset are as declared."""

    url: str
    media_type: str
    charset: str | None
    language: str | None
