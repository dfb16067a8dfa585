"""Writes the table of settings in docs/operations.md from settings.py; `--check` only says whether it is stale."""

import re
import sys
from pathlib import Path

from mediatheque.settings import PREFIX, Settings

PAGE = Path(__file__).parent / "operations.md"
TABLE = re.compile(r"(?<=<!-- settings -->\n).*?(?=<!-- end of settings -->)", re.DOTALL)


def main() -> None:
    page = PAGE.read_text()
    wanted = TABLE.sub(lambda _: table(), page)
    if "--check" not in sys.argv:
        PAGE.write_text(wanted)
    elif page != wanted:
        sys.exit("docs/operations.md is older than settings.py: run `make docs`")


def table() -> str:
    rows = ["| Variable | Default | Meaning |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        default = "" if field.default_factory or field.default in ("", ()) else f"`{field.default}`"
        rows.append(f"| `{PREFIX}{name.upper()}` | {default} | {field.description} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    main()
