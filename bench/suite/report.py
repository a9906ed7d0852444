# SPDX-License-Identifier: MIT
"""Tables for people (terminal and Markdown) and one JSON document for programs."""
import datetime
import os
import pathlib
import platform

PEERS = ("ntfs-3g", "fuse2fs")
QUIET = ("FORGET", "BATCH_FORGET", "INTERRUPT")  # requests that nobody waits for


def machine():
    """What the figures depend on, and nothing that names the machine."""
    cpu, flags = platform.machine(), ""
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.split(":", 1)[1].strip()
        if line.startswith("flags"):
            flags = line
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": cpu, "cpus": os.cpu_count(), "virtual": " hypervisor" in flags,
            "memory_bytes": memory, "kernel": platform.release().split("-")[0]}


def machine_text(m):
    kind = "virtual machine" if m["virtual"] else "machine"
    return (f"{m['cpus']}-CPU {kind}, {m['cpu']}, {m['memory_bytes'] / 2**30:.0f} GiB, "
            f"Linux {m['kernel']}")


def document(bench, quick, missing, inproc, load):
    systems = [{"id": s.id, "title": s.title, "note": s.note} for s in bench.systems]
    groups = []
    for group in bench.groups:
        cases = []
        for case in group.cases:
            if not case.record:
                continue
            results = {s.id: bench.figure(case, s) for s in bench.systems if bench.figure(case, s)}
            errors = {s.id: bench.errors[case.id, s.id] for s in bench.systems
                      if (case.id, s.id) in bench.errors}
            if results or errors:
                cases.append({"id": case.id, "title": case.title, "unit": case.unit,
                              "results": results, "errors": errors})
        if cases:
            groups.append({"id": group.id, "title": group.title, "clients": group.clients,
                           "cases": cases})
    memory = [{"group": g, "system": s, **moments} for (g, s), moments in bench.memory.items()]
    return {"date": datetime.date.today().isoformat(), "machine": machine(), "load": load,
            "quick": quick, "rounds": bench.rounds, "systems": systems, "missing": missing,
            "groups": groups, "inproc": inproc, "memory": memory, "rest": bench.rest}


# ---- Cells ----------------------------------------------------------------------------------------

def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def waited(figure):
    """Round trips of one operation that somebody waits for, or None."""
    if "trips" not in figure:
        return None
    return sum(n for name, n in figure["trips"].items() if name not in QUIET)


def cell(case, figure, floor):
    if not figure:
        return "-"
    if case["unit"] == "MB/s":
        text = number(figure["mbps"])
        return text if not floor else f"{text} ({figure['mbps'] / floor['mbps']:.2f})"
    text = number(figure["us"])
    return text if not floor else f"{text} ({figure['us'] / floor['us']:.1f})"


def table_rows(doc, group):
    """Header and rows of one group: first tmpfs, then each system with its ratio to tmpfs."""
    ids = [s["id"] for s in doc["systems"] if any(s["id"] in c["results"] for c in group["cases"])]
    titles = {s["id"]: s["title"] for s in doc["systems"]}
    bare = bare_trip(doc)
    peers = [i for i in PEERS if i in ids and doc["floor"] != "tmpfs" and "lintel" in ids]
    rows = [["", "unit"] + [titles[i] for i in ids] + [f"times {titles[i]}" for i in peers] + ["trips"]
            + (["in bare trips"] if bare else [])]
    for case in group["cases"]:
        floor = case["results"].get(doc["floor"])
        row = [case["title"], "µs" if case["unit"] == "us" else case["unit"]]
        row += [cell(case, case["results"].get(i), floor if i != doc["floor"] else None) for i in ids]
        ours = case["results"].get("lintel")
        row += [faster(ours, case["results"].get(i)) for i in peers]
        trips = waited(ours) if ours else None
        row.append("-" if trips is None else f"{trips:.2f}".rstrip("0").rstrip("."))
        if bare:
            row.append(f"{ours['us'] / bare:.2f}" if ours else "-")
        rows.append(row)
    return rows


def faster(ours, theirs):
    """How many times as fast Lintel's image is."""
    return f"{theirs['us'] / ours['us']:.1f}" if ours and theirs else "-"


def bare_trip(doc):
    """Microseconds of one bare round trip over the default transport, or None."""
    for group in doc["groups"]:
        if group["id"] == "bare":
            figure = group["cases"][0]["results"].get("bare")
            return figure["us"] if figure else None
    return None


def plain(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])] + [c.rjust(w) for c, w in zip(row[1:], widths[1:])]
        lines.append("  ".join(cells).rstrip())
    return lines


def markdown(rows):
    lines = ["| " + " | ".join(rows[0]) + " |", "|---|" + "---:|" * (len(rows[0]) - 1)]
    return lines + ["| " + " | ".join(row) + " |" for row in rows[1:]]


# ---- Single operations ----------------------------------------------------------------------------

def latency_rows(doc):
    """Percentiles over single operations, and which requests an operation of `lintel` is made of."""
    ids = [s["id"] for s in doc["systems"] if s["id"] in ("tmpfs", "lintel", "lintel-uring")]
    titles = {s["id"]: s["title"] for s in doc["systems"]}
    rows = [["µs"] + [f"{titles[i]} {p}" for i in ids for p in ("p50", "p99")] + ["server's CPU", "requests of lintel"]]
    for group in doc["groups"]:
        for case in group["cases"] if group["id"] in ("bare", "names", "cold") else ():
            row = [case["title"]]
            for i in ids:
                figure = case["results"].get(i, {})
                row += [number(figure[p] / 1000) if p in figure else "-" for p in ("p50_ns", "p99_ns")]
            ours = case["results"].get("lintel", {})
            row.append(number(ours["server_us"]) if "server_us" in ours else "-")
            trips = ours.get("trips")
            row.append("-" if trips is None else requests_text(trips))
            rows.append(row)
    return rows if len(rows) > 1 else []


def requests_text(trips):
    counted = sorted(trips.items(), key=lambda item: -item[1])
    return ", ".join(f"{name} {n:.3f}".rstrip("0").rstrip(".") for name, n in counted) or "none"


# ---- In process and memory ------------------------------------------------------------------------

def inproc_rows(doc):
    rows = [["in process", "entries", "ns an operation", "MB/s"]]
    for r in doc["inproc"]:
        if r["op"] == "memory":
            continue
        ns = r["cpu_ns"] / r["count"]
        rate = f"{r['bytes'] * 1000 / r['cpu_ns']:.0f}" if r["bytes"] else ""
        rows.append([r["op"], f"{r['entries']:,}" if r["entries"] else "", f"{ns:.0f}", rate])
    return rows if len(rows) > 1 else []


def memory_rows(doc):
    rows = [["memory", "files", "resident before", "with files", "after deleting", "bytes a file",
             "accounted a file"]]
    mb = 1e6
    for r in doc["inproc"]:
        if r["op"] == "memory":
            per = (r["rss_full"] - r["rss_before"]) / r["files"]
            used = (r["used_full"] - r["used_before"]) / r["files"]
            rows.append([f"in process, {r['file_bytes']} bytes each", f"{r['files']:,}",
                         f"{r['rss_before'] / mb:.1f} MB", f"{r['rss_full'] / mb:.1f} MB",
                         f"{r['rss_after'] / mb:.1f} MB", f"{per:.0f}", f"{used:.0f}"])
    titles = {s["id"]: s["title"] for s in doc["systems"]}
    for r in doc["memory"]:
        if "million-create" in r:
            files = next(c["results"][r["system"]]["count"] for g in doc["groups"]
                         for c in g["cases"] if c["id"] == "million-create")
            rows.append([f"mounted, {titles[r['system']]}", f"{files:,}", f"{r['before'] / mb:.1f} MB",
                         f"{r['million-create'] / mb:.1f} MB", f"{r.get('million-unlink', 0) / mb:.1f} MB",
                         f"{(r['million-create'] - r['before']) / files:.0f}", ""])
    return rows if len(rows) > 1 else []


# ---- Images -----------------------------------------------------------------------------------------

def opening_rows(doc):
    rows = [["mounting and checking", "files", "ms"]]
    for r in doc.get("opening", ()):
        rows.append([f"{r['system']}: {r['op']}", f"{r['files']:,}", number(r["ms"])])
    return rows if len(rows) > 1 else []


def blobs_rows(doc):
    """One line an operation: microseconds in the image and in SQLite, and how much faster the image is."""
    us = {}
    for r in doc.get("blobs", ()):
        us.setdefault(r["op"], {})[r["system"]] = r["wall_ns"] / r["count"] / 1000
    rows = [["small files in process", "imgfs µs", "sqlite µs", "times faster", "one file µs"]]
    for op, figure in us.items():
        ours, theirs, floor = (figure.get(system) for system in ("imgfs", "sqlite", "file"))
        rows.append([op, number(ours) if ours else "-", number(theirs) if theirs else "-",
                     f"{theirs / ours:.2f}" if ours and theirs else "-", number(floor) if floor else "-"])
    return rows if len(rows) > 1 else []


# ---- Whole reports --------------------------------------------------------------------------------

def rest_rows(doc):
    titles = {s["id"]: s["title"] for s in doc["systems"]}
    rows = [["while nobody asks", "processor"]]
    return rows + [[titles[i], f"{share:.2%}"] for i, share in doc["rest"].items()] if doc["rest"] else []


def sections(doc):
    for group in doc["groups"]:
        yield group["title"], table_rows(doc, group)
    for title, rows in (("Single operations: percentiles and requests", latency_rows(doc)),
                        ("Server at rest", rest_rows(doc)),
                        ("In process", inproc_rows(doc)),
                        ("An image beside SQLite", blobs_rows(doc)),
                        ("Opening", opening_rows(doc)),
                        ("Memory of the server", memory_rows(doc))):
        if rows:
            yield title, rows


def legend(doc):
    floor = next((s["title"] for s in doc["systems"] if s["id"] == doc["floor"]), doc["floor"])
    text = (f"µs: time of one operation, all clients together; MB/s: 10^6 bytes; in brackets: ratio to {floor}; "
            "trips: requests that one operation of `lintel` waits for")
    if bare_trip(doc):
        text += "; in bare trips: its time divided by that of one bare round trip in the same run"
    return text + ". Medians over rounds."


def terminal(doc):
    lines = [machine_text(doc["machine"]), ""]
    for title, rows in sections(doc):
        lines += [title, ""] + plain(rows) + [""]
    lines += [f"{s['title']}: {s['note']}" for s in doc["systems"] if s["note"]]
    for title, why in doc["missing"].items():
        lines.append(f"not measured: {title} ({why})")
    return "\n".join(lines + [legend(doc)])


def markdown_report(doc):
    lines = ["# Benchmark", "", f"{doc['date']}, {machine_text(doc['machine'])}, {doc['rounds']} rounds, "
             f"load average before the run {doc['load']:.2f}.", "", legend(doc), ""]
    for title, rows in sections(doc):
        lines += [f"## {title}", ""] + markdown(rows) + [""]
    lines += [f"{s['title']}: {s['note']}." for s in doc["systems"] if s["note"]] + [""]
    if doc["missing"]:
        lines += ["Not measured: " + "; ".join(f"{t} ({w})" for t, w in doc["missing"].items()) + ".", ""]
    return "\n".join(lines)
