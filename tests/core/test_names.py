"""What becomes of the names that clients give their files, whatever they are (safety, D1 and D2)."""

import re
import unicodedata
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from mediatheque.core.names import base_name, key_name, safe_name
from mediatheque.stores.local import LocalStore
from tests.names import NASTY

EXTENSIONS = (".jpg", ".png", ".gif", ".webp", ".heic", ".avif")
ANY_NAME = st.text(st.characters(), max_size=600) | st.lists(
    st.sampled_from(
        ["/", "\\", ".", "..", " ", "\0", "\r\n", '"', ";", "%2f", "\u202e", "\ud800", "a", ".png", "é", "🙂"]
    )
).map("".join)
KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,79}")
UNSAFE = set('<>:"|?*%#&/\\')


@given(name=ANY_NAME)
@example(name="\ud800" * 300)
def test_a_base_name_is_one_short_line_that_every_database_can_hold(name: str) -> None:
    kept = base_name(name)
    assert len(kept) <= 255
    assert not set(kept) & set("/\\")
    assert not {unicodedata.category(char) for char in kept} & {"Cc", "Cs"}
    assert kept.encode().decode() == kept
    assert kept == kept.lstrip()


@given(name=ANY_NAME, extension=st.sampled_from(EXTENSIONS))
def test_a_safe_name_has_a_stem_and_the_extension_of_what_was_found(name: str, extension: str) -> None:
    safe = safe_name(name, extension)
    aliases = {".jpg": ".jpeg", ".heic": ".heif"}
    assert safe.lower().endswith((extension, aliases.get(extension, extension)))
    assert len(extension) < len(safe) <= 255
    assert not set(safe) & UNSAFE
    assert not {unicodedata.category(char) for char in safe} & {"Cc", "Cs"}
    assert not safe.startswith((".", " "))
    assert safe_name(safe, extension) == safe


@given(name=ANY_NAME, extension=st.sampled_from(EXTENSIONS))
def test_the_name_in_a_key_is_plain_and_leads_nowhere(name: str, extension: str) -> None:
    for key in (key_name(name), key_name(safe_name(name, extension))):
        assert KEY.fullmatch(key), key


def test_no_name_leads_out_of_the_store(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    for name in NASTY:
        path = store.path(f"uploads/t/b/{key_name(name)}")
        assert path is not None
        assert path.resolve().parent == (tmp_path / "store" / "uploads" / "t" / "b").resolve()
