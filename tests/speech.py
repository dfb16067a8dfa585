"""A stand-in for an endpoint that writes down what is said: as strict with requests as OpenAI's is."""

import io
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from typing import Any, cast

from tests.vision import Vision, stand_in

SAID = "The ferry leaves at nine. Bring warm clothes."
SEGMENTS = [
    {"id": 0, "start": 0.0, "end": 0.5, "text": " The ferry leaves at nine.", "avg_logprob": -0.2},
    {"id": 1, "start": 0.5, "end": 1.0, "text": " Bring warm clothes.", "avg_logprob": -0.4},
]


def told(**changes: Any) -> dict[str, Any]:
    return {"task": "transcribe", "language": "english", "duration": 1.0, "text": SAID, "segments": SEGMENTS} | changes


def in_parts(headers: Message, body: bytes) -> dict[str, Any]:
    """The fields of the form, and of its sound `seconds` and `rate`; anything but one channel of 16 bits fails."""
    whole = message_from_bytes(f"Content-Type: {headers['content-type']}\r\n\r\n".encode() + body)
    fields: dict[str, Any] = {}
    for part in cast("list[Message]", whole.get_payload()):
        name, data = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        assert isinstance(name, str)
        assert isinstance(data, bytes)
        if name == "file":
            with wave.open(io.BytesIO(data)) as sound:
                assert (sound.getnchannels(), sound.getsampwidth()) == (1, 2)
                fields |= {"rate": sound.getframerate(), "seconds": sound.getnframes() / sound.getframerate()}
        else:
            fields[name] = data.decode()
    assert set(fields) == {"model", "response_format", "rate", "seconds"}, set(fields)
    return fields


@contextmanager
def listening() -> Iterator[Vision]:
    with stand_in(in_parts) as it:
        it.answers = [(200, told())]
        yield it
