# SPDX-License-Identifier: MIT
"""Disk images on the host's own file system: what is measured, and beside what."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from . import cases
from .systems import Image, Lintel, System, Unavailable, call

FLOOR = "ext4"


class HostImage(Image):
    """Somebody else's file system in an image file."""

    size = 24 << 30


class LintelImage(Lintel):
    def __init__(self, ident, title, work, binary, source="", extra=False):
        super().__init__(ident, title, work, binary, extra=extra)
        self.image = work / "images" / f"{ident}.img"
        self.source = f"image:{self.image}" + (f",{source}" if source else "")

    def mount(self):
        call(self.binary, "mkfs", self.image, "--size", HostImage.size, "--force")
        super().mount()

    def clean(self):
        self.image.unlink(missing_ok=True)


class HostDirectory(System):
    """The file system that the images lie on."""

    def mount(self):
        pass

    def stop(self):
        shutil.rmtree(self.dir, ignore_errors=True)


def all_systems(build, work):
    binary = build / "src" / "cli" / "lintel"
    return [
        HostImage("ext4", "kernel ext4", work, ["mkfs.ext4", "-q", "-F"], ["mount", "-o", "loop"]),
        LintelImage("lintel", "lintel", work, binary),
        LintelImage("lintel-none", "lintel, sync=none", work, binary, "sync=none", extra=True),
        HostImage("ntfs-3g", "ntfs-3g", work, ["mkntfs", "-F", "-Q", "-q", "-s", "512", "-p", "0",
                                               "-H", "0", "-S", "0"], ["ntfs-3g"]),
        HostImage("fuse2fs", "fuse2fs", work, ["mkfs.ext4", "-q", "-F"], ["fuse2fs", "-o", "rw"],
                  files_max=500),
        HostDirectory("host", "the host's files", work),
    ]


def files_group(count):
    n = f"count={count}"
    return cases.Group("files", f"{count} files of 1 to 20 KiB", (
        cases.work("save", "create + write", "save", n),
        cases.work("load", "open + read, at random", "load", n, "scattered"),
        cases.work("load-cold", "the same, names forgotten", "load", n, "scattered", drop=True),
        cases.work("resave", "write over, at random", "resave", n, "scattered"),
        cases.work("erase", "unlink", "erase", n),
    ))


def file_group(size):
    k4, m1 = 4096, 1 << 20

    def data(ident, title, op, block, *words, limit=20000):
        return cases.work(ident, title, op, f"bytes={size}", f"block={block}",
                          f"count={min(size // block, limit)}", *words, unit="MB/s")

    return cases.Group("file", f"One file of {size >> 20} MiB", (
        data("file-write", "write, new file, 1 MiB", "pwrite", m1, "fresh"),
        data("file-over", "write over, 1 MiB", "pwrite", m1),
        data("file-over-random", "write over at random, 4 KiB", "pwrite", k4, "scattered"),
        data("file-read-cold", "read first time, 1 MiB", "pread", m1, "cold"),
        data("file-read-random", "read first time at random, 4 KiB", "pread", k4, "cold", "scattered"),
        data("file-direct-read", "O_DIRECT read, 1 MiB", "pread", m1, "direct"),
        data("file-direct-write", "O_DIRECT write over, 1 MiB", "pwrite", m1, "direct"),
        cases.work("append", "append 200 bytes + fdatasync", "append", "block=200", "count=2000"),
        cases.work("write-fsync", "write 4 KiB + fsync", "pwrite", f"bytes={64 << 20}", "count=2000", "sync"),
    ))


def entries_group(count):
    n = f"count={count}"
    return cases.Group("entries", f"One directory of {count} files", (
        cases.work("entries-create", "create + close", "create", n, resident=True),
        cases.work("entries-list", "list, an entry", "list", n, drop=True),
        cases.work("entries-stat", "stat at random", "stat", f"files={count}", "count=100000", "scattered"),
        cases.work("entries-unlink", "unlink", "unlink", n, resident=True),
    ), rounds=1)


def all_groups(quick, files, size):
    """`files`: 100,000 unless told; `size`: bytes of the large file."""
    return [files_group(files), file_group(size), cases.tree_group(cases.TREE_FILES),
            entries_group(100000 if quick else 1000000)]


# ---- Opening and checking -------------------------------------------------------------------------

def timed(*argv):
    start = time.perf_counter_ns()
    text = call(*argv, timeout=1800)
    return time.perf_counter_ns() - start, text


class Opening:
    """Times of mounting and checking an image with many files: closed in order, and after a kill -9
    under load."""

    def __init__(self, build, work, count, say):
        self.binary = build / "src" / "cli" / "lintel"
        self.worker = build / "bench" / "bench-work"
        self.work, self.count, self.say = work, count, say
        self.rows = []

    def note(self, system, what, nanoseconds):
        self.rows.append({"system": system, "op": what, "files": self.count, "ms": nanoseconds / 1e6})

    def fill(self, path, count):
        for n in range(max(1, count // 10000)):
            (path / f"d{n}").mkdir(exist_ok=True)
            call(self.worker, path / f"d{n}", "create", f"count={min(count, 10000)}", timeout=1800)

    def lintel(self):
        image, mnt = self.work / "images" / "open.img", self.work / "mnt" / "open"
        mnt.mkdir(parents=True, exist_ok=True)
        server = Lintel("open", "", self.work, self.binary)
        server.dir = mnt
        call(self.binary, "mkfs", image, "--size", 24 << 30, "--force")
        mount = (self.binary, "mount", f"image:{image}", mnt)
        try:
            call(*mount)
            self.fill(mnt, self.count)
            call(self.binary, "umount", mnt)
            self.note("lintel", "mount, clean", timed(*mount)[0])
            self.kill_under_load(server, mnt)
            self.note("lintel", "mount, after a kill", timed(*mount)[0])
            server.pid = None
            self.kill_under_load(server, mnt)
            self.note("lintel", "check, after a kill", timed(self.binary, "check", image)[0])
            call(*mount)
            call(self.binary, "umount", mnt)
            self.note("lintel", "check, clean", timed(self.binary, "check", image)[0])
        finally:
            server.stop()
            image.unlink(missing_ok=True)

    def kill_under_load(self, server, mnt):
        with tempfile.TemporaryDirectory(dir=mnt, ignore_cleanup_errors=True) as where:
            load = subprocess.Popen([self.worker, where, "save", "count=1000000"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(3)
            os.kill(server.daemon(), signal.SIGKILL)
            load.wait()
            call("umount", "-l", mnt)

    def ext4(self):
        image, mnt = self.work / "images" / "open-ext4.img", self.work / "mnt" / "open-ext4"
        mnt.mkdir(parents=True, exist_ok=True)
        with open(image, "wb") as file:
            file.truncate(24 << 30)
        try:
            call("mkfs.ext4", "-q", "-F", image)
            call("mount", "-o", "loop", image, mnt)
            self.fill(mnt, self.count)
            call("umount", mnt)
            self.note("kernel ext4", "mount, clean", timed("mount", "-o", "loop", image, mnt)[0])
            call("umount", mnt)
            self.note("kernel ext4", "check, clean", timed("e2fsck", "-fn", image)[0])
        finally:
            subprocess.run(["umount", "-l", mnt], check=False, stderr=subprocess.DEVNULL)
            image.unlink(missing_ok=True)

    def run(self):
        for name, measure in (("lintel", self.lintel), ("ext4", self.ext4)):
            self.say(f"opening and checking {self.count} files: {name}")
            try:
                measure()
            except (Unavailable, OSError) as why:
                self.say(f"without {name}: {why}")
        return self.rows


# ---- In process -----------------------------------------------------------------------------------

def run_blobs(build, work, count, say):
    """Lines of bench-blobs: small files in an image and in SQLite."""
    say(f"in process: {count} small files in an image, and in SQLite")
    where = work / "images"
    done = subprocess.run([build / "bench" / "bench-blobs", where, str(count)],
                          stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def prepare(work):
    """Images lie on the file system of the build directory. Leftovers of a run that was killed go first."""
    for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
        where = line.split()[1]
        if where.startswith(f"{work}/"):
            call("umount", "-l", where)
    shutil.rmtree(work, ignore_errors=True)
    (work / "images").mkdir(parents=True)
