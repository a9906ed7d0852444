#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--load, --save and lintel save: what is kept, and that nothing is lost on the way."""
import json
import os
import signal
import subprocess
import tarfile

from harness import (LINTEL, PATIENCE, Skip, contains, equal, fails, is_alive, lintel, main,
                     mount_test, succeeds, until)


def write(path, data):
    """Writes a file of bytes."""
    with open(path, "wb") as file:
        file.write(data)


def fill(top):
    """Makes a small tree with something of each kind."""
    os.makedirs(os.path.join(top, "deep", "er"))
    write(os.path.join(top, "file"), b"text")
    write(os.path.join(top, "deep", "empty"), b"")
    write(os.path.join(top, "deep", "er", "large"), os.urandom(3_000_000))
    os.link(os.path.join(top, "file"), os.path.join(top, "deep", "hard link"))
    os.symlink("../file", os.path.join(top, "deep", "symlink"))
    os.mkfifo(os.path.join(top, "fifo"), 0o640)
    with open(os.path.join(top, "sparse"), "wb") as file:
        file.truncate(10_000_000)
        file.seek(5_000_000)
        file.write(b"island")
    os.setxattr(os.path.join(top, "file"), "user.note", b"kept")
    os.chmod(os.path.join(top, "file"), 0o4751)
    os.chown(os.path.join(top, "deep", "empty"), 1234, 5678)
    os.utime(os.path.join(top, "deep", "empty"), ns=(1_000_000_000_123_456_700,
                                                     1_100_000_000_765_432_100))


def look(top):
    """All that fill() made and that should come back, as one comparable value."""
    found = {}
    for directory, names, files in os.walk(top):
        for name in names + files:
            path = os.path.join(directory, name)
            st = os.lstat(path)
            facts = [oct(st.st_mode), st.st_uid, st.st_gid]
            if os.path.islink(path):
                facts.append(os.readlink(path))
            elif name == "fifo" or os.path.isdir(path):
                facts.append(None)
            else:
                with open(path, "rb") as file:
                    facts += [file.read(), st.st_nlink, st.st_mtime_ns]
                facts.append({key: os.getxattr(path, key) for key in os.listxattr(path)
                              if key.startswith("user.") and not key.startswith("user.lintel")
                              and key != "user.DOSATTRIB"})
            found[os.path.relpath(path, top)] = facts
    return found


def differences(old, new):
    """Names whose facts differ; short enough to print."""
    return [(name, str(old.get(name))[:100], str(new.get(name))[:100])
            for name in sorted({*old, *new}) if old.get(name) != new.get(name)]


def round_trip(place, target):
    """Fills a volume, lets it be saved at unmount, loads it again, and compares."""
    place.mount("--save", target)
    fill(place.mnt)
    before = look(place.mnt)
    succeeds(lintel("umount", place.mnt))
    assert os.path.lexists(target)
    equal([name for name in os.listdir(place.path) if "lintel" in name], [], "left behind")
    place.mount("--load", target)
    equal(differences(before, look(place.mnt)), [])
    succeeds(lintel("umount", place.mnt))


@mount_test
def a_directory_keeps_everything(place):
    round_trip(place, place.join("tree"))


@mount_test
def a_tar_file_keeps_everything(place):
    round_trip(place, place.join("tree.tar"))


@mount_test
def an_image_keeps_everything(place):
    target = place.join("tree.img")
    round_trip(place, target)
    succeeds(lintel("check", target))
    assert os.stat(target).st_blocks * 512 < 8_000_000, "no more of the host's disk than is in it"
    place.mount("--load", target, "--save", place.join("tree.tar"))
    before = look(place.mnt)
    succeeds(lintel("umount", place.mnt))
    place.mount("--load", place.join("tree.tar"), "--save", target)
    succeeds(lintel("umount", place.mnt))
    place.mount("--load", target)
    equal(differences(before, look(place.mnt)), [])


@mount_test
def a_saved_image_stays_as_it_was_made(place):
    target = place.join("disk.img")
    succeeds(lintel("mkfs", target, "--size", "40M", "--block-size", "8192"))
    before = json.loads(succeeds(lintel("info", target, "--json")))["space"]
    place.mount("--load", target, "--save", target)
    write(place.join("mnt", "a"), b"1")
    succeeds(lintel("umount", place.mnt))
    after = json.loads(succeeds(lintel("info", target, "--json")))["space"]
    equal((after["total"], after["block_size"]), (before["total"], before["block_size"]))
    place.mount("--load", target)
    write(place.join("mnt", "large"), os.urandom(100_000_000))
    succeeds(lintel("umount", place.mnt))
    place.mount("--load", target, "--save", target)
    write(place.join("mnt", "large"), os.urandom(100_000_000))
    succeeds(lintel("umount", place.mnt))
    place.mount("--load", target)
    equal(sorted(os.listdir(place.mnt)), ["a", "large"])


@mount_test
def an_image_that_is_mounted_is_not_saved_over(place):
    target = place.join("disk.img")
    os.mkdir(place.join("other"))
    succeeds(lintel("mkfs", target, "--size", "40M"))
    succeeds(lintel("mount", target, place.join("other")))
    try:
        place.mount("--save", target)
        fails(lintel("umount", place.mnt), 1, "NOT SAVED")
        write(place.join("other", "a"), b"1")
    finally:
        succeeds(lintel("umount", place.join("other")))
    succeeds(lintel("check", target))


@mount_test
def a_saved_tar_file_is_one_for_others(place):
    place.mount("--save", place.join("tree.tar"))
    fill(place.mnt)
    succeeds(lintel("umount", place.mnt))
    with tarfile.open(place.join("tree.tar")) as archive:
        names = [name.removeprefix("./").rstrip("/") for name in archive.getnames()]
    contains(names, "deep/er/large")
    contains(names, "fifo")


@mount_test
def what_tar_packed_can_be_loaded(place):
    os.mkdir(place.join("tree"))
    fill(place.join("tree"))
    subprocess.run(["tar", "-C", place.join("tree"), "--xattrs", "--format=pax", "--sparse", "-cf",
                    place.join("tree.tar"), "."], check=True)
    place.mount("--load", place.join("tree.tar"))
    equal(differences(look(place.join("tree")), look(place.mnt)), [])


@mount_test
def save_now_and_go_on(place):
    place.mount("--save", place.join("tree"))
    write(place.join("mnt", "a"), b"1")
    equal(place.info()["save"]["state"], "never")
    succeeds(lintel("save", place.mnt))
    with open(place.join("tree", "a"), "rb") as file:
        equal(file.read(), b"1")
    info = place.info()["save"]
    equal((info["state"], info["count"], info["path"]), ("done", 1, place.join("tree")))
    write(place.join("mnt", "a"), b"2")
    os.mkdir(place.join("mnt", "b"))
    succeeds(lintel("save", place.join("mnt", "b")))
    with open(place.join("tree", "a"), "rb") as file:
        equal(file.read(), b"2")
    equal(place.info()["save"]["count"], 2)
    contains(succeeds(lintel("info", place.mnt)), place.join("tree"))


@mount_test
def progress_can_be_read_by_programs(place):
    place.mount("--save", place.join("tree.tar"))
    fill(place.mnt)
    result = lintel("save", "--progress", "json", place.mnt)
    succeeds(result)
    lines = [json.loads(line) for line in result.stderr.splitlines()]
    equal(lines[-1]["state"], "done")
    assert lines[-1]["files"] >= 8, lines[-1]
    assert lines[-1]["bytes"] >= 3_000_000, lines[-1]
    equal(lintel("save", "--progress", "never", place.mnt).stderr, "")
    equal(lintel("save", place.mnt).stderr, "", "no bar without a terminal")
    contains(lintel("save", "--progress", "always", place.mnt).stderr, "files")


@mount_test
def without_save_there_is_nowhere_to_save_to(place):
    place.mount()
    fails(lintel("save", place.mnt), 1, "without --save")


@mount_test
def the_first_time_it_starts_empty(place):
    target = place.join("tree")
    result = lintel("mount", "mem:", place.mnt, "--load", target, "--save", target)
    succeeds(result)
    contains(result.stderr, "starting empty")
    write(place.join("mnt", "a"), b"kept")
    succeeds(lintel("umount", place.mnt))
    result = lintel("mount", "mem:", place.mnt, "--load", target, "--save", target)
    equal((result.returncode, result.stderr), (0, ""))
    equal(os.listdir(place.mnt), ["a"])


@mount_test
def fstab_can_say_it_too(place):
    target = place.join("tree.tar")
    for _ in range(2):
        place.mount("-o", f"load={target},save={target}")
        os.mkdir(place.join("mnt", str(len(os.listdir(place.mnt)))))
        succeeds(lintel("umount", place.mnt))
    place.mount("-o", f"load={target}")
    equal(sorted(os.listdir(place.mnt)), ["0", "1"])


@mount_test
def what_cannot_be_loaded_is_not_mounted(place):
    fails(lintel("mount", "mem:", place.mnt, "--load", place.join("no")), 1, place.join("no"))
    write(place.join("broken.tar"), b"this is no archive" * 100)
    fails(lintel("mount", "mem:", place.mnt, "--load", place.join("broken.tar")), 1, "broken.tar")
    os.mkdir(place.join("tree"))
    write(place.join("tree", "large"), b"x" * 3_000_000)
    fails(lintel("mount", "mem:size=1m", place.mnt, "--load", place.join("tree")), 1, "large")
    assert not place.is_mounted()


@mount_test
def what_could_not_be_saved_is_told_before(place):
    fails(lintel("mount", "mem:", place.mnt, "--save", place.join("no", "tree")), 1, "no")
    fails(lintel("mount", "mem:", place.mnt, "--save", place.join("mnt", "tree")), 1, "itself")
    assert not place.is_mounted()


@mount_test
def every_way_to_unmount_saves(place):
    def by_umount(_):
        subprocess.run(["umount", place.mnt], check=True)

    def by_signal(pid):
        os.kill(pid, signal.SIGTERM)

    for number, unmount in enumerate([by_umount, by_signal]):
        target = place.join(f"tree{number}")
        place.mount("--save", target)
        write(place.join("mnt", "a"), b"kept")
        pid = place.info()["mount"]["pid"]
        unmount(pid)
        until(lambda: not is_alive(pid), "the end of the process")
        equal(os.listdir(target), ["a"])


def spoil(place):
    """Saves once, and then takes away where the next save would go."""
    os.mkdir(place.join("keep"))
    target = place.join("keep", "tree")
    place.mount("--save", target)
    write(place.join("mnt", "a"), b"old")
    succeeds(lintel("save", place.mnt))
    os.rename(place.join("keep"), place.join("moved"))
    write(place.join("mnt", "a"), b"new")


@mount_test
def a_failed_save_is_told(place):
    spoil(place)
    fails(lintel("save", place.mnt), 1, "was not saved", place.join("keep"))
    info = place.info()["save"]
    equal((info["state"], info["count"]), ("failed", 1))
    fails(lintel("save", "--progress", "json", place.mnt), 1, '"state":"failed"')
    os.rename(place.join("moved"), place.join("keep"))
    succeeds(lintel("save", place.mnt))
    equal(place.info()["save"]["state"], "done")


@mount_test
def a_failed_save_at_unmount_is_told(place):
    spoil(place)
    fails(lintel("umount", place.mnt), 1, "NOT SAVED", place.join("keep", "tree"))
    with open(place.join("moved", "tree", "a"), "rb") as file:
        equal(file.read(), b"old")


@mount_test
def a_failed_save_is_the_exit_code_in_the_foreground(place):
    process = place.start("mount", "--foreground", "mem:", place.mnt, "--save",
                          place.join("gone", "tree"), "--progress", "never")
    equal(process.wait(PATIENCE), 1)
    os.mkdir(place.join("gone"))
    process = place.start("mount", "--foreground", "mem:", place.mnt, "--save",
                          place.join("gone", "tree"), "--progress", "never")
    until(place.is_mounted, "the mount")
    os.rmdir(place.join("gone"))
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE)
    equal(process.returncode, 1)
    contains(errors, "NOT SAVED")


def kill_during_save(place, target):
    """
    Saves a small tree, then a larger one and kills the process in the middle.
    Returns whether it was in the middle. The tree must be the old or the new one.
    """
    place.mount("--save", target)
    write(place.join("mnt", "generation"), b"1")
    succeeds(lintel("save", place.mnt))
    pid = place.info()["mount"]["pid"]
    write(place.join("mnt", "generation"), b"2")
    for number in range(1500):
        write(place.join("mnt", f"f{number}"), b"x" * 8000)
    saving = place.start("save", place.mnt)
    until(lambda: os.path.lexists(target + ".lintel-new") or saving.poll() is not None,
          "the save to begin")
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), "the end of the process")
    _, errors = saving.communicate(timeout=PATIENCE)
    succeeds(lintel("umount", place.mnt))
    if saving.returncode == 0:
        return False
    contains(errors, "lintel save:")
    place.mount("--load", target, "--save", target)
    names = os.listdir(place.mnt)
    with open(place.join("mnt", "generation"), "rb") as file:
        generation = file.read()
    equal((generation, len(names)), (b"1", 1) if generation == b"1" else (b"2", 1501))
    # The next save clears what the killed one left.
    succeeds(lintel("umount", place.mnt))
    equal([name for name in os.listdir(place.path) if "lintel-" in name], [])
    return True


@mount_test
def a_killed_save_leaves_a_whole_tree(place):
    done = [kill_during_save(place, place.join(name)) for name in ["tree", "tree.tar"]]
    if not any(done):
        raise Skip("every save was over before it could be killed")


@mount_test
def only_the_owner_may_save(place):
    place.mount("--save", place.join("tree"))
    os.chmod(place.path, 0o755)
    try:
        result = lintel("save", place.mnt, user=65534, group=65534, extra_groups=[])
    except PermissionError as error:
        raise Skip(f"{LINTEL} cannot be run by others here") from error
    fails(result, 1, "only root and the owner")
    assert not os.path.lexists(place.join("tree"))


@mount_test
def changes_during_a_save_do_no_harm(place):
    place.mount("--save", place.join("tree"))
    for number in range(300):
        write(place.join("mnt", f"f{number}"), b"x" * 100)
    saving = [place.start("save", place.mnt) for _ in range(3)]
    for number in range(300):
        os.rename(place.join("mnt", f"f{number}"), place.join("mnt", f"g{number}"))
        os.unlink(place.join("mnt", f"g{number}"))
        write(place.join("mnt", f"h{number}"), b"y")
    for process in saving:
        process.communicate(timeout=PATIENCE)
        equal(process.returncode, 0)
    succeeds(lintel("umount", place.mnt))
    equal(sorted(os.listdir(place.join("tree"))), sorted(f"h{number}" for number in range(300)))


main()
