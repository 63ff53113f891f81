"""A credential inside a picture: https://www.imsglobal.org/spec/ob/v3p0/#baking

Both directions are bounded and touch no network, since pictures come from strangers as well.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from lxml import etree

from ltitools_badges.core import jose, reading

MAX_PICTURE = 8 * 1024 * 1024

_PNG = b"\x89PNG\r\n\x1a\n"
_KEYWORD = b"openbadgecredential"
_OLD_KEYWORD = b"openbadges"
_NAMESPACE = "https://purl.imsglobal.org/ob/v3p0"
_OLD_NAMESPACE = "http://openbadges.org"
_SVG = "http://www.w3.org/2000/svg"

# What a CDATA section cannot hold: its own end, and two characters. Within a JSON text an escape means the same.
_XML_BREAKERS = re.compile(r"(?<=]])>|[\ufffe\uffff]")


class NotBaked(ValueError):
    """There is no credential in it, or it is not a picture that can be read."""


def bake_png(png: bytes, text: str) -> bytes:
    """The picture with the credential (JSON or JWT) in one uncompressed iTXt chunk, in place of any that was there."""
    first, *others = _chunks(png)
    kept = [chunk for chunk in others if _keyword(*chunk) not in (_KEYWORD, _OLD_KEYWORD)]
    baked = (b"iTXt", _KEYWORD + b"\0\0\0\0\0" + text.encode("utf-8"))
    return _PNG + b"".join(_packed(*chunk) for chunk in [first, baked, *kept])


def bake_svg(svg: str, text: str) -> bytes:
    """The picture with the credential as its first element, in place of any that was there."""
    root = _svg(svg.encode("utf-8"))
    for old in [element for element in root.iter() if _is_credential(element)]:
        parent = old.getparent()
        assert parent is not None
        parent.remove(old)
    credential = etree.Element(f"{{{_NAMESPACE}}}credential")
    if jose.is_token(text):
        credential.set("verify", text)
    else:
        credential.text = etree.CDATA(_XML_BREAKERS.sub(lambda found: f"\\u{ord(found[0]):04x}", text))
    root.insert(0, credential)
    etree.cleanup_namespaces(root, top_nsmap={"openbadges": _NAMESPACE})  # declared on top, where readers look for it
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def unbake(given: bytes) -> str:
    """The JSON text or token in a PNG or SVG, or in a file that is nothing else. NotBaked where there is none.

    What Open Badges 2.0 baked is found too, so that a checker can say that it is too old.
    """
    if len(given) > MAX_PICTURE:
        raise NotBaked("too large")
    if given.startswith(_PNG):
        return _from_png(given)
    if given.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return _from_svg(given)
    try:
        text = given.decode("utf-8-sig").strip()
    except UnicodeDecodeError as cause:
        raise NotBaked("neither a picture nor text") from cause
    if not text.startswith("{") and not jose.is_token(text):
        raise NotBaked("neither JSON nor a token")
    return text


def _chunks(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The kind and content of each chunk: https://www.w3.org/TR/png-3/#5Chunk-layout"""
    if not png.startswith(_PNG):
        raise NotBaked("not a PNG")
    place = len(_PNG)
    while place + 12 <= len(png):
        length, kind = struct.unpack_from(">I4s", png, place)
        end = place + 12 + length
        if end > len(png):
            break
        yield kind, png[place + 8 : end - 4]
        if kind == b"IEND":
            return
        place = end
    raise NotBaked("a broken PNG")


def _packed(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _keyword(kind: bytes, content: bytes) -> bytes:
    return content.split(b"\0", 1)[0] if kind in (b"iTXt", b"tEXt", b"zTXt") else b""


def _from_png(png: bytes) -> str:
    texts = {_keyword(*chunk): chunk for chunk in _chunks(png)}
    for keyword in (_KEYWORD, _OLD_KEYWORD):
        if keyword in texts:
            kind, content = texts[keyword]
            try:
                return _text(kind, content[len(keyword) + 1 :]).decode("utf-8").strip()
            except (zlib.error, UnicodeDecodeError, ValueError) as cause:
                raise NotBaked("a broken text in the PNG") from cause
    raise NotBaked("nothing in the PNG")


def _text(kind: bytes, content: bytes) -> bytes:
    """The text of a chunk after its keyword: https://www.w3.org/TR/png-3/#11iTXt"""
    if kind == b"tEXt":
        return content
    compressed = True
    if kind == b"iTXt":
        compressed = content[:1] == b"\1"
        _language, _translated, content = content[2:].split(b"\0", 2)
    else:
        content = content[1:]
    if not compressed:
        return content
    unpacker = zlib.decompressobj()
    unpacked = unpacker.decompress(content, reading.MAX_BYTES)
    if not unpacker.eof:
        raise ValueError("too long a text")
    return unpacked


def _svg(svg: bytes) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(svg, parser)
    except etree.XMLSyntaxError as cause:
        raise NotBaked("not XML") from cause
    if root.getroottree().docinfo.internalDTD is not None or root.tag != f"{{{_SVG}}}svg":
        raise NotBaked("not an SVG")
    return root


def _is_credential(element: etree._Element) -> bool:
    return element.tag in (f"{{{_NAMESPACE}}}credential", f"{{{_OLD_NAMESPACE}}}assertion")


def _from_svg(svg: bytes) -> str:
    for element in sorted(filter(_is_credential, _svg(svg).iter()), key=lambda found: _OLD_NAMESPACE in found.tag):
        return (element.get("verify") or element.text or "").strip()
    raise NotBaked("nothing in the SVG")
