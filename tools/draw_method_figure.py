"""Draw docs/images/method.svg: what goes in, and the two directions that the loss compares.

python tools/draw_method_figure.py
"""

from collections.abc import Sequence
from pathlib import Path

OUTPUT = Path(__file__).resolve().parents[1] / "docs/images/method.svg"
IR, VIS, FUSED, INK, PALE = "#c0392b", "#2471a3", "#1e8449", "#333333", "#f4f4f1"
Point = tuple[float, float]


def text(
    at: Point, words: str, *, size: int = 15, colour: str = INK, anchor: str = "middle", bold: bool = False
) -> str:
    """A line of text."""
    weight = ' font-weight="600"' if bold else ""
    place = f'x="{at[0]}" y="{at[1]}" text-anchor="{anchor}"'
    return f'<text {place} font-size="{size}" fill="{colour}"{weight}>{words}</text>'


def box(at: Point, size: Point, lines: Sequence[str], colour: str = INK) -> str:
    """A rounded box with centred lines."""
    (x, y), (width, height) = at, size
    top = y + height / 2 - 9 * (len(lines) - 1) + 5
    words = "".join(text((x + width / 2, top + 18 * index), line, size=14) for index, line in enumerate(lines))
    frame = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="7" fill="{PALE}" stroke="{colour}"/>'
    return frame + words


def arrow(start: Point, end: Point, colour: str = INK, *, width: float = 1.6, dashed: bool = False) -> str:
    """An arrow with a head of its own colour."""
    dash = ' stroke-dasharray="6 4"' if dashed else ""
    line = f'x1="{start[0]}" y1="{start[1]}" x2="{end[0]}" y2="{end[1]}"'
    return f'<line {line} stroke="{colour}" stroke-width="{width}" marker-end="url(#head-{colour[1:]})"{dash}/>'


def dot(at: Point, label: str, colour: str, *, side: str = "start") -> str:
    """A point with a label beside it."""
    shift = 11 if side == "start" else -11
    circle = f'<circle cx="{at[0]}" cy="{at[1]}" r="5.5" fill="{colour}"/>'
    return circle + text((at[0] + shift, at[1] + 5), label, colour=colour, anchor=side)


def head(colour: str) -> str:
    """Marker for the arrows of one colour."""
    return (
        f'<marker id="head-{colour[1:]}" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" markerHeight="7" '
        f'orient="auto-start-reverse"><path d="M0 0L10 5L0 10z" fill="{colour}"/></marker>'
    )


def pipeline() -> list[str]:
    """Left half: sources, network, fused image, encoders."""
    return [
        box((20, 70), (120, 54), ["infrared"], IR),
        box((20, 150), (120, 54), ["visible luma"], VIS),
        box((190, 100), (130, 74), ["fusion network", "(trained)"]),
        box((370, 110), (100, 54), ["fused luma"], FUSED),
        arrow((140, 97), (190, 125)),
        arrow((140, 177), (190, 149)),
        arrow((320, 137), (370, 137)),
        box((110, 250), (290, 54), ["image tower (frozen)", "whole images, and patches of the fused one"]),
        arrow((80, 204), (160, 250), dashed=True),
        arrow((420, 164), (345, 250), FUSED),
        box((120, 350), (270, 72), ['"an infrared image"', '"a visible gray image"', '"a clear image with ..."']),
        text((255, 446), "text tower (frozen): once, then a file", size=13),
    ]


def directions() -> list[str]:
    """Right half: the text directions and the image directions in the shared space."""
    t_ir, t_vis, t_f = (590.0, 390.0), (625.0, 300.0), (735.0, 270.0)
    i_ir, i_vis, i_f = (580.0, 180.0), (600.0, 110.0), (700.0, 75.0)
    return [
        '<ellipse cx="670" cy="245" rx="165" ry="205" fill="none" stroke="#bbbbbb"/>',
        text((670, 30), "embedding space", bold=True),
        arrow(t_ir, t_f, IR, width=2.4),
        arrow(t_vis, t_f, VIS, width=2.4),
        dot(t_ir, "T_ir", IR),
        dot(t_vis, "T_vis", VIS, side="end"),
        dot(t_f, "T_f", FUSED),
        arrow(i_ir, i_f, IR, width=2.4, dashed=True),
        arrow(i_vis, i_f, VIS, width=2.4, dashed=True),
        dot(i_ir, "I_ir", IR),
        dot(i_vis, "I_vis", VIS, side="end"),
        dot(i_f, "I_f", FUSED),
        text((672, 225), "make the dashed arrows parallel", size=13),
        text((672, 242), "to the solid ones of their colour", size=13),
        arrow((400, 277), (525, 165), dashed=True),
        arrow((390, 385), (520, 335)),
    ]


def draw() -> str:
    """The whole picture as SVG."""
    heads = "".join(head(colour) for colour in (IR, VIS, FUSED, INK))
    body = "\n".join([*pipeline(), *directions()])
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 860 470" font-family="sans-serif">\n'
        f'<rect width="860" height="470" fill="#ffffff"/>\n<defs>{heads}</defs>\n{body}\n</svg>\n'
    )


if __name__ == "__main__":
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(draw())
    print(OUTPUT)
