#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Help, usage errors, exit codes, and answers that need no mount."""
import json
import re
import subprocess

from harness import LINTEL, contains, equal, fails, lintel, main, succeeds, test

COMMANDS = ["mount", "umount", "save", "info", "mkfs", "check", "scrub", "resize", "defrag", "dump",
            "ls", "cat", "write", "stat", "find", "du", "df", "cp", "mv", "import", "export", "rm",
            "mkdir", "rmdir", "ln", "touch", "truncate", "chmod", "version", "help", "completion"]


@test
def overview_names_every_command():
    for word in ["help", "-h", "--help"]:
        text = succeeds(lintel(word))
        for command in COMMANDS:
            assert re.search(rf"^  {command} ", text, re.M), f"{command} is not in {text}"


@test
def without_a_command_it_is_a_usage_error():
    result = lintel()
    fails(result, 2, "usage: lintel COMMAND")
    equal(result.stdout, "")


@test
def every_command_explains_itself():
    for command in COMMANDS:
        for result in [lintel(command, "--help"), lintel("help", command)]:
            text = succeeds(result)
            contains(text, f"usage: lintel {command}")
            contains(text, "--help")
            equal(result.stderr, "", command)


@test
def help_names_every_option_of_its_usage_line():
    for command in COMMANDS:
        text = succeeds(lintel(command, "--help"))
        for option in re.findall(r"\[(--[a-z-]+)", text):
            assert re.search(rf"^ +(-\w, )?{option}\b", text, re.M), f"{command}: {option}"


@test
def help_comes_before_missing_operands():
    succeeds(lintel("mount", "--help"))
    succeeds(lintel("mount", "mem:", "-h"))


@test
def usage_errors_are_three_lines_and_2():
    calls = [["mont"], ["mount"], ["mount", "mem:"], ["mount", "mem:", "a", "b"], ["info"],
             ["mount", "--nonsense"], ["mount", "-x"], ["mount", "-o"], ["info", "--json=1", "x"],
             ["version", "x"], ["completion"], ["completion", "tcsh"], ["help", "nothing"],
             ["save", "--progress", "sometimes", "x"], ["--nonsense"]]
    for call in calls:
        result = lintel(*call)
        equal(result.returncode, 2, call)
        equal(result.stdout, "", call)
        equal(len(result.stderr.splitlines()), 3, (call, result.stderr))
        contains(result.stderr.splitlines()[1], "usage: lintel")


@test
def slips_get_a_guess():
    fails(lintel("mont"), 2, "did you mean 'mount'?")
    fails(lintel("unmonut", "x"), 2, "did you mean 'umount'?")
    fails(lintel("mount", "--forground"), 2, "did you mean '--foreground'?")
    fails(lintel("save", "--progress", "jsno", "x"), 2, "did you mean 'json'?")
    fails(lintel("help", "inof"), 2, "did you mean 'info'?")
    fails(lintel("completion", "fisch"), 2, "did you mean 'fish'?")
    fails(lintel("mount", "men:", "/"), 2, "did you mean 'mem'?")


@test
def nonsense_gets_no_guess():
    for call in [["qwertz"], ["mount", "--qwertz"]]:
        assert "did you mean" not in lintel(*call).stderr


@test
def two_dashes_end_the_options():
    fails(lintel("info", "--", "--json"), 1, "--json")


@test
def version_says_which():
    version = json.loads(succeeds(lintel("version", "--json")))
    equal(version["output_version"]["command"], "version")
    contains(succeeds(lintel("version")), version["version"])
    contains(succeeds(lintel("--version")), version["version"])
    contains(version["kinds"], "mem")


@test
def info_of_a_source_shows_its_volume():
    source = "mem:size=64m"
    info = json.loads(succeeds(lintel("info", source, "--json")))
    equal(list(info)[0], "output_version")
    equal(info["output_version"], {"command": "info", "major": 1, "minor": 0})
    equal(info["source"], source)
    equal(info["volume"]["kind"], "mem")
    equal(info["space"]["total"], 64 << 20)
    equal(info["space"]["used"] + info["space"]["free"], 64 << 20)
    assert "mount" not in info
    text = succeeds(lintel("info", source))
    contains(text, "64.0 MiB")


@test
def info_of_what_is_not_ours_fails():
    fails(lintel("info", "/proc"), 1, "/proc is not on a volume mounted by Lintel")
    fails(lintel("info", "/no/such/place"), 1, "/no/such/place: no such file or directory")
    fails(lintel("info", "mem:nonsense=1"), 2, "nonsense")
    fails(lintel("save", "/proc"), 1, "/proc is not on a volume")


@test
def a_source_must_look_like_one():
    fails(lintel("mount", "/dev/null", "/"), 2, "'/dev/null' is no source")
    fails(lintel("mount", "nothing:", "/"), 2, "no kind of file system 'nothing'")


@test
def output_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w", encoding="ascii") as full:
        for call in [["help"], ["version", "--json"], ["completion", "bash"], ["info", "mem:"]]:
            result = subprocess.run([LINTEL, *call], stdout=full, stderr=subprocess.PIPE,
                                    check=False)
            equal(result.returncode, 1, call)


main()
