"""What only the command line does with a whole library, put together: copies of it, and moves of its bytes."""

from pathlib import Path
from typing import TYPE_CHECKING

from mediatheque import outfit
from mediatheque.app import make_fsck, open_parts
from mediatheque.core.sealing import Sealer
from mediatheque.keyring import kept_secret, own_secrets
from mediatheque.parts import Parts
from mediatheque.settings import Settings, SettingsError, setting

if TYPE_CHECKING:
    from mediatheque.core.backup import Backup
    from mediatheque.core.erasing import Erasing
    from mediatheque.core.policies import Policies
    from mediatheque.core.relocating import Relocating
    from mediatheque.core.restoring import Restoring
    from mediatheque.core.transfer import Transfer


def make_backup(parts: Parts) -> "Backup":
    from mediatheque.core.backup import Backup

    sealer = Sealer(own_secrets(parts.settings))
    return Backup(parts.database, parts.pipeline.stores, sealer, kept_secret(parts.settings))


def make_restoring(settings: Settings, backup: Path) -> "Restoring":
    """On a machine on which nothing is yet: its secret is that of the backup, unless one is configured."""
    from mediatheque.core.restoring import Restoring, keep_secret

    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        if not settings.secret:
            keep_secret(backup, kept_secret(settings))
    except OSError as error:
        raise SettingsError(f"{setting('data_dir', settings.data_dir)}: {error.strerror}") from error
    parts = open_parts(settings, decoders=1)
    sealer = Sealer(own_secrets(settings))
    return Restoring(parts.database, parts.pipeline, sealer, make_fsck(parts), settings.data_dir / "restoring")


def make_transfer(parts: Parts) -> "Transfer":
    from mediatheque.core.transfer import Transfer

    return Transfer(parts.database, parts.pipeline)


def make_erasing(parts: Parts) -> "Erasing":
    return outfit.make_erasing(parts)


def make_policies(parts: Parts) -> "Policies":
    from mediatheque.core.policies import Policies

    return Policies(parts.database)


def make_relocating(parts: Parts) -> "Relocating":
    from mediatheque.core.relocating import Relocating

    return Relocating(parts.database, parts.pipeline.stores)
