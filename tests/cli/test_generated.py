#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Completion scripts and man pages: what is made from the command table."""
import glob
import os
import re
import shutil
import subprocess
import tempfile

from harness import LINTEL, Skip, contains, equal, lintel, main, succeeds, test

# Those of help and completion say all themselves.
COMMANDS = (set(re.findall(r"^  ([a-z]+) ", lintel("help").stdout, re.M))
            - {"completion", "help", "lintel", "version"})
# The script asks lintel what is in an image.
ENVIRONMENT = dict(os.environ, PATH=f"{os.path.dirname(LINTEL)}:{os.environ['PATH']}")
MANUAL = os.environ["LINTEL_MANUAL"]
PAGES = os.environ["LINTEL_PAGES"]

BASH_DRIVER = r"""
compopt() { :; }
. "$1"
shift
COMP_LINE=$1 COMP_POINT=${#1}
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_lintel
printf '%s\n' "${COMPREPLY[@]}"
"""


def script(shell):
    """The completion script of a shell, in a temporary file."""
    file = tempfile.NamedTemporaryFile("w", suffix=f".{shell}")
    file.write(succeeds(lintel("completion", shell)))
    file.flush()
    return file


def check_syntax(shell, *arguments):
    """Lets the shell read the script without running it."""
    if not shutil.which(shell):
        raise Skip(f"there is no {shell}")
    with script(shell) as file:
        subprocess.run([shell, *arguments, file.name], check=True, capture_output=True)


def complete(line):
    """What bash offers at the end of `line`."""
    pieces = re.findall(r"[:=]|[^\s:=]+", line) + ([""] if line.endswith(" ") else [])
    with script("bash") as file:
        answer = subprocess.run(["bash", "-c", BASH_DRIVER, "driver", file.name, line, *pieces],
                                check=True, capture_output=True, text=True, env=ENVIRONMENT)
    return answer.stdout.splitlines() if answer.stdout != "\n" else []


@test
def bash_reads_its_script():
    check_syntax("bash", "-n")


@test
def zsh_reads_its_script():
    check_syntax("zsh", "-n")


@test
def fish_reads_its_script():
    check_syntax("fish", "--no-execute")


@test
def bash_completes_commands():
    equal(complete("lintel mo"), ["mount"])
    contains(complete("lintel "), "completion")
    contains(complete("lintel help so"), "sources")
    equal(complete("lintel completion z"), ["zsh"])


@test
def bash_completes_options():
    equal(complete("lintel mount --for"), ["--foreground"])
    equal(complete("lintel save --progress al"), ["always"])
    equal(complete("lintel mount mem: /mnt --progress ne"), ["never"])


@test
def bash_completes_operands_by_their_place():
    contains(complete("lintel mount me"), "mem:")
    contains(complete("lintel mount mem:size=1g /pro"), "/proc")
    contains(complete("lintel mount -o ro mem: /pro"), "/proc")
    contains(complete("lintel mount --load /x --foreground mem: /pro"), "/proc")


@test
def bash_completes_the_last_word_of_a_list():
    equal(complete("lintel mount mem: /mnt -o pass"), ["passthrough="])
    # bash itself replaces only what is behind the last '='
    equal(complete("lintel mount mem: /mnt -o io_uring=on,pass"), ["on,passthrough="])


@test
def bash_completes_names_in_images():
    with tempfile.TemporaryDirectory(prefix="lintel-image-") as directory:
        image = os.path.join(directory, "disk.img")
        succeeds(lintel("mkfs", "-q", image, "--size", "8m"))
        succeeds(lintel("mkdir", image + ":/dir", image + ":/other", image + ":/dir/$(exit)"))
        # bash replaces what is behind the last ':'
        equal(complete(f"lintel ls {image}:/d"), ["/dir"])
        equal(complete(f"lintel cp x {image}:/dir/"), ["/dir/$(exit)"])
        equal(complete(f"lintel cat {image}:/none"), [])
        contains(complete(f"lintel ls {directory}/di"), image)
        contains(complete(f"lintel mkfs {directory}/di"), image)


@test
def man_pages_have_all_of_the_table():
    pages = glob.glob(os.path.join(PAGES, "*.scd"))
    assert pages, f"no page in {PAGES}"
    for command in COMMANDS:
        assert os.path.join(PAGES, f"lintel-{command}.1.scd") in pages, command
    for page in pages:
        text = subprocess.run([MANUAL, page], check=True, capture_output=True, text=True).stdout
        assert not re.search(r"^@", text, re.M), page
        command = re.fullmatch(r"lintel-(\w+)\.1\.scd", os.path.basename(page))
        if not command:
            continue
        usage = succeeds(lintel(command[1], "--help"))
        for option in re.findall(r"^ +(?:-\w, )?(--[\w-]+)", usage, re.M):
            contains(text, f"*{option}*")


@test
def scdoc_accepts_the_man_pages():
    if not shutil.which("scdoc"):
        raise Skip("there is no scdoc")
    for page in glob.glob(os.path.join(PAGES, "*.scd")):
        text = subprocess.run([MANUAL, page], check=True, capture_output=True).stdout
        made = subprocess.run(["scdoc"], input=text, check=False, capture_output=True)
        equal(made.returncode, 0, f"{page}: {made.stderr}")
        contains(made.stdout, b".TH ")


@test
def a_page_with_an_unknown_part_is_refused():
    for line in ["@options nothing@", "@nothing mount@", "@"]:
        with tempfile.NamedTemporaryFile("w", suffix=".scd") as page:
            page.write(f"x(1)\n\n{line}\n")
            page.flush()
            made = subprocess.run([MANUAL, page.name], check=False, capture_output=True)
        equal(made.returncode, 1, line)


main()
