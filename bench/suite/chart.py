# SPDX-License-Identifier: MIT
"""One SVG picture of the results: grouped horizontal bars on logarithmic scales, for light and dark pages."""
import math
from xml.sax.saxutils import escape

PANELS = (
    ("Microseconds an operation (less is better)", "us",
     ("create", "stat", "missing-again", "open", "list-stat", "write-4k", "read-4k", "chmod", "rename",
      "unlink", "mkdir", "tree-unpack", "tree-delete")),
    ("Megabytes a second (more is better)", "mbps",
     ("write-fresh-1m", "write-over-4k", "read-1m-cached", "read-1m-cold", "direct-write-1m",
      "direct-read-1m", "direct-read-random")),
)
COLOURS = {"tmpfs": "#8a8f98", "lintel": "#d9480f", "lintel-classic": "#f08c00",
           "lintel-uring": "#f08c00", "lintel-passthrough": "#fab005", "bindfs": "#1c7ed6",
           "ntfs-3g": "#0ca678", "fuse2fs": "#9c36b5"}
STYLE = """
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 17px; font-weight: 600 }
  .panel { font-size: 14px; font-weight: 600 }
  .small { font-size: 10px; fill: #57606a }
  .grid { stroke: #8c959f; stroke-opacity: .35 }
  @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .small { fill: #9ea7b3 } }
"""
WIDTH, LABELS, RIGHT = 900, 220, 70
BAR, GAP = 9, 8


def draw(doc):
    cases = {c["id"]: c for g in doc["groups"] for c in g["cases"]}
    titles = {s["id"]: s["title"] for s in doc["systems"]}
    body, y = [], 30
    body.append(text(16, y, "Lintel beside tmpfs and other FUSE file systems", "title"))
    systems = [i for i in COLOURS if any(i in c["results"] for c in cases.values())]
    y = legend(body, y + 26, systems, titles)
    for title, key, wanted in PANELS:
        chosen = [cases[i] for i in wanted if i in cases]
        if chosen:
            y = panel(body, y + 30, title, key, chosen, systems)
    body.append(text(16, y + 26, f"{doc['date']}, medians of {doc['rounds']} rounds; logarithmic scales",
                     "small"))
    height = y + 40
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" '
            f'height="{height}" role="img" aria-label="Benchmark results">\n<style>{STYLE}</style>\n'
            + "\n".join(body) + "\n</svg>\n")


def text(x, y, words, kind="", anchor="start"):
    kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{kind}>{escape(words)}</text>'


def legend(body, y, systems, titles):
    x = 16
    for ident in systems:
        width = 24 + 7 * len(titles[ident])
        if x + width > WIDTH:
            x, y = 16, y + 18
        body.append(f'<rect x="{x}" y="{y - 9}" width="11" height="11" rx="2" fill="{COLOURS[ident]}"/>')
        body.append(text(x + 16, y, titles[ident]))
        x += width + 12
    return y


def panel(body, y, title, key, cases, systems):
    """One set of groups with an axis of its own; returns the y below it."""
    values = [c["results"][i][key] for c in cases for i in systems if key in c["results"].get(i, {})]
    if not values:
        return y
    low = math.floor(math.log10(min(values)))
    high = max(math.ceil(math.log10(max(values))), low + 1)

    def scale(value):
        return LABELS + (math.log10(value) - low) / (high - low) * (WIDTH - LABELS - RIGHT)

    body.append(text(16, y, title, "panel"))
    top = y = y + 26
    bars = []
    for case in cases:
        rows = [(i, case["results"][i][key]) for i in systems if key in case["results"].get(i, {})]
        bars.append(text(LABELS - 10, y + len(rows) * BAR / 2 + 4, case["title"], anchor="end"))
        for ident, value in rows:
            x = scale(value)
            bars.append(f'<rect x="{LABELS}" y="{y}" width="{max(x - LABELS, 1):.1f}" height="{BAR - 1}" '
                        f'rx="1.5" fill="{COLOURS[ident]}"/>')
            bars.append(text(x + 4, y + BAR - 1.5, f"{value:.3g}" if value < 1000 else f"{value:.0f}", "small"))
            y += BAR
        y += GAP
    for exponent in range(low, high + 1):
        x = scale(10 ** exponent)
        body.append(f'<line x1="{x:.1f}" y1="{top - 6}" x2="{x:.1f}" y2="{y}" class="grid"/>')
        body.append(text(x, top - 10, f"{10 ** exponent:g}", "small", "middle"))
    body += bars
    return y
