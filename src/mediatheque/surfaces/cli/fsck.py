"""`mediatheque fsck`: hold database and storage against each other, also while the server runs."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from mediatheque.model import SAMPLE_PERCENT
from mediatheque.surfaces.cli.options import Json

if TYPE_CHECKING:
    from mediatheque.core.fsck import Fsck, Report


def command(open_fsck: "Callable[[], Fsck]") -> Callable[..., None]:
    """The command, over a library that is opened when it runs."""

    def fsck(
        repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
        grace: Annotated[float, typer.Option(min=0, help="Minutes: younger objects may be uploads under way.")] = 15,
        read_data: Annotated[bool, typer.Option("--read-data", help="Hold every object against its hash.")] = False,
        read_data_sample: Annotated[
            float, typer.Option(min=0, max=100, help="Percent of the objects to hold against their hashes.")
        ] = SAMPLE_PERCENT,
        as_json: Json = False,
    ) -> None:
        """Check that every row has its bytes and every object its row; exits 1 when something is wrong."""
        checker = open_fsck()
        look = checker.repair if repair else checker.check
        report = look(grace=timedelta(minutes=grace), sample_percent=100 if read_data else read_data_sample)
        typer.echo(json.dumps(report.as_json()) if as_json else _text(report))
        raise typer.Exit(0 if report.is_clean else 1)

    return fsck


def _text(report: "Report") -> str:
    lines = [f"{report.assets} assets, {report.objects} objects"]
    for name, entries in report.as_json().items():
        if isinstance(entries, list):
            lines += [f"{name.replace('_', ' ')}: {entry}" for entry in entries]
    return "\n".join(lines if len(lines) > 1 else [*lines, "clean"])
