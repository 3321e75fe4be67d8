# SPDX-License-Identifier: Apache-2.0
"""Figures as SVG, light and dark by the reader's preference, without scripts or fonts of their own.

The CSS is plain, so that renderers that know neither variables nor media queries draw the light figure.
"""
import math
from xml.sax.saxutils import escape

from figures import Spread, figure, ratio_text

WIDTH = 860
LEFT, RIGHT = 190, 210  # for names and for figures
STYLE = """
.hb-page { fill: #ffffff } .hb-text { fill: #1b1b1b; font: 13px sans-serif } .hb-head { font-weight: bold }
.hb-soft { fill: #54595f; font-size: 12px } .hb-bar { fill: #8a9099 } .hb-own { fill: #0b5cad }
.hb-line { stroke: #c4c8cd; stroke-width: 1 } .hb-base { stroke: #1b1b1b; stroke-dasharray: 4 3 }
.hb-whisker { stroke: #1b1b1b; stroke-width: 1.5 }
.hb-s0 { stroke: #0b5cad; fill: #0b5cad } .hb-s1 { stroke: #a8480f; fill: #a8480f }
.hb-s2 { stroke: #1a7431; fill: #1a7431 } .hb-s3 { stroke: #7a3fc9; fill: #7a3fc9 }
.hb-path { fill: none; stroke-width: 2 } .hb-arrow { fill: #ffffff; font-weight: bold }
@media (prefers-color-scheme: dark) {
.hb-page { fill: #15181c } .hb-text { fill: #e9eaec } .hb-soft { fill: #a9b0b8 } .hb-bar { fill: #7b838d }
.hb-own { fill: #6cb2ff } .hb-line { stroke: #3a4047 } .hb-base { stroke: #e9eaec } .hb-whisker { stroke: #ffffff }
.hb-s0 { stroke: #6cb2ff; fill: #6cb2ff } .hb-s1 { stroke: #ffa066; fill: #ffa066 }
.hb-s2 { stroke: #5cc97c; fill: #5cc97c } .hb-s3 { stroke: #c49bff; fill: #c49bff }
.hb-path { fill: none } .hb-arrow { fill: #15181c }
}
"""
DASHES = ("", "7 4", "2 3", "9 3 2 3")


def text(x, y, words, kind="", anchor="start"):
    return f'<text class="hb-text {kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def line(x1, y1, x2, y2, kind):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def whole(identity, title, description, height, parts):
    """One <svg>. With style() inside it stands alone."""
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" width="{WIDTH}" '
            f'height="{height:.0f}" role="img" aria-labelledby="{identity}-t {identity}-d">'
            f'<title id="{identity}-t">{escape(title)}</title><desc id="{identity}-d">{escape(description)}</desc>'
            f'<rect class="hb-page" width="100%" height="100%"/>{"".join(parts)}</svg>')


def alone(svg):
    """As a file of its own."""
    at = svg.index("<title")
    return f'{svg[:at]}<style>{STYLE}</style>{svg[at:]}\n'


# --- Bars: ratios to the base of each comparison

def scale_of(ratios):
    """Where the bars' scale ends: what is far beyond the others gets an arrow instead."""
    most = max([ratio.most for ratio in ratios if ratio] + [1.0])
    return math.ceil(min(most, 3.0) * 4 + 0.2) / 4


def bars(identity, family, comparisons):
    end = scale_of([each.ratio(name) for each in comparisons for name in each.rows])
    span = WIDTH - LEFT - RIGHT
    y, parts, told = 24.0, [text(12, 24, family, "hb-head")], []
    for comparison in comparisons:
        y += 26
        heading = comparison.title[len(family):].strip(" ,") if comparison.title.startswith(family) else comparison.title
        parts.append(text(12, y, heading or "operations a second", "hb-head"))
        parts.append(text(WIDTH - RIGHT + 10, y, f"x: {comparison.base}", "hb-soft"))
        top = y + 6
        bottom = top + 22 * len(comparison.rows)
        ticks = [each / 4 for each in range(0, int(end * 4) + 1, 2 if end > 1.5 else 1)]
        for tick in ticks:
            parts.append(line(LEFT + span * tick / end, top, LEFT + span * tick / end, bottom, "hb-line"))
        for name, row in comparison.rows.items():
            y += 22
            parts += bar(comparison, name, row, y, end, span)
            told.append(f"{heading} {name}: {said(comparison, name, row)}")
        parts.append(line(LEFT + span / end, top, LEFT + span / end, bottom, "hb-base"))
        y += 18
        for tick in ticks:
            parts.append(text(LEFT + span * tick / end, y, f"{tick:g}", "hb-soft", "middle"))
    return whole(identity, family, "; ".join(told), y + 14, parts)


def said(comparison, name, row):
    rate, ratio = row.spread("ops_per_s"), comparison.ratio(name)
    if not rate:
        return "not measured"
    return f"{figure(rate.median)}/s" + (f", x {ratio_text(ratio)}" if ratio else "")


def bar(comparison, name, row, y, end, span):
    ratio = comparison.ratio(name)
    parts = [text(LEFT - 8, y + 1, name, "", "end")]
    if not ratio:
        return parts + [text(LEFT + 6, y + 1, "–", "hb-soft")]
    width = span * min(ratio.median, end) / end
    kind = "hb-own" if name.startswith("agent") else "hb-bar"
    parts.append(f'<rect class="{kind}" x="{LEFT}" y="{y - 10:.1f}" width="{width:.1f}" height="13"/>')
    if ratio.median > end:
        parts.append(text(LEFT + span - 4, y + 1, "→", "hb-arrow", "end"))
    elif ratio.most > ratio.least:
        low, high = (LEFT + span * min(each, end) / end for each in (ratio.least, ratio.most))
        parts.append(line(low, y - 3.5, high, y - 3.5, "hb-whisker"))
        parts += [line(x, y - 7, x, y, "hb-whisker") for x in (low, high)]
    return parts + [text(WIDTH - RIGHT + 10, y + 1, said(comparison, name, row), "hb-soft")]


# --- Lines

def middle(value):
    return value.median if isinstance(value, Spread) else value


def lines(identity, plot):
    height, top, bottom, right = 356, 64, 290, WIDTH - RIGHT
    points = [point for series in plot.series.values() for point in series]
    if not points:
        return whole(identity, plot.title, "nothing was measured", 60, [text(12, 24, plot.title, "hb-head")])
    xs = sorted({x for x, _ in points})
    most = max(value.most if isinstance(value, Spread) else value for _, value in points) or 1
    step = nice(most / 5)
    end = math.ceil(most / step) * step

    def place_x(x):
        if len(xs) == 1:
            return (80 + right) / 2
        # Zero has a place of its own at the left of a logarithmic axis.
        if plot.log_x:
            logs = [math.log10(each) if each > 0 else math.log10(min(e for e in xs if e > 0)) - 0.7 for each in xs]
            at = logs[xs.index(x)]
            return 80 + (right - 80) * (at - logs[0]) / (logs[-1] - logs[0])
        return 80 + (right - 80) * (x - xs[0]) / (xs[-1] - xs[0])

    def place_y(value):
        return bottom - (bottom - top) * value / end

    parts = [text(12, 24, plot.title, "hb-head")]
    for i in range(int(round(end / step)) + 1):
        parts.append(line(80, place_y(i * step), right, place_y(i * step), "hb-line"))
        parts.append(text(72, place_y(i * step) + 4, f"{i * step:,g}", "hb-soft", "end"))
    for x in xs:
        parts.append(text(place_x(x), bottom + 18, f"{x:,g}", "hb-soft", "middle"))
    parts.append(text((80 + right) / 2, bottom + 42, plot.x_label, "", "middle"))
    parts.append(text(12, top - 18, plot.y_label, "hb-soft"))
    told, ends = [], []
    for i, (name, series) in enumerate(plot.series.items()):
        kind = f"hb-s{i % 4}"
        path = " ".join(f"{'ML'[n > 0]}{place_x(x):.1f} {place_y(middle(y)):.1f}" for n, (x, y) in enumerate(series))
        dash = f' stroke-dasharray="{DASHES[i % 4]}"' if DASHES[i % 4] else ""
        parts.append(f'<path class="{kind} hb-path" style="fill:none" d="{path}"{dash}/>')
        for x, value in series:
            parts.append(mark(i, kind, place_x(x), place_y(middle(value))))
            if isinstance(value, Spread):
                parts.append(line(place_x(x), place_y(value.least), place_x(x), place_y(value.most), kind))
        if series:
            ends.append([place_y(middle(series[-1][1])), name, kind, i])
        told.append(f"{name}: " + ", ".join(f"{x:g} {figure(middle(value))}" for x, value in series))
    return whole(identity, plot.title, f"{plot.y_label} by {plot.x_label}. " + "; ".join(told), height,
                 parts + labels(ends, right))


def labels(ends, right):
    """The lines' names where they end, none over another."""
    parts, last = [], -100.0
    for y, name, kind, i in sorted(ends):
        last = max(y, last + 17)
        parts.append(mark(i, kind, right + 14, last))
        parts.append(text(right + 24, last + 4, name))
    return parts


def mark(i, kind, x, y):
    """Lines differ by shape too."""
    if i % 4 == 0:
        return f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="4"/>'
    shape = ((-4, -4, 4, -4, 4, 4, -4, 4), (0, -5, 5, 4, -5, 4), (0, -6, 5, 0, 0, 6, -5, 0))[i % 4 - 1]
    points = " ".join(f"{x + shape[n]:.1f},{y + shape[n + 1]:.1f}" for n in range(0, len(shape), 2))
    return f'<polygon class="{kind}" points="{points}"/>'


def nice(step):
    power = 10 ** math.floor(math.log10(step)) if step > 0 else 1
    return next(each * power for each in (1, 2, 2.5, 5, 10) if each * power >= step)
