# SPDX-License-Identifier: ISC
"""A curve as SVG: both axes logarithmic, so that what grows in proportion is a
straight slope and what does not grow is level."""
import math

WIDTH, HEIGHT = 460, 260
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 34, 44
# Between the frame and the outermost points; of few decades 2 and 5 have lines too.
INSIDE, FEW = 14, 2
LINE, GRID, TEXT = "#1f5f8b", "#d8d8d8", "#333333"
SUFFIXES = ((1e9, "G"), (1e6, "M"), (1e3, "k"))


def short(value):
    """1500 is 1.5k."""
    for size, suffix in SUFFIXES:
        if value >= size:
            return f"{value / size:.3g}{suffix}"
    return f"{value:.3g}"


def decades(values):
    """The powers of ten around the values, at least one step apart."""
    low = math.floor(math.log10(min(values)) + 1e-9)
    high = math.ceil(math.log10(max(values)) - 1e-9)
    return low, max(high, low + 1)


class Axis:
    def __init__(self, values, start, end):
        self.low, self.high = decades(values)
        inside = INSIDE if end > start else -INSIDE
        self.start, self.end = start + inside, end - inside

    def at(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self):
        steps = (1, 2, 5) if self.high - self.low <= FEW else (1,)
        most = 10.0 ** self.high
        return [step * 10.0 ** n for n in range(self.low, self.high + 1)
                for step in steps if step * 10.0 ** n <= most]


def text(x, y, words, anchor="middle", size=11):
    """With a white rim, so that lines below do not disturb."""
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
            f'font-size="{size}" fill="{TEXT}" stroke="white" '
            f'stroke-width="3" paint-order="stroke">{words}</text>')


def grid(x, y):
    for tick in x.ticks():
        at = x.at(tick)
        yield (f'<line x1="{at:.1f}" y1="{TOP}" x2="{at:.1f}" '
               f'y2="{HEIGHT - BOTTOM}" stroke="{GRID}"/>')
        yield text(at, HEIGHT - BOTTOM + 16, short(tick))
    for tick in y.ticks():
        at = y.at(tick)
        yield (f'<line x1="{LEFT}" y1="{at:.1f}" x2="{WIDTH - RIGHT}" '
               f'y2="{at:.1f}" stroke="{GRID}"/>')
        yield text(LEFT - 6, at + 4, short(tick), "end")


def svg(title, x_label, y_label, points):
    """points: (x, y), both above zero."""
    x = Axis([p[0] for p in points], LEFT, WIDTH - RIGHT)
    y = Axis([p[1] for p in points], HEIGHT - BOTTOM, TOP)
    places = [(x.at(a), y.at(b)) for a, b in points]
    path = " ".join(f"{a:.1f},{b:.1f}" for a, b in places)
    dots = "\n".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="3.5" '
                     f'fill="{LINE}"/>' for a, b in places)
    labels = "\n".join(text(a, b - 8, short(value), size=10)
                       for (a, b), (_, value) in zip(places, points))
    return "\n".join((
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        text(WIDTH / 2, 18, f"{title}, {y_label}", size=13), *grid(x, y),
        f'<polyline points="{path}" fill="none" stroke="{LINE}" '
        'stroke-width="2"/>', dots, labels,
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_label), "</svg>", ""))
