"""SVG as we draw it: readable on light and dark pages, without scripts, fonts or addresses of elsewhere.

Colours are names that a style sheet in the picture resolves, light or dark as the reader's browser prefers. The
picture brings its own background, so it stays readable on a page that disagrees with the browser.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final
from xml.sax.saxutils import escape, quoteattr

SANS: Final = "-apple-system, 'Segoe UI', Helvetica, Arial, sans-serif"
MONO: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"

# Light and dark value of each colour; contrast of text is at least 4.5 on either background.
COLOURS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "page": ("#ffffff", "#0d1117"),
        "card": ("#ffffff", "#161b22"),
        "band": ("#f6f8fa", "#11161d"),
        "line": ("#d1d9e0", "#30363d"),
        "text": ("#1f2328", "#e6edf3"),
        "soft": ("#59636e", "#9198a1"),
        "violet": ("#8250df", "#ab7df8"),
        "orange": ("#bc4c00", "#f0883e"),
        "pink": ("#bf3989", "#f778ba"),
        "blue": ("#0969da", "#58a6ff"),
        "ochre": ("#8a6100", "#d9a520"),
        "green": ("#1a7f37", "#3fb950"),
        "red": ("#cf222e", "#ff7b72"),
        "grey": ("#59636e", "#9198a1"),
    }
)

# Widths of letters in Helvetica, in thousandths of the font size; others count as `_WIDE`. Adobe's AFM of Helvetica.
_NARROW: Final = {**dict.fromkeys("ijl|'", 230), **dict.fromkeys(" ft.,:;/!()[]-I·", 290), **dict.fromkeys("r", 340)}
_MIDDLE: Final = {**dict.fromkeys("ckxsvyzJ", 510), **dict.fromkeys("abdeghnopquL0123456789_#", 560)}
_LETTERS: Final = {**_NARROW, **_MIDDLE, **dict.fromkeys("mwMWQOG%", 800)}
_WIDE: Final = 690
_MONO_WIDTH: Final = 602
_BOLD: Final = 1.07
_MONO_SLACK: Final = 1.03
_SLACK: Final = 1.16  # the reader's font may be wider: DejaVu Sans is, by about so much


def text_width(text: str, size: float, *, mono: bool = False, bold: bool = False) -> float:
    """About how wide a text will be, in pixels, rather too wide than too narrow."""
    if mono:
        return len(text) * _MONO_WIDTH / 1000 * size * _MONO_SLACK
    thousandths = sum(_LETTERS.get(letter, _WIDE) for letter in text)
    return thousandths / 1000 * size * (_BOLD if bold else 1) * _SLACK


def text_at(x: float, y: float, text: str, css: str = "", *, anchor: str = "") -> str:
    """A line of text. css: classes. anchor: `middle` or `end`; the start is the default."""
    where = f' text-anchor="{anchor}"' if anchor else ""
    style = f' class="{css}"' if css else ""
    return f'<text x="{number(x)}" y="{number(y)}"{style}{where}>{escape(text)}</text>'


def rectangle(x: float, y: float, width: float, height: float, css: str, *, radius: float = 0) -> str:
    rounded = f' rx="{number(radius)}"' if radius else ""
    return (
        f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}"{rounded} '
        f'class="{css}"/>'
    )


def number(value: float) -> str:
    """A coordinate with at most one decimal, so that files stay small and equal."""
    return f"{round(value, 1) + 0:.1f}".removesuffix(".0")


def picture(*, width: float, height: float, title: str, description: str, body: Sequence[str], style: str = "") -> str:
    """A whole SVG file. title, description: what a screen reader says. style: rules besides the common ones."""
    size = f'width="{number(width)}" height="{number(height)}" viewBox="0 0 {number(width)} {number(height)}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" aria-label={quoteattr(title)}>',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(description)}</desc>",
        f"<style>\n{_common_style()}{style}</style>",
        rectangle(0.5, 0.5, width - 1, height - 1, "page", radius=10),
        *body,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _common_style() -> str:
    light = " ".join(f"--{name}: {pair[0]};" for name, pair in COLOURS.items())
    dark = " ".join(f"--{name}: {pair[1]};" for name, pair in COLOURS.items())
    return (
        f"svg {{ {light} font-family: {SANS}; font-size: 13px; fill: var(--text); }}\n"
        f"@media (prefers-color-scheme: dark) {{ svg {{ {dark} }} }}\n"
        ".page { fill: var(--page); stroke: var(--line); }\n"
        ".soft { fill: var(--soft); }\n"
        ".bold { font-weight: 600; }\n"
        ".small { font-size: 11px; }\n"
        f".mono {{ font-family: {MONO}; font-size: 12px; }}\n"
    )
