#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Images as reader.py sees them, by the document, against what lintel/fs.h says of them.

    test_reader.py BUILD        the program images-build
"""
import json
import os
import subprocess
import sys
import tempfile

import reader

BUILD = os.path.abspath(sys.argv[1])
SAME = ("id mode nlink uid gid size rdev attributes flags version has ea_size reparse_tag "
        "btime mtime ctime atime data").split()


def run(*arguments):
    """What images-build prints."""
    return subprocess.run([BUILD, *arguments], check=True, capture_output=True).stdout


def name(text):
    """A name or path as the other side has it."""
    return text.encode("utf-8", "surrogateescape").hex()


def file_of(ours):
    """One of the reader's files in the form of the other side."""
    result = {key: ours[key] for key in SAME if ours[key] is not None}
    for key in ("btime", "mtime", "ctime", "atime"):
        result[key] = list(ours[key])
    if ours["mode"] & 0o170000 == 0o040000:
        result["size"] = 20 * (ours["size"] + 2)  # as directories are shown
    for key in ("reparse", "security"):
        result[key] = ours[key] or ""
    if ours["target"] is not None:
        result["target"] = ours["target"]
    result["xattrs"] = {name(key): value for key, value in ours["xattrs"].items()}
    result["streams"] = {name(key): {"size": s["size"], "data": s["data"]}
                         for key, s in ours["streams"].items()}
    result["eas"] = [[key.encode("latin-1").hex(), flags, value]
                     for key, flags, value in ours["eas"]]
    return result


def differences(path):
    """Sentences about what is not the same."""
    ours, theirs = reader.describe(path), json.loads(run("describe", path))
    for key in ("label", "serial", "nodes", "block_size"):
        if ours[key] != theirs[key]:
            yield f"{key}: {ours[key]!r}, not {theirs[key]!r}"
    files = {name(path): file_of(file) for path, file in ours["files"].items()}
    for path in sorted(files.keys() ^ theirs["files"].keys()):
        yield f"{bytes.fromhex(path)} is on one side only"
    for path in sorted(files.keys() & theirs["files"].keys()):
        for key in sorted(files[path].keys() | theirs["files"][path].keys()):
            a, b = files[path].get(key), theirs["files"][path].get(key)
            if a != b:
                yield f"{bytes.fromhex(path)}, {key}: {a!r}, not {b!r}"


def main():
    """All kinds of images."""
    cases = [(4096, 0, 0, "clean"), (4096, 0, 0, "log"), (4096, 1, 1, "log"),
             (8192, 0, 1, "clean"), (65536, 0, 0, "log"), (65536, 1, 1, "clean")]
    print(f"1..{len(cases)}")
    failed = False
    for number, (block_size, case, checks, end) in enumerate(cases, 1):
        with tempfile.TemporaryDirectory(prefix="lintel-images-") as folder:
            path = os.path.join(folder, "image")
            run("make", path, str(64 << 20), str(block_size), str(case), str(checks), "200", end)
            try:
                found = list(differences(path))
            except reader.Damaged as damage:
                found = [f"damaged: {damage}"]
        failed |= bool(found)
        print(f"{'not ok' if found else 'ok'} {number} - blocks of {block_size}, case {case}, "
              f"checks {checks}, {end}", *(f"# {line}" for line in found), sep="\n", flush=True)
    return failed


if __name__ == "__main__":
    sys.setrecursionlimit(100000)
    sys.exit(main())
