"""Line charts as SVG, with linear axes: linear growth is a straight line."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _RIGHT = 300, 160, 55, 35, 105  # of a chart and its margins
_COLUMNS = 2
_LINE = 11  # the height of a line of text
# Distinct for colour-blind readers (Okabe and Ito).
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")

Point = tuple[float, float]


class Panel(NamedTuple):
    """One chart.

    Attributes:
        title: its heading.
        unit: the unit of the y axis.
        lines: the points of each line, by its name.
    """

    title: str
    unit: str
    lines: Mapping[str, Sequence[Point]]


def svg(panels: Sequence[Panel]) -> str:
    """Return a picture with the charts in two columns."""
    wide, high = _LEFT + _WIDTH + _RIGHT, _HEIGHT + 2 * _BOTTOM
    width, height = _COLUMNS * wide, -(-len(panels) // _COLUMNS) * high
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" font-family="sans-serif" font-size="10">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
    ]
    for number, panel in enumerate(panels):
        row, column = divmod(number, _COLUMNS)
        place = f"{column * wide + _LEFT} {row * high + _BOTTOM}"
        parts += [f'<g transform="translate({place})">', *_axes(panel), *_lines(panel), "</g>"]
    return "\n".join([*parts, "</svg>", ""])


def _largest(panel: Panel) -> Point:
    points = [point for line in panel.lines.values() for point in line]
    return max(x for x, _ in points), max(y for _, y in points)


def _axes(panel: Panel) -> Iterator[str]:
    right, top = _largest(panel)
    yield f'<text y="-12" font-size="12">{panel.title}, {panel.unit}</text>'
    for step in range(5):
        part = step / 4
        x, y = part * _WIDTH, _HEIGHT - part * _HEIGHT
        yield f'<path d="M0 {y}H{_WIDTH}" stroke="#ddd"/>'
        yield f'<text x="-6" y="{y + 3}" text-anchor="end">{part * top:,.0f}</text>'
        yield f'<text x="{x}" y="{_HEIGHT + 14}" text-anchor="middle">{part * right:,.0f}</text>'


def _lines(panel: Panel) -> Iterator[str]:
    right, top = _largest(panel)
    ends = []
    for (name, points), color in zip(panel.lines.items(), _COLORS, strict=False):
        places = [(x / right * _WIDTH, _HEIGHT - y / top * _HEIGHT) for x, y in points]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="{color}"/>' for x, y in places)
        ends.append((places[-1][1], name, color))
    free = float(_HEIGHT + _LINE)
    for y, name, color in sorted(ends, reverse=True):  # from the bottom, without overlaps
        free = min(y + 3, free - _LINE)
        yield f'<text x="{_WIDTH + 6}" y="{free:.1f}" fill="{color}">{name}</text>'
