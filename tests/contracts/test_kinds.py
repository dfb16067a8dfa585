"""What every kind of plugins.py promises (`ports.Kind`): it knows its own files, and only those."""

import mimetypes
from collections.abc import Iterator
from pathlib import Path

import pytest

from mediatheque import plugins
from mediatheque.app import load
from mediatheque.core.probing import Probing
from mediatheque.decoder import Decoders
from mediatheque.errors import Malformed, Unsupported
from mediatheque.ports import Kind
from mediatheque.records.search import KINDS
from tests.contracts.samples import BREAKABLE, FILES, FOREIGN

INSTALLED = load(plugins.KINDS)
OWN = [(kind, media_type) for kind in INSTALLED for media_type in FILES[kind.name]]


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    pool = Decoders(1)
    yield pool
    pool.close()


def name_of(media_type: str) -> str:
    return f"upload{mimetypes.guess_extension(media_type) or ''}"


def written(folder: Path, data: bytes) -> Path:
    file = folder / "upload"
    file.write_bytes(data)
    return file


@pytest.mark.parametrize(("kind", "media_type"), OWN, ids=lambda it: getattr(it, "name", it))
def test_its_own_files_are_recognised_with_all_their_facts(
    kind: Kind, media_type: str, decoders: Decoders, tmp_path: Path
) -> None:
    facts = Probing([kind], decoders).facts(written(tmp_path, FILES[kind.name][media_type]()), name_of(media_type))
    assert facts.media_type == media_type
    assert facts.media_type in kind.media_types
    assert facts.kind == kind.name
    assert facts.extension.startswith(".")
    assert facts.frames >= 1
    if kind.name in {"image", "video"}:
        assert (facts.width, facts.height) == (64, 48)


@pytest.mark.parametrize("kind", INSTALLED, ids=lambda it: it.name)
@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_bytes_are_left_to_others(kind: Kind, name: str, decoders: Decoders, tmp_path: Path) -> None:
    with pytest.raises(Unsupported):
        Probing([kind], decoders).facts(written(tmp_path, FOREIGN[name]))


@pytest.mark.parametrize(("kind", "media_type"), OWN, ids=lambda it: getattr(it, "name", it))
def test_a_file_of_another_kind_is_left_to_that_kind(
    kind: Kind, media_type: str, decoders: Decoders, tmp_path: Path
) -> None:
    file = written(tmp_path, FILES[kind.name][media_type]())
    for other in INSTALLED:
        if other is not kind:
            with pytest.raises(Unsupported):
                Probing([other], decoders).facts(file)


@pytest.mark.parametrize(
    ("kind", "media_type"), [it for it in OWN if it[1] in BREAKABLE], ids=lambda it: getattr(it, "name", it)
)
def test_half_a_file_is_refused(kind: Kind, media_type: str, decoders: Decoders, tmp_path: Path) -> None:
    data = FILES[kind.name][media_type]()
    with pytest.raises(Malformed):
        Probing([kind], decoders).facts(written(tmp_path, data[: len(data) // 2]))


@pytest.mark.parametrize("kind", INSTALLED, ids=lambda it: it.name)
def test_a_kind_is_one_that_lists_and_searches_know(kind: Kind) -> None:
    assert kind.name in KINDS
    assert kind.media_types >= set(FILES[kind.name])


def test_no_two_kinds_claim_one_media_type() -> None:
    claimed = [media_type for kind in INSTALLED for media_type in kind.media_types]
    assert len(claimed) == len(set(claimed))
