"""libvips as decoder children use it: five loaders and no other, one thread, no cache. Never import it elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
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
OWN = {"image/bmp": "BMP", "image/x-tga": "TGA", "image/tiff": "TIFF"}
"""What no upload can be: only our own writing of a picture in another format, read by Pillow."""

PLAIN = frozenset({"srgb", "b-w", "rgb16", "grey16"})
"""Interpretations that mean sRGB unless a profile says otherwise."""

DAMAGE = ("bad Huffman", "bad arithmetic", "instead of RST", "Inconsistent progression")
"""What libjpeg only warns of although pixels are lost. Its other warnings are harmless in files that people have: stray
bytes, odd parameters, and a segment that ends early in the last rows."""

NO_MEMORY = ("out of memory", "Memory allocation", "unable to create thread")


def source(path: str) -> Any:
    """The file as a libvips source: unlike a file name it is never searched for `[options]`.

    Raises OSError for a file that cannot be read, which libvips would report like a damaged one.
    """
    Path(path).open("rb").close()
    return pyvips.Source.new_from_file(path)


def opened(path: str, media_type: str, **options: Any) -> Any:
    """The image's header, pixels still undecoded, from the one loader of its type."""
    loader = getattr(pyvips.Image, LOADERS[media_type])
    return loader(source(path), fail_on="truncated", access="sequential", **options)


def reduced(path: str, media_type: str, side: int) -> Any:
    """All pixels, at most `side` wide and high, upright, sRGB with 8 bits a channel, in memory."""
    options = {"height": side, "size": "down"}
    if media_type == "image/heic" or media_type in OWN:
        # Whoever owns the pixels must live until they are copied; a copy of the whole picture would cost too much.
        owner = _decoded_heic(path) if media_type == "image/heic" else None
        original = _wrapped(owner) if owner is not None else in_memory(path, media_type)
        image = original.thumbnail_image(side, **options, **_conversion(original))
    else:
        conversion = _conversion(opened(path, media_type))
        # As a keyword, fail_on would be taken and not obeyed.
        image = pyvips.Image.thumbnail_source(
            source(path), side, option_string="fail_on=truncated", **options, **conversion
        )
    if image.interpretation != "srgb":
        image = image.colourspace("srgb")
    return image.cast("uchar").copy_memory()


def in_memory(path: str, media_type: str) -> Any:
    """All pixels of a type that libvips does not read itself, upright, 8 bit."""
    if media_type == "image/heic":
        decoded = _decoded_heic(path)  # owns the pixels: must live until they are copied
        return _wrapped(decoded).copy_memory()
    return _plain(path, OWN[media_type])


def _conversion(image: Any) -> dict[str, str]:
    """What makes a thumbnail sRGB: nothing where it is already, since that costs more than all the decoding."""
    is_plain = image.interpretation in PLAIN and not image.get_typeof("icc-profile-data")
    return {} if is_plain else {"output_profile": "srgb"}


@contextmanager
def decoding() -> Iterator[None]:
    """Turn libvips' complaints about bytes into `errors.Malformed`, and lack of memory into MemoryError."""
    _take_messages()
    try:
        yield
    except UnicodeDecodeError:
        raise errors.Malformed("The image is damaged") from None
    except pyvips.Error as problem:
        if any(sign in str(problem) for sign in NO_MEMORY):
            raise MemoryError from None
        raise errors.Malformed("The image is damaged or cut short") from problem
    if any(sign in message for message in _take_messages().splitlines() for sign in DAMAGE):
        raise errors.Malformed("The image is damaged")


def _decoded_heic(path: str) -> Any:
    """The primary image of a HEIC, upright and 8 bit: libvips' own build has no HEVC decoder."""
    import pi_heif  # only few children ever need it

    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = pi_heif.options.DEPTH_IMAGES = pi_heif.options.AUX_IMAGES = False
    try:
        decoded = pi_heif.open_heif(path)
        _ = decoded.data  # opening reads the header only
    except (EOFError, OSError, RuntimeError, SyntaxError, ValueError) as problem:
        if "memory" in str(problem).lower():
            raise MemoryError from None
        if isinstance(problem, OSError) and problem.errno:
            raise
        raise errors.Malformed("The image is damaged or cut short") from problem
    return decoded


def _plain(path: str, form: str) -> Any:
    from PIL import Image, UnidentifiedImageError  # only few children ever need it

    Image.MAX_IMAGE_PIXELS = None  # our own writing; what was uploaded was held against our limits
    try:
        with Image.open(path, formats=[form]) as found:
            pixels = found.convert("RGBA" if "A" in found.getbands() else "RGB")
    except (UnidentifiedImageError, SyntaxError, ValueError) as problem:
        raise errors.Malformed("The image is damaged or cut short") from problem
    bands = len(pixels.getbands())
    image = pyvips.Image.new_from_memory(pixels.tobytes(), pixels.width, pixels.height, bands, "uchar")
    return image.copy(interpretation="srgb").copy_memory()


def _wrapped(decoded: Any) -> Any:
    """The pixels of `decoded` as an image, not copied where rows lie close together."""
    pixels, bands, (width, height) = decoded.data, len(decoded.mode), decoded.size
    if decoded.stride != width * bands:
        pixels = b"".join(pixels[row * decoded.stride :][: width * bands] for row in range(height))
    image = pyvips.Image.new_from_memory(pixels, width, height, bands, "uchar")
    image = image.copy(interpretation="srgb" if bands >= 3 else "b-w")
    if profile := decoded.info.get("icc_profile"):
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    return image


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
