#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The committed upper-case table against its sources: upcase.py GENERATOR TABLE.

Against the generator's output, where it has the same Unicode version; and against
the table that mkntfs writes into a volume, where ntfs-3g is installed.
"""
import re
import shutil
import subprocess
import sys
import tempfile

import tap

GENERATOR, TABLE = sys.argv[1:3]


def output(*command):
    return subprocess.run(command, check=True, capture_output=True).stdout


def parse(text):
    """The map that the generated C file describes."""
    index, *blocks = [[int(n) for n in re.findall(r"\b\d+\b", part)]
                      for part in re.findall(r"\{([\d,\s]+)\}", text)]
    size = len(blocks[0])
    return [(unit + blocks[index[unit // size]][unit % size]) & 0xffff for unit in range(0x10000)]


def ntfs_table():
    with tempfile.NamedTemporaryFile() as image:
        image.truncate(8 << 20)
        output("mkntfs", "-QFq", image.name)
        data = output("ntfscat", "-f", "-i", "10", image.name)  # MFT record 10 is $UpCase
    return [int.from_bytes(data[2 * u:2 * u + 2], "little") for u in range(0x10000)]


def differences(ours, theirs):
    """Every mapping of NTFS must be ours; we may have more."""
    for unit in range(0x10000):
        if theirs[unit] != unit and ours[unit] != theirs[unit]:
            yield f"U+{unit:04X}: NTFS has U+{theirs[unit]:04X}, we have U+{ours[unit]:04X}"


with open(TABLE, encoding="ascii") as file:
    committed = file.read()

name = "the table is what the generator makes"
version = output(GENERATOR, "--unicode").decode().strip()
if f"from Unicode {version}." in committed:
    made = output(GENERATOR).decode()
    tap.case(name, [] if made == committed else [f"run {GENERATOR} > {TABLE}"])
else:
    tap.skip(name, f"libutf8proc has Unicode {version}")

name = "the table has every mapping of $UpCase"
if shutil.which("mkntfs") and shutil.which("ntfscat"):
    tap.case(name, differences(parse(committed), ntfs_table()))
else:
    tap.skip(name, "needs ntfs-3g")
tap.done()
