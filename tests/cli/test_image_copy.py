#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lintel cp, mv, import, export: trees into, out of, within and between images."""
import json
import os
import subprocess
import tempfile

from harness import LINTEL, Skip, contains, equal, fails, lintel, main, succeeds, test
from images import Image, describe_tree, equal_trees, image_test, make_tree, query


@image_test
def a_tree_in_and_out_is_the_same(image):
    make_tree(image.join("tree"))
    equal(succeeds(lintel("cp", "-r", image.join("tree"), image())), "")
    succeeds(lintel("cp", "-r", image("/tree"), image.join("back")))
    equal_trees(image.join("tree"), image.join("back"))


@image_test
def what_is_in_a_directory_goes_by_its_dot(image):
    make_tree(image.join("tree"))
    succeeds(lintel("cp", "-r", image.join("tree") + "/.", image()))
    os.mkdir(image.join("out"))
    succeeds(lintel("cp", "-r", image(""), image.join("out")))
    equal_trees(image.join("tree"), image.join("out"))


@image_test
def a_tree_goes_across_and_within(image):
    make_tree(image.join("tree"))
    succeeds(lintel("cp", "-r", image.join("tree"), image("/one")))
    succeeds(lintel("cp", "-r", image("/one"), image("/two")))
    with tempfile.TemporaryDirectory(prefix="lintel-image-") as directory:
        other = Image(directory, "--size", "128m", "--block-size", "16k", "--data-checks")
        succeeds(lintel("cp", "-a", image("/two"), other("/three")))
        succeeds(lintel("cp", "-r", other("/three"), image.join("back")))
        other.clean()
    equal_trees(image.join("tree"), image.join("back"))


@image_test
def a_second_copy_replaces_the_first(image):
    make_tree(image.join("tree"))
    for _ in range(2):
        succeeds(lintel("cp", "-r", image.join("tree"), image("/")))
    with open(image.join("tree", "a", "-dash"), "w", encoding="ascii") as file:
        file.write("changed")
    succeeds(lintel("cp", image.join("tree", "a", "-dash"), image("/tree/a/")))
    equal(succeeds(lintel("cat", image("/tree/a/-dash"))), "changed")
    for _ in range(2):
        succeeds(lintel("cp", "-r", image("/tree/."), image.join("back")))
    equal(describe_tree(image.join("tree"))[1], describe_tree(image.join("back"))[1])


@image_test
def existing_files_stay_with_n(image):
    image.write("/a", b"old")
    with open(image.join("a"), "w", encoding="ascii") as file:
        file.write("new")
    succeeds(lintel("cp", "-n", image.join("a"), image("/")))
    equal(succeeds(lintel("cat", image("/a"))), "old")
    succeeds(lintel("cp", "-f", image.join("a"), image("/")))
    equal(succeeds(lintel("cat", image("/a"))), "new")


@image_test
def v_prints_what_was_copied(image):
    image.write("/a", b"x")
    equal(succeeds(lintel("cp", "-v", image("/a"), image("/b"))),
          f"'{image('/a')}' -> '{image('/b')}'\n")


@image_test
def plain_copies_are_new_files(image):
    make_tree(image.join("tree"))
    succeeds(lintel("cp", "--no-preserve", image.join("tree", "a", "with space"), image("/x")))
    entry = query("stat", image("/x"))[0]
    equal((entry["uid"], entry["gid"]), (os.geteuid(), os.getegid()))
    assert entry["mtime"] > 1_500_000_000
    equal(entry["xattrs"], [])


@image_test
def links_as_operands_are_followed_without_r(image):
    make_tree(image.join("tree"))
    image.write("/target", b"content")
    succeeds(lintel("ln", "-s", "target", image("/link")))
    succeeds(lintel("cp", image("/link"), image.join("out")))
    assert not os.path.islink(image.join("out"))
    succeeds(lintel("cp", "-r", image("/link"), image.join("link")))
    equal(os.readlink(image.join("link")), "target")
    os.symlink("out", image.join("host link"))
    succeeds(lintel("cp", image.join("host link"), image("/copied")))
    equal(query("stat", image("/copied"))[0]["type"], "file")


@image_test
def the_image_itself_is_left_out(image):
    with open(image.join("beside"), "w", encoding="ascii") as file:
        file.write("x")
    succeeds(lintel("cp", "-r", image.dir, image("/all")))
    equal(image.names("/all"), ["beside"])
    fails(lintel("mv", image.dir, image("/moved")), 1, "is not removed")
    assert os.path.exists(image.path)


@image_test
def mistakes_of_cp_are_named(image):
    image.write("/a", b"x")
    succeeds(lintel("mkdir", "-p", image("/d/a")))
    fails(lintel("cp", image("/d"), image("/e")), 1, "only -r")
    fails(lintel("cp", image("/none"), image("/e")), 1, "no such file or directory", "/none")
    fails(lintel("cp", image("/a"), image("/none/e")), 1, "no such file or directory")
    fails(lintel("cp", image("/a"), image("/none/")), 1, "there is no directory")
    fails(lintel("cp", image("/a"), image("/d"), image("/e")), 1, "no directory")
    fails(lintel("cp", image("/a"), image("/d")), 1, "a directory has that name")
    fails(lintel("cp", "-r", image("/d/."), image("/a")), 1, "a file has that name")
    fails(lintel("cp", "-r", image("/d"), image("/d/a/x")), 1, "into itself")
    fails(lintel("cp", image("/a"), image("/a")), 1, "one file")
    fails(lintel("cp", "/etc/passwd", "/tmp/x"), 1, "cp(1)")
    fails(lintel("cp", image("/a")), 2, "TARGET is missing")
    fails(lintel("cp", "-r", "x", image.join("nix.img:/")), 1, "there is no disk image")
    fails(lintel("cp", image("/a"), "nix.img:"), 1, "there is no disk image nix.img")


@image_test
def a_failure_does_not_stop_the_rest(image):
    for name in "abc":
        image.write("/" + name, name.encode())
    succeeds(lintel("mkdir", image("/d"), image("/d/b")))
    fails(lintel("cp", image("/a"), image("/b"), image("/none"), image("/c"), image("/d")), 1)
    equal(image.names("/d"), ["a", "b", "c"])


@test
def a_full_image_keeps_what_it_had():
    with tempfile.TemporaryDirectory(prefix="lintel-image-") as directory:
        image = Image(directory, "--size", "8m")
        image.write("/kept", b"k" * 10000)
        with open(image.join("big"), "wb") as file:
            file.write(os.urandom(16 << 20))
        fails(lintel("cp", image.join("big"), image("/kept")), 1, "no space left")
        fails(lintel("cp", image.join("big"), image("/big")), 1, "no space left")
        equal(image.names(), ["kept"])
        equal(succeeds(lintel("cat", image("/kept"))), "k" * 10000)
        image.clean()


@image_test
def mv_renames_within(image):
    image.write("/a", b"a")
    image.write("/b", b"b")
    inode = query("stat", image("/a"))[0]["inode"]
    succeeds(lintel("mv", "-n", image("/a"), image("/b")))
    equal(image.names(), ["a", "b"])
    equal(succeeds(lintel("mv", "-v", image("/a"), image("/b"))),
          f"'{image('/a')}' -> '{image('/b')}'\n")
    equal(query("stat", image("/b"))[0]["inode"], inode)
    succeeds(lintel("mkdir", image("/d")))
    succeeds(lintel("mv", image("/b"), image("/d")))
    equal(image.names("/d"), ["b"])
    fails(lintel("mv", image("/d"), image("/d/e")), 1, "cannot move")
    fails(lintel("mv", image("/none"), image("/d")), 1, "no such file or directory")


@image_test
def mv_goes_in_and_out(image):
    make_tree(image.join("tree"))
    make_tree(image.join("same"))
    succeeds(lintel("mv", image.join("tree"), image()))
    assert not os.path.exists(image.join("tree"))
    succeeds(lintel("mv", image("/tree"), image.join("back")))
    equal(image.names(), [])
    equal_trees(image.join("same"), image.join("back"))


@image_test
def mv_removes_nothing_that_did_not_arrive(image):
    image.write("/d", b"")
    os.mkdir(image.join("d"))
    with open(image.join("d", "f"), "w", encoding="ascii") as file:
        file.write("f")
    fails(lintel("mv", image.join("d"), image("/")), 1, "a file has that name")
    assert os.path.exists(image.join("d", "f"))


@image_test
def import_and_export_of_directories(image):
    make_tree(image.join("tree"))
    answer = json.loads(succeeds(lintel("import", "--json", image.join("tree"), image("/in"))))
    assert answer["files"] > 60 and answer["bytes"] > 0, answer
    succeeds(lintel("export", image("/in"), image.join("out")))
    equal_trees(image.join("tree"), image.join("out"))
    fails(lintel("export", image("/in"), image.join("out")), 1, "--force")
    succeeds(lintel("export", "-f", image("/in/a"), image.join("out")))
    assert os.path.exists(image.join("out", "b"))


@image_test
def import_and_export_of_archives(image):
    make_tree(image.join("tree"))
    succeeds(lintel("import", image.join("tree"), image("/in")))
    contains(succeeds(lintel("export", image("/in"), image.join("t.tar"))), "Files")
    names = subprocess.run(["tar", "--warning=no-unknown-keyword", "-tf", image.join("t.tar")],
                           check=True, capture_output=True).stdout
    contains(names, b"a/with space\n")
    succeeds(lintel("import", image.join("t.tar"), image("/again")))
    succeeds(lintel("export", image("/again"), image.join("out")))
    equal_trees(image.join("tree"), image.join("out"))


@image_test
def import_and_export_of_images(image):
    make_tree(image.join("tree"))
    succeeds(lintel("import", image.join("tree"), image("/in")))
    succeeds(lintel("export", image("/in"), image.join("new.img")))
    succeeds(lintel("check", image.join("new.img")))
    fails(lintel("export", image("/in"), image.join("new.img")), 1, "--force")
    succeeds(lintel("import", image.join("new.img"), image("/again")))
    succeeds(lintel("export", image("/again"), image.join("out")))
    equal_trees(image.join("tree"), image.join("out"))


@image_test
def import_reads_archives_of_tar_from_stdin(image):
    make_tree(image.join("tree"))
    os.unlink(image.join("tree", "socket"))
    archive = subprocess.run(["tar", "-c", "--format=pax", "--xattrs", "-S", "-C",
                              image.join("tree"), "."], check=True, capture_output=True).stdout
    made = subprocess.run([LINTEL, "import", "-", image("/in")], input=archive, check=False,
                          capture_output=True)
    equal(made.returncode, 0, made.stderr)
    succeeds(lintel("export", image("/in"), image.join("out")))
    equal(sorted(describe_tree(image.join("out"))[0]), sorted(describe_tree(image.join("tree"))[0]))


@image_test
def mistakes_of_import_and_export_are_named(image):
    image.write("/file", b"")
    fails(lintel("import", image.join("none"), image("/")), 1, "none")
    fails(lintel("export", image("/none"), image.join("out")), 1, "no such file or directory")
    fails(lintel("export", image("/file"), image.join("out")), 1, "not a directory")
    fails(lintel("import", image.path, image("/x")), 1, "cannot import")
    fails(lintel("import", image.dir, image("/file")), 1, "a file has that name")


@image_test
def progress_is_told_as_json(image):
    make_tree(image.join("tree"))
    result = lintel("cp", "-r", "--progress", "json", image.join("tree"), image())
    succeeds(result)
    last = json.loads(result.stderr.splitlines()[-1])
    equal((last["what"], last["state"]), ("copying", "done"))
    assert last["files"] > 60
    equal(lintel("cp", "-r", "-q", image("/tree"), image("/t2")).stderr, "")


@image_test
def windows_metadata_goes_through_the_host(image):
    image.write("/f", b"data")
    made = subprocess.run([LINTEL, "write", "--stream", "Zone.Identifier", image("/f")],
                          input=b"[ZoneTransfer]", check=False, capture_output=True)
    equal(made.returncode, 0, made.stderr)
    succeeds(lintel("cp", image("/f"), image.join("f")))
    if not [name for name in os.listxattr(image.join("f")) if name.startswith("user.lintel.")]:
        raise Skip("no attributes on the host's file system")
    succeeds(lintel("cp", image.join("f"), image("/g")))
    equal(succeeds(lintel("cat", "--stream", "Zone.Identifier", image("/g"))), "[ZoneTransfer]")
    fails(lintel("cat", "--stream", "none", image("/g")), 1, "no such file or directory")


main()
