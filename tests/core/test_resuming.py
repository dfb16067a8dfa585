"""The end of a resumable upload: whoever sent the last byte is told which file it has become."""

import threading
from pathlib import Path

from mediatheque import app as composition
from mediatheque.core.arrivals import Wishes
from mediatheque.surfaces.openai import TERMS
from tests.parts import opened

UPLOADS = 50


def test_a_worker_in_search_of_work_does_not_come_between_the_last_byte_and_the_file(tmp_path: Path) -> None:
    with opened(tmp_path) as whole:
        arrivals = composition.make_arrivals(whole.parts, whole.library.intake)
        is_over = threading.Event()

        def search() -> None:
            while not is_over.is_set():
                arrivals.finish_next()

        worker = threading.Thread(target=search)
        worker.start()
        try:
            for number in range(UPLOADS):
                data = f"text {number}".encode()
                made = whole.library.resuming.create(
                    whole.actor, TERMS, Wishes(), filename=f"{number}.txt", size_bytes=len(data)
                )
                writing = whole.library.resuming.begin(whole.actor, made.uuid, 0)
                writing.write(data)
                assert writing.end().asset_uuid is not None
        finally:
            is_over.set()
            worker.join()
