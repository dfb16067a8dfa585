"""`/v3/images` and `/i/{id}`, as a client of ScaiSend sees them (contract, 1)."""

from tests.conftest import Tenant
from tests.pictures import picture, size_of


def test_an_uploaded_image_answers_exactly_the_thirteen_keys(tenant: Tenant) -> None:
    answer = tenant.client.post("/v3/images", files={"file": ("company-logo.jpg", picture("JPEG"), "image/jpeg")})
    assert answer.status_code == 201
    assert list(answer.json()) == [
        "id", "filename", "original_filename", "content_type", "size", "width", "height", "url", "thumbnail_url",
        "alt_text", "folder", "created_at", "updated_at",
    ]  # fmt: skip


def test_its_variants_are_there_within_two_seconds(tenant: Tenant) -> None:
    image = tenant.client.post("/v3/images", files={"file": ("photo.jpg", picture("JPEG", 2000, 1500))}).json()
    answer = tenant.client.get(image["thumbnail_url"])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert size_of(answer.content) == (256, 192)
