"""Half a minute of what `python -m tests.faults --cluster` does for ten."""

from pathlib import Path

import pytest

from tests.conftest import Postgres
from tests.faults.cluster import Cluster, endure
from tests.servers import seaweed


@pytest.mark.slow
def test_a_cluster_whose_processes_are_killed_loses_nothing(tmp_path: Path, postgres: Postgres) -> None:
    cluster = Cluster(tmp_path, postgres.create(), seaweed())
    try:
        cluster.start()
        figures = endure(cluster, 35)
    finally:
        cluster.close()
    assert figures.is_whole, str(figures)
    assert figures.kills["web"] >= 2
    assert figures.acknowledged > 5
