"""`PATCH`, comparisons and exports: what goes beyond the reference."""

import difflib
import subprocess
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.surfaces.artifacts.conftest import Place, data, refused

CONTENT = "# Plan\n\n- one\n- two\n- two\n"


def patch(place: Place, artifact_id: str, *edits: tuple[str, str], **more: Any) -> Any:
    body = {"edits": [{"old_text": old, "new_text": new} for old, new in edits]} | more
    return place.client.patch(f"{place.path}/{artifact_id}", json=body)


def test_edits_are_made_one_after_another(place: Place) -> None:
    artifact_id = place.create(CONTENT)
    answer = patch(place, artifact_id, ("one", "1"), ("- 1", "- uno"), ("# Plan", "# Pläne"), title="Pläne")
    it = data(answer)
    assert (it["content"], it["title"], it["version"]) == ("# Pläne\n\n- uno\n- two\n- two\n", "Pläne", 2)
    assert answer.headers["etag"] == '"2"'
    everywhere = {"edits": [{"old_text": "two", "new_text": "2", "replace_all": True}]}
    answer = place.client.patch(f"{place.path}/{artifact_id}", json=everywhere)
    assert data(answer)["content"].count("- 2") == 2


@pytest.mark.parametrize(
    ("edits", "status", "code"),
    [
        ([("one", "1"), ("three", "3")], 409, "SW_EDIT_NOT_FOUND"),
        ([("one", "1"), ("two", "2")], 409, "SW_EDIT_AMBIGUOUS"),
        ([("one", "1"), ("one", "1")], 409, "SW_EDIT_NOT_FOUND"),
        ([("", "1")], 422, "SW_VALIDATION_ERROR"),
        ([], 422, "SW_VALIDATION_ERROR"),
        ([("one", "\x00")], 422, "SW_VALIDATION_ERROR"),
        ([("one", "x" * (10 << 20))], 413, "SW_CONTENT_TOO_LARGE"),
    ],
)
def test_all_edits_or_none(place: Place, edits: list[tuple[str, str]], status: int, code: str) -> None:
    artifact_id = place.create(CONTENT)
    error = refused(patch(place, artifact_id, *edits), status, code)
    if status == 409:
        assert f"edits[{len(edits) - 1}]" in error["message"]
    assert (place.read(artifact_id)["content"], place.read(artifact_id)["version"]) == (CONTENT, 1)


def test_two_versions_are_compared_by_lines_and_words(place: Place) -> None:
    artifact_id = place.create("alpha\nthe quick fox\nomega\n")
    place.put(artifact_id, content="alpha\nthe slow fox\nomega\npsi")
    it = data(place.client.get(f"{place.path}/{artifact_id}/versions/1..2/diff"))
    assert (it["from_version"], it["to_version"], it["added_lines"], it["removed_lines"]) == (1, 2, 2, 1)
    assert it["unified"].splitlines() == [
        "--- version 1", "+++ version 2", "@@ -1,3 +1,4 @@", " alpha", "-the quick fox", "+the slow fox", " omega",
        "+psi", "\\ No newline at end of file",
    ]  # fmt: skip
    assert it["hunks"][0] == {
        "from_line": 2, "to_line": 2,
        "pieces": [
            {"op": "equal", "text": "the "}, {"op": "delete", "text": "quick"}, {"op": "insert", "text": "slow"},
            {"op": "equal", "text": " fox\n"},
        ],
    }  # fmt: skip
    backwards = data(place.client.get(f"{place.path}/{artifact_id}/versions/2..1/diff"))
    assert (backwards["added_lines"], backwards["removed_lines"]) == (1, 2)
    same = data(place.client.get(f"{place.path}/{artifact_id}/versions/2..2/diff"))
    assert (same["unified"], same["hunks"]) == ("", [])
    missing = place.client.get(f"{place.path}/{artifact_id}/versions/1..3/diff")
    refused(missing, 404, "SW_ARTIFACT_VERSION_NOT_FOUND")
    refused(place.client.get(f"{place.path}/{artifact_id}/versions/1..x/diff"), 422, "SW_VALIDATION_ERROR")


def test_the_unified_text_is_a_patch(place: Place, tmp_path: Path) -> None:
    dice = Random(7)
    lines = [f"line {dice.random()}" for _ in range(300)]
    before = "\n".join(lines) + "\n"
    for at in sorted(dice.sample(range(300), 25), reverse=True):
        lines[at : at + dice.randrange(3)] = [f"new {dice.random()}" for _ in range(dice.randrange(3))]
    after = "\n".join(lines)
    artifact_id = place.create(before)
    place.put(artifact_id, content=after)
    answer = place.client.get(f"{place.path}/{artifact_id}/versions/1..2/diff", params={"format": "unified"})
    assert answer.headers["content-type"].startswith("text/plain")
    (tmp_path / "document").write_text(before)
    command = ["patch", "--quiet", str(tmp_path / "document")]
    subprocess.run(command, input=answer.content, check=True)
    assert (tmp_path / "document").read_text() == after
    told = list(difflib.unified_diff(before.splitlines(), after.splitlines(), n=3, lineterm=""))
    assert len(answer.text.splitlines()) <= len(told) * 2


def test_texts_that_have_little_in_common_are_compared_in_time(place: Place) -> None:
    dice = Random(1)
    before, after = ("".join(f"{dice.choice('ab')}\n" for _ in range(60_000)) for _ in range(2))
    artifact_id = place.create(before)
    place.put(artifact_id, content=after)
    it = data(place.client.get(f"{place.path}/{artifact_id}/versions/1..2/diff"))
    assert it["added_lines"] == it["removed_lines"] > 0


@pytest.mark.parametrize(
    ("kind", "language", "name", "media_type"),
    [
        ("markdown", None, "My plan 2_ a_b.md", "text/markdown; charset=utf-8"),
        ("json", None, "My plan 2_ a_b.json", "application/json"),
        ("code", "python", "My plan 2_ a_b.py", "text/plain; charset=utf-8"),
        ("code", "html", "My plan 2_ a_b.html", "text/plain; charset=utf-8"),
    ],
)
def test_an_export_is_a_file_to_save(place: Place, kind: str, language: str | None, name: str, media_type: str) -> None:
    artifact_id = place.create("<script>é</script>", "My plan 2: a/b", kind=kind, language=language)
    place.put(artifact_id, content="second")
    answer = place.client.get(f"{place.path}/{artifact_id}/export", params={"version": 1})
    assert answer.content.decode() == "<script>é</script>"
    assert answer.headers["content-type"] == media_type
    assert answer.headers["content-disposition"].startswith(f'attachment; filename="{name}"')
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert place.client.get(f"{place.path}/{artifact_id}/export").text == "second"
