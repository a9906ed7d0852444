# SPDX-License-Identifier: MIT
"""What a request costs on its way to a FUSE server: lines of bench-bridge as a table."""
import json
import subprocess

COLUMNS = ("channel", "workers", "round trip", "processor", "read 1 MiB", "at rest")


def run(build, work):
    """The figures, as bench-bridge prints them."""
    mount = work / "bridge"
    mount.mkdir(parents=True, exist_ok=True)
    done = subprocess.run([build / "bench" / "bench-bridge", mount], check=True, text=True,
                          stdout=subprocess.PIPE)
    return [json.loads(line) for line in done.stdout.splitlines()]


def row(channel, workers, figures):
    """One line of the table; `figures` by operation."""
    trip, read, rest = (figures.get(op) for op in ("getattr", "read", "rest"))
    return (channel, str(workers or "-"), f"{trip['us_per_op']:.1f} us",
            f"{trip['cpu_ns'] / trip['count'] / 1000:.1f} us", f"{read['mib_per_s'] / 1024:.2f} GiB/s",
            f"{rest['cpu_ns'] * 100 / rest['wall_ns']:.2f} %" if rest else "-")


def table(lines):
    """The figures as text; the processor time is that of both ends together."""
    groups = {}
    for line in lines:
        groups.setdefault((line["channel"], line["workers"]), {})[line["op"]] = line
    rows = [COLUMNS] + [row(*key, figures) for key, figures in groups.items()]
    widths = [max(len(r[i]) for r in rows) for i in range(len(COLUMNS))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(r, widths)).rstrip() for r in rows)
