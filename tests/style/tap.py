# SPDX-License-Identifier: MIT
"""Test cases in the Test Anything Protocol: one call of case() each, then done()."""
import sys

_count = _failed = 0


def _line(text):
    print(text, flush=True)


def case(name, problems):
    """Passes if `problems`, any iterable of lines, is empty."""
    global _count, _failed
    _count += 1
    problems = list(problems)
    _failed += bool(problems)
    _line(f"{'not ' if problems else ''}ok {_count} - {name}")
    for problem in problems:
        _line(f"# {problem}")


def skip(name, reason):
    global _count
    _count += 1
    _line(f"ok {_count} - {name} # SKIP {reason}")


def done():
    _line(f"1..{_count}")
    sys.exit(1 if _failed else 0)
