"""Messages made safe to show and to keep: credentials masked, on one line, not too long (contract, 2.4)."""

import re

MAX_CHARS = 2048

_BEARER = re.compile(r"\bbearer\s+[^\s\"',;]+", re.IGNORECASE)
_KEY = re.compile(r"\bsk-[A-Za-z0-9_\-]+")
_OWN_KEY = re.compile(r"\bmt_live_[A-Za-z0-9_\-]+")


def masked(message: str) -> str:
    text = _BEARER.sub("Bearer ***", message)
    text = _OWN_KEY.sub("mt_live_***", _KEY.sub("sk-***", text))
    return " ".join(text.split())[:MAX_CHARS]
