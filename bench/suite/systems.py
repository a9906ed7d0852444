# SPDX-License-Identifier: MIT
"""What is measured: Lintel in several settings, the floor below it, and what one would use instead."""
import json
import os
import pathlib
import shutil
import subprocess
import time

URING_SWITCH = pathlib.Path("/sys/module/fuse/parameters/enable_uring")
VOLUME_SIZE = "12g"
FEW_FILES = 500


class Unavailable(Exception):
    """A system cannot be set up here; the text says why."""


def call(*argv, timeout=120):
    """Runs a command to its end; its complaint becomes the reason why the system is not there."""
    try:
        done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, timeout=timeout,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise Unavailable(f"{argv[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise Unavailable(f"{argv[0]} did not return in {timeout} s") from None
    if done.returncode:
        text = (done.stderr or done.stdout).strip().splitlines()
        raise Unavailable(f"{pathlib.Path(argv[0]).name}: {text[-1] if text else 'failed'}")
    return done.stdout


def prepare(work):
    """A tmpfs for images and archives, so that no disk is measured. Leftovers of a run that was killed go
    first."""
    images = work / "images"
    for line in reversed(pathlib.Path("/proc/self/mounts").read_text().splitlines()):
        where = line.split()[1]
        if where.startswith(f"{work}/"):
            call("umount", "-l", where)
    shutil.rmtree(work, ignore_errors=True)
    images.mkdir(parents=True)
    call("mount", "-t", "tmpfs", "-o", f"size={VOLUME_SIZE}", "none", images)


class System:
    """One mounted file system. `id` names it in results, `title` in tables."""

    peer = False  # somebody else's: measured in fewer rounds
    bare = False  # only there to measure one round trip
    extra = False  # only when asked for by name
    files_max = None  # files a directory where more would take hours

    def __init__(self, ident, title, work):
        self.id, self.title = ident, title
        self.work = work
        self.dir = work / "mnt" / ident
        self.note = ""

    def start(self):
        self.dir.mkdir(parents=True, exist_ok=True)
        self.mount()

    def stop(self):
        """Never fails: it also runs after something else did."""
        for command in (self.unmount_command(), ["umount", self.dir], ["umount", "-l", self.dir]):
            if not os.path.ismount(self.dir):
                break
            try:
                call(*command, timeout=30)
            except Unavailable:
                time.sleep(0.2)
        self.clean()

    def mount(self):
        raise NotImplementedError

    def unmount_command(self):
        return ["umount", self.dir]

    def clean(self):
        pass

    def counters(self):
        """Requests by name that the file system has answered so far; None where nobody counts."""
        return None

    def daemon(self):
        """Process id of the server, or None."""
        return None


class Tmpfs(System):
    def mount(self):
        call("mount", "-t", "tmpfs", "-o", f"size={VOLUME_SIZE}", "none", self.dir)


class Lintel(System):
    def __init__(self, ident, title, work, binary, options="", source="", uring=None, bare=False,
                 extra=False):
        super().__init__(ident, title, work)
        self.binary, self.options, self.uring = binary, options, uring
        self.source = f"mem:size={VOLUME_SIZE}" + (f",{source}" if source else "")
        self.bare, self.extra = bare, extra
        self.pid = None

    def mount(self):
        if not self.binary.exists():
            raise Unavailable("the lintel command is not built")
        before = set_uring(self.uring)
        try:
            options = ["-o", self.options] if self.options else []
            call(self.binary, "mount", self.source, self.dir, *options)
        finally:
            set_uring(before)

    def unmount_command(self):
        return [self.binary, "umount", self.dir]

    def info(self):
        return json.loads(call(self.binary, "info", self.dir, "--json"))

    def counters(self):
        try:
            return requests_of(self.info())
        except (Unavailable, ValueError):
            return None

    def daemon(self):
        if self.pid is None or not pathlib.Path(f"/proc/{self.pid}").exists():
            self.pid = self.find_daemon()
        return self.pid

    def find_daemon(self):
        source = f"{self.dir}".encode()
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if source in words and b"mount" in words:
                    return int(entry.name)
        return None


def requests_of(info):
    """Finds, wherever it is in the document, {operation: {"count": n}} or [{"name", "count"}]."""
    found = {}

    def walk(value, name):
        if isinstance(value, dict):
            label = value.get("name", value.get("op", name))
            if isinstance(value.get("count"), int) and isinstance(label, str):
                found[label.upper()] = value["count"]
            for key, inner in value.items():
                walk(inner, key)
        elif isinstance(value, list):
            for inner in value:
                walk(inner, name)

    walk(info, "")
    return found


def set_uring(value):
    """Writes the kernel's switch for FUSE over io_uring, if it is there; returns what it was."""
    if value is None or not URING_SWITCH.exists():
        return None
    before = URING_SWITCH.read_text().strip()
    if before != value:
        URING_SWITCH.write_text(value)
    return before


class Bindfs(System):
    peer = True

    def mount(self):
        source = self.work / "images" / "bindfs"
        source.mkdir(exist_ok=True)
        call("bindfs", source, self.dir)

    def clean(self):
        shutil.rmtree(self.work / "images" / "bindfs", ignore_errors=True)


class Image(System):
    """A file system in an image file that lies on tmpfs."""

    peer = True
    size = 6 << 30

    def __init__(self, ident, title, work, make, mount, files_max=None):
        super().__init__(ident, title, work)
        self.make, self.mount_words, self.files_max = make, mount, files_max
        if files_max:
            self.note = f"with {files_max} files a directory, because it searches them from the start"
        self.image = work / "images" / f"{ident}.img"

    def mount(self):
        with open(self.image, "wb") as image:
            image.truncate(self.size)
        call(*self.make, self.image)
        call(*self.mount_words, self.image, self.dir)
        for _ in range(50):
            if os.path.ismount(self.dir):
                return
            time.sleep(0.1)
        raise Unavailable(f"{self.mount_words[0]} did not mount")

    def clean(self):
        self.image.unlink(missing_ok=True)


def uring_is_default():
    """Whether a mount with default options uses io_uring: then that is `lintel`, and the other transport
    stands beside it."""
    return URING_SWITCH.exists() and URING_SWITCH.read_text().strip() == "Y"


def all_systems(build, work):
    binary = build / "src" / "cli" / "lintel"

    def lintel(ident, title, options="", **more):
        return Lintel(ident, title, work, binary, options, **more)

    return [
        Tmpfs("tmpfs", "tmpfs", work),
        lintel("lintel", "lintel"),
        lintel("lintel-classic", "lintel, /dev/fuse", "io_uring=off", extra=not uring_is_default()),
        lintel("lintel-uring", "lintel, io_uring", "io_uring=on", uring="Y", extra=uring_is_default()),
        lintel("lintel-writeback", "lintel, writeback", "writeback=on"),
        lintel("lintel-passthrough", "lintel, passthrough", "passthrough=on"),
        lintel("lintel-case", "lintel, no case", source="case=insensitive", extra=True),
        Bindfs("bindfs", "bindfs on tmpfs", work),
        Image("ntfs-3g", "ntfs-3g", work, ["mkntfs", "-F", "-Q", "-q", "-s", "512", "-p", "0", "-H", "0",
                                           "-S", "0"], ["ntfs-3g"]),
        Image("fuse2fs", "fuse2fs", work, ["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1"],
              ["fuse2fs", "-o", "rw"], files_max=FEW_FILES),
        lintel("bare", "bare round trip", "timeout=0", bare=True),
        lintel("bare-classic", "bare, /dev/fuse", "timeout=0,io_uring=off", bare=True),
        lintel("bare-uring", "bare, io_uring", "timeout=0,io_uring=on", uring="Y", bare=True),
    ]
