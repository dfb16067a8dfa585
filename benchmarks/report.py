"""What was measured: figures beside their limits and goals, as a table for people and as JSON."""

import json
import operator
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Goal:
    """`relation` `>=` or `<=`; `of` says whether it is held against the figure itself or its share of the limit."""

    relation: str
    target: float
    of: str = "value"

    def is_met_by(self, figure: "Figure") -> bool:
        compare = {">=": operator.ge, "<=": operator.le}[self.relation]
        measured = figure.value if self.of == "value" else figure.ratio
        return measured is not None and compare(measured, self.target)

    def __str__(self) -> str:
        sign = {">=": "≥", "<=": "≤"}[self.relation]
        return f"{sign} {self.target:g}" + (" of limit" if self.of == "ratio" else "")


@dataclass(frozen=True)
class Figure:
    """One measured value, and what the machine's own best was in the same run."""

    work: str
    value: float
    unit: str
    limit: float | None = None
    limit_name: str = ""
    goal: Goal | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.limit if self.limit else None

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        return "met" if self.goal.is_met_by(self) else "MISSED"


def at_least(target: float, *, of: str = "value") -> Goal:
    return Goal(">=", target, of)


def at_most(target: float, *, of: str = "value") -> Goal:
    return Goal("<=", target, of)


def interleaved(rounds: int, **contenders: Callable[[], float]) -> dict[str, float]:
    """Run the contenders in turn, `rounds` times over; the median of each."""
    seen: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            seen[name].append(run())
    return {name: statistics.median(values) for name, values in seen.items()}


def percentile(values: Iterable[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def show(figures: Sequence[Figure], machine: str, notes: Sequence[str]) -> None:
    table = Table(title=machine, title_justify="left")
    for name in ("work", "figure", "limit", "ratio", "goal", ""):
        table.add_column(name, justify="left" if name in {"work", "goal", ""} else "right")
    for figure in figures:
        limit = "" if figure.limit is None else f"{number(figure.limit)} ({figure.limit_name})"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        work = figure.work + (f" [dim]({figure.note})[/dim]" if figure.note else "")
        table.add_row(
            work, f"{number(figure.value)} {figure.unit}", limit, ratio, str(figure.goal or ""), figure.verdict
        )
    console = Console(width=None if Console().is_terminal else 150)
    console.print(table)
    for note in notes:
        console.print(note)


def save(figures: Sequence[Figure], machine: str, file: Path) -> None:
    rows = [asdict(figure) | {"ratio": figure.ratio, "verdict": figure.verdict} for figure in figures]
    file.write_text(json.dumps({"machine": machine, "figures": rows}, indent=1) + "\n")


def number(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.2f}" if value >= 1 else f"{value:.3f}"
