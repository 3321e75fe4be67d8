# SPDX-License-Identifier: Apache-2.0
"""The report of `make bench`: tables in Markdown, which are printed too, all figures of all rounds as CSV, the plots as
SVG and PNG, and an HTML page with everything in it that needs nothing else."""
import base64
import csv
import html
import os
import re

import charts
import pictures
from benchlib import Comparison, Plot
from figures import Spread, figure, ratio_text

TITLE = "hsm-agent beside its peers"
WANTED_HEAD = ("measure", "wanted", "got", "met")
CSS = """
:root { color-scheme: light dark; --text: #1b1b1b; --page: #ffffff; --soft: #54595f; --rule: #c4c8cd; --own: #0b5cad }
@media (prefers-color-scheme: dark) {
  :root { --text: #e9eaec; --page: #15181c; --soft: #a9b0b8; --rule: #3a4047; --own: #6cb2ff } }
body { color: var(--text); background: var(--page); font: 16px/1.5 sans-serif; max-width: 70rem; margin: 0 auto;
  padding: 1rem }
a { color: var(--own) } figure { margin: 1.5rem 0 } svg { max-width: 100%; height: auto }
.wide { overflow-x: auto } table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums }
caption { text-align: left; font-weight: bold; padding: .3rem 0 } th, td { padding: .2rem .7rem; text-align: right;
  border-bottom: 1px solid var(--rule); vertical-align: top; white-space: nowrap }
th:first-child, td:first-child { text-align: left } thead th { color: var(--soft) } .words td { text-align: left }
dt { font-weight: bold } dd { margin: 0 0 .4rem } .note { color: var(--soft) }
"""


# --- What is shown, the same in all of them

def cell(spread, scale=1.0):
    if spread is None:
        return "–"
    return figure(Spread(*(value * scale for value in spread)))


def comparison_table(comparison):
    """(head, rows) of texts."""
    sides = list(dict.fromkeys(side for row in comparison.rows.values() for side in row.cpu()))
    timed = any(row.spread("p50") for row in comparison.rows.values())
    head = ["", "per second", "ratio"] + (["p50 ms", "p99 ms", "p99.9 ms"] if timed else [])
    head += [f"{side} CPU µs" for side in sides]
    rows = []
    for name, row in comparison.rows.items():
        if not row.rounds:
            rows.append([name] + ["–"] * (len(head) - 1))
            continue
        ratio = comparison.ratio(name)
        texts = [name, cell(row.spread("ops_per_s")),
                 ratio_text(ratio) if ratio else "–"]
        if timed:
            for field in ("p50", "p99", "p999"):
                spread = row.spread(field)
                texts.append(figure(spread.median / 1000) if spread else "–")
        cpu = row.cpu()
        texts += [figure(cpu[side]) if side in cpu else "–" for side in sides]
        rows.append(texts)
    return head, rows


def notes_of(exhibit):
    """What stands below its table."""
    if not isinstance(exhibit, Comparison):
        return []
    return [f"{name}: {row.reason}." for name, row in exhibit.rows.items() if row.reason] + exhibit.notes


def promise_rows(ctx):
    return [(each.measure, each.wanted, each.got, {True: "yes", False: "no", None: "–"}[each.met])
            for each in ctx.promises]


def plot_table(plot):
    xs = sorted({x for series in plot.series.values() for x, _ in series})
    found = {name: dict(series) for name, series in plot.series.items()}
    return [plot.x_label, *plot.series], [
        [f"{x:,g}", *(figure(found[name][x]) if x in found[name] else "–" for name in plot.series)] for x in xs]


def sections(ctx):
    """[(title, [exhibit, ...])]: a figure each."""
    found = []
    for exhibit in ctx.exhibits:
        title = exhibit.family if isinstance(exhibit, Comparison) else exhibit.title
        last = found[-1] if found else None
        if last and isinstance(exhibit, Comparison) and isinstance(last[1][-1], Comparison) and last[0] == title:
            last[1].append(exhibit)
        else:
            found.append((title, [exhibit]))
    return found


def caption_of(exhibit):
    return f"{exhibit.title}, ratios to {exhibit.base}" if isinstance(exhibit, Comparison) else exhibit.title


def table_of(exhibit):
    if isinstance(exhibit, Comparison):
        return comparison_table(exhibit)
    if isinstance(exhibit, Plot):
        return plot_table(exhibit)
    return exhibit.head, exhibit.rows


def drawing_of(name, title, exhibits):
    """An SVG, or None for a table."""
    if isinstance(exhibits[0], Comparison):
        return charts.bars(name, title, exhibits)
    return charts.lines(name, exhibits[0]) if isinstance(exhibits[0], Plot) else None


# --- Markdown

def markdown_table(head, rows):
    def row(cells):
        return "| " + " | ".join(str(each).replace("|", "\\|") for each in cells) + " |"
    return "\n".join([row(head), "|---" + "|---:" * (len(head) - 1) + "|", *map(row, rows)])


def markdown(ctx, facts):
    parts = [f"# {TITLE}", "\n".join(f"- {name}: {words}" for name, words in facts), *ctx.notes]
    for title, exhibits in sections(ctx):
        parts.append(f"## {title}")
        for exhibit in exhibits:
            if caption_of(exhibit) != title:
                parts.append(f"### {caption_of(exhibit)}")
            parts.append(markdown_table(*table_of(exhibit)))
            parts += notes_of(exhibit)
    parts += ["## What has to be shown", markdown_table(WANTED_HEAD, promise_rows(ctx))]
    return "\n\n".join(parts) + "\n"


# --- CSV

def write_csv(ctx, path):
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["group", "comparison", "contender", "round", "figure", "unit", "value"])
        for comparison in (each for each in ctx.exhibits if isinstance(each, Comparison)):
            for name, row in comparison.rows.items():
                for number, result in enumerate(row.rounds, 1):
                    start = [comparison.group, comparison.title, name, number]
                    writer.writerow([*start, "rate", "1/s", f"{result.ops_per_s:.2f}"])
                    for field in ("p50", "p99", "p999"):
                        if getattr(result, field) is not None:
                            writer.writerow([*start, field, "us", f"{getattr(result, field):.2f}"])
                    for side, value in result.cpu.items():
                        writer.writerow([*start, f"cpu {side}", "us", f"{value:.3f}"])


# --- HTML

def html_table(caption, head, rows, kind=""):
    def cells(row):
        first, *others = (html.escape(str(each)) for each in row)
        return f'<th scope="row">{first}</th>' + "".join(f"<td>{each}</td>" for each in others)
    heads = "".join(f'<th scope="col">{html.escape(each)}</th>' if each else "<td></td>" for each in head)
    return (f'<div class="wide" tabindex="0" role="region" aria-label="{html.escape(caption)}"><table class="{kind}">'
            f"<caption>{html.escape(caption)}</caption><thead><tr>{heads}</tr></thead><tbody>"
            + "".join(f"<tr>{cells(row)}</tr>" for row in rows) + "</tbody></table></div>")


def data_link(name, kind, content):
    encoded = base64.b64encode(content).decode()
    return f'<a download="{name}" href="data:{kind};base64,{encoded}">{html.escape(name)}</a>'


def page(ctx, facts, drawings, csv_bytes, markdown_text):
    parts = ["<!DOCTYPE html>", '<html lang="en"><head><meta charset="utf-8">',
             '<meta name="viewport" content="width=device-width, initial-scale=1">',
             f"<title>{TITLE}</title><style>{CSS}{charts.STYLE}</style></head><body><main>",
             f"<h1>{TITLE}</h1>", "<dl>"]
    parts += [f"<dt>{html.escape(name)}</dt><dd>{html.escape(words)}</dd>" for name, words in facts]
    parts += ["</dl>", *(f"<p>{html.escape(words)}</p>" for words in ctx.notes)]
    if ctx.promises:
        parts += ["<h2>What has to be shown</h2>",
                  html_table("Measures, and whether they were met", WANTED_HEAD, promise_rows(ctx), "words")]
    parts.append("<p>" + ", ".join([data_link("figures.csv", "text/csv", csv_bytes),
                                    data_link("tables.md", "text/markdown", markdown_text.encode())]) + "</p>")
    for number, (title, exhibits) in enumerate(sections(ctx)):
        parts.append(f"<h2>{html.escape(title)}</h2>")
        if number in drawings:
            name, svg, png = drawings[number]
            links = [data_link(f"{name}.svg", "image/svg+xml", charts.alone(svg).encode())]
            links += [data_link(f"{name}.png", "image/png", png)] if png else []
            parts.append(f"<figure>{svg}<figcaption>{html.escape(title)}: {', '.join(links)}</figcaption></figure>")
        for exhibit in exhibits:
            parts.append(html_table(caption_of(exhibit), *table_of(exhibit)))
            parts += [f'<p class="note">{html.escape(words)}</p>' for words in notes_of(exhibit)]
    return "\n".join([*parts, "</main></body></html>"]) + "\n"


def write(ctx, facts, out):
    """Writes the report's files, and prints the tables."""
    drawings = {}
    for number, (title, exhibits) in enumerate(sections(ctx)):
        name = f"{number + 1:02}-" + re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        svg = drawing_of(name, title, exhibits)
        if svg:
            drawings[number] = (name, svg)
    files = {name: charts.alone(svg) for name, svg in drawings.values()}
    for name, content in files.items():
        with open(os.path.join(out, f"{name}.svg"), "w", encoding="utf-8") as file:
            file.write(content)
    painter, pngs = pictures.paint(out, list(files))
    if drawings:
        facts = facts + [("Plots", f"SVG only: {painter}" if painter else "SVG and PNG")]
    drawings = {number: (name, svg, pngs.get(name)) for number, (name, svg) in drawings.items()}
    words = markdown(ctx, facts)
    with open(os.path.join(out, "tables.md"), "w", encoding="utf-8") as file:
        file.write(words)
    write_csv(ctx, os.path.join(out, "figures.csv"))
    with open(os.path.join(out, "figures.csv"), "rb") as file:
        csv_bytes = file.read()
    with open(os.path.join(out, "report.html"), "w", encoding="utf-8") as file:
        file.write(page(ctx, facts, drawings, csv_bytes, words))
    print(words)
    print(f"{out}/report.html has this with plots; figures.csv, tables.md and the plots are beside it")
