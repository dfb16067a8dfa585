"""SIGKILL at random moments, of single processes and of the whole tree, while clients upload (F1, F2, F3)."""

from tests.faults.site import Site
from tests.faults.storm import storm


def test_kills_at_random_moments_lose_nothing(deployment: Site) -> None:
    figures = storm(deployment, 6, uploads=250)
    assert figures.kills.total() == 6
    assert figures.acknowledged >= 250
