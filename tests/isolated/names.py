"""A name server whose answers change their mind, as a hostile one's would."""

import socket
import struct
import threading
from collections import Counter

PUBLIC = "93.184.215.14"
INSIDE = ("10.0.0.1", "172.16.0.1", "192.168.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "198.18.0.1",
          "192.0.2.1")  # fmt: skip
A, AAAA = 1, 28


class Names:
    """Answers on port 53 of loopback. `rebind…` is public when first asked for, and this machine ever after."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 53))
        threading.Thread(target=self._serve, daemon=True).start()

    def addresses(self, name: str, kind: int) -> list[str]:
        if kind == AAAA:
            return ["::1"] if name in {"six.example", "four-and-six.example"} else []
        self.asked[name] += 1
        if name.startswith("rebind"):
            return [PUBLIC if self.asked[name] == 1 else "127.0.0.1"]
        known = {
            "public.example": [PUBLIC],
            "other.example": [PUBLIC],
            "inside.example": ["127.0.0.1"],
            "both.example": [PUBLIC, "10.0.0.1"],
            "four-and-six.example": [PUBLIC],
        }
        return known.get(name, [])

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(2048)
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        labels, at = [], 12
        while length := question[at]:
            labels.append(question[at + 1 : at + 1 + length].decode("ascii", "replace"))
            at += 1 + length
        (kind,) = struct.unpack("!H", question[at + 1 : at + 3])
        family = socket.AF_INET if kind == A else socket.AF_INET6
        found = [socket.inet_pton(family, it) for it in self.addresses(".".join(labels).lower(), kind)]
        records = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 0, len(it)) + it for it in found)
        head = question[:2] + struct.pack("!HHHHH", 0x8180, 1, len(found), 0, 0)
        return head + question[12 : at + 5] + records
