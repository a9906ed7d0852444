#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lintel mount, umount and info on real mounts."""
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess

from harness import (LINTEL, PATIENCE, Skip, contains, equal, fails, is_alive, lintel, main,
                     need_mount_namespaces,
                     mount_test, succeeds, until)


def write(path, text):
    """Writes a small file."""
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def read(path):
    """Reads a small file."""
    with open(path, encoding="ascii") as file:
        return file.read()


@mount_test
def mount_works_when_it_returns_and_umount_waits(place):
    place.mount()
    write(place.join("mnt", "a"), "text")
    equal(read(place.join("mnt", "a")), "text")
    pid = place.info()["mount"]["pid"]
    succeeds(lintel("umount", place.mnt))
    assert not is_alive(pid), "the process is still there"
    assert not place.is_mounted()
    equal(os.listdir(place.mnt), [])


@mount_test
def mount_says_nothing_when_all_is_well(place):
    result = lintel("mount", "mem:", place.mnt)
    equal((result.returncode, result.stdout, result.stderr), (0, "", ""))
    result = lintel("umount", place.mnt)
    equal((result.returncode, result.stdout, result.stderr), (0, "", ""))


@mount_test
def over_a_block_device_sync_reaches_the_volume(place):
    if not os.path.exists("/dev/loop-control"):
        raise Skip("no loop devices here")
    if os.geteuid() != 0:
        raise Skip("needs root")
    place.mount("-o", "blkdev")
    device, _, kind, _ = place.entry()
    equal(kind, "fuseblk.lintel")
    subprocess.run(["sync", "-f", place.mnt], check=True)
    equal(place.info()["front"]["operations"]["SYNCFS"]["count"], 1)
    succeeds(lintel("umount", place.mnt))
    until(lambda: not os.path.exists(f"/sys/block/{os.path.basename(device)}/loop"), "loop device")


@mount_test
def the_process_lets_go_of_what_started_it(place):
    place.mount()
    pid = place.info()["mount"]["pid"]
    equal(os.readlink(f"/proc/{pid}/cwd"), "/")
    equal([os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)], ["/dev/null"] * 3)
    equal(os.getsid(pid), pid)
    for fd in os.listdir(f"/proc/{pid}/fd"):
        assert not os.readlink(f"/proc/{pid}/fd/{fd}").startswith("pipe:"), "a pipe is left open"


@mount_test
def relative_paths_are_those_of_the_caller(place):
    os.mkdir(place.join("deep"))
    succeeds(lintel("mount", "mem:", "../mnt", "-o", "log=log.txt", cwd=place.join("deep")))
    assert place.is_mounted()
    assert os.path.exists(place.join("deep", "log.txt"))
    succeeds(lintel("umount", "mnt", cwd=place.path))


@mount_test
def symbolic_links_to_the_mount_point_do(place):
    os.symlink("mnt", place.join("link"))
    place.mount(at=place.join("link"))
    assert place.is_mounted()
    contains(succeeds(lintel("info", place.join("link"))), place.mnt)
    succeeds(lintel("umount", place.join("link")))


@mount_test
def names_with_blanks_and_odd_letters_do(place):
    strange = place.join("a b\\c,d=e\té")
    os.mkdir(strange)
    place.mount(at=strange)
    assert place.is_mounted(strange)
    equal(place.info(strange)["mount"]["dir"], strange)
    succeeds(lintel("umount", strange))
    assert not place.is_mounted(strange)


@mount_test
def a_second_mount_is_refused(place):
    place.mount()
    fails(lintel("mount", "mem:", place.mnt), 1, "mounted on", "already", "lintel umount")
    place.info()


@mount_test
def bad_mount_points_are_named(place):
    fails(lintel("mount", "mem:", place.join("no")), 1, place.join("no"), "mkdir -p")
    write(place.join("file"), "x")
    fails(lintel("mount", "mem:", place.join("file")), 1, place.join("file"), "Not a directory")


@mount_test
def files_are_not_hidden_by_accident(place):
    write(place.join("mnt", "a"), "x")
    fails(lintel("mount", "mem:", place.mnt), 1, "has files in it", "nonempty")
    place.mount("-o", "nonempty")
    equal(os.listdir(place.mnt), [])
    succeeds(lintel("umount", place.mnt))
    equal(os.listdir(place.mnt), ["a"])


@mount_test
def wrong_options_are_named(place):
    calls = {"nonsense": "nonsense", "size=much": "size", "threads=many": "threads",
             "threads=99999": "threads", "io_uring=maybe": "io_uring", "umask=9": "umask",
             "timeout=soon": "timeout", "uid=nobody-at-all": "nobody-at-all",
             "case=none": "case", "alow_other": "did you mean 'allow_other'?",
             "sise=4g": "did you mean 'size'?", "debug": "log=FILE", "max_write": "max_write"}
    for options, part in calls.items():
        result = lintel("mount", "mem:", place.mnt, "-o", options)
        assert result.returncode in (1, 2), (options, result.stderr)
        contains(result.stderr, part)
        assert not place.is_mounted(), options


@mount_test
def options_for_mount_and_systemd_are_accepted(place):
    place.mount("-o", "_netdev,nofail,noauto,user,users,x-systemd.automount,x-a=b,X-c,"
                "comment=a\\,b,defaults,rw,auto,nouser,owner,group")
    assert place.is_mounted()


@mount_test
def options_of_the_kernel_reach_it(place):
    place.mount("-o", "ro,noexec,nosuid,nodev,noatime")
    options = place.entry()[3].split(",")
    for option in ["ro", "noexec", "nosuid", "nodev", "noatime"]:
        contains(options, option)
    try:
        write(place.join("mnt", "a"), "x")
        assert False, "written to a read-only mount"
    except OSError as error:
        equal(error.strerror, "Read-only file system")


@mount_test
def the_last_of_opposite_options_counts(place):
    place.mount("-o", "ro,noexec,nodev", "-o", "rw,exec")
    options = place.entry()[3].split(",")
    contains(options, "rw")
    contains(options, "nodev")
    assert "noexec" not in options, options


@mount_test
def options_of_the_source_reach_it(place):
    place.mount("-o", "size=8m,case=insensitive,label=a\\,b", source="mem:nodes=1000")
    info = place.info()
    equal(info["space"]["total"], 8 << 20)
    equal(info["space"]["nodes_max"], 1000)
    equal(info["volume"]["case"], "insensitive")
    equal(info["volume"]["label"], "a,b")
    write(place.join("mnt", "ReadMe"), "x")
    equal(read(place.join("mnt", "README")), "x")
    equal(os.statvfs(place.mnt).f_blocks * os.statvfs(place.mnt).f_frsize, 8 << 20)


@mount_test
def the_mount_table_shows_source_and_type(place):
    place.mount(source="mem:size=8m")
    equal(place.entry()[0], "mem:size=8m")
    equal(place.entry()[2], "fuse.lintel")


@mount_test
def name_and_type_can_be_chosen(place):
    place.mount("-o", "fsname=//server/share,subtype=disk")
    equal(place.entry()[0], "//server/share")
    equal(place.entry()[2], "fuse.disk")
    succeeds(lintel("umount", place.mnt))


@mount_test
def ids_and_umask_can_be_chosen(place):
    place.mount("-o", "uid=1234,gid=daemon,umask=027")
    write(place.join("mnt", "a"), "x")
    st = os.stat(place.join("mnt", "a"))
    equal(st.st_uid, 1234)
    equal(st.st_mode & 0o027, 0)


@mount_test
def security_of_the_root_is_read_as_sddl(place):
    fails(lintel("mount", "mem:", place.mnt, "-o", "security=O:XX"), 1, "option 'security'")
    assert not place.is_mounted()
    place.mount("-o", "security=O:BAG:BAD:P(A;;FA;;;SY)(A;;FA;;;WD)")
    descriptor = os.getxattr(place.mnt, "system.ntfs_acl")
    equal(descriptor[0], 1, "revision of the descriptor")
    contains(descriptor, bytes.fromhex("01020000000000052000000020020000"))  # S-1-5-32-544


@mount_test
def windows_metadata_shows_as_attributes(place):
    place.mount()
    path = place.join("mnt", "a")
    write(path, "x")
    os.setxattr(path, "system.ntfs_attrib_be", bytes.fromhex("00000022"))
    equal(os.getxattr(path, "system.ntfs_attrib"), bytes.fromhex("22000000"))
    contains(os.listxattr(path), "user.DOSATTRIB")
    os.stat(path)  # the kernel knows the times now, and must forget them
    second = 11644473600 + 1_000_000_000  # from 1601
    os.setxattr(path, "system.ntfs_times", struct.pack("<QQ", second * 10**7, second * 10**7))
    equal(os.stat(path).st_mtime, 1_000_000_000)


@mount_test
def streams_show_as_paths_where_asked_for(place):
    place.mount("-o", "streams=colon")
    write(place.join("mnt", "a"), "main")
    write(place.join("mnt", "a:side"), "stream")
    equal(read(place.join("mnt", "a:SIDE")), "stream")
    equal(read(place.join("mnt", "a")), "main")
    equal(os.listdir(place.mnt), ["a"])


@mount_test
def info_has_all_sections(place):
    place.mount(source="mem:size=64m")
    write(place.join("mnt", "a"), "x" * 100000)
    subprocess.run(["sync", "-f", place.mnt], check=True)
    os.listdir(place.mnt)
    info = place.info()
    equal(list(info)[0], "output_version")
    for part in ["source", "mount", "volume", "space", "facts", "front"]:
        contains(info, part)
    equal(info["mount"]["dir"], place.mnt)
    space = info["space"]
    equal(space["used"] + space["free"], space["total"])
    assert space["used"] >= 100000, space
    operations = info["front"]["operations"]
    for numbers in operations.values():
        assert numbers["count"] > 0
        assert numbers["p50_ns"] <= numbers["max_ns"], numbers
        assert numbers["p50_ns"] <= numbers["p99_ns"], numbers
    contains(operations, "GETATTR")
    text = succeeds(lintel("info", place.mnt))
    for part in ["64.0 MiB", "Operations", "GETATTR", "Space", "Volume", place.mnt]:
        contains(text, part)


@mount_test
def info_works_from_within_the_volume(place):
    place.mount()
    os.makedirs(place.join("mnt", "a", "b"))
    equal(place.info(place.join("mnt", "a", "b"))["mount"]["dir"], place.mnt)


@mount_test
def a_busy_volume_is_not_unmounted(place):
    place.mount()
    with open(place.join("mnt", "a"), "w", encoding="ascii"):
        fails(lintel("umount", place.mnt), 1, "in use", "--lazy")
        assert place.is_mounted()
    succeeds(lintel("umount", place.mnt))


@mount_test
def a_busy_volume_can_be_detached(place):
    place.mount()
    pid = place.info()["mount"]["pid"]
    with open(place.join("mnt", "a"), "w+", encoding="ascii") as file:
        succeeds(lintel("umount", "--lazy", place.mnt))
        assert not place.is_mounted()
        file.write("still here")
        file.flush()
        file.seek(0)
        equal(file.read(), "still here")
    until(lambda: not is_alive(pid), "the end of the process")


@mount_test
def umount_refuses_what_is_not_ours(place):
    fails(lintel("umount", place.mnt), 1, "nothing is mounted")
    fails(lintel("umount", place.join("no")), 1, place.join("no"))
    subprocess.run(["mount", "-t", "tmpfs", "none", place.mnt], check=True)
    fails(lintel("umount", place.mnt), 1, "tmpfs", "not Lintel's")
    assert place.is_mounted()


@mount_test
def umount_of_others_ends_the_process_too(place):
    place.mount()
    pid = place.info()["mount"]["pid"]
    subprocess.run(["umount", place.mnt], check=True)
    until(lambda: not is_alive(pid), "the end of the process")


@mount_test
def a_dead_mount_is_told_and_cleared(place):
    place.mount()
    pid = place.info()["mount"]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not is_alive(pid), "the end of the process")
    assert place.is_mounted()
    fails(lintel("info", place.mnt), 1, "has died")
    fails(lintel("mount", "mem:", place.mnt), 1, "has died", "lintel umount")
    succeeds(lintel("umount", place.mnt))
    assert not place.is_mounted()


@mount_test
def foreground_stays_until_a_signal(place):
    for number in [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]:
        process = place.start("mount", "--foreground", "mem:", place.mnt)
        until(place.is_mounted, "the mount")
        equal(place.info()["mount"]["pid"], process.pid)
        process.send_signal(number)
        process.communicate(timeout=PATIENCE)
        equal(process.returncode, 0, number)
        assert not place.is_mounted()


@mount_test
def foreground_ends_with_umount(place):
    process = place.start("mount", "--foreground", "mem:", place.mnt)
    until(place.is_mounted, "the mount")
    succeeds(lintel("umount", place.mnt))
    process.communicate(timeout=PATIENCE)
    equal(process.returncode, 0)


@mount_test
def a_signal_ends_the_process_in_the_background(place):
    place.mount()
    pid = place.info()["mount"]["pid"]
    os.kill(pid, signal.SIGTERM)
    until(lambda: not is_alive(pid), "the end of the process")
    assert not place.is_mounted()


@mount_test
def systemd_is_told_when_ready(place):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(place.join("notify"))
        server.settimeout(PATIENCE)
        process = place.start("mount", "--foreground", "mem:", place.mnt,
                              env={**os.environ, "NOTIFY_SOCKET": place.join("notify")})
        lines = server.recv(4096).decode().splitlines()
        contains(lines, "READY=1")
        contains(lines, f"MAINPID={process.pid}")
        assert place.is_mounted()
        process.terminate()
        contains(server.recv(4096).decode(), "STOPPING=1")
        process.communicate(timeout=PATIENCE)


@mount_test
def an_abstract_notify_socket_does_as_well(place):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.bind(f"\0lintel-test-{os.getpid()}")
        server.settimeout(PATIENCE)
        place.start("mount", "--foreground", "mem:", place.mnt,
                    env={**os.environ, "NOTIFY_SOCKET": f"@lintel-test-{os.getpid()}"})
        contains(server.recv(4096).decode(), "READY=1")


@mount_test
def debug_logs_requests_to_a_file(place):
    place.mount("-o", "debug,log=" + place.join("log"))
    os.mkdir(place.join("mnt", "seen-by-nobody-else"))
    succeeds(lintel("umount", place.mnt))
    contains(read(place.join("log")), "MKDIR")


@mount_test
def many_volumes_at_once(place):
    directories = [place.join(f"m{i}") for i in range(8)]
    for directory in directories:
        os.mkdir(directory)
        place.mount(source="mem:size=1m", at=directory)
    for i, directory in enumerate(directories):
        write(os.path.join(directory, "me"), str(i))
    for i, directory in enumerate(directories):
        equal(read(os.path.join(directory, "me")), str(i))
        succeeds(lintel("umount", directory))


@mount_test
def a_volume_within_a_volume(place):
    place.mount()
    inner = place.join("mnt", "inner")
    os.mkdir(inner)
    place.mount(at=inner)
    fails(lintel("umount", place.mnt), 1, "in use")
    succeeds(lintel("umount", inner))
    succeeds(lintel("umount", place.mnt))


@mount_test
def others_mount_through_fusermount3(place):
    program = shutil.which("fusermount3")
    if not program or not os.stat(program).st_mode & stat.S_ISUID:
        raise Skip("needs a set-uid fusermount3")
    need_mount_namespaces()
    if not shutil.which("setpriv"):
        raise Skip("needs setpriv")
    os.chmod(place.path, 0o755)
    os.chown(place.mnt, 65534, 65534)
    # A /dev/fuse that everybody may open, as udev makes it, in a mount namespace of our own.
    script = f"""
        set -e
        mknod -m 666 {place.path}/fuse c 10 229
        mount --bind {place.path}/fuse /dev/fuse
        as_nobody() {{ setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }}
        as_nobody {LINTEL} version >/dev/null || {{ echo unreachable; exit; }}
        as_nobody {LINTEL} mount mem: {place.mnt}
        as_nobody sh -c 'echo works > {place.mnt}/file; cat {place.mnt}/file'
        grep ' {place.mnt} ' /proc/self/mounts
        as_nobody {LINTEL} info {place.mnt}
        as_nobody {LINTEL} umount {place.mnt}
        ! grep ' {place.mnt} ' /proc/self/mounts
    """
    result = subprocess.run(["unshare", "-m", "sh", "-c", script], check=False, timeout=PATIENCE,
                            capture_output=True, text=True)
    if result.stdout.startswith("unreachable"):
        raise Skip("the program cannot be run by others here")
    equal(result.returncode, 0, result.stderr)
    contains(result.stdout, "works")
    contains(result.stdout, "user_id=65534")


main()
