"""Print the OpenAPI document of this checkout, as the server answers it; the console's types are made of it."""

import asyncio
import sys
import tempfile
from pathlib import Path

import httpx

from mediatheque.app import make_web, open_parts
from mediatheque.settings import Settings


async def document(folder: Path) -> str:
    parts = open_parts(Settings(data_dir=folder, models="off"), decoders=0)
    transport = httpx.ASGITransport(make_web(parts))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        answer = await client.get("/openapi.json")
    parts.close()
    return answer.text


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.stdout.write(asyncio.run(document(Path(folder))))
