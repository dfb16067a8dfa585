"""The walls that `lint-imports` does not see, because they follow from the list of plug-ins."""

from functools import cache
from pathlib import Path

import grimp
import pytest

from mediatheque import plugins

SHARED = "mediatheque.surfaces.signed"
"""Serves what the others hand out signed URLs of: the one surface that others may import (decision record 0009)."""

SURFACES = tuple(name.partition(":")[0] for name in plugins.SURFACES)


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("mediatheque")


def family(module: str) -> set[str]:
    return {module, *graph().find_descendants(module)}


@pytest.mark.parametrize("surface", SURFACES)
def test_no_surface_knows_another(surface: str) -> None:
    own = family(surface)
    known = {imported for module in own for imported in graph().find_modules_directly_imported_by(module)}
    others = {module for other in SURFACES if other not in {surface, SHARED} for module in family(other)}
    assert known & others == set()


def test_the_toolbox_of_the_surfaces_knows_none_of_them() -> None:
    toolbox = graph().find_children("mediatheque.surfaces") - set(SURFACES)
    for module in toolbox:
        for surface in SURFACES:
            assert not graph().find_modules_directly_imported_by(module) & family(surface)


def test_every_plug_in_is_a_line_of_its_own_place() -> None:
    for group, folder in (("SURFACES", "surfaces"), ("STORES", "stores"), ("KINDS", "kinds"), ("SKILLS", "skills")):
        for name in getattr(plugins, group):
            module, _, variable = name.partition(":")
            assert module.startswith(f"mediatheque.{folder}.")
            assert variable == group.removesuffix("S")


def test_no_file_of_the_package_is_longer_than_people_read() -> None:
    package = Path(plugins.__file__).parent
    long = {it.name: it.read_text().count("\n") for it in package.rglob("*.py") if "versions" not in it.parts}
    assert {name: lines for name, lines in long.items() if lines > 350} == {}
