"""What every skill of plugins.py promises (`ports.Skill`): named steps, and a second run that changes nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mediatheque import plugins
from mediatheque.app import load
from mediatheque.core.planning import MANUAL, Wanted
from mediatheque.model import Asset, Queue, RunState, State, Terms, Variant
from mediatheque.ports import Skill
from mediatheque.records import assets, runs
from tests.contracts.samples import FILES
from tests.contracts.test_kinds import name_of
from tests.parts import Whole, findings_of, opened
from tests.support import wait_for

INSTALLED: tuple[Skill, ...] = load(plugins.SKILLS)
CASES = [(skill, kind, media_type) for skill in INSTALLED for kind in sorted(skill.kinds) for media_type in FILES[kind]]
LONGEST_NAME = 64
PARAMETERS = {"format-convert": {"TargetFormat": "webp"}}
REWRITING = frozenset({"watermark", "format-convert", "crawl"})
"""Skills whose second run starts from what the first one wrote (lossy formats and marks on marks differ), or keeps
a snapshot of its own."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with opened(tmp_path_factory.mktemp("library")) as it, it.working():
        yield it


@pytest.mark.parametrize("skill", INSTALLED, ids=lambda it: it.name)
def test_a_skill_says_what_it_does(skill: Skill) -> None:
    assert skill.description
    assert skill.version >= 1
    assert skill.queue in Queue
    assert skill.kinds <= {kind.name for kind in load(plugins.KINDS)}
    assert 0 < len(skill.name) <= LONGEST_NAME


@pytest.mark.parametrize("skill", INSTALLED, ids=lambda it: it.name)
def test_its_steps_have_names_of_their_own(skill: Skill) -> None:
    names = [step.name for step in skill.steps]
    assert names
    assert len(names) == len(set(names))
    assert max(map(len, names)) <= LONGEST_NAME


def test_no_two_skills_share_a_name() -> None:
    assert len({skill.name for skill in INSTALLED}) == len(INSTALLED)


@pytest.mark.parametrize(("skill", "kind", "media_type"), CASES, ids=lambda it: getattr(it, "name", it))
def test_a_second_run_leaves_what_the_first_one_made(whole: Whole, skill: Skill, kind: str, media_type: str) -> None:
    terms = Terms("contract", frozenset({media_type}), 1 << 20, is_public=True, kinds=frozenset({kind}))
    it = whole.upload(terms, name_of(media_type), FILES[kind][media_type]())
    first = results(whole, run_again(whole, it, skill))
    assert any(first) or skill.on_texts  # what these find lies elsewhere
    second = run_again(whole, it, skill)
    if skill.name not in REWRITING:
        assert results(whole, second) == first
    assert second.state == State.READY
    assert objects_of(whole, second) >= {made.key for made in variants(whole, second)}


def run_again(whole: Whole, it: Asset, skill: Skill) -> Asset:
    """The asset when the skill has run once more and nothing is left to do."""
    with whole.parts.database.write() as tx:
        whole.parts.pipeline.planner.enqueue(tx, it, [Wanted(skill, PARAMETERS.get(skill.name, {}))], MANUAL)
    whole.parts.pipeline.announce()
    wait_for(whole.is_idle, "the run", 60)
    with whole.parts.database.read() as tx:
        after = assets.asset_with(tx, it.uuid, it.tenant_id)
        assert after is not None
        latest = runs.latest(tx, it.id)
    assert latest is None or latest.state == RunState.SUCCEEDED, latest
    return after


def results(whole: Whole, it: Asset) -> tuple[dict[str, str], dict[str, object]]:
    """Hashes of the variants by name, and the findings by kind."""
    return {made.name: made.sha256 for made in variants(whole, it)}, findings_of(whole, it.uuid)


def variants(whole: Whole, it: Asset) -> list[Variant]:
    with whole.parts.database.read() as tx:
        return assets.variants_of(tx, it.blob.id)


def objects_of(whole: Whole, it: Asset) -> set[str]:
    folder = Path("variants", str(whole.actor.tenant_uuid), str(it.blob.uuid))
    return {found.key for found in whole.parts.store.list(f"{folder}/")}
