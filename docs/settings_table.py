"""Writes the settings in docs/operations.md and deploy/settings.yaml from settings.py; `--check` only compares."""

import json
import re
import sys
from pathlib import Path

from mediatheque.settings import PREFIX, SECRETS, Settings

PAGE = Path(__file__).parent / "operations.md"
LIST = Path(__file__).parents[1] / "deploy" / "settings.yaml"
SECRET = (*SECRETS, "database_url")
TABLE = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- end of settings -->)", re.DOTALL)


def main() -> None:
    page = PAGE.read_text()
    wanted = TABLE.sub(lambda _: table(), page)
    if "--check" not in sys.argv:
        PAGE.write_text(wanted)
        LIST.write_text(listed())
    elif page != wanted or LIST.read_text() != listed():
        sys.exit("docs/operations.md or deploy/settings.yaml is older than settings.py: run `make docs`")


def table() -> str:
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in ("", ()) else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


def listed() -> str:
    """Every variable as YAML, for a ConfigMap and a Secret: its default, and what it means."""
    parts: dict[str, list[str]] = {"config": [], "secrets": []}
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in ("", ()) else str(field.default)
        line = f"  {PREFIX}{name.upper()}: {json.dumps(default)}  # {field.description}"
        parts["secrets" if name in SECRET else "config"].append(line)
    head = "# Made by `make docs`: every setting, for a Helm chart's ConfigMap and Secret. Empty: the default.\n"
    return head + "".join(f"{part}:\n" + "\n".join(lines) + "\n" for part, lines in parts.items())


if __name__ == "__main__":
    main()
