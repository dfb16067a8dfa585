"""Runs in a decoder child: which language a text is in."""

import kreuzberg

SAMPLE_CHARS = 20_000
MIN_LETTERS = 20
"""In fewer no language can be told from its neighbours."""
_SHORT_CODES = {"eng": "en", "deu": "de", "fra": "fr", "spa": "es", "ita": "it", "por": "pt", "nld": "nl", "pol": "pl",
                "rus": "ru", "jpn": "ja", "cmn": "zh", "kor": "ko", "ara": "ar", "tur": "tr", "swe": "sv"}  # fmt: skip


def of(text: str) -> str | None:
    """The language that most of the text is in, as two letters where it has such a code; None when that is unclear."""
    sample = text[:SAMPLE_CHARS]
    if sum(sign.isalpha() for sign in sample) < MIN_LETTERS:
        return None
    detection = kreuzberg.LanguageDetectionConfig(enabled=True)
    config = kreuzberg.ExtractionConfig(language_detection=detection, use_cache=False)
    found = kreuzberg.extract_bytes_sync(sample.encode(), "text/plain", config=config).detected_languages
    return _SHORT_CODES.get(found[0], found[0]) if found else None
