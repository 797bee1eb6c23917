"""Looking into pictures that this repository draws."""

import xml.etree.ElementTree as ET
from typing import Final

SVG: Final = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ET.Element:
    """The picture as a tree; fails when it is no well-formed XML."""
    return ET.fromstring(svg)  # noqa: S314 - our own picture, nobody else's


def texts(svg: str) -> list[str]:
    """Every line of text in the picture."""
    return ["".join(text.itertext()) for text in parsed(svg).iter(f"{SVG}text")]


def description(svg: str) -> str:
    """What a screen reader says of the picture."""
    return parsed(svg).findtext(f"{SVG}desc") or ""
