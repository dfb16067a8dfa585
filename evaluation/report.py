"""The tables of docs/understanding.md, each between two marks of its name."""

from datetime import date
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "understanding.md"


def write(name: str, table: str) -> None:
    """Put a table into its place, with the day on which it was measured."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, _, rest = PAGE.read_text().partition(start)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{start}\n\nMeasured on {date.today():%d %B %Y}.\n\n{table}\n\n{end}{after}")
