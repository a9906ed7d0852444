#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""mount.lintel: as mount(8) calls it, and through mount(8) itself."""
import os
import subprocess

from harness import (LINTEL, PATIENCE, Skip, contains, equal, fails, is_alive, lintel, main,
                     need_mount_namespaces,
                     mount_test, succeeds, until)


def helper(place, *arguments, name="mount.lintel"):
    """Runs lintel under the name of a helper."""
    link = place.join(name)
    if not os.path.lexists(link):
        os.symlink(LINTEL, link)
    return subprocess.run([link, *arguments], capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE)


@mount_test
def it_mounts(place):
    for name in ["mount.lintel", "mount.fuse.lintel"]:
        result = helper(place, "mem:", place.mnt, "-o", "rw,size=8m,nofail", name=name)
        equal(result.returncode, 0, result.stderr)
        equal(place.info()["space"]["total"], 8 << 20)
        succeeds(lintel("umount", place.mnt))


@mount_test
def options_may_come_first_and_say_nothing(place):
    result = helper(place, "-n", "-s", "-t", "lintel", "-o", "ro", "mem:", place.mnt)
    equal((result.returncode, result.stdout, result.stderr), (0, "", ""))
    assert "ro" in place.entry()[3].split(",")


@mount_test
def fake_checks_and_does_not_mount(place):
    equal(helper(place, "mem:", place.mnt, "-f").returncode, 0)
    assert not place.is_mounted()
    equal(helper(place, "mem:", place.join("no"), "-f").returncode, 32)


@mount_test
def verbose_says_what_it_did(place):
    contains(helper(place, "mem:", place.mnt, "-v").stdout, f"mem: mounted on {place.mnt}")


@mount_test
def exit_codes_are_those_of_mount(place):
    fails(helper(place), 1, "usage: mount.lintel SPEC DIR")
    fails(helper(place, "mem:"), 1, "usage:")
    fails(helper(place, "mem:", place.mnt, "-x"), 1, "usage:")
    fails(helper(place, "mem:", place.mnt, "-o", "nonsense"), 1, "nonsense")
    fails(helper(place, "nothing:", place.mnt), 1, "nothing")
    fails(helper(place, "mem:", place.join("no")), 32, "mount.lintel: ", place.join("no"))
    fails(helper(place, "mem:", place.mnt, "-N", "/no/such/namespace"), 2, "namespace")


@mount_test
def files_below_are_hidden_as_mount_does(place):
    with open(place.join("mnt", "a"), "w", encoding="ascii"):
        pass
    equal(helper(place, "mem:", place.mnt).returncode, 0)
    equal(os.listdir(place.mnt), [])


@mount_test
def another_mount_namespace_can_be_named(place):
    need_mount_namespaces()
    sleeper = subprocess.Popen(["unshare", "-m", "sh", "-c", "echo; exec sleep 1000"],
                               stdout=subprocess.PIPE)
    place.processes.append(sleeper)
    sleeper.stdout.readline()
    result = helper(place, "mem:size=4m", place.mnt, "-N", str(sleeper.pid))
    equal(result.returncode, 0, result.stderr)
    assert not place.is_mounted()
    there = subprocess.run(["nsenter", f"--mount=/proc/{sleeper.pid}/ns/mnt", LINTEL, "umount",
                            place.mnt], check=False, capture_output=True, text=True)
    equal(there.returncode, 0, there.stderr)


def with_mount_8(place, commands):
    """
    Runs a shell script in a mount namespace of its own, where an existing helper of
    mount(8) is covered by ours: /sbin is not touched.
    """
    cover = "/sbin/mount.fuse3"
    need_mount_namespaces()
    if not os.path.exists(cover):
        raise Skip(f"needs {cover}")
    script = f"set -e\nmount --bind {LINTEL} {cover}\n" + commands
    result = subprocess.run(["unshare", "-m", "sh", "-c", script], check=False,
                            capture_output=True, text=True, cwd=place.path, timeout=PATIENCE)
    equal(result.returncode, 0, result.stderr)
    return result.stdout


@mount_test
def mount_8_calls_it(place):
    text = with_mount_8(place, f"""
        mount -t fuse3 mem: {place.mnt} -o size=4m,nosuid
        echo works > mnt/file
        cat mnt/file
        grep ' {place.mnt} ' /proc/self/mounts
        {LINTEL} umount mnt
    """)
    contains(text, "works")
    contains(text, "nosuid")


@mount_test
def a_line_of_fstab_does(place):
    with open(place.join("fstab"), "w", encoding="ascii") as file:
        file.write(f"mem: {place.mnt} fuse3 "
                   "size=4m,_netdev,nofail,x-systemd.automount,comment=a 0 0\n")
    text = with_mount_8(place, f"""
        mount -T fstab {place.mnt}
        {LINTEL} info --json mnt
        mount -T fstab -a
        grep -c ' {place.mnt} ' /proc/self/mounts
        umount mnt
    """)
    contains(text, f'"total": {4 << 20}')
    equal(text.splitlines()[-1], "1", "mounted a second time")


@mount_test
def umount_8_ends_the_process(place):
    equal(helper(place, "mem:", place.mnt).returncode, 0)
    pid = place.info()["mount"]["pid"]
    subprocess.run(["umount", place.mnt], check=True)
    until(lambda: not is_alive(pid), "the end of the process")


main()
