#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles in ways that the build does not: compile.py ROOT BUILD.

Every header by itself, and every file of src/ by clang with its analysis of locks.
"""
import concurrent.futures
import json
import os
import shlex
import shutil
import subprocess
import sys

import tap

ROOT, BUILD = (os.path.realpath(p) for p in sys.argv[1:3])
CLANG_ONLY = ["-Wthread-safety", "-Wno-unknown-warning-option",
              "-Wno-gnu-zero-variadic-macro-arguments", "-Wno-unused-command-line-argument"]
DROPPED = {"-c", "-MD", "-pipe", "-fcolor-diagnostics"}
DROPPED_WITH_NEXT = {"-o", "-MQ", "-MF"}


def commands():
    """(file, compiler, arguments without output) of every file of src/."""
    with open(os.path.join(BUILD, "compile_commands.json"), encoding="utf-8") as file:
        entries = json.load(file)
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        if path.startswith(os.path.join(ROOT, "src") + os.sep):
            words = iter(shlex.split(entry["command"]))
            compiler = next(words)
            if os.path.basename(compiler) == "ccache":
                compiler = next(words)
            kept = []
            for word in words:
                if word in DROPPED_WITH_NEXT:
                    next(words)
                elif word not in DROPPED and not word.startswith(("-fsanitize", "-O", "--coverage")):
                    kept.append(word)
            yield path, compiler, kept[:-1]


def complaints(command):
    answer = subprocess.run([*command, "-fdiagnostics-color=never"], cwd=BUILD, input="int unused;\n",
                            capture_output=True, text=True)
    if answer.returncode == 0 and not answer.stderr:
        return []
    return [line for line in answer.stderr.split("\n") if "error:" in line or "warning:" in line] or \
        [f"{shlex.join(command)} failed"]


def check(jobs):
    """Runs all compiler commands, two at a time; what they complain of, each once."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        lines = [line for lines in pool.map(complaints, jobs) for line in lines]
    return list(dict.fromkeys(lines))


def headers(folder):
    for place, _, files in os.walk(os.path.join(ROOT, folder)):
        yield from (os.path.join(place, f) for f in sorted(files) if f.endswith(".h"))


def main():
    sources = list(commands())
    core = os.path.join(ROOT, "src", "core") + os.sep  # parts that stand alone have flags of their own
    _, compiler, flags = next(s for s in sources if s[0].startswith(core))
    alone = ["-fsyntax-only", "-Werror", "-x", "c", "-", "-include"]
    everything = [*headers("include"), *headers("src")]
    tap.case("every header compiles by itself",
             check([compiler, *flags, *alone, h] for h in everything))
    if shutil.which("clang"):
        tap.case("clang finds no warning and no lock out of order",
                 check(["clang", *arguments, *CLANG_ONLY, "-Werror", "-fsyntax-only", path]
                       for path, _, arguments in sources))
    else:
        tap.skip("clang finds no warning and no lock out of order", "needs clang")
    tap.done()


main()
