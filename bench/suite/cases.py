# SPDX-License-Identifier: MIT
"""The operations, in the order in which they run: each builds on what the ones before left behind."""
import dataclasses
import io
import random
import tarfile


@dataclasses.dataclass(frozen=True)
class Case:
    id: str
    title: str
    words: tuple = ()  # for bench-work, after the directory
    command: tuple = ()  # or a command; {dir} and {tar} are filled in
    count: int = 0  # what a command does, to tell the time of one
    unit: str = "us"  # or "MB/s"
    record: bool = True  # False: only prepares or tidies
    drop: bool = False  # forget cached names first (drop_caches)
    resident: bool = False  # note the server's resident memory afterwards


@dataclasses.dataclass(frozen=True)
class Group:
    id: str
    title: str
    cases: tuple
    clients: int = 1
    rounds: int = 0  # at most; 0: as many as asked for
    only: tuple = ()  # systems; (): all but the bare ones


def work(ident, title, *words, **more):
    return Case(ident, title, tuple(words), **more)


def prepare(*words):
    return Case("", "", tuple(words), record=False)


def names_group(files, clients):
    n = [f"count={files}", f"clients={clients}"]
    hits = [f"count={2 * files}", f"files={files}", f"clients={clients}", "scattered"]
    suffix = "" if clients == 1 else f"-{clients}"
    cases = [
        work("create", "create + close", "create", *n),
        work("stat", "stat, name known", "stat", *hits),
        work("missing-new", "stat, new missing name", "missing", "prefix=x", *n),
        work("missing-again", "stat, same missing name", "missing", "prefix=x", *n),
        work("open", "open + close", "open", *hits),
        work("list-stat", "list + stat, an entry", "list-stat", *n),
        work("write-1", "create + write 1 byte", "write", "prefix=a", "block=1", *n),
        work("write-4k", "create + write 4 KiB", "write", "prefix=b", *n),
        work("read-4k", "open + read 4 KiB", "read", "prefix=b", *n),
        work("chmod", "chmod", "chmod", *n),
        work("utime", "utimensat", "utime", *n),
        work("rename", "rename", "rename", "to=r", *n),
        work("link", "link", "link", "prefix=r", "to=l", *n),
        work("symlink", "symlink", "symlink", "prefix=r", "to=s", *n),
        work("readlink", "readlink", "readlink", "prefix=s", *n),
        prepare("unlink", "prefix=l", *n),
        prepare("unlink", "prefix=s", *n),
        prepare("unlink", "prefix=a", *n),
        work("unlink", "unlink, empty file", "unlink", "prefix=r", *n),
        work("unlink-4k", "unlink, 4 KiB file", "unlink", "prefix=b", *n),
        work("mkdir", "mkdir", "mkdir", "prefix=d", *n),
        work("rmdir", "rmdir", "rmdir", "prefix=d", *n),
        work("mix", "mix: save, read back, delete", "mix", "prefix=m", "block=16384", *n),
    ]
    if clients > 1:
        short = {"create", "stat", "open", "write-4k", "read-4k", "chmod", "rename", "unlink", "mix"}
        extra = {"prefix=l", "prefix=s", "prefix=a"}
        cases = [c for c in cases if c.id in short or (not c.record and not extra & set(c.words))]
        cases = [dataclasses.replace(c, id=c.id + suffix) for c in cases]
    who = "one client" if clients == 1 else f"{clients} clients"
    return Group(f"names{suffix}", f"Names: {files} files, {who}", tuple(cases), clients)


def cold_group(files):
    n = f"count={files}"
    return Group("cold", "Names that the kernel does not know yet", (
        prepare("create", n),
        work("list-cold", "list, an entry", "list", n, drop=True),
        work("list-stat-cold", "list + stat, an entry", "list-stat", n, drop=True),
        work("stat-cold", "stat, an entry", "stat", n, drop=True),
        prepare("unlink", n),
    ), rounds=2)


def data_group(size):
    def data(ident, title, op, block, *words, limit=16384, **more):
        count = min(size // block, limit)
        return work(ident, title, op, f"bytes={size}", f"block={block}", f"count={count}", *words,
                    unit="MB/s", **more)

    k4, k128, m1 = 4096, 128 << 10, 1 << 20
    cases = [
        data("write-fresh-4k", "write, new file, 4 KiB", "pwrite", k4, "fresh"),
        data("write-fresh-128k", "write, new file, 128 KiB", "pwrite", k128, "fresh"),
        data("write-fresh-1m", "write, new file, 1 MiB", "pwrite", m1, "fresh"),
        data("write-over-4k", "write over, 4 KiB", "pwrite", k4),
        data("write-over-1m", "write over, 1 MiB", "pwrite", m1),
        data("write-random-4k", "write over at random, 4 KiB", "pwrite", k4, "scattered"),
        data("read-4k-cached", "read cached, 4 KiB", "pread", k4),
        data("read-128k-cached", "read cached, 128 KiB", "pread", k128),
        data("read-1m-cached", "read cached, 1 MiB", "pread", m1),
        data("read-random-cached", "read cached at random, 4 KiB", "pread", k4, "scattered"),
        data("map-read", "mapped, touch cached pages", "map-read", k4),
        data("map-write", "mapped, change pages + msync", "map-write", k4),
        data("read-4k-cold", "read first time, 4 KiB", "pread", k4, "cold"),
        data("read-1m-cold", "read first time, 1 MiB", "pread", m1, "cold"),
        data("read-random-cold", "read first time at random, 4 KiB", "pread", k4, "cold", "scattered",
             limit=8192),
        data("map-read-cold", "mapped, touch pages first time", "map-read", k4, "cold"),
        data("direct-write-fresh-1m", "O_DIRECT write, new file, 1 MiB", "pwrite", m1, "direct", "fresh"),
        data("direct-write-4k", "O_DIRECT write over, 4 KiB", "pwrite", k4, "direct", limit=8192),
        data("direct-write-1m", "O_DIRECT write over, 1 MiB", "pwrite", m1, "direct"),
        data("direct-read-4k", "O_DIRECT read, 4 KiB", "pread", k4, "direct", limit=8192),
        data("direct-read-128k", "O_DIRECT read, 128 KiB", "pread", k128, "direct"),
        data("direct-read-1m", "O_DIRECT read, 1 MiB", "pread", m1, "direct"),
        data("direct-write-random", "O_DIRECT write at random, 4 KiB", "pwrite", k4, "direct", "scattered",
             limit=8192),
        data("direct-read-random", "O_DIRECT read at random, 4 KiB", "pread", k4, "direct", "scattered",
             limit=8192),
        work("fsync", "fsync, nothing to do", "fsync", f"bytes={k4}", "count=5000"),
        work("write-fsync", "write 4 KiB + fsync", "pwrite", f"bytes={size}", "count=5000", "sync"),
    ]
    return Group("data", f"Data: one file of {size >> 20} MiB, one client", tuple(cases))


def data_clients_group(size, clients):
    each = size // clients

    def data(ident, title, op, block, *words, limit=16384):
        count = min(size // block, limit)
        return work(f"{ident}-{clients}", title, op, f"bytes={each}", f"block={block}", f"count={count}",
                    f"clients={clients}", *words, unit="MB/s")

    k4, m1 = 4096, 1 << 20
    return Group(f"data-{clients}", f"Data: {clients} files of {each >> 20} MiB, {clients} clients", (
        data("write-fresh-1m", "write, new file, 1 MiB", "pwrite", m1, "fresh"),
        data("read-1m-cached", "read cached, 1 MiB", "pread", m1),
        data("read-1m-cold", "read first time, 1 MiB", "pread", m1, "cold"),
        data("direct-write-random", "O_DIRECT write at random, 4 KiB", "pwrite", k4, "direct", "scattered"),
        data("direct-read-random", "O_DIRECT read at random, 4 KiB", "pread", k4, "direct", "scattered"),
    ), clients)


def tree_group(files):
    def command(ident, title, *words, **more):
        return Case(ident, title, command=words, count=files, **more)

    return Group("tree", f"A source tree of {files} files", (
        command("tree-unpack", "unpack (tar), a file", "tar", "-C", "{dir}", "-xf", "{tar}"),
        command("tree-walk", "walk (du), a file", "du", "-s", "{dir}"),
        command("tree-walk-cold", "walk the first time, a file", "du", "-s", "{dir}", drop=True),
        command("tree-read", "read all (grep), a file", "sh", "-c", "! grep -rqF no-such-words {dir}"),
        command("tree-copy", "copy (cp -a), a file", "cp", "-a", "{dir}/tree", "{dir}/copy"),
        command("tree-delete", "delete (rm -r), a file", "rm", "-r", "{dir}/tree"),
    ))


def million_group(files):
    n = f"count={files}"
    return Group("million", f"One directory of {files} files", (
        work("million-create", "create + close", "create", n, resident=True),
        work("million-list", "list, an entry", "list", n),
        work("million-list-stat", "list + stat, an entry", "list-stat", n),
        work("million-stat", "stat at random", "stat", f"files={files}", "count=100000", "scattered"),
        work("million-unlink", "unlink", "unlink", n, resident=True),
    ), rounds=1, only=("tmpfs", "lintel", "lintel-classic", "lintel-uring"))


def bare_group(count):
    return Group("bare", "One bare round trip: GETATTR that no cache answers", (
        work("fstat", "fstat", "fstat", f"count={count}"),
    ), only=("tmpfs", "bare", "bare-classic", "bare-uring"))


def all_groups(quick, files):
    size = (64 if quick else 256) << 20
    groups = [bare_group(5000 if quick else 20000), names_group(files, 1)]
    several = (4,) if quick else (2, 4)
    groups += [names_group(files, clients) for clients in several]
    groups += [cold_group(files), data_group(size)]
    groups += [data_clients_group(size, clients) for clients in several]
    groups += [tree_group(TREE_FILES), million_group(100000 if quick else 1000000)]
    return groups


# ---- The source tree ------------------------------------------------------------------------------

TREE_FILES = 3000
TREE_DIRECTORIES = 200


def make_tree(path):
    """Writes a tar file of a tree like a C project's: always the same one. Sizes are log-normal with a
    median near 4 KiB, as in the Linux and git sources; a tenth of the files is under 512 bytes."""
    rng = random.Random(20260101)
    words = [bytes(rng.choices(b"abcdefghijklmnopqrstuvwxyz_", k=rng.randint(2, 10))) for _ in range(2000)]
    text = b"".join(rng.choice(words) + rng.choice((b" ", b"(", b");\n", b" = ", b";\n\t")) for _ in range(400000))
    directories = ["tree"]
    while len(directories) < TREE_DIRECTORIES:
        parent = rng.choice(directories)
        if parent.count("/") < 5:
            directories.append(f"{parent}/{rng.choice(words).decode()}{len(directories)}")
    with tarfile.open(path, "w") as tar:
        for directory in directories:
            member = tarfile.TarInfo(directory)
            member.type, member.mode, member.mtime = tarfile.DIRTYPE, 0o755, 1700000000
            tar.addfile(member)
        for i in range(TREE_FILES):
            name = f"{rng.choice(directories)}/{rng.choice(words).decode()}{i}{rng.choice(('.c', '.c', '.h', '.txt'))}"
            member = tarfile.TarInfo(name)
            member.size = min(int(rng.lognormvariate(8.3, 1.5)), 400000)
            member.mode, member.mtime = 0o644, 1700000000 + i
            at = rng.randrange(len(text) - member.size)
            tar.addfile(member, io.BytesIO(text[at:at + member.size]))
