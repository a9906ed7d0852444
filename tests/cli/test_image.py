#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Disk images as such: mkfs, check, scrub, info, and mounting them."""
import fcntl
import json
import os
import signal
import struct
import subprocess
import tempfile
from errno import EIO

from harness import (LINTEL, contains, equal, fails, lintel, main, mount_test, mounts, succeeds,
                     test, until)
from images import Image, equal_trees, image_test, make_tree

GIB = 1 << 30


def info(path):
    """The answer of lintel info."""
    return json.loads(succeeds(lintel("info", "--json", path)))


def in_directory(function):
    """A test that is called with a directory of its own."""
    def run():
        with tempfile.TemporaryDirectory(prefix="lintel-image-") as directory:
            function(directory)
    run.__name__ = function.__name__
    return test(run)


def helper(name, *arguments, **options):
    """Runs lintel under the name of a helper."""
    with tempfile.TemporaryDirectory(prefix="lintel-image-") as directory:
        path = os.path.join(directory, name)
        os.symlink(LINTEL, path)
        return subprocess.run([path, *arguments], capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, **options)


# ---- mkfs and info -----------------------------------------------------------------------------

@in_directory
def mkfs_makes_what_was_asked_for(directory):
    path = os.path.join(directory, "a.img")
    answer = json.loads(succeeds(lintel(
        "mkfs", path, "--size", "10G", "--block-size", "16k", "--case", "insensitive", "--label",
        "Größe", "--data-checks", "--log-size", "8m", "--nodes-max", "1000", "--root-owner",
        "12:34", "--json")))
    equal(answer["output_version"]["command"], "mkfs")
    equal(answer["space"]["total"], 10 * GIB)
    equal(answer["space"]["block_size"], 16384)
    equal(answer["space"]["log"], 8 << 20)
    equal(answer["space"]["nodes_max"], 1000)
    equal((answer["image"]["case"], answer["image"]["label"]), ("insensitive", "Größe"))
    equal((answer["image"]["data_checks"], answer["image"]["clean"]), (True, True))
    equal({**info(path), "output_version": 0}, {**answer, "output_version": 0})
    entry = json.loads(succeeds(lintel("stat", "--json", path + ":")))["entries"][0]
    equal((entry["uid"], entry["gid"]), (12, 34))
    succeeds(lintel("mkdir", path + ":/README"))
    fails(lintel("mkdir", path + ":/readme"), 1, "already exists")
    succeeds(lintel("check", path))
    equal(os.stat(path).st_size, 10 * GIB)


@in_directory
def mkfs_tells_people(directory):
    path = os.path.join(directory, "a.img")
    text = succeeds(lintel("mkfs", path, "--size", "64m"))
    contains(text, "64.0 MiB")
    equal(succeeds(lintel("mkfs", "-qf", path, "-s", "64m")), "")
    contains(succeeds(lintel("info", path)), "Format version")


@in_directory
def mkfs_overwrites_nothing_unasked(directory):
    path = os.path.join(directory, "a.img")
    succeeds(lintel("mkfs", "-q", path, "--size", "64m"))
    fails(lintel("mkfs", path, "--size", "64m"), 1, "--force", path)
    with open(os.path.join(directory, "text"), "w", encoding="ascii") as file:
        file.write("precious" * 1000)
    fails(lintel("mkfs", os.path.join(directory, "text"), "--size", "64m"), 1, "--force")
    with open(os.path.join(directory, "text"), encoding="ascii") as file:
        equal(file.read(), "precious" * 1000)


@in_directory
def mistakes_of_mkfs_are_named(directory):
    path = os.path.join(directory, "a.img")
    fails(lintel("mkfs", path), 2, "--size")
    fails(lintel("mkfs"), 2, "IMAGE is missing")
    fails(lintel("mkfs", path, "--size", "x"), 2, "--size cannot be 'x'")
    fails(lintel("mkfs", path, "--size", "1"), 1, "cannot make")
    fails(lintel("mkfs", path, "--size", "64m", "--block-size", "5000"), 1, "cannot make")
    fails(lintel("mkfs", path, "--size", "64m", "--block-size", "1g"), 2, "--block-size")
    fails(lintel("mkfs", path, "--size", "64m", "--case", "insensitve"), 2, "did you mean")
    fails(lintel("mkfs", path, "--size", "64m", "--label", "x" * 100), 1, "label")
    fails(lintel("mkfs", path, "--size", "64m", "--root-owner", "x"), 2, "UID:GID")
    fails(lintel("mkfs", path, "--szie", "64m"), 2, "did you mean '--size'?")
    fails(lintel("mkfs", directory + "/none/a.img", "--size", "64m"), 1, "none/a.img")
    assert not os.path.exists(path)
    fails(lintel("info", path), 1, "no such file or directory")
    with open(path, "wb") as file:
        file.write(b"x" * 100000)
    fails(lintel("info", path), 1, path)
    fails(lintel("ls", path + ":/"), 2, path)


@in_directory
def mkfs_helper(directory):
    path = os.path.join(directory, "a.img")
    with open(path, "wb") as file:
        file.truncate(64 << 20)
    result = helper("mkfs.lintel", "-n", path)
    equal((result.returncode, result.stdout), (0, ""), result.stderr)
    equal(helper("mkfs.lintel", "-q", "-L", "name", "-b", "8192", path).returncode, 0)
    equal((info(path)["image"]["label"], info(path)["space"]["block_size"]), ("name", 8192))
    equal(helper("mkfs.lintel", path).returncode, 1)
    equal(helper("mkfs.lintel", "-f", "-q", path, "32m").returncode, 0)
    result = helper("mkfs.lintel", "-x", path)
    equal(result.returncode, 1)
    contains(result.stderr, "usage: mkfs.lintel")


# ---- check and scrub ---------------------------------------------------------------------------

@image_test
def check_of_a_sound_image_is_0(image):
    make_tree(image.join("tree"))
    succeeds(lintel("cp", "-r", image.join("tree"), image()))
    contains(succeeds(lintel("check", image.path)), "clean")
    equal(succeeds(lintel("check", "-q", image.path)), "")
    answer = json.loads(succeeds(lintel("check", "--json", "--data", image.path)))
    equal((answer["clean"], answer["problems"], answer["problems_found"]), (True, [], 0))
    found = json.loads(succeeds(lintel("find", "--json", image())))["entries"]
    equal(answer["directories"], len([e for e in found if e["type"] == "directory"]))
    last = json.loads(lintel("check", "--progress", "json",
                             image.path).stderr.splitlines()[-1])
    equal((last["what"], last["state"]), ("checking", "done"))


@in_directory
def mistakes_of_check_have_the_codes_of_fsck(directory):
    path = os.path.join(directory, "none.img")
    fails(lintel("check"), 16, "IMAGE is missing")
    fails(lintel("check", "--repiar", path), 16, "did you mean '--repair'?")
    fails(lintel("check", path), 8, "no such file or directory")
    with open(path, "wb") as file:
        file.write(b"no image" * 10000)
    fails(lintel("check", path), 8, path)
    fails(lintel("scrub", "-x", path), 16)


def damage(path, marker):
    """Flips a bit of each place in an image where `marker` lies."""
    with open(path, "r+b") as file:
        content = file.read()
        at = content.find(marker)
        assert at >= 0, "nothing to damage"
        while at >= 0:
            file.seek(at)
            file.write(bytes([marker[0] ^ 1]))
            at = content.find(marker, at + 1)


@in_directory
def scrub_names_the_file_whose_data_rotted(directory):
    image = Image(directory, "--size", "64m", "--data-checks")
    marker = b"The quick brown fox"
    image.write("/sound", b"s" * 50000)
    succeeds(lintel("mkdir", image("/dir")))
    image.write("/dir/rotten", marker * 5000)
    succeeds(lintel("scrub", image.path))
    damage(image.path, marker)
    answer = lintel("scrub", "--json", image.path)
    equal(answer.returncode, 4, answer.stderr)
    paths = {problem.get("path") for problem in json.loads(answer.stdout)["problems"]}
    equal(paths, {"/dir/rotten"})
    result = lintel("scrub", image.path)
    equal(result.returncode, 4)
    contains(result.stdout, "/dir/rotten")
    fails(lintel("cat", image("/dir/rotten")), 1, "input/output error")
    succeeds(lintel("cat", image("/sound")))


@in_directory
def check_finds_and_repairs_damage(directory):
    image = Image(directory)
    for i in range(300):
        image.write(f"/a file with a name of its own {i}")
    damage(image.path, b"a file with a name of its own 1")
    result = lintel("check", image.path)
    equal(result.returncode & 4, 4, result.stdout + result.stderr)
    contains(result.stdout, "--repair")
    with open(image.path, "rb") as file:
        before = file.read()
    equal(lintel("check", "--json", image.path).returncode & 4, 4)
    with open(image.path, "rb") as file:
        assert file.read() == before, "check wrote without --repair"
    result = lintel("check", "--repair", "--json", image.path)
    equal(result.returncode & ~5, 0, result.stderr)
    answer = json.loads(result.stdout)
    assert answer["problems_repaired"] > 0, answer
    equal(bool(result.returncode & 4), answer["problems_found"] > answer["problems_repaired"])
    succeeds(lintel("check", image.path))


@image_test
def resize_keeps_what_is_in_it(image):
    make_tree(image.join("tree"))
    succeeds(lintel("cp", "-r", image.join("tree"), image()))
    for size, expected in [("1G", GIB), ("+512m", GIB + (512 << 20)), ("-1G", 512 << 20),
                           ("24m", 24 << 20)]:
        answer = json.loads(succeeds(lintel("resize", "--json", image.path, "--", size)))
        equal(answer["size"], expected)
        equal(info(image.path)["space"]["total"], expected)
        image.clean()
    succeeds(lintel("cp", "-r", image("/tree"), image.join("out")))
    equal_trees(image.join("tree"), image.join("out"))
    fails(lintel("resize", image.path, "100k"), 1, "cannot resize")
    for size in ["x", "0", "--", "-1G", "99999999T"]:
        fails(lintel("resize", image.path, "--", size), 2, "is no size")
    fails(lintel("resize", image.path + ".none", "1G"), 1, "no such file or directory")


@image_test
def defrag_joins_pieces_and_keeps_what_is_in_it(image):
    make_tree(image.join("tree"))
    succeeds(lintel("cp", "-r", image.join("tree"), image()))
    for _ in range(20):
        for name in ["/one", "/two"]:
            subprocess.run([LINTEL, "write", "-a", image(name)], input=b"x" * 10000, check=True)
    answer = json.loads(succeeds(lintel("defrag", "--json", image.path)))
    assert answer["extents_after"] <= answer["extents_before"], answer
    succeeds(lintel("cp", "-r", image("/tree"), image.join("out")))
    equal_trees(image.join("tree"), image.join("out"))
    equal(succeeds(lintel("cat", image("/one"))), "x" * 200000)
    contains(succeeds(lintel("defrag", image.path)), "Pieces now")
    fails(lintel("defrag", image.path + ".none"), 1, "no such file or directory")


@image_test
def dump_prints_the_structures(image):
    image.write("/a file of note")
    text = succeeds(lintel("dump", image.path))
    assert "a file of note" not in text
    contains(succeeds(lintel("dump", "--items", image.path)), "a file of note")
    lines = json.loads(succeeds(lintel("dump", "--json", image.path)))["lines"]
    equal(lines, text.splitlines())
    fails(lintel("dump", image.path + ".none"), 1, "no such file or directory")


@image_test
def fsck_helper(image):
    for options in [["-a"], ["-p"], ["-y"], ["-n"], ["-f", "-y"], ["-C0", "-a"]]:
        equal(helper("fsck.lintel", *options, image.path).returncode, 0, options)
    equal(helper("fsck.lintel", image.path + ".none").returncode, 8)
    equal(helper("fsck.lintel").returncode, 16)
    equal(helper("fsck.lintel", "-x", image.path).returncode, 16)


# ---- mounting ----------------------------------------------------------------------------------

@mount_test
def an_image_is_mounted_and_keeps_its_files(place):
    image = Image(place.path)
    make_tree(place.join("tree"))
    place.mount(source=image.path)
    source, _, kind, _ = place.entry()
    equal((source, kind), (image.path, "fuse.lintel"))
    subprocess.run(["cp", "-a", place.join("tree"), place.mnt], check=True)
    equal_trees(place.join("tree"), os.path.join(place.mnt, "tree"))
    succeeds(lintel("umount", place.mnt))
    assert info(image.path)["image"]["clean"]
    succeeds(lintel("cp", "-r", image("/tree"), place.join("out")))
    equal_trees(place.join("tree"), place.join("out"))
    place.mount("-o", "ro", source=image.path)
    equal_trees(place.join("tree"), os.path.join(place.mnt, "tree"))
    succeeds(lintel("umount", place.mnt))
    image.clean()


@mount_test
def a_relative_image_with_odd_names(place):
    image = Image(place.path)
    os.rename(image.path, place.join("o:dd, na\\me.img"))
    succeeds(lintel("mount", "o:dd, na\\me.img", "mnt", "-o", "sync=always,cache=16m",
                    cwd=place.path))
    with open(place.join("mnt", "f"), "w", encoding="ascii") as file:
        file.write("x")
    succeeds(lintel("umount", place.mnt))
    equal(succeeds(lintel("ls", "o:dd, na\\me.img:/", cwd=place.path)), "f\n")


@mount_test
def a_mounted_image_is_not_opened_twice(place):
    image = Image(place.path)
    place.mount(source=image.path)
    os.mkdir(place.join("other"))
    for call in [["ls", image()], ["cp", "/etc/passwd", image()], ["mkdir", image("/d")]]:
        result = lintel(*call)
        equal(result.returncode, 2 if call[0] == "ls" else 1)
        contains(result.stderr, f"mounted on {place.mnt}")
    pid = str(place.info()["mount"]["pid"])
    fails(lintel("mount", image.path, place.join("other")), 1, pid)
    fails(lintel("check", image.path), 8, pid)
    fails(lintel("resize", image.path, "1G"), 1, pid)
    fails(lintel("defrag", image.path), 1, pid)
    fails(lintel("mkfs", "-f", image.path, "--size", "64m"), 1, pid)
    equal(info(image.path)["mount"]["dir"], place.mnt)
    succeeds(lintel("umount", place.mnt))
    image.clean()


@mount_test
def readers_share_an_image(place):
    image = Image(place.path)
    image.write("/f", b"content")
    place.mount("-o", "ro", source=image.path)
    place.mount(source=f"image:{image.path},ro", at=_made(place.join("two")))
    equal(succeeds(lintel("cat", image("/f"))), "content")
    fails(lintel("rm", image("/f")), 1, "disk.img", "mounted on")


def _made(path):
    os.mkdir(path)
    return path


@mount_test
def what_was_synced_survives_the_death_of_the_process(place):
    image = Image(place.path)
    place.mount(source=image.path)
    with open(os.path.join(place.mnt, "synced"), "wb") as file:
        file.write(b"durable" * 1000)
        file.flush()
        os.fsync(file.fileno())
    os.kill(place.info()["mount"]["pid"], signal.SIGKILL)
    lintel("umount", place.mnt)
    until(lambda: not place.is_mounted(), "it is unmounted")
    assert not info(image.path)["image"]["clean"]
    equal(succeeds(lintel("cat", image("/synced"))), "durable" * 1000)
    succeeds(lintel("touch", image("/after")))
    image.clean()


def _fails_with(number, function, *arguments):
    try:
        function(*arguments)
    except OSError as error:
        equal(error.errno, number, f"{function.__name__}{arguments}")
    else:
        raise AssertionError(f"{function.__name__}{arguments} did not fail")


def _shut_down(directory, flags):
    """XFS_IOC_GOINGDOWN: what is not durable is dropped."""
    folder = os.open(directory, os.O_RDONLY)
    try:
        fcntl.ioctl(folder, 0x8004587d, struct.pack("=I", flags))
    finally:
        os.close(folder)


def _write_file(path, content, sync):
    with open(path, "wb") as file:
        file.write(content)
        if sync:
            file.flush()
            os.fsync(file.fileno())


@mount_test
def a_shutdown_drops_what_is_not_durable_and_ends_all_use(place):
    image = Image(place.path)
    at = lambda name: os.path.join(place.mnt, name)
    for flags in range(3):
        place.mount("-o", "commit=0", source=image.path)
        os.mkdir(at(f"d{flags}"))
        os.symlink("target", at(f"l{flags}"))
        _write_file(at(f"synced{flags}"), b"durable" * 3000, True)
        _write_file(at(f"lost{flags}"), b"x" * 70000, False)
        with open(at(f"synced{flags}"), "r+b") as held:
            _shut_down(place.mnt, flags)
            _fails_with(EIO, os.fsync, held.fileno())
        for call in [(os.mkdir, at("e")), (os.rmdir, at(f"d{flags}")), (os.mkfifo, at("p")),
                     (os.symlink, "t", at("s")), (os.unlink, at(f"synced{flags}")),
                     (os.rename, at(f"synced{flags}"), at("r")), (os.chmod, at(f"d{flags}"), 0o700),
                     (os.link, at(f"synced{flags}"), at("k")), (os.listdir, place.mnt),
                     (os.truncate, at(f"synced{flags}"), 5), (os.readlink, at(f"l{flags}")),
                     (os.setxattr, at(f"d{flags}"), "user.x", b"v"),
                     (os.utime, at(f"d{flags}")), (os.stat, at("never seen"))]:
            _fails_with(EIO, *call)
        lintel("umount", place.mnt)
        until(lambda: not place.is_mounted(), "it is unmounted")
        assert not info(image.path)["image"]["clean"]
        image.clean()
    names = image.names()
    for flags in range(3):
        assert f"synced{flags}" in names and f"d{flags}" in names, names
        equal(succeeds(lintel("cat", image(f"/synced{flags}"))), "durable" * 3000)
    succeeds(lintel("touch", image("/after")))
    image.clean()


@mount_test
def a_trim_gives_the_space_of_deleted_files_back(place):
    image = Image(place.path)
    allocated = lambda: os.stat(image.path).st_blocks * 512
    place.mount("-o", "discard=off", source=image.path)
    big = os.path.join(place.mnt, "big")
    _write_file(big, os.urandom(1 << 20) * 48, True)
    os.sync()
    full = allocated()
    assert full > 48 << 20, full
    os.unlink(big)
    assert allocated() > 48 << 20, "space went back although discard is off"
    folder = os.open(place.mnt, os.O_RDONLY)
    told = fcntl.ioctl(folder, 0xc0185879, struct.pack("=QQQ", 0, (1 << 64) - 1, 0))  # FITRIM
    os.close(folder)
    trimmed = struct.unpack("=QQQ", told)[1]
    assert trimmed >= 48 << 20, trimmed
    assert allocated() < full - (40 << 20), (full, allocated())
    succeeds(lintel("umount", place.mnt))
    image.clean()


@mount_test
def a_ram_disk_is_loaded_from_and_saved_to_an_image(place):
    make_tree(place.join("tree"))
    path = place.join("ram.img")
    place.mount("--load", path, "--save", path)
    subprocess.run(["cp", "-a", place.join("tree"), place.mnt], check=True)
    succeeds(lintel("save", place.mnt))
    equal(succeeds(lintel("ls", path + ":")), "tree\n")
    with open(os.path.join(place.mnt, "more"), "w", encoding="ascii") as file:
        file.write("more")
    succeeds(lintel("umount", place.mnt))
    succeeds(lintel("check", path))
    place.mount("--load", path, "--save", path)
    equal_trees(place.join("tree"), os.path.join(place.mnt, "tree"))
    os.unlink(os.path.join(place.mnt, "more"))
    succeeds(lintel("umount", place.mnt))
    equal(succeeds(lintel("ls", path + ":")), "tree\n")
    assert not os.path.exists(path + ".lintel-new")


@mount_test
def mount_refuses_what_is_no_image(place):
    with open(place.join("text"), "w", encoding="ascii") as file:
        file.write("no image")
    fails(lintel("mount", place.join("text"), place.mnt), 2, "is no source")
    fails(lintel("mount", place.join("none"), place.mnt), 2, "is no source")
    fails(lintel("mount", place.mnt, place.mnt), 2, "is no source")
    image = Image(place.path)
    fails(lintel("mount", image.path, place.mnt, "-o", "snyc=always"), 2, "did you mean 'sync'?")
    assert not [entry for entry in mounts() if entry[1] == place.mnt]


main()
