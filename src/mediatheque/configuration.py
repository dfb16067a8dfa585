"""What `mediatheque config` shows: every setting as it holds here, without secrets, and where it comes from."""

import os
from typing import Any

from mediatheque.settings import PREFIX, SECRETS, Settings, setting

CLIENT = ("URL", "API_KEY", "ROOM", "JSON", "STATE_DIR")
"""Variables that commands read, and the server does not."""


def effective(settings: Settings) -> list[dict[str, Any]]:
    """`name`, `value` as text, and `source`: `environment`, `default`, or `data folder` for what is kept there."""
    rows = [_row(settings, name) for name in Settings.model_fields]
    for name in CLIENT:
        value = os.environ.get(f"{PREFIX}{name}")
        if value:
            shown = "(hidden)" if name == "API_KEY" else value
            rows.append({"name": f"{PREFIX}{name}", "value": shown, "source": "environment"})
    return rows


def _row(settings: Settings, name: str) -> dict[str, Any]:
    variable, value = f"{PREFIX}{name.upper()}", getattr(settings, name)
    is_kept = name == "secret" and not value and (settings.data_dir / "secret").exists()
    source = "environment" if _is_given(variable) else "data folder" if is_kept else "default"
    if is_kept:
        return {"name": variable, "value": "(hidden)", "source": source}
    if value in ("", (), None):
        return {"name": variable, "value": "", "source": source}
    if name in SECRETS:
        return {"name": variable, "value": "(hidden)", "source": source}
    text = ", ".join(map(str, value)) if isinstance(value, tuple) else value
    return {"name": variable, "value": setting(name, text).partition("=")[2].strip("'"), "source": source}


def _is_given(variable: str) -> bool:
    return any(name.upper() == variable and value for name, value in os.environ.items())
