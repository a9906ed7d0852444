# SPDX-License-Identifier: MIT
"""What the tests of the command share: TAP, running lintel, and a place to mount in.

A test is a function with @test or @mount_test; main() runs them in order. A
mount_test gets a Place, whose mounts and processes are gone when it ends, however
it ends, and is skipped where nothing can be mounted.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

LINTEL = os.path.abspath(os.environ["LINTEL"])
PATIENCE = 30  # seconds after which something is taken to hang

_tests = []


def need_mount_namespaces():
    """Skips where there are none to be had, as within a chroot, whose root is no mount point."""
    if not shutil.which("unshare"):
        raise Skip("there is no unshare")
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        raise Skip("mount namespaces cannot be made here")


class Skip(Exception):
    """Raised by a test that cannot run here; says why."""


def test(function):
    """Marks a test."""
    _tests.append((function, False))
    return function


def mount_test(function):
    """Marks a test that mounts; it is called with a Place."""
    _tests.append((function, True))
    return function


def lintel(*arguments, **options):
    """Runs lintel; the result has returncode, stdout and stderr."""
    options.setdefault("timeout", PATIENCE)
    return subprocess.run([LINTEL, *arguments], capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, check=False, **options)


def equal(actual, expected, what=""):
    """Fails unless both are equal."""
    assert actual == expected, f"{what}: {actual!r} is not {expected!r}"


def contains(text, part):
    """Fails unless `part` occurs in `text`."""
    assert part in text, f"no {part!r} in {text!r}"


def succeeds(result):
    """Fails unless lintel ended with 0; returns what it printed."""
    assert result.returncode == 0, f"exit code {result.returncode}: {result.stderr}"
    return result.stdout


def fails(result, code, *parts):
    """Fails unless lintel ended with `code` and said each of `parts` on stderr."""
    equal(result.returncode, code, result.stderr)
    for part in parts:
        contains(result.stderr, part)


def until(condition, what):
    """Waits until condition() holds."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"gave up waiting: {what}"
        time.sleep(0.01)


def is_alive(pid):
    """Whether a process runs (a zombie does not)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def mounts():
    """What is mounted: a list of (source, directory, type, options)."""
    with open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape") as file:
        lines = [line.split() for line in file]
    return [(source, directory.encode("latin-1", "backslashreplace").decode("unicode_escape"),
             kind, options) for source, directory, kind, options, *_ in lines]


class Place:
    """A directory of its own for a test, with a mount point `mnt` in it."""

    def __init__(self):
        self.path = os.path.realpath(tempfile.mkdtemp(prefix="lintel-cli-"))
        self.mnt = self.join("mnt")
        self.processes = []
        os.mkdir(self.mnt)

    def join(self, *names):
        """A path in it."""
        return os.path.join(self.path, *names)

    def mount(self, *arguments, source="mem:", at=None):
        """Mounts with success; returns the mount point."""
        at = at or self.mnt
        succeeds(lintel("mount", source, at, *arguments))
        return at

    def start(self, *arguments, **options):
        """Starts lintel without waiting for it."""
        process = subprocess.Popen([LINTEL, *arguments], text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)
        self.processes.append(process)
        return process

    def info(self, at=None):
        """The answer of `lintel info --json`."""
        return json.loads(succeeds(lintel("info", "--json", at or self.mnt)))

    def is_mounted(self, at=None):
        """Whether something is mounted at the mount point."""
        return any(directory == (at or self.mnt) for _, directory, _, _ in mounts())

    def entry(self, at=None):
        """(source, directory, type, options) of the mount point."""
        return [entry for entry in mounts() if entry[1] == (at or self.mnt)][-1]

    def clean(self):
        """Unmounts all, ends all that was started, removes the directory."""
        ours = [d for _, d, _, _ in mounts() if d.startswith(self.path + "/")]
        pids = []
        for directory in ours:
            answer = lintel("info", "--json", directory)
            if answer.returncode == 0:
                pids.append(json.loads(answer.stdout)["mount"]["pid"])
        for directory in reversed(ours):
            subprocess.run(["umount", "-l", directory], check=False, capture_output=True)
        for pid in pids:
            end = time.monotonic() + PATIENCE
            while is_alive(pid) and time.monotonic() < end:
                time.sleep(0.01)
            if is_alive(pid):
                os.kill(pid, signal.SIGKILL)
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
        shutil.rmtree(self.path, ignore_errors=True)


def cannot_mount():
    """Why nothing can be mounted here, or None."""
    if os.geteuid() != 0:
        return "needs root"
    if not os.path.exists("/dev/fuse"):
        return "needs /dev/fuse"
    return None


def _run(function, mounting):
    reason = cannot_mount() if mounting else None
    if reason:
        raise Skip(reason)
    if not mounting:
        function()
        return
    place = Place()
    try:
        function(place)
    finally:
        place.clean()


def main():
    """Runs all tests of the calling file; its exit code says whether all passed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that Places are cleaned
    failed = False
    print(f"1..{len(_tests)}")
    for number, (function, mounting) in enumerate(_tests, 1):
        name = function.__name__
        try:
            _run(function, mounting)
            print(f"ok {number} - {name}")
        except Skip as skip:
            print(f"ok {number} - {name} # SKIP {skip}")
        except Exception:  # pylint: disable=broad-except
            failed = True
            print(f"not ok {number} - {name}")
            print("".join("# " + line + "\n" for line in traceback.format_exc().splitlines()))
        sys.stdout.flush()
    sys.exit(failed)
