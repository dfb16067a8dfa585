"""What `mkdocs build` adds to the pages of docs/: every route of the API, the decisions, and `llms.txt` for models.

The routes are a page in words, and the OpenAPI document under the Swagger UI that the server has at `/docs`, too.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from swagger_ui_bundle import swagger_ui_path

HERE = Path(__file__).resolve().parent
METHODS = ("get", "head", "post", "put", "patch", "delete", "options")
TRIAL = """<!doctype html><html lang="en"><meta charset="utf-8"><title>API of Mediatheque</title>
<link rel="stylesheet" href="swagger-ui.css"><div id="all"></div><script src="swagger-ui-bundle.js"></script>
<script>SwaggerUIBundle({url: "openapi.json", dom_id: "#all", deepLinking: true, validatorUrl: null,
supportedSubmitMethods: [], docExpansion: "none"})</script></html>
"""
ROUTES = """# Every route

What a server answers at `/openapi.json`, and shows at `/docs`: [with all parameters, bodies and answers](all.html), or
as [the document itself](openapi.json). A credential is `Authorization: Bearer …` wherever it is needed.
"""

_told: dict[str, tuple[str, str]] = {}
"""Of each page, by its path: its title and its first sentence."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    decisions = sorted(Path(config.docs_dir, "decisions").glob("*.md"))
    inside: list[Any] = next(it["Inside"] for it in config.nav or [] if "Inside" in it)
    inside.append({"Decisions": [f"decisions/{it.name}" for it in decisions]})
    config.nav = [*(config.nav or []), {"API reference": [{"Every route": "api/routes.md"}]}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    document = subprocess.run([sys.executable, HERE / "openapi_document.py"], stdout=subprocess.PIPE, check=True).stdout
    made: dict[str, str | bytes] = {
        "api/routes.md": ROUTES + routes(json.loads(document)),
        "api/all.html": TRIAL,
        "api/openapi.json": document,
    }
    for name in ("swagger-ui.css", "swagger-ui-bundle.js"):
        made[f"api/{name}"] = Path(swagger_ui_path, name).read_bytes()
    for path, content in made.items():
        files.append(File.generated(config, path, content=content))
    return files


def routes(document: dict[str, Any]) -> str:
    """A table for each tag: method, path, and what the route says of itself."""
    tables: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method in METHODS:
            if it := operations.get(method):
                meaning = first_sentence(it.get("description") or it.get("summary") or "").replace("|", "\\|")
                row = f"| `{method.upper()}` | `{path}` | {meaning} |"
                tables.setdefault((it.get("tags") or ["other"])[0], []).append(row)
    return "".join(
        "\n".join([f"\n## {tag.capitalize()}\n", "| | | |", "|---|---|---|", *rows, ""]) for tag, rows in tables.items()
    )


def on_page_markdown(markdown: str, page: Page, **_: Any) -> None:
    """`llms.txt` leads to the pages as they were written, and says of each what it begins with."""
    text = re.sub(r"^(?:[#!][^\n]*|```.*?^```)$", "", markdown, flags=re.MULTILINE | re.DOTALL)
    paragraphs = [it for it in text.split("\n\n") if it.strip() and not it.lstrip().startswith(("|", "-"))]
    title = re.match(r"# (.+)", markdown)
    _told[page.file.src_uri] = (title[1] if title else page.title or "", first_sentence(next(iter(paragraphs), "")))


def on_post_build(config: MkDocsConfig) -> None:
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    for part in config.nav or []:
        for title, pages in part.items():
            lines += [] if isinstance(pages, str) else [f"\n## {title}\n"]
            lines += [_line(path) for path in _paths(pages)]
    Path(config.site_dir, "llms.txt").write_text("\n".join(lines) + "\n")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Each page is also there as Markdown, beside its HTML."""
    place = Path(config.site_dir, page.file.src_uri)
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(page.markdown or "")
    return output


def first_sentence(text: str) -> str:
    """Without links, on one line."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", " ".join(text.split()))
    return re.split(r"(?<=[.:!?])\s", plain, maxsplit=1)[0]


def _paths(pages: Any) -> list[str]:
    if isinstance(pages, str):
        return [pages]
    found = [_paths(it) if isinstance(it, str) else _paths(next(iter(it.values()))) for it in pages]
    return [path for paths in found for path in paths]


def _line(path: str) -> str:
    title, says = _told[path]
    return f"- [{title}]({path}): {says}"
