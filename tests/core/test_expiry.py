"""What is kept for a while only: erased when its time has come, in the trash or not."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from mediatheque import app as composition
from mediatheque.core.intake import Upload
from mediatheque.errors import Gone
from mediatheque.model import Asset
from mediatheque.records.tables import asset
from mediatheque.surfaces.openai import TERMS
from tests.parts import Whole, opened


def kept_for(whole: Whole, lifetime: timedelta | None) -> Asset:
    with whole.library.intake.stage(TERMS) as staged:
        staged.write(b"a text")
        return whole.library.intake.upload(whole.actor, TERMS, staged, Upload("a.txt", lifetime=lifetime))


def test_what_has_expired_is_erased_and_nothing_else(tmp_path: Path) -> None:
    with opened(tmp_path) as whole:
        hour = timedelta(hours=1)
        gone, thrown_away, later, always = (kept_for(whole, it) for it in (hour, hour, hour * 2, None))
        whole.library.trash.discard(whole.actor, thrown_away.uuid)
        with whole.parts.database.write() as tx:
            due = asset.c.uuid.in_([gone.uuid, thrown_away.uuid])
            tx.execute(update(asset).where(due).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
        composition.make_trash(whole.parts).expire()
        for it in (gone, thrown_away):
            with pytest.raises(Gone):
                whole.library.media.private(it.uuid, "original")
        for it in (later, always):
            assert whole.library.media.whole(whole.library.media.private(it.uuid, "original")) == b"a text"
        assert len([it for it in (tmp_path / "data" / "objects").rglob("*.txt") if it.is_file()]) == 2
