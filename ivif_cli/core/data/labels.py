"""What is written beside the pixels of a picture: what made it, and the EXIF block and colour profile of its source.

PNG: tEXt, eXIf and iCCP chunks. JPEG: a comment, APP1 and APP2. TIFF: ImageDescription, ICC profile, EXIF and GPS
directories. BMP has no place for any of it.
"""

import struct
import zlib
from pathlib import Path
from typing import Any

from PIL import Image, JpegImagePlugin, PngImagePlugin, TiffImagePlugin

from ivif_cli.core.data.metadata import Metadata

KEYWORD = "ivif"
_SOFTWARE, _DESCRIPTION, _PROFILE = 305, 270, 34675
_SUB_DIRECTORIES = (0x8769, 0x8825)
_STRUCTURE = frozenset({254, 256, 257, 258, 259, 262, 273, 274, 277, 278, 279, 282, 283, 284, 296, 317, 338, 339})
_READERS: dict[str, Any] = {
    ".png": PngImagePlugin.PngImageFile,
    **dict.fromkeys((".jpg", ".jpeg"), JpegImagePlugin.JpegImageFile),
    **dict.fromkeys((".tif", ".tiff"), TiffImagePlugin.TiffImageFile),
}
_JPEG_SEGMENT = 65_533
_PNG_HEADER_BYTES = 33


def labelled(encoded: bytes, suffix: str, label: str, metadata: Metadata) -> bytes:
    """An encoded picture with a label and metadata; the pixels stay as they are, bit for bit.

    Args:
        encoded: a whole PNG, JPEG or TIFF file, as OpenCV encodes it; of another suffix it is given back unchanged.
        suffix: of the file, in lower case.
        label: ASCII text.
        metadata: its EXIF block and profile are written.
    """
    if suffix == ".png":
        return encoded[:_PNG_HEADER_BYTES] + _png_chunks(label, metadata) + encoded[_PNG_HEADER_BYTES:]
    if suffix in (".jpg", ".jpeg"):
        start = 4 + struct.unpack(">H", encoded[4:6])[0] if encoded[2:4] == b"\xff\xe0" else 2
        return encoded[:start] + _jpeg_segments(label, metadata) + encoded[start:]
    return _with_tiff_tags(encoded, label, metadata) if suffix in (".tif", ".tiff") else encoded


def read_label(path: Path) -> str:
    """Label of a picture's file; empty where there is none, or no file that can be read."""
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        return ""
    try:
        with path.open("rb") as stream, reader(stream) as picture:
            found = picture.info.get(KEYWORD) or picture.info.get("comment") or b""
            if hasattr(picture, "tag_v2"):
                found = picture.tag_v2.get(_DESCRIPTION, "")
    except Exception:  # noqa: BLE001 - Pillow raises whatever a damaged file leads to; then nothing is known of it
        return ""
    return found.decode("latin-1") if isinstance(found, bytes) else str(found)


def _png_chunks(label: str, metadata: Metadata) -> bytes:
    chunks = [(b"tEXt", KEYWORD.encode() + b"\0" + label.encode("ascii"))]
    if metadata.icc:
        chunks.append((b"iCCP", b"icc\0\0" + zlib.compress(metadata.icc)))
    if metadata.exif:
        chunks.append((b"eXIf", metadata.exif))
    return b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


def _jpeg_segments(label: str, metadata: Metadata) -> bytes:
    most = _JPEG_SEGMENT - 16
    profiles = [metadata.icc[at : at + most] for at in range(0, len(metadata.icc), most)]
    segments = [(0xE1, b"Exif\0\0" + metadata.exif)] if metadata.exif else []
    for index, part in enumerate(profiles, start=1):
        segments.append((0xE2, b"ICC_PROFILE\0" + bytes([index, len(profiles)]) + part))
    segments.append((0xFE, label.encode("ascii")))
    return b"".join(
        struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
        for marker, data in segments
        if len(data) <= _JPEG_SEGMENT
    )


def _with_tiff_tags(encoded: bytes, label: str, metadata: Metadata) -> bytes:
    """The file with a new first directory at its end: the old entries, which point to the pixels, and the new ones.

    New are the label, the profile, and of the source's EXIF block its texts and its EXIF and GPS directories.
    """
    order = "<" if encoded[:2] == b"II" else ">"
    (start,) = struct.unpack_from(order + "I", encoded, 4)
    (count,) = struct.unpack_from(order + "H", encoded, start)
    old = [encoded[start + 2 + 12 * index :][:12] for index in range(count)]
    entries = {struct.unpack(order + "H", entry[:2])[0]: entry for entry in old}
    exif = Image.Exif()
    if metadata.exif:
        exif.load(b"Exif\0\0" + metadata.exif)
    taken = {*entries, _DESCRIPTION, _SOFTWARE, *_STRUCTURE}
    texts = {_DESCRIPTION: label, _SOFTWARE: KEYWORD}
    texts |= {tag: value for tag, value in exif.items() if isinstance(value, str) and tag not in taken}
    values = [(tag, 2, text.encode("latin-1", "replace") + b"\0") for tag, text in texts.items()]
    values += [(_PROFILE, 7, metadata.icc)] if metadata.icc else []
    body = bytearray(encoded + b"\0" * (len(encoded) % 2))
    for tag, kind, value in values:
        if len(value) <= 4:
            place = value.ljust(4, b"\0")
        else:
            place = struct.pack(order + "I", len(body))
            body += value + b"\0" * (len(value) % 2)
        entries[tag] = struct.pack(order + "HHI", tag, kind, len(value)) + place
    for tag in _SUB_DIRECTORIES:
        if held := exif.get_ifd(tag):
            directory = TiffImagePlugin.ImageFileDirectory_v2(encoded[:8])
            directory.update(held)
            entries[tag] = struct.pack(order + "HHII", tag, 4, 1, len(body))
            body += directory.tobytes(len(body))
            body += b"\0" * (len(body) % 2)
    body[4:8] = struct.pack(order + "I", len(body))
    ordered = b"".join(entries[tag] for tag in sorted(entries))
    return bytes(body) + struct.pack(order + "H", len(entries)) + ordered + b"\0" * 4
