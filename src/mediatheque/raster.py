"""libvips as decoder children use it: five loaders and no other, one thread, no cache. Never import it elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pyvips

from mediatheque import errors

LOADERS = {
    "image/jpeg": "jpegload_source",
    "image/png": "pngload_source",
    "image/gif": "gifload_source",
    "image/webp": "webpload_source",
    "image/heic": "heifload_source",
    "image/avif": "heifload_source",
}
DAMAGE = ("bad Huffman", "bad arithmetic", "instead of RST", "Inconsistent progression")
"""What libjpeg only warns of although pixels are lost. Its other warnings are harmless in files that people have: stray
bytes, odd parameters, and a segment that ends early in the last rows."""


def source(path: str) -> Any:
    """The file as a libvips source: unlike a file name it is never searched for `[options]`."""
    return pyvips.Source.new_from_file(path)


def opened(path: str, media_type: str, **options: Any) -> Any:
    """The image's header, pixels still undecoded, from the one loader of its type."""
    loader = getattr(pyvips.Image, LOADERS[media_type])
    return loader(source(path), fail_on="truncated", access="sequential", **options)


def heic(path: str) -> Any:
    """All pixels of a HEIC's primary image, upright and 8 bit: libvips' own build has no HEVC decoder."""
    import pi_heif  # only few children ever need it

    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    try:
        decoded = pi_heif.open_heif(path, convert_hdr_to_8bit=True)
        pixels = decoded.data
    except (EOFError, RuntimeError, SyntaxError, ValueError) as problem:
        if "memory" in str(problem).lower():
            raise MemoryError from None
        raise errors.Malformed("The image is damaged or cut short") from problem
    bands, (width, height) = len(decoded.mode), decoded.size
    if decoded.stride != width * bands:
        pixels = b"".join(pixels[row * decoded.stride :][: width * bands] for row in range(height))
    image = pyvips.Image.new_from_memory(pixels, width, height, bands, "uchar")
    image = image.copy(interpretation="srgb" if bands >= 3 else "b-w")
    if profile := decoded.info.get("icc_profile"):
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


@contextmanager
def decoding() -> Iterator[None]:
    """Turn libvips' complaints about bytes into `errors.Malformed`, and lack of memory into MemoryError."""
    _take_messages()
    try:
        yield
    except UnicodeDecodeError:
        raise errors.Malformed("The image is damaged") from None
    except pyvips.Error as problem:
        if "out of memory" in str(problem):
            raise MemoryError from None
        raise errors.Malformed("The image is damaged or cut short") from problem
    if any(sign in message for message in _take_messages().splitlines() for sign in DAMAGE):
        raise errors.Malformed("The image is damaged")


def _take_messages() -> str:
    """libvips' error buffer, emptied: it also collects what loaders warned of."""
    messages: bytes = pyvips.ffi.string(pyvips.vips_lib.vips_error_buffer())
    pyvips.vips_lib.vips_error_clear()
    return messages.decode(errors="replace")


def _restrict() -> None:
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)
    pyvips.operation_block_set("VipsForeignLoad", True)
    for loader in ("Jpeg", "Png", "Nsgif", "Webp", "Heif"):
        pyvips.operation_block_set(f"VipsForeignLoad{loader}", False)


_restrict()
