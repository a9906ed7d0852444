#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A mounted image whose daemon is killed under load: kill.py LINTEL [ROUNDS [SEED]].

Writers work on the mount, each in a directory of its own, and note every operation outside of it
before and after. The daemon gets SIGKILL at any moment; the image is checked and mounted again. Then each
directory has to be what its writer had made of it up to some operation, not before the last one that a
sync has covered; and what was synced, or renamed over another file, has all its data. The next
round goes on from there.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import tap

WRITERS = 3
PATIENCE = 30  # seconds after which something is taken to hang
RECORD = 24  # bytes of a record of the log that a writer appends to


def pattern(token, length):
    unit = f"<{token}>".encode()
    return (unit * (length // len(unit) + 1))[:length]


# ---- The model: what a directory holds ----------------------------------------------------------


def apply(state, op):
    """Carries an operation out on a dict of name -> [token, length, length that is sure]."""
    kind, name = op["kind"], op.get("name")
    if kind == "create":
        state[name] = [op["token"], op["length"], 0]
    elif kind == "replace":
        sure = op["length"] if name in state or op["sync"] else 0
        state.pop("tmp", None)  # a crash may have left one
        state[name] = [op["token"], op["length"], sure]
    elif kind == "unlink":
        del state[name]
    elif kind == "rename":
        state[op["to"]] = state.pop(name)
    elif kind == "link":
        state[op["to"]] = state[name]
    elif kind == "mkdir":
        state[name] = None
    elif kind == "rmdir":
        del state[name]
    elif kind == "append":
        old = state.get("log", ["log", 0, 0])
        state["log"] = ["log", old[1] + RECORD, old[2]]


def acknowledge(state, op, always):
    """The operation has returned: what it has made sure."""
    name = "log" if op["kind"] == "append" else op["name"] if op["kind"] == "create" and op["sync"] else None
    for key, value in state.items():
        if value is not None and (always or key == name):
            value[2] = value[1]


# ---- The writers --------------------------------------------------------------------------------


def choose(rng, state, number, who):
    files = [n for n, v in state.items() if v is not None and n != "log"]
    dirs = [n for n, v in state.items() if v is None]
    token = f"{who}.{number}"
    kind = rng.choice(["create"] * 5 + ["replace"] * 4 + ["unlink", "rename", "link", "mkdir", "rmdir"] +
                      ["append"] * 4 + ["sync"] * 2)
    if kind == "unlink" and len(files) < 4 or kind in ("rename", "link") and not files or \
            kind == "rmdir" and not dirs:
        kind = "create"
    if len(files) > 40 and kind == "create":
        kind = "unlink"
    op = {"kind": kind, "token": token}
    if kind == "create":
        op.update(name=f"f{number}", length=rng.choice([10, 3000, 5000, 70000, 200000]), sync=rng.random() < 0.4)
    elif kind == "replace":
        op.update(name=f"r{rng.randrange(3)}", length=rng.choice([10, 3000, 70000]), sync=rng.random() < 0.3)
    elif kind in ("unlink", "rename", "link"):
        op.update(name=rng.choice(files), to=f"n{number}")
    elif kind == "mkdir":
        op.update(name=f"d{number}")
    elif kind == "rmdir":
        op.update(name=rng.choice(dirs))
    return op


def write_file(path, data, sync):
    fd = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o644)
    try:
        while data:
            data = data[os.write(fd, data):]
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def sync_dir(path):
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def perform(base, state, op):
    """Does it; returns whether all so far is durable now."""
    kind, name = op["kind"], os.path.join(base, op.get("name", ""))
    if kind == "create":
        write_file(name, pattern(op["token"], op["length"]), op["sync"])
        return op["sync"]
    if kind == "replace":
        write_file(os.path.join(base, "tmp"), pattern(op["token"], op["length"]), op["sync"])
        os.rename(os.path.join(base, "tmp"), name)
    elif kind == "unlink":
        os.unlink(name)
    elif kind == "rename":
        os.rename(name, os.path.join(base, op["to"]))
    elif kind == "link":
        os.link(name, os.path.join(base, op["to"]))
    elif kind == "mkdir":
        os.mkdir(name)
    elif kind == "rmdir":
        os.rmdir(name)
    elif kind == "append":
        count = state.get("log", [0, 0])[1] // RECORD
        fd = os.open(os.path.join(base, "log"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o644)
        try:
            os.write(fd, f"{count:0{RECORD - 1}}\n".encode())
            os.fdatasync(fd)
        finally:
            os.close(fd)
        return True
    elif kind == "sync":
        sync_dir(base)
        return True
    return False


def write_on(base, notes, state, who, seed):
    """Works until the file system is gone. Notes are on the host's own file system."""
    rng, number = random.Random(seed), int(time.time() * 1000)
    out = os.open(notes, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_APPEND, 0o644)
    try:
        while True:
            number += 1
            op = choose(rng, state, number, who)
            os.write(out, (json.dumps(op) + "\n").encode())
            synced = perform(base, state, op)
            apply(state, op)
            os.write(out, b"synced\n" if synced else b"done\n")
    except OSError as error:
        os.write(out, f"error {error.errno}\n".encode())


# ---- Looking at what is left --------------------------------------------------------------------


def states_of(state, notes, always):
    """The states that the directory may be in, the last first."""
    state = dict(state)
    states = [dict(state)]
    op = None
    with open(notes, encoding="utf-8") as file:
        for line in file:
            if line.startswith("{"):
                op = json.loads(line)
                if op["kind"] == "replace":
                    states.append({**state, "tmp": [op["token"], op["length"], 0]})
                apply(state, op)
                states.append(dict(state))
            elif line == "synced\n" or (line == "done\n" and always):
                acknowledge(state, op, always)
                states = [dict(state)]
            elif line == "done\n":
                acknowledge(state, op, False)
    return states[::-1]


def content_problem(path, value):
    token, length, sure = value
    with open(path, "rb") as file:
        data = file.read()
    if not sure <= len(data) <= length:
        return f"{path}: {len(data)} bytes, {length} written, {sure} of them for sure"
    if token == "log":
        want = b"".join(f"{i:0{RECORD - 1}}\n".encode() for i in range(len(data) // RECORD))
    else:
        want = pattern(token, length)
    for i, (found, written) in enumerate(zip(data, want)):
        if found != written and (i < sure or found != 0):
            return f"{path}: byte {i} is {found}, {written} was written"
    return None


def token_of(path):
    if os.path.isdir(path):
        return None
    with open(path, "rb") as file:
        head = file.read(40)
    if os.path.basename(path) == "log":
        return "log"
    return head[1:].split(b">")[0].decode(errors="replace") if head[:1] == b"<" else ""


def matches(found, state):
    """Names and types are the same, and files are those that are meant, as far as they have data."""
    return found.keys() == state.keys() and all(
        (token is None) == (state[name] is None) and
        (not token or token == state[name][0] or state[name][0].startswith(token))
        for name, token in found.items())


def difference(found, state):
    for name in sorted(found.keys() | state.keys()):
        if name not in state:
            yield f"{name} is there"
        elif name not in found:
            yield f"{name} is missing"
        elif not matches({name: found[name]}, {name: state[name]}):
            yield f"{name} is {found[name]}, not {state[name]}"


def examine(base, states):
    """(problem or None, the state that it is in, with the data that is there)."""
    found = {name: token_of(os.path.join(base, name)) for name in os.listdir(base)}
    problem = None
    for state in states:
        if not matches(found, state):
            continue
        problem = next(filter(None, (content_problem(os.path.join(base, name), value)
                                     for name, value in state.items() if value is not None)), None)
        if problem is None:
            for name, value in state.items():
                if value is not None:
                    size = os.path.getsize(os.path.join(base, name))
                    state[name] = [value[0], size, min(size, value[2])]
            return None, state
    return problem or f"{base}: none of {len(states)} states; beside the last: " + \
        "; ".join(difference(found, states[0])), {}


# ---- Rounds -------------------------------------------------------------------------------------


class Image:
    def __init__(self, lintel, place):
        self.lintel, self.image, self.mount = lintel, f"{place}/image", f"{place}/mnt"
        self.daemon = None
        os.mkdir(self.mount)
        subprocess.run([lintel, "mkfs", self.image, "--size", "300M"], check=True, stdout=subprocess.DEVNULL)

    def start(self, options):
        self.daemon = subprocess.Popen(
            [self.lintel, "mount", self.image, self.mount, "--foreground", "-o", options],
            stdout=subprocess.DEVNULL)
        end = time.time() + PATIENCE
        while not os.path.ismount(self.mount):
            if self.daemon.poll() is not None or time.time() > end:
                raise RuntimeError("the image cannot be mounted")
            time.sleep(0.02)

    def kill(self):
        if self.daemon:
            self.daemon.send_signal(signal.SIGKILL)
            self.daemon.wait()
            self.daemon = None

    def unmount(self):
        subprocess.run(["umount", "-l", self.mount], check=False, stderr=subprocess.DEVNULL)

    def check(self):
        answer = subprocess.run([self.lintel, "check", self.image], capture_output=True, text=True)
        return [] if answer.returncode == 0 else \
            [f"check: {answer.returncode}", *(answer.stdout + answer.stderr).split("\n")]


def play(image, notes, states, rng, options):
    """One round; returns the problems, and changes `states`."""
    image.start(options)
    writers = []
    for who in range(WRITERS):
        base = f"{image.mount}/w{who}"
        if not os.path.isdir(base):
            os.mkdir(base)
            sync_dir(image.mount)
        pid = os.fork()
        if pid == 0:
            write_on(base, f"{notes}/w{who}", dict(states[who]), who, rng.random() + who)
            os._exit(0)
        writers.append(pid)
    time.sleep(rng.uniform(0.2, 1.5))
    image.kill()
    problems = []
    image.unmount()
    for pid in writers:
        os.waitpid(pid, 0)
    problems += image.check()
    image.start("sync=fsync")
    for who in range(WRITERS):
        allowed = states_of(states[who], f"{notes}/w{who}", "always" in options)
        problem, states[who] = examine(f"{image.mount}/w{who}", allowed)
        if problem:
            problems.append(problem)
    # What was seen now is there for good.
    for who in range(WRITERS):
        sync_dir(f"{image.mount}/w{who}")
    image.kill()
    image.unmount()
    return problems


def main():
    lintel = os.path.abspath(sys.argv[1])
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 10
    seed = sys.argv[3] if len(sys.argv) > 3 else str(random.randrange(10 ** 9))
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        print("1..0 # SKIP needs root and /dev/fuse")
        return
    rng = random.Random(seed)
    place = tempfile.mkdtemp(prefix="lintel-kill-")
    image = None
    try:
        image = Image(lintel, place)
        os.mkdir(f"{place}/notes")
        states = [{} for _ in range(WRITERS)]
        for number in range(rounds):
            options = ["sync=fsync", "sync=always", "sync=fsync,commit=1"][number % 3]
            problems = play(image, f"{place}/notes", states, rng, options)
            tap.case(f"round {number + 1}: -o {options}", problems and [*problems, f"seed {seed}"])
            if problems:
                break
        tap.done()
    finally:
        if image:
            image.kill()
            image.unmount()
        shutil.rmtree(place, ignore_errors=True)


main()
