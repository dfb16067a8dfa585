"""The server's own secrets, with which it signs and seals: configured, or made once and kept in the data folder."""

import os
import secrets
from pathlib import Path

from mediatheque.settings import Settings

SECRET_CHARS = 16
"""The least that counts as a secret of its own where several are given."""


def own_secrets(settings: Settings) -> tuple[str, ...]:
    """The configured secrets, or those kept in the data folder, made at first start.

    A phrase with short words is one secret: its words alone could be guessed.
    """
    if settings.secret:
        words = settings.secret.split()
        return tuple(words) if all(len(word) >= SECRET_CHARS for word in words) else (settings.secret,)
    kept = kept_secret(settings)
    if not kept.exists():
        _keep(kept)
    return tuple(kept.read_text().split())


def kept_secret(settings: Settings) -> Path:
    """Where the secret is kept that the server made itself."""
    return settings.data_dir / "secret"


def _keep(kept: Path) -> None:
    """Whole or not at all, and the first of several processes wins."""
    draft = kept.with_name(f".secret-{os.getpid()}")
    draft.write_text(secrets.token_urlsafe(48) + "\n")
    draft.chmod(0o600)
    try:
        kept.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
