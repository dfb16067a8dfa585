"""What a command's exit code means (docs/cli.md has this table; a test holds them together)."""

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediatheque.client import MediathequeError


class Exit(IntEnum):
    DONE = 0
    WRONG = 1
    USAGE = 2
    UNREACHABLE = 3
    DENIED = 4
    ABSENT = 5
    REFUSED = 6
    INTERRUPTED = 130


MEANINGS = {
    Exit.DONE: "everything that was asked for is done",
    Exit.WRONG: "something is wrong: files that were not sent, a check that failed, a setting that cannot be read",
    Exit.USAGE: "the command line itself cannot be understood, or a file it names is not there",
    Exit.UNREACHABLE: "no server answers there, or it cannot answer just now",
    Exit.DENIED: "the server does not know the credential, or it may not do this",
    Exit.ABSENT: "what was asked for is not there",
    Exit.REFUSED: "the server refused: a value it does not take, a conflict, too large, no room",
    Exit.INTERRUPTED: "stopped by Ctrl-C; `upload` goes on when it is run again",
}


def exit_of(error: "MediathequeError") -> Exit:
    """The exit code that says what the client ran into."""
    from mediatheque import client

    kinds = {
        (client.ConnectionFailed, client.Interrupted, client.Unavailable, client.RateLimited): Exit.UNREACHABLE,
        (client.Unauthorized, client.Forbidden): Exit.DENIED,
        (client.NotFound,): Exit.ABSENT,
    }
    return next((code for kind, code in kinds.items() if isinstance(error, kind)), Exit.REFUSED)
