"""File names made to hurt: those of the corpus, where there is one, and a few that always are."""

import json
import random

from tests.corpus import FOLDER

OWN = (
    "../../../etc/passwd", "..\\..\\win.ini", "", " ", ".", "..", "...", ".htaccess", "a\0.png",
    "a\r\nX-Injected: 1.png",
    'a"; filename="evil.html', "a;b.png", "%2e%2e%2fx.png", "\u202egnp.exe", "naïve 名前 🙂.png", "CON.png",
    "x" * 5000, "a/b/c.png", "filename*=UTF-8''evil.html", "<script>alert(1)</script>.png", "\u2028\u2029.png",
)  # fmt: skip
LISTED = FOLDER / "hostile" / "filenames.json"
NASTY: tuple[str, ...] = (*OWN, *(json.loads(LISTED.read_text())["names"] if LISTED.exists() else ()))
RANGES = ((0, 0x7F), (0, 0x2FF), (0x200B, 0x206F), (0x300, 0x36F), (0x4E00, 0x4FFF), (0xD800, 0xDFFF),
          (0x1F300, 0x1FAFF), (0xE0000, 0xE01EF), (0, 0x10FFFF))  # fmt: skip


def random_names(count: int, seed: int) -> list[str]:
    """Names of any characters, halves of characters among them."""
    chance = random.Random(seed)
    return [
        "".join(chr(chance.randint(*chance.choice(RANGES))) for _ in range(chance.choice((1, 3, 12, 40, 300))))
        for _ in range(count)
    ]
