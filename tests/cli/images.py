# SPDX-License-Identifier: MIT
"""What the tests of disk images share: an image in a directory of its own, trees with everything
that can be in one, and their comparison, which asks the host only."""
import functools
import json
import os
import random
import socket
import stat
import subprocess
import tempfile

from harness import LINTEL, equal, lintel, succeeds, test


class Image:
    """An image and a directory that goes with it."""

    def __init__(self, directory, *options):
        self.dir = directory
        self.path = os.path.join(directory, "disk.img")
        succeeds(lintel("mkfs", "-q", self.path, *(options or ("--size", "256m"))))

    def __call__(self, path="/"):
        """IMAGE:PATH."""
        return f"{self.path}:{path}"

    def join(self, *names):
        """A path of the host in its directory."""
        return os.path.join(self.dir, *names)

    def clean(self):
        """Fails unless the image is well."""
        result = lintel("check", "--json", self.path)
        equal(result.returncode, 0, result.stdout + result.stderr)

    def write(self, path, content=b""):
        """Makes a file."""
        made = subprocess.run([LINTEL, "write", self(path)], input=content, capture_output=True,
                              check=False)
        equal(made.returncode, 0, made.stderr)

    def names(self, path="/"):
        """What ls prints."""
        return succeeds(lintel("ls", "-A", self(path))).splitlines()


def image_test(function):
    """Marks a test that is called with an Image, which must be well at the end."""
    @functools.wraps(function)
    def run():
        with tempfile.TemporaryDirectory(prefix="lintel-image-") as directory:
            image = Image(directory)
            function(image)
            image.clean()
    return test(run)


def query(*arguments):
    """The entries of an answer in JSON."""
    answer = json.loads(succeeds(lintel(*arguments, "--json")))
    equal(answer["output_version"]["command"], arguments[0])
    return answer["entries"]


# ---- Trees -------------------------------------------------------------------------------------

def _write(path, content):
    with open(path, "wb") as file:
        file.write(content)


def _try_xattr(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError:
        pass  # not on every host file system


def make_tree(top):
    """A tree with all types of files, links, holes, odd names, times, modes, attributes."""
    rng = random.Random(1)
    os.makedirs(os.path.join(top, "a", "b", "c"))
    os.mkdir(os.path.join(top, "empty"))
    for i in range(60):
        directory = rng.choice(["", "a", "a/b", "a/b/c"])
        size = rng.choice([0, 1, 100, 2000, 5000, 70000])
        _write(os.path.join(top, directory, f"file{i:02}.c" if i % 3 else f"file{i:02}.h"),
               rng.randbytes(size))
    for name in ["with space", "new\nline", "ümlaut", "-dash", ".hidden", "co:lon", "x" * 255]:
        _write(os.path.join(top, "a", name), name.encode())
    with open(os.path.join(os.fsencode(top), b"not\xffutf8"), "wb") as file:
        file.write(b"bytes")
    with open(os.path.join(top, "sparse"), "wb") as file:
        file.truncate(50 << 20)
        for place in (0, 10 << 20, 49 << 20):
            file.seek(place)
            file.write(b"data")
    os.link(os.path.join(top, "sparse"), os.path.join(top, "a", "sparse too"))
    os.link(os.path.join(top, "a", ".hidden"), os.path.join(top, "empty", "link"))
    os.symlink("../sparse", os.path.join(top, "a", "symlink"))
    os.symlink("nowhere", os.path.join(top, "broken"))
    os.mkfifo(os.path.join(top, "fifo"))
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(top)
    server.bind("socket")
    os.chdir(here)
    server.close()
    _try_xattr(os.path.join(top, "a", "with space"), "user.colour", b"gr\0n")
    _try_xattr(os.path.join(top, "a"), "user.empty", b"")
    if os.geteuid() == 0:
        os.mknod(os.path.join(top, "null"), stat.S_IFCHR | 0o666, os.makedev(1, 3))
        os.chown(os.path.join(top, "a", "with space"), 1234, 5678)
        os.chown(os.path.join(top, "broken"), 12, 34, follow_symlinks=False)
    os.chmod(os.path.join(top, "a", "with space"), 0o4751)
    os.chmod(os.path.join(top, "empty"), 0o1700)
    for number, (directory, _, files) in enumerate(os.walk(os.fsencode(top), topdown=False)):
        for name in files:
            os.utime(os.path.join(directory, name), ns=(10**18 + number, 10**18 + 7 * number),
                     follow_symlinks=False)
        os.utime(directory, ns=(10**18, 10**18 + 123456789))


def _describe(path):
    info = os.lstat(path)
    kind = stat.S_IFMT(info.st_mode)
    row = {"mode": info.st_mode, "uid": info.st_uid, "gid": info.st_gid,
           "mtime": info.st_mtime_ns, "rdev": info.st_rdev}
    row["xattrs"] = {name: os.getxattr(path, name, follow_symlinks=False)
                     for name in os.listxattr(path, follow_symlinks=False)
                     if not name.startswith("user.lintel.")}
    if kind == stat.S_IFREG:
        with open(path, "rb") as file:
            row["content"] = hash(file.read())
        row["sparse"] = info.st_size > 1 << 20 and info.st_blocks * 512 < info.st_size // 2
    if kind != stat.S_IFDIR:
        row["links"] = info.st_nlink
        row["size"] = info.st_size
    if kind == stat.S_IFLNK:
        row["target"] = os.readlink(path)
    return row


def describe_tree(top):
    """What is in a tree: a row for each path, and which paths are one file."""
    rows, same = {}, {}
    top = os.fsencode(top)
    rows[b"."] = _describe(top)
    for directory, subdirectories, files in os.walk(top):
        for name in subdirectories + files:
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, top)
            rows[relative] = _describe(path)
            if rows[relative].get("links", 1) > 1:
                same.setdefault(os.lstat(path).st_ino, set()).add(relative)
    return rows, sorted(sorted(paths) for paths in same.values())


def equal_trees(one, other):
    """Fails unless both are the same, links and holes included."""
    rows, same = describe_tree(one)
    other_rows, other_same = describe_tree(other)
    equal(sorted(rows), sorted(other_rows), "names")
    for path, row in rows.items():
        equal(other_rows[path], row, path)
    equal(other_same, same, "hard links")
