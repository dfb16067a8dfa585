"""What `upload` remembers of files, over kills and changes."""

from pathlib import Path

import pytest

from mediatheque.surfaces.cli.journal import Journal, Seen


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDIATHEQUE_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "it.txt").write_text("it")
    return tmp_path / "it.txt"


def noted(file: Path, **more: str) -> None:
    stat = file.stat()
    Journal("http://here", "key").keep(file, Seen(stat.st_size, stat.st_mtime_ns, **more))


def test_a_note_is_there_in_the_next_run_and_for_that_server_alone(file: Path) -> None:
    noted(file, sha256="abc", upload_id="u")
    assert Journal("http://here", "key").of(file, file.stat()).upload_id == "u"
    assert Journal("http://there", "key").of(file, file.stat()).sha256 is None


def test_a_changed_file_is_a_new_one(file: Path) -> None:
    noted(file, sha256="abc")
    file.write_text("it has changed")
    assert Journal("http://here", "key").of(file, file.stat()).sha256 is None


def test_a_line_that_a_kill_cut_short_costs_no_other(file: Path) -> None:
    noted(file, sha256="before")
    (kept,) = (file.parent / "state").iterdir()
    with kept.open("a") as journal:
        journal.write('\n{"path": "/somewhere", "size_by')
    assert Journal("http://here", "key").of(file, file.stat()).sha256 == "before"
    noted(file, sha256="after")
    assert Journal("http://here", "key").of(file, file.stat()).sha256 == "after"
