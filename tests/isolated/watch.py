"""Sees every attempt to connect on loopback, whether anybody listens there or not."""

import socket
import struct
import threading
import time

ETH_P_ALL = 0x0003
SYN, ACK = 0x02, 0x10


class Watch:
    """`attempts`: address and port of each first packet of a TCP connection."""

    def __init__(self) -> None:
        self.attempts: list[tuple[str, int]] = []
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.ntohs(ETH_P_ALL))
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 20)
        self._socket.bind(("lo", 0))
        threading.Thread(target=self._look, daemon=True).start()

    def forbidden(self, *allowed: tuple[str, int] | str) -> set[tuple[str, int]]:
        """Attempts at other places than these (an address alone: any port), once all have been seen."""
        time.sleep(0.2)
        return {it for it in self.attempts if it not in allowed and it[0] not in allowed}

    def _look(self) -> None:
        while True:
            packet, about = self._socket.recvfrom(65535)
            if about[2] == socket.PACKET_OUTGOING:
                continue
            found = _first(packet)
            if found is not None:
                self.attempts.append(found)


def _first(packet: bytes) -> tuple[str, int] | None:
    if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
        tcp, address = packet[(packet[0] & 15) * 4 :], socket.inet_ntop(socket.AF_INET, packet[16:20])
    elif packet[0] >> 4 == 6 and packet[6] == socket.IPPROTO_TCP:
        tcp, address = packet[40:], socket.inet_ntop(socket.AF_INET6, packet[24:40])
    else:
        return None
    (port,) = struct.unpack("!H", tcp[2:4])
    return (address, port) if tcp[13] & (SYN | ACK) == SYN else None
