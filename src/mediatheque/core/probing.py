"""What bytes are: asked of the file kinds in turn, always in a decoder child."""

from collections.abc import Sequence
from pathlib import Path

from mediatheque.decoder import DecoderFailed, Decoders
from mediatheque.errors import Malformed, Unsupported
from mediatheque.model import Facts
from mediatheque.ports import Kind

TIMEOUT_SECONDS = 20


class Probing:
    def __init__(self, kinds: Sequence[Kind], decoders: Decoders) -> None:
        self._kinds = kinds
        self._decoders = decoders

    def facts(self, file: Path, name: str = "") -> Facts:
        """Facts of the first kind that knows the bytes; raises `Unsupported` when none does, `Malformed`.

        `name` is the client's name for the file: it tells what bytes cannot, which of the text types a text is.
        """
        for kind in self._kinds:
            try:
                return kind.facts(
                    self._decoders.run(kind.probe, timeout_seconds=TIMEOUT_SECONDS, path=str(file), name=name)
                )
            except Unsupported:
                continue
            except DecoderFailed as failure:
                raise Malformed(f"The file cannot be read: {failure}") from failure
        raise Unsupported
