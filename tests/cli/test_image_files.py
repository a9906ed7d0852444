#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The file commands on images, beside GNU's on the same tree where there are any."""
import json
import os
import re
import subprocess

from harness import LINTEL, contains, equal, fails, lintel, main, succeeds, test
from images import image_test, make_tree, query

ENVIRONMENT = dict(os.environ, LC_ALL="C", TZ="UTC")


def gnu(*arguments, cwd=None):
    """What a program of the host prints."""
    return subprocess.run(arguments, check=True, capture_output=True, text=True, cwd=cwd,
                          errors="surrogateescape", env=ENVIRONMENT).stdout


def ours(*arguments):
    """What lintel prints."""
    result = subprocess.run([LINTEL, *arguments], check=False, capture_output=True, text=True,
                            errors="surrogateescape", env=ENVIRONMENT)
    return succeeds(result)


def with_tree(function):
    """A test that is called with an image and the same tree on the host and at /tree."""
    def run(image):
        make_tree(image.join("tree"))
        succeeds(lintel("cp", "-r", image.join("tree"), image()))
        function(image, image.join("tree"))
    run.__name__ = function.__name__
    return image_test(run)


# ---- ls ----------------------------------------------------------------------------------------

@with_tree
def ls_lists_as_gnu_does(image, tree):
    for options in [[], ["-a"], ["-A"], ["-R"], ["-RA"], ["-r"], ["-t"], ["-F"], ["-d"]]:
        for path in ["", "/a", "/empty", "/a/symlink", "/fifo"]:
            expected = gnu("ls", "-1", *options, tree + path).replace(tree, image("/tree"))
            equal(ours("ls", *options, image("/tree" + path)), expected, (options, path))
    equal(ours("ls", "-S", image("/tree/a/b/c")), gnu("ls", "-S", tree + "/a/b/c"))


@with_tree
def ls_l_shows_what_gnu_shows(image, tree):
    def rows(text):
        found = []
        for line in text.splitlines():
            match = re.match(r"(\S{10})\S? +(\d+) +(\d+) +(\d+) +(\d+, +\d+|\d+) (\S+ +\S+ +\S+) (.*)",
                             line)
            if match and not match[1].startswith("d"):
                found.append((*match.groups()[:4], match[5].replace(" ", ""), *match.groups()[5:]))
        return found
    for path in ["", "/a"]:
        equal(rows(ours("ls", "-ln", image("/tree" + path))), rows(gnu("ls", "-ln", tree + path)))
    sizes = rows(gnu("ls", "-lnh", tree + "/a"))
    assert not sizes or len(sizes) > 5
    human = {line.split()[-1]: line.split()[4]
             for line in gnu("ls", "-lnh", tree + "/a/b").splitlines() if line.startswith("-")}
    own = {line.split()[-1]: line.split()[4]
           for line in ours("ls", "-lnh", image("/tree/a/b")).splitlines() if line.startswith("-")}
    equal(own, human)


@with_tree
def ls_json_has_every_entry(image, tree):
    entries = query("ls", image("/tree/a"), image("/tree/fifo"))
    equal({entry["name"] for entry in entries},
          {name for name in os.listdir(tree + "/a") if name != ".hidden"} | {image("/tree/fifo")}
          - {image("/tree/fifo")} | {"fifo"})
    entries = query("ls", "-R", "-A", image("/tree"))
    odd = [entry for entry in entries if "name_hex" in entry]
    equal([bytes.fromhex(entry["name_hex"]) for entry in odd], [b"not\xffutf8"])
    link = [entry for entry in entries if entry["name"] == "symlink"][0]
    equal((link["type"], link["target"]), ("symlink", "../sparse"))


@image_test
def ls_of_what_is_not_there_is_2(image):
    image.write("/a", b"")
    result = lintel("ls", image("/none"), image("/a"))
    fails(result, 2, "cannot list", "/none")
    equal(result.stdout, image("/a") + "\n")
    fails(lintel("ls", "nix.img:/"), 2, "there is no disk image nix.img", "mkfs nix.img")
    fails(lintel("ls", image.path), 2, f"{image.path}:/PATH")
    fails(lintel("ls", image.dir), 2, "is a file of the host")
    fails(lintel("ls", image.dir + ":/"), 2, "is no disk image")


# ---- cat and write -----------------------------------------------------------------------------

@with_tree
def cat_prints_what_is_there(image, tree):
    for name in ["file07.c", "a/new\nline", "sparse"]:
        with open(os.path.join(tree, name), "rb") as file:
            content = file.read()
        result = subprocess.run([LINTEL, "cat", image("/tree/" + name)], capture_output=True,
                                check=True)
        assert result.stdout == content, name
    fails(lintel("cat", image("/tree")), 1, "is a directory")
    result = lintel("cat", image("/none"), image("/tree/a/-dash"))
    fails(result, 1, "cannot read")
    equal(result.stdout, "-dash")
    with open("/dev/full", "w", encoding="ascii") as full:
        result = subprocess.run([LINTEL, "cat", image("/tree/a/-dash")], stdout=full, check=False)
    equal(result.returncode, 1)


@image_test
def write_makes_replaces_and_appends(image):
    image.write("/a", b"first content")
    image.write("/a", b"second")
    subprocess.run([LINTEL, "write", "-a", image("/a")], input=b", third", check=True)
    equal(succeeds(lintel("cat", image("/a"))), "second, third")
    equal(query("stat", image("/a"))[0]["mode"], f"{0o666 & ~current_umask():04o}")
    result = subprocess.run([LINTEL, "write", image("/")], input=b"x", check=False,
                            capture_output=True)
    equal(result.returncode, 1)
    contains(result.stderr, b"is a directory")


def current_umask():
    """The umask of this process."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


# ---- mkdir, rmdir, rm, ln ----------------------------------------------------------------------

@image_test
def mkdir_and_rmdir(image):
    succeeds(lintel("mkdir", image("/a"), image("/b")))
    succeeds(lintel("mkdir", "-p", image("/a/x/y/"), image("/a")))
    succeeds(lintel("mkdir", "-m", "u=rwx,g=s,o=", image("/m")))
    equal(query("stat", image("/m"))[0]["mode"], "2700")
    fails(lintel("mkdir", image("/a")), 1, "already exists")
    fails(lintel("mkdir", image("/none/x")), 1, "no such file or directory")
    fails(lintel("mkdir", "-m", "rwx", image("/n")), 2, "is no mode")
    image.write("/file")
    fails(lintel("mkdir", "-p", image("/file/x")), 1, "cannot make")
    fails(lintel("rmdir", image("/a"), image("/none")), 1, "directory not empty", "no such file")
    succeeds(lintel("rmdir", image("/a/x/y"), image("/a/x"), image("/b")))
    fails(lintel("rmdir", image("/file")), 1, "not a directory")
    equal(image.names(), ["a", "file", "m"])


@with_tree
def rm_removes(image, _tree):
    fails(lintel("rm", image("/tree")), 1, "is a directory")
    fails(lintel("rm", image("/none")), 1, "no such file or directory")
    succeeds(lintel("rm", "-f", image("/none")))
    fails(lintel("rm", "-r", image("/")), 1, "is not removed")
    fails(lintel("rm", "-r", image("/tree/.")), 1, "is not removed")
    succeeds(lintel("rm", image("/tree/a/symlink"), image("/tree/fifo")))
    printed = succeeds(lintel("rm", "-rv", image("/tree/a/b")))
    equal(printed.splitlines()[-1], f"removed '{image('/tree/a/b')}'")
    succeeds(lintel("mkdir", image("/tree/none")))
    succeeds(lintel("rm", "-d", image("/tree/none")))
    fails(lintel("rm", "-d", image("/tree/a")), 1, "directory not empty")
    succeeds(lintel("rm", "-rf", image("/tree")))
    equal(image.names(), [])


@image_test
def ln_links(image):
    image.write("/a", b"a")
    succeeds(lintel("ln", image("/a"), image("/b")))
    succeeds(lintel("mkdir", image("/d")))
    succeeds(lintel("ln", image("/a"), image("/d")))
    succeeds(lintel("ln", "-s", "a", image("/s")))
    fails(lintel("ln", "-s", "b", image("/s")), 1, "already exists")
    succeeds(lintel("ln", "-sf", "b", image("/s")))
    equal(query("stat", image("/s"))[0]["target"], "b")
    first, second = query("stat", image("/a"), image("/d/a"))
    equal((first["links"], first["inode"]), (3, second["inode"]))
    fails(lintel("ln", image("/d"), image("/e")), 1, "not permitted")
    fails(lintel("ln", image("/none"), image("/e")), 1, "no such file")


# ---- touch, truncate, chmod --------------------------------------------------------------------

@image_test
def touch_truncate_and_chmod(image):
    succeeds(lintel("touch", "-c", image("/none")))
    succeeds(lintel("touch", "-d", "@1000000000", image("/a"), image("/b")))
    equal([entry["mtime"] for entry in query("stat", image("/a"), image("/b"))], [10**9] * 2)
    succeeds(lintel("touch", "-m", "-d", "2020-01-02 03:04", image("/a"), env=ENVIRONMENT))
    entry = query("stat", image("/a"))[0]
    equal((entry["atime"], entry["mtime"]), (10**9, 1577934240))
    fails(lintel("touch", "-d", "yesterday", image("/a")), 2, "is no time")
    succeeds(lintel("truncate", "-s", "3m", image("/a")))
    succeeds(lintel("truncate", "--size=+1k", image("/a")))
    succeeds(lintel("truncate", "-s", "-1", image("/a")))
    equal(query("stat", image("/a"))[0]["size"], (3 << 20) + 1023)
    equal(query("stat", image("/a"))[0]["allocated"], 0)
    fails(lintel("truncate", image("/a")), 2, "--size is missing")
    fails(lintel("truncate", "-s", "x", image("/a")), 2, "is no size")


@with_tree
def chmod_does_as_gnu_does(image, tree):
    for mode in ["0640", "a+rX", "u=rwx,go=", "g=u", "o+t", "ug+s,o-x", "u-w", "=r", "+x", "a=,u+w"]:
        subprocess.run(["chmod", "-R", mode, os.path.join(tree, "a")], check=True)
        succeeds(lintel("chmod", "-R", mode, image("/tree/a")))
        expected = {os.path.relpath(os.path.join(directory, name), tree):
                    f"{os.lstat(os.path.join(directory, name)).st_mode & 0o7777:04o}"
                    for directory, inner, files in os.walk(os.path.join(tree, "a"))
                    for name in files + inner if not os.path.islink(os.path.join(directory, name))}
        modes = {os.path.relpath(entry["path"], image("/tree")): entry["mode"]
                 for entry in query("find", image("/tree/a")) if entry["type"] != "symlink"}
        equal({path: modes.get(path) for path in expected}, expected, mode)
        subprocess.run(["chmod", "-R", "u+rwX", os.path.join(tree, "a")], check=True)
        succeeds(lintel("chmod", "-R", "u+rwX", image("/tree/a")))
    fails(lintel("chmod", "rwx", image("/tree")), 2, "is no mode")


# ---- stat --------------------------------------------------------------------------------------

@with_tree
def stat_shows_what_is_known(image, tree):
    entry = query("stat", image("/tree/a/with space"))[0]
    info = os.lstat(os.path.join(tree, "a", "with space"))
    equal((entry["mode"], entry["uid"], entry["gid"], entry["size"], entry["links"]),
          (f"{info.st_mode & 0o7777:04o}", info.st_uid, info.st_gid, info.st_size, info.st_nlink))
    equal(entry["mtime"] * 10**9 + entry["mtime_nsec"], info.st_mtime_ns)
    subprocess.run([LINTEL, "write", "--stream", "s1", image("/tree/a/with space")],
                   input=b"12345", check=True)
    entry = query("stat", image("/tree/a/with space"))[0]
    equal(entry["streams"], [{"name": "s1", "size": 5}])
    text = ours("stat", image("/tree/a/with space"))
    contains(text, f"({info.st_mode & 0o7777:04o})")
    contains(text, "s1 (5 B)")
    contains(ours("stat", image("/tree/broken")), "nowhere")
    fails(lintel("stat", "-L", image("/tree/broken")), 1, "no such file or directory")
    result = lintel("stat", "--json", image("/none"), image("/tree"))
    fails(result, 1, "cannot find")
    equal(len(json.loads(result.stdout)["entries"]), 1)


# ---- find and du -------------------------------------------------------------------------------

@with_tree
def find_finds_what_gnu_finds(image, tree):
    tests = [[], ["-name", "*.c"], ["-iname", "FILE*"], ["-type", "d"], ["-type", "l"],
             ["-type", "f", "-size", "+4k"], ["-type", "f", "-size", "-2"], ["-size", "100c"], ["-size", "0"],
             ["-empty"], ["-maxdepth", "1"], ["-mindepth", "2", "-name", "*[1-3]*"],
             ["-path", "*/a/b/*"], ["-perm", "4751"], ["-perm", "-4000"], ["-perm", "/011"],
             ["-links", "+1", "-type", "f"], ["-mtime", "+10"], ["-mtime", "-3"], ["-mmin", "+5"],
             ["-user", "1234"], ["-group", "5678"],
             ["-newer", os.path.join(tree, "broken")]]
    for options in tests:
        expected = gnu("find", tree, *options, "-print0").replace(tree, image("/tree"))
        found = ours("find", image("/tree"), *options, "-print0")
        equal(sorted(found.split("\0")), sorted(expected.split("\0")), options)
    equal(sorted(ours("find", "--name=*.c", image("/tree")).splitlines()),
          sorted(gnu("find", tree, "-name", "*.c").replace(tree, image("/tree")).splitlines()))


@with_tree
def what_find_prints_is_an_operand(image, _tree):
    for path in ours("find", image("/tree"), "-print0").split("\0")[:-1]:
        if "\udcff" not in path:
            equal(len(query("stat", path)), 1, path)


@with_tree
def mistakes_of_find_are_named(image, _tree):
    fails(lintel("find", image("/none")), 1, "no such file or directory")
    for option, value in [("-size", "x"), ("-type", "z"), ("-mtime", "a"), ("-perm", "9"),
                          ("-user", "no such user"), ("-maxdepth", "-1")]:
        fails(lintel("find", image("/"), option, value), 2, f"{option} cannot be")
    fails(lintel("find", image("/"), "-nmae", "x"), 2, "did you mean '-name'?")
    fails(lintel("find", image("/"), "-newer", "none"), 1, "none")


@with_tree
def du_counts_as_gnu_does(image, tree):
    def files(text):
        rows = (line.split("\t", 1) for line in text.splitlines() if "\t" in line)
        return {path: size for size, path in rows if os.path.isfile(path) and "\n" not in path}
    expected = files(gnu("du", "-ab", tree))
    found = files(ours("du", "-ab", image("/tree")).replace(image("/tree"), tree))
    equal(sum(map(int, found.values())), sum(map(int, expected.values())))
    once = {size for path, size in found.items() if "sparse" in path}
    equal(len([path for path in found if "sparse" in path]), 1)
    equal(once, {str(50 << 20)})
    total = int(ours("du", "-sb", image("/tree")).split()[0])
    equal(total, int(ours("du", "-bc", image("/tree")).splitlines()[-1].split()[0]))
    entries = {entry["path"]: entry for entry in query("du", image("/tree"))}
    equal(entries[image("/tree")]["size"], total)
    assert entries[image("/tree")]["allocated"] < 20 << 20
    contains(ours("du", "-sh", image("/tree")), "\t" + image("/tree"))
    equal(len(ours("du", "-d", "1", image("/tree")).splitlines()), 3)
    fails(lintel("du", "-d", "x", image("/tree")), 2, "is no depth")


@image_test
def df_shows_the_room(image):
    entry = query("df", image.path)[0]
    equal(entry["used"] + entry["free"], entry["total"])
    contains(succeeds(lintel("df", "-h", image(""))), "256M")


# ---- The rule of operands ----------------------------------------------------------------------

@image_test
def a_colon_counts_only_behind_an_image(image):
    for name in ["a:b", "disk.img:x", "x:"]:
        with open(image.join(name), "w", encoding="ascii") as file:
            file.write(name)
    succeeds(lintel("cp", "./a:b", "disk.img:x", "./x:", "disk.img:/", cwd=image.dir))
    equal(image.names(), ["a:b", "disk.img:x", "x:"])
    succeeds(lintel("cp", "disk.img:/a:b", "./out:put", cwd=image.dir))
    os.rename(image.path, image.join("o:dd,\\.img"))
    equal(succeeds(lintel("ls", "o:dd,\\.img:/", cwd=image.dir)), "a:b\ndisk.img:x\nx:\n")
    os.rename(image.join("o:dd,\\.img"), image.path)


@test
def sources_of_other_kinds_are_operands_too():
    equal(succeeds(lintel("ls", "-d", "mem:")), "mem::/\n")
    equal(succeeds(lintel("ls", "-d", "mem:size=1m:/")), "mem:size=1m:/\n")
    fails(lintel("ls", "mem:nonsense"), 2, "nonsense")


main()
