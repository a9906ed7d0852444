#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every interleaving of a few threads on the lock of src/os/linux/rwlock.c.

The lock written down as steps that are atomic in the C source, one load, one
compare-and-swap or one system call each. All states that the threads can reach
are visited: no two may be inside that exclude each other, and whoever cannot
take a step must have finished, else a wake-up was lost. Spinning is left out:
it only delays.
"""
import os
import sys
from typing import NamedTuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "style"))
import tap  # noqa: E402

WRITER, WRITERS_WAITING, READERS_WAITING = 1 << 31, 1 << 30, 1 << 29
FLAGS = WRITER | WRITERS_WAITING | READERS_WAITING
READERS = (1 << 29) - 1
EVERYBODY = 1 << 30


class Thread(NamedTuple):
    step: str
    writes: bool
    rounds: int  # still to go, this one included
    seen: int = 0
    others: int = 0  # WRITERS_WAITING once it has slept


class State(NamedTuple):
    word: int
    threads: tuple
    sleepers: tuple  # indices, in the order in which they fell asleep


def go(state, index, step, word=None, **changes):
    """`state` after thread `index` made its step."""
    threads = list(state.threads)
    threads[index] = threads[index]._replace(step=step, **changes)
    return state._replace(word=state.word if word is None else word, threads=tuple(threads))


def leave(state, index, word=None):
    rounds = state.threads[index].rounds - 1
    return go(state, index, "enter" if rounds else "finished", word, rounds=rounds, others=0, seen=0)


def wake(state, count, writers):
    """The first `count` sleepers of one group go on."""
    woken = [i for i in state.sleepers if state.threads[i].writes == writers][:count]
    for i in woken:
        state = go(state, i, "look")
    return state._replace(sleepers=tuple(i for i in state.sleepers if i not in woken))


def swap(state, index, new, step):
    """A compare-and-swap from what was seen; failing, it sees the word anew."""
    if state.word == state.threads[index].seen:
        return go(state, index, step, new)
    return go(state, index, "decide", seen=state.word)


def decide(state, index):
    """The loops of read_slow() and write_slow(), from what was seen last."""
    thread = state.threads[index]
    busy = WRITER | READERS if thread.writes else FLAGS
    mark = WRITERS_WAITING if thread.writes else READERS_WAITING
    if not thread.seen & busy:
        entered = thread.seen | WRITER | thread.others if thread.writes else thread.seen + 1
        return swap(state, index, entered, "inside")
    if thread.seen & mark:
        return go(state, index, "sleep")
    marked = swap(state, index, thread.seen | mark, "sleep")
    if marked.threads[index].step == "sleep":
        marked = go(marked, index, "sleep", seen=thread.seen | mark)
    return marked


def futex_wait(state, index):
    thread = state.threads[index]
    others = WRITERS_WAITING if thread.writes else 0
    if state.word != thread.seen:
        return go(state, index, "look", others=others)
    asleep = go(state, index, "asleep", others=others, seen=0)
    return asleep._replace(sleepers=state.sleepers + (index,))


def enter(state, index):
    """The fast paths. A reader's load and swap are two steps."""
    if not state.threads[index].writes:
        return go(state, index, "decide" if not state.word & FLAGS else "look", seen=state.word)
    return go(state, index, "inside", WRITER) if state.word == 0 else go(state, index, "look")


def unlock(state, index):
    word = state.word
    if not state.threads[index].writes:
        wakes = not (word - 1) & READERS and (word - 1) & WRITERS_WAITING
        return go(state, index, "wake writer", word - 1) if wakes else leave(state, index, word - 1)
    if word & WRITERS_WAITING:
        return go(state, index, "wake writer", 0, seen=word)
    return go(state, index, "wake readers", 0) if word & READERS_WAITING else leave(state, index, 0)


def wake_writer(state, index):
    thread = state.threads[index]
    both = thread.writes and thread.seen & READERS_WAITING
    state = go(state, index, "wake readers") if both else leave(state, index)
    return wake(state, 1, writers=True)


def wake_readers(state, index):
    return wake(leave(state, index), EVERYBODY, writers=False)


STEPS = {
    "enter": enter,
    "look": lambda state, index: go(state, index, "decide", seen=state.word),
    "decide": decide,
    "sleep": futex_wait,
    "inside": unlock,
    "wake writer": wake_writer,
    "wake readers": wake_readers,
}


def wrong(state, stuck):
    inside = [t for t in state.threads if t.step == "inside"]
    if any(t.writes for t in inside) and len(inside) > 1:
        return f"a writer is not alone: {state}"
    if stuck and any(t.step != "finished" for t in state.threads):
        return f"nobody can go on: {state}"
    if stuck and state.word & (WRITER | READERS):
        return f"left locked: {state}"
    return None


def explore(kinds, rounds):
    """Yields what is wrong with any state that readers and writers ("rrw") can get into."""
    start = State(0, tuple(Thread("enter", k == "w", rounds) for k in kinds), ())
    known, to_visit = {start}, [start]
    while to_visit:
        state = to_visit.pop()
        following = [STEPS[t.step](state, i) for i, t in enumerate(state.threads)
                     if t.step in STEPS]
        problem = wrong(state, stuck=not following)
        if problem:
            yield problem
            return
        for new in following:
            if new not in known:
                known.add(new)
                to_visit.append(new)


for threads, times in (("rw", 3), ("ww", 3), ("rrw", 2), ("rww", 2), ("www", 2), ("rrww", 1)):
    tap.case(f"{threads} entering {times} times each", explore(threads, times))
tap.done()
