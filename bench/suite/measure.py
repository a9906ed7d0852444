# SPDX-License-Identifier: MIT
"""Runs the cases: round by round, case by case, one system after the other, so that whatever else the
machine does at a time disturbs all of them alike."""
import json
import pathlib
import shutil
import statistics
import subprocess
import time

from .systems import Unavailable


class Bench:
    def __init__(self, build, work, groups, small, rounds, say):
        self.worker = build / "bench" / "bench-work"
        self.inproc = build / "bench" / "bench-inproc"
        self.groups, self.rounds, self.say = groups, rounds, say
        self.small = {g.id: g for g in small}  # the same with few files, for systems with files_max
        self.systems = []
        self.samples = {}  # (case id, system id) -> [one dict a round]
        self.trips = {}  # (case id, system id) -> {request: count per operation}
        self.memory = {}  # (group id, system id) -> {"before", case id...: bytes}
        self.rest = {}  # system id -> share of a processor taken at rest
        self.errors = {}  # (case id, system id) -> text
        self.tar = work / "images" / "tree.tar"

    def run(self):
        self.note_rest()
        for number in range(self.rounds):
            for group in self.groups:
                systems = [s for s in self.systems if takes_part(s, group, number, self.rounds)]
                if systems:
                    self.say(f"round {number + 1} of {self.rounds}: {group.title}")
                    self.run_group(group, rotate(systems, number), number)

    def run_group(self, group, systems, number):
        dirs = {s.id: s.dir / f"{group.id}-{number}" for s in systems}
        for s in systems:
            dirs[s.id].mkdir()
        if number == 0:
            for s in systems:
                self.note_memory(group, "before", s)
        for case, small in zip(group.cases, self.small[group.id].cases):
            for s in systems:
                self.run_case(group, small if s.files_max else case, s, dirs[s.id], first=number == 0)
        for s in systems:
            subprocess.run(["rm", "-rf", dirs[s.id]], check=False)

    def run_case(self, group, case, system, path, first):
        if (case.id, system.id) in self.errors:
            return
        if case.drop:
            drop_caches()
        counted = first and case.record and not system.peer
        before = snapshot(system) if counted else None
        pid = None if system.peer else system.daemon()
        busy = cpu_ns(pid)
        sample = self.run_command(case, path) if case.command else self.run_worker(case, path)
        if not case.record:
            return
        if "error" in sample:
            self.errors[case.id, system.id] = sample["error"]
            return
        if pid:
            sample["server_ns"] = cpu_ns(pid) - busy
        if before:
            self.trips[case.id, system.id] = trips(before, snapshot(system), sample["count"])
        if first and case.resident:
            self.note_memory(group, case.id, system)
        self.samples.setdefault((case.id, system.id), []).append(sample)

    def run_worker(self, case, path):
        done = subprocess.run([self.worker, path, *case.words], stdout=subprocess.PIPE, text=True)
        try:
            return json.loads(done.stdout)
        except ValueError:
            return {"error": f"bench-work ended with status {done.returncode}"}

    def run_command(self, case, path):
        words = [w.format(dir=path, tar=self.tar) for w in case.command]
        start = time.perf_counter_ns()
        done = subprocess.run(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        wall = time.perf_counter_ns() - start
        if done.returncode:
            return {"error": done.stderr.strip().splitlines()[-1] if done.stderr else "failed"}
        return {"count": case.count, "wall_ns": wall, "bytes": 0}

    def note_memory(self, group, moment, system):
        pid = system.daemon()
        if pid:
            time.sleep(0.5)  # what the kernel forgets arrives after the unlink has returned
            self.memory.setdefault((group.id, system.id), {})[moment] = resident(pid)

    def note_rest(self):
        """Processor time that a server takes while nobody asks it for anything."""
        pids = {s.id: s.daemon() for s in self.systems if not s.peer and not s.bare}
        time.sleep(1)
        before = {i: cpu_ns(pid) for i, pid in pids.items() if pid}
        time.sleep(2 if before else 0)
        self.rest = {i: (cpu_ns(pids[i]) - ns) / 2e9 for i, ns in before.items()}

    # ---- In process ------------------------------------------------------------------------------

    def run_inproc(self, modes):
        """Each mode in a process of its own; returns the lines that it printed."""
        lines = []
        if not self.inproc.exists():
            return lines
        for mode in modes:
            self.say(f"in process: {' '.join(map(str, mode))}")
            done = subprocess.run([self.inproc, *map(str, mode)], stdout=subprocess.PIPE, text=True)
            lines += [json.loads(line) for line in done.stdout.splitlines()]
        return lines

    # ---- What came out ---------------------------------------------------------------------------

    def figure(self, case, system):
        """The median round of a case on a system, or None."""
        samples = self.samples.get((case.id, system.id))
        if not samples:
            return None
        us = [s["wall_ns"] / s["count"] / 1000 for s in samples]
        result = {"us": statistics.median(us), "us_min": min(us), "us_max": max(us), "rounds": len(us),
                  "count": samples[0]["count"]}
        if case.unit == "MB/s":
            result["mbps"] = samples[0]["bytes"] / samples[0]["count"] / result["us"]
        for key in ("p50_ns", "p99_ns"):
            if key in samples[0]:
                result[key] = statistics.median(s[key] for s in samples)
        if "server_ns" in samples[0]:
            result["server_us"] = statistics.median(s["server_ns"] / s["count"] for s in samples) / 1000
        if (case.id, system.id) in self.trips:
            result["trips"] = self.trips[case.id, system.id]
        return result


def takes_part(system, group, number, rounds):
    if group.only:
        if system.id not in group.only:
            return False
    elif system.bare:
        return False
    limit = group.rounds or rounds
    if system.peer:
        limit = min(limit, max(1, rounds // 2))
    return number < limit


def rotate(items, by):
    by %= len(items)
    return items[by:] + items[:by]


def drop_caches():
    """Names and inodes, not data."""
    subprocess.run(["sync"], check=False)
    pathlib.Path("/proc/sys/vm/drop_caches").write_text("2\n")
    time.sleep(0.2)


def snapshot(system):
    """Counters and, in their own difference, what reading them costs."""
    first = system.counters()
    second = system.counters() if first is not None else None
    if not second:
        return None
    return {"before": first, "after": second, "own": difference(first, second)}


def difference(before, after):
    return {k: v - before.get(k, 0) for k, v in after.items() if v > before.get(k, 0)}


def trips(before, after, count):
    """Requests per operation between two snapshots, without those of the snapshots themselves."""
    if not after:
        return {}
    result = {}
    for name, total in difference(before["after"], after["before"]).items():
        per = (total - before["own"].get(name, 0)) / count
        if per >= 0.0005:
            result[name] = round(per, 3)
    return result


def cpu_ns(pid):
    """Processor time of all threads of a process."""
    total = 0
    for thread in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat") if pid else ():
        try:
            total += int(thread.read_text().split()[0])
        except OSError:
            pass  # it has just ended
    return total


def resident(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    return 0


def start_systems(systems, say):
    """Starts what can be started; returns it and, for the rest, why not."""
    started, missing = [], {}
    for s in systems:
        try:
            s.start()
            started.append(s)
        except (Unavailable, OSError) as why:
            missing[s.title] = str(why)
            say(f"without {s.title}: {why}")
            s.stop()
    return started, missing


def stop_systems(systems, work):
    for s in reversed(systems):
        s.stop()
    subprocess.run(["umount", "-l", work / "images"], check=False, stderr=subprocess.DEVNULL)
    shutil.rmtree(work, ignore_errors=True)
