"""Pictures like a picture: nearly the same ones by their hashes, then those that a model sees alike."""

import io

import httpx
import pytest
from PIL import Image, ImageOps

from tests.conftest import Tenant
from tests.pictures import picture
from tests.support import Server, wait_for
from tests.surfaces.files.conftest import FILES
from tests.surfaces.files.doors import streamed
from tests.understanding.conftest import corpus_file, needs, understood

PHOTO, OTHER = "images/misc/hibiscus.regular.jpeg", "images/gps/iphone4_gps.jpg"


def saved(image: Image.Image, form: str = "JPEG") -> bytes:
    file = io.BytesIO()
    image.convert("RGB").save(file, form)
    return file.getvalue()


def photo(name: str = PHOTO) -> Image.Image:
    image = Image.open(io.BytesIO(corpus_file(name)))
    image.thumbnail((900, 900))
    return image


@pytest.fixture(scope="module")
def album(seer: Server) -> dict[str, str]:
    """Ids of a photo, of changes of it, and of another."""
    one = photo()
    width, height = one.size
    sent = {
        "photo": one,
        "smaller": one.resize((width // 2, height // 2)),
        "part": one.crop((width // 5, height // 6, width, height * 5 // 6)),
        "mirrored": ImageOps.mirror(one),
        "other": photo(OTHER),
    }
    with seer.client() as client:
        ids = {name: understood(client, saved(it), f"{name}.jpg")["id"] for name, it in sent.items()}
        wait_for(lambda: looked_at(client) >= len(sent), "the vectors", 90)
        wait_for(lambda: seen(client, ids["photo"]) >= {ids["part"], ids["mirrored"]}, "the likenesses", 30)
    return ids


def looked_at(client: httpx.Client) -> float:
    """How many pictures have been seen, as the metrics tell."""
    lines = client.get("/metrics").text.splitlines()
    told = [it for it in lines if it.startswith("mediatheque_embedded_files") and "looks:" in it]
    return sum(float(it.rpartition(" ")[2]) for it in told)


def alike(client: httpx.Client, file_id: str) -> list[dict[str, object]]:
    answer = client.get(f"{FILES}/{file_id}/look-alikes")
    assert answer.status_code == 200, answer.text
    return list(answer.json()["files"])


def seen(client: httpx.Client, file_id: str) -> set[object]:
    return {it["id"] for it in alike(client, file_id)}


@needs("vision")
def test_those_that_are_nearly_the_same_come_first(client: httpx.Client, album: dict[str, str]) -> None:
    first, *others = alike(client, album["photo"])
    assert first["id"] == album["smaller"] and first["distance"] in range(7) and float(str(first["similarity"])) > 0.9
    assert {it["id"] for it in others} == {album["part"], album["mirrored"]}
    assert all(it["distance"] is None and 0.65 <= float(str(it["similarity"])) <= 1 for it in others)


@needs("vision")
def test_more_like_this_finds_pictures_by_their_looks(client: httpx.Client, album: dict[str, str]) -> None:
    answer = client.get(f"{FILES}/{album['part']}/similar").json()
    fields = {file["id"]: {match["field"] for match in file["matches"]} for file in answer["files"]}
    assert "picture" in fields[album["photo"]] and "picture" in fields[album["mirrored"]]
    assert "picture" not in fields.get(album["other"], set())
    (looks,) = [it for it in answer["files"][0]["matches"] if it["field"] == "picture"]
    assert (looks["matched_by"], looks["snippet"], looks["chunk_index"]) == ("semantic", "", None)


@needs("vision")
def test_what_is_in_the_trash_looks_like_nothing(client: httpx.Client, album: dict[str, str]) -> None:
    client.delete(f"{FILES}/{album['smaller']}")
    assert album["smaller"] not in seen(client, album["photo"])
    client.post(f"{FILES}/{album['smaller']}/restore")
    assert album["smaller"] in seen(client, album["photo"])


@needs("vision")
def test_metrics_tell_how_many_pictures_have_been_seen(client: httpx.Client, album: dict[str, str]) -> None:
    wait_for(lambda: looked_at(client) >= len(album), "all of them, one of which was in the trash")


def test_without_models_hashes_alone_tell(tenant: Tenant) -> None:
    one = Image.open(io.BytesIO(picture("PNG", 300, 200, seed=11)))
    ids = [streamed(tenant.client, saved(it), "a.jpg")["image_id"] for it in (one, one.resize((150, 100)))]
    wait_for(lambda: bool(seen(tenant.client, ids[0])), "the hashes", 60)
    (found,) = alike(tenant.client, ids[0])
    assert (found["id"], found["similarity"]) == (ids[1], None)
    answer = tenant.client.get(f"{FILES}/{ids[0]}/similar").json()
    assert (answer["files"], bool(answer["note"])) == ([], True)
