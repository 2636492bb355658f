"""Boxes, arrows and texts as SVG; nothing here knows what a picture is about.

A drawing stands on a ground of its own and brings colours for light and for dark. By itself it follows the reader's system;
as a part of a page it follows the page's theme, as ``data-theme`` says.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Literal

__all__ = ["Canvas", "Role"]

Role = Literal["caller", "core", "driver", "plugin", "system", "failure", "plain"]

_SIZE = 13
_LINE = 17
# The widest letters that browsers use for these sizes; texts must fit wherever they are shown.
_WIDTH = {"sans": 0.58, "mono": 0.605}

_LIGHT = """--ground:#fbfcfe;--ink:#17202c;--muted:#4a5666;--edge:#5b6878;
--caller:#e6e9ee;--caller-edge:#667085;--core:#dbe8ff;--core-edge:#1d4ed8;--driver:#fff0c9;--driver-edge:#a15c07;
--plugin:#d9f5e1;--plugin-edge:#15803d;--system:#ece5fb;--system-edge:#6d3fc0;--failure:#fde3e3;--failure-edge:#b42318;
--failure-ink:#a01a10"""
_DARK = """--ground:#191c21;--ink:#edf0f4;--muted:#aab4c2;--edge:#8d99a8;
--caller:#30363f;--caller-edge:#98a2b3;--core:#1b2f55;--core-edge:#7cb0ff;--driver:#43310f;--driver-edge:#f5c04a;
--plugin:#173d25;--plugin-edge:#5fd38a;--system:#33264f;--system-edge:#b79cf5;--failure:#4a1d1d;--failure-edge:#ff8a80;
--failure-ink:#ff9c94"""
_STYLE = f"""
svg.hv{{{_LIGHT}}}
@media(prefers-color-scheme:dark){{svg.hv{{{_DARK}}}}}
body[data-theme=light] svg.hv{{{_LIGHT}}}
body[data-theme=dark] svg.hv{{{_DARK}}}
svg.hv text{{font:{_SIZE}px system-ui,sans-serif;fill:var(--ink)}}
svg.hv .mono{{font-family:ui-monospace,monospace}}
svg.hv .strong{{font-weight:600}}
svg.hv .muted{{fill:var(--muted)}}
svg.hv .failure-ink{{fill:var(--failure-ink)}}
svg.hv .arrow{{stroke:var(--edge);stroke-width:1.5;fill:none}}
svg.hv .head{{fill:var(--edge)}}
svg.hv .dashed{{stroke-dasharray:5 4}}
svg.hv .bad{{stroke:var(--failure-edge)}}
svg.hv .bad-head{{fill:var(--failure-edge)}}
"""


class Canvas:
    """A drawing that grows.

    Args:
        width: in units that are pixels at the drawing's own size.
        height: likewise.
        title: what it shows, in one line.
    """

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width, self.height, self.title = width, height, title
        self.parts: list[str] = []

    def box(self, x: int, y: int, width: int, height: int, lines: Sequence[str], role: Role) -> None:
        """Draw a box with lines of text in its middle; the first is strong, and one in backquotes is code."""
        paint = "fill:none;stroke:var(--edge)" if role == "plain" else f"fill:var(--{role});stroke:var(--{role}-edge)"
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" style="{paint}"/>')
        top = y + height // 2 - (len(lines) - 1) * _LINE // 2 + 5
        for number, line in enumerate(lines):
            self.text(x + width // 2, top + number * _LINE, line, anchor="middle", strong=not number, room=width - 8)

    def frame(self, x: int, y: int, width: int, height: int, title: str) -> None:
        """Draw a dashed frame with its title inside at the top."""
        self.parts.append(
            f'<rect class="arrow dashed" x="{x}" y="{y}" width="{width}" height="{height}" rx="8" fill="none"/>'
        )
        self.text(x + 10, y + 18, title, muted=True, room=width - 20)

    def text(
        self,
        x: int,
        y: int,
        line: str,
        *,
        anchor: Literal["start", "middle", "end"] = "start",
        strong: bool = False,
        muted: bool = False,
        bad: bool = False,
        room: int | None = None,
    ) -> None:
        """Write one line; one in backquotes is code.

        Raises:
            ValueError: it does not fit into ``room``, or into the drawing.
        """
        face = "mono" if line.startswith("`") else "sans"
        line = line.strip("`")
        needed = len(line) * _SIZE * _WIDTH[face]
        left = {"start": x, "middle": x - needed / 2, "end": x - needed}[anchor]
        if needed > (self.width if room is None else room) or left < 0 or left + needed > self.width:
            raise ValueError(f"{self.title}: {line!r} needs {needed:.0f} and does not fit")
        kinds = {"mono": face == "mono", "strong": strong, "muted": muted, "failure-ink": bad}
        names = " ".join(name for name, holds in kinds.items() if holds)
        kind = f' class="{names}"' if names else ""
        self.parts.append(f'<text x="{x}" y="{y}" text-anchor="{anchor}"{kind}>{escape(line)}</text>')

    def arrow(self, x1: int, y1: int, x2: int, y2: int, *, dashed: bool = False, bad: bool = False) -> None:
        """Draw a straight arrow, level or upright."""
        across = (x2 > x1) - (x2 < x1)
        down = (y2 > y1) - (y2 < y1)
        tip = f"{x2},{y2}"
        back_x, back_y = x2 - 8 * across, y2 - 8 * down
        wings = f"{back_x + 4 * down},{back_y + 4 * across} {back_x - 4 * down},{back_y - 4 * across}"
        kind = "arrow" + " dashed" * dashed + " bad" * bad
        self.parts.append(f'<path class="{kind}" d="M{x1} {y1}L{back_x} {back_y}"/>')
        self.parts.append(f'<polygon class="{"bad-head" if bad else "head"}" points="{tip} {wings}"/>')

    def line(self, x1: int, y1: int, x2: int, y2: int, *, dashed: bool = False) -> None:
        """Draw a line without a head."""
        self.parts.append(f'<path class="arrow{" dashed" * dashed}" d="M{x1} {y1}L{x2} {y2}"/>')

    def bar(self, x: int, y: int, width: int, height: int, role: Role) -> None:
        """Draw a filled bar."""
        paint = f"fill:var(--{role});stroke:var(--{role}-edge)"
        self.parts.append(f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="3" style="{paint}"/>')

    def svg(self) -> str:
        """Return the text of the drawing."""
        size = f'viewBox="0 0 {self.width} {self.height}" width="{self.width}" height="{self.height}"'
        ground = f'<rect width="{self.width}" height="{self.height}" rx="10" style="fill:var(--ground)"/>'
        head = f'<svg xmlns="http://www.w3.org/2000/svg" class="hv" {size}>'
        return "\n".join((head, f"<style>{_STYLE}</style>", ground, *self.parts, "</svg>\n"))
