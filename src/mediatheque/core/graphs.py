"""A workflow's graph, as an editor of node diagrams saves it: which skills, in which order (contract, 8)."""

import json
from typing import Any

from mediatheque.core import names
from mediatheque.errors import Invalid

MAX_CHARS = 200_000
MAX_SKILLS = 50


def checked(text: str | None) -> str:
    """The graph as it came; raises `Invalid` unless it is a JSON object with at most MAX_SKILLS nodes and no loop."""
    if text is None or not text.strip():
        raise Invalid("A workflow has a graph", field=("graph",), kind="blank").about("workflow")
    if not _is_graph(text):
        raise Invalid("graphJson holds a JSON object", field=("graph",), kind="invalid").about("workflow")
    if len(skills_of(text)) > MAX_SKILLS:
        raise Invalid(f"A workflow has at most {MAX_SKILLS} skills", field=("graph",)).about("workflow")
    return text


def _is_graph(text: str) -> bool:
    try:
        graph = json.loads(text) if len(text) <= MAX_CHARS else None
    except (ValueError, RecursionError):
        return False
    return isinstance(graph, dict) and names.is_storable(text) and names.is_keepable(graph)


def skills_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """Names and parameters of the skills in the order of the edges; nodes that nothing orders stay as they lie."""
    graph = json.loads(text)
    nodes = [node for node in _list(graph.get("nodes")) if isinstance(node, dict)]
    edges = [(edge.get("source"), edge.get("target")) for edge in _list(graph.get("edges")) if isinstance(edge, dict)]
    found = [_skill(node) for node in _sorted(nodes, edges)]
    return [skill for skill in found if skill is not None]


def _skill(node: dict[str, Any]) -> tuple[str, dict[str, Any]] | None:
    data: Any = node.get("data")
    if not isinstance(data, dict):
        return None
    name = data.get("skillId")
    if not isinstance(name, str) or not name.strip():
        return None
    parameters = data.get("parameters")
    return name.strip(), parameters if isinstance(parameters, dict) else {}


def _sorted(nodes: list[dict[str, Any]], edges: list[tuple[Any, Any]]) -> list[dict[str, Any]]:
    """Each node behind all that point to it; the rest of a loop follows as it lies."""
    waiting: list[dict[str, Any]] = list(nodes)
    placed: list[dict[str, Any]] = []
    done: set[str] = set()
    known = {str(node.get("id")) for node in nodes}
    before: dict[str, set[str]] = {}
    for source, target in edges:
        if str(source) in known and source != target:
            before.setdefault(str(target), set()).add(str(source))
    while waiting:
        free = next((node for node in waiting if before.get(str(node.get("id")), set()) <= done), waiting[0])
        waiting.remove(free)
        placed.append(free)
        done.add(str(free.get("id")))
    return placed


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
