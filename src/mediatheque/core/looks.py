"""Pictures like a picture: first those whose perceptual hashes hardly differ, then those that a model sees alike."""

from base64 import b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from mediatheque.core.embedding import Meaning, active_model, amounts
from mediatheque.errors import NotFound
from mediatheque.model import Actor, Asset
from mediatheque.records import assets, likenesses, vectors
from mediatheque.records.engine import Database, Tx
from mediatheque.records.nearest import Near, Nearest
from mediatheque.skills.look import NAME

FIELD = "picture"
FLOOR = 0.65
"""Below this likeness two pictures have nothing to do with each other: of 21 photos that are in no evaluation and
seven changes of each, a thousandth of the strangers lay above, and a twelfth of the changes below."""
MAX_ALIKE = 100
KEPT_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Alike:
    """A picture like another. `distance` 0 to 6: bits in which their perceptual hashes differ, None for more;
    `similarity`: how like a model sees them, 1 for the same, None where it has not seen both."""

    asset: Asset
    distance: int | None
    similarity: float | None


class Looks:
    """One for each process, since it remembers vectors."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._nearest = Nearest(kept_bytes=KEPT_BYTES)

    def alike(self, actor: Actor, uuid: UUID) -> list[Alike]:
        """The tenant's pictures that look like this one, those that are nearly the same first; raises `NotFound`."""
        with self._database.read() as tx:
            it = assets.asset_with(tx, uuid, actor.tenant_id)
            if it is None:
                raise NotFound("File not found")
            bits = {one.asset_id: one.distance for one in likenesses.near(tx, actor.tenant_id, it.blob.id)}
            seen = {one.owner_id: round(one.similarity, 4) for one in self.near(tx, it, MAX_ALIKE)}
            ids = [*bits, *(one for one in seen if one not in bits)][:MAX_ALIKE]
            found = {other.id: other for other in assets.in_order(tx, actor.tenant_id, ids)}
            return [Alike(found[one], bits.get(one), seen.get(one)) for one in ids if one in found]

    def near(self, tx: Tx, it: Asset, limit: int, *, only: Sequence[int] | None = None) -> list[Near]:
        """At most `limit` of the tenant's other pictures that a model sees alike, the most like first."""
        model = active_model(vectors.models_of(tx, it.tenant_id, of_looks=True), NAME)
        own = vectors.of_asset(tx, it.tenant_id, it.id, model, 1) if model else []
        if not own or model is None:
            return []
        near = self._nearest.find(tx, it.tenant_id, model, amounts(own[0]), limit=limit + 1, floor=FLOOR, only=only)
        return [one for one in near if one.owner_id != it.id][:limit]


def of_picture(model: str, sha256: str, encoded: str) -> Meaning:
    """A picture's vector (float16, base64) as it is kept; the same bytes have the same."""
    row = {"field": FIELD, "position": 0, "digest": sha256[:32], "snippet": "", "page_numbers": None,
           "start_seconds": None, "amounts": b64decode(encoded)}  # fmt: skip
    return Meaning(model, [row])
