"""Runs in a decoder child: what a robots.txt says to us."""

from pathlib import Path
from typing import Any

from protego import Protego


def say(path: str, url: str, agent: str) -> dict[str, Any]:
    """`allowed`, `delay` in seconds or None."""
    rules = Protego.parse(Path(path).read_text(errors="replace"))
    return {"allowed": bool(rules.can_fetch(url, agent)), "delay": rules.crawl_delay(agent)}
