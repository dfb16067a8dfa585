"""Which folder is a store, and which only the place where one is not mounted."""

from contextlib import suppress

from mediatheque.errors import NotFound, Unavailable
from mediatheque.ports import Markable, Store
from mediatheque.records import inventory
from mediatheque.records.engine import Database

LOOKED_FOR = 100


def mark(database: Database, store: Store) -> bool:
    """Have a store that needs a marker carry one, unless the database knows objects of it and none is to be found.

    Returns whether the store can be used; one without its marker cannot, until it is mounted.
    """
    if not isinstance(store, Markable) or store.is_marked():
        return True
    with database.read() as tx:
        known = inventory.keys_in(tx, store.name, LOOKED_FOR)
    if known and not any(_is_there(store, key) for key in known):
        return False
    store.mark()
    return True


def _is_there(store: Store, key: str) -> bool:
    with suppress(NotFound, Unavailable):
        store.size(key)
        return True
    return False
