#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads a Lintel image, by docs/format/image.md alone: it shares nothing with the program.

    reader.py IMAGE              verify everything and print what there is, as JSON
    reader.py IMAGE PATH         print the data of a file
    reader.py IMAGE PATH STREAM  ... of one of its named streams

Every check is verified. Damage raises Damaged with a sentence. It holds all items in memory,
and is slow: it is for tests.
"""
import bisect
import json
import struct
import sys

INODE, ENTRY, LINK, XATTR, STREAM, EA, REPARSE, TARGET, INLINE, EXTENT = range(1, 11)
SPACE, ORPHAN, SECURITY, LABEL = range(32, 36)
PUT, DELETE, TAKE, FREE, DATA = range(1, 6)
DIRECTORY, SYMLINK, STREAM_TYPE = 0o040000, 0o120000, 0o160000
CHUNK = 1024
FIRST_ID = 16
MASK = (1 << 64) - 1


class Damaged(Exception):
    """The image is not as the document says."""


def need(condition, text, *values):
    """Raises Damaged unless the condition holds."""
    if not condition:
        raise Damaged(text.format(*values))


# ---- Checks and hashes ---------------------------------------------------------------------------

def _crc_table():
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        yield n


CRC_TABLE = tuple(_crc_table())


def crc32c(data):
    """CRC-32C of bytes."""
    crc, table = 0xffffffff, CRC_TABLE
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xff]
    return crc ^ 0xffffffff


def siphash13(key, data):
    """SipHash-1-3 of bytes with the key (k0, k1)."""
    v = [key[0] ^ 0x736f6d6570736575, key[1] ^ 0x646f72616e646f6d,
         key[0] ^ 0x6c7967656e657261, key[1] ^ 0x7465646279746573]

    def left(x, n):
        return (x << n | x >> (64 - n)) & MASK

    def turn():
        v[0] = (v[0] + v[1]) & MASK
        v[1] = left(v[1], 13) ^ v[0]
        v[0] = left(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = left(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = left(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = left(v[1], 17) ^ v[2]
        v[2] = left(v[2], 32)

    whole = len(data) & ~7
    last = int.from_bytes(data[whole:], "little") | (len(data) & 0xff) << 56
    for word in [*(w for w, in struct.iter_unpack("<Q", data[:whole])), last]:
        v[3] ^= word
        turn()
        v[0] ^= word
    v[2] ^= 0xff
    for _ in range(3):
        turn()
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def verify(data, what):
    """The check field at offset 8 of a structure."""
    crc = crc32c(data[:8] + bytes(16) + data[24:])
    need(data[8:24] == struct.pack("<I", crc) + bytes(12), "{}: wrong check", what)


def units(name):
    """The UTF-16 units of a name; a byte that is no part of valid UTF-8 is 0xDC00 + byte."""
    # Python lets 0xDC80 to 0xDCFF stand for such bytes, too.
    data = name.decode("utf-8", "surrogateescape").encode("utf-16-le", "surrogatepass")
    return [u for u, in struct.iter_unpack("<H", data)]


def upper(unit):
    """The upper case of a unit: the simple mapping, if the way back leads to it."""
    if 0xd800 <= unit < 0xe000:
        return unit
    plain = chr(unit)
    forms = [form for form in (plain.upper(), plain.title()) if len(form) == 1]
    if not forms or ord(forms[0]) > 0xffff or forms[0].lower() != plain:
        return unit
    return ord(forms[0])


def upper_name(name):
    """Upper-cased units as bytes."""
    result = [upper(u) for u in units(name)]
    return struct.pack(f"<{len(result)}H", *result)


# ---- Values --------------------------------------------------------------------------------------

class Reader:
    """Takes integers from bytes, and notices their end."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def __bool__(self):
        return self.at < len(self.data)

    def bytes(self, count):
        need(count <= len(self.data) - self.at, "{}: too short", self.what)
        self.at += count
        return self.data[self.at - count:self.at]

    def rest(self):
        return self.bytes(len(self.data) - self.at)

    def number(self, size):
        return int.from_bytes(self.bytes(size), "little")

    def varint(self):
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 0x7f) << shift
            if byte < 0x80:
                need(byte or not shift, "{}: a varint is longer than needed", self.what)
                need(value <= MASK, "{}: a varint is too large", self.what)
                return value
            shift += 7
            need(shift < 70, "{}: a varint is too long", self.what)

    def svarint(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def end(self):
        need(not self, "{}: bytes behind the end", self.what)


class Inode:
    """An INODE item."""

    def __init__(self, value, what):
        r = Reader(value, what)
        flags = r.number(2)
        self.mode = r.number(2)
        self.btime = self._time(r, 3, None, None)
        self.mtime = self._time(r, flags & 3, self.btime, None)
        self.ctime = self._time(r, flags >> 2 & 3, self.btime, self.mtime)
        self.atime = self._time(r, flags >> 4 & 3, self.btime, self.mtime)

        def has(bit):
            return flags >> bit & 1

        self.nlink = r.varint() if has(6) else 1
        self.uid, self.gid = (r.varint(), r.varint()) if has(7) else (0, 0)
        self.size = r.varint() if has(8) else 0
        self.attributes = r.varint() if has(9) else 0
        self.flags = r.varint() if has(10) else 0
        self.rdev = r.number(4) if has(11) else 0
        self.version = r.varint() if has(12) else 0
        self.parent, self.entry = (r.varint(), r.number(8)) if has(13) else (0, 0)
        self.has = self.ea_size = self.reparse_tag = self.security = 0
        if has(14):
            self.has, self.ea_size, self.reparse_tag = r.varint(), r.varint(), r.varint()
            self.security = r.number(8)
        self.blocks, self.extent = 0, b""
        if has(15):
            self.blocks = r.varint()
            self.extent = r.bytes(r.varint())
        r.end()
        self.type = self.mode & 0o170000

    @staticmethod
    def _time(r, code, birth, mtime):
        if code == 0:
            return birth
        if code == 1:
            need(mtime is not None, "{}: mtime equal to itself", r.what)
            return mtime
        if code == 2:
            total = birth[0] * 10**9 + birth[1] + r.svarint()
            return total // 10**9, total % 10**9
        time = r.svarint(), r.number(4)
        need(time[1] < 10**9, "{}: nanoseconds out of range", r.what)
        return time


class Extent:
    """An EXTENT item, or the one in an inode."""

    def __init__(self, value, check_size, what):
        r = Reader(value, what)
        flags = r.number(1)
        need(flags <= 1, "{}: unknown flags", what)
        self.unwritten = flags == 1
        self.count, self.block, self.birth = r.varint(), r.varint(), r.varint()
        limit = 64 if check_size else 1 << 31
        need(1 <= self.count <= limit, "{}: {} blocks", what, self.count)
        size = 0 if self.unwritten else check_size
        self.checks = [r.bytes(size) for _ in range(self.count)] if size else None
        r.end()


# ---- The image -----------------------------------------------------------------------------------

SUPER = struct.Struct("<8s16sIBBBBQQQ16s2Q" + "13Q" + "qIIIB")
SUPER_FIELDS = ("magic check version block_shift check_type data_check_size name_case compatible "
                "read_only_compatible incompatible uuid k0 k1 generation epoch blocks root "
                "root_birth log_block log_blocks log_start log_sequence next_id nodes nodes_max "
                "free_blocks created_sec created_nsec serial clean root_level").split()


def read_super(data):
    """The fields of a superblock as a dict."""
    need(data[:8] == b"Lintel\x1a\n", "superblock: wrong magic")
    verify(data, "superblock")
    s = dict(zip(SUPER_FIELDS, SUPER.unpack_from(data)))
    need(s["version"] == 1 and s["check_type"] == 1, "superblock: unknown version")
    need(12 <= s["block_shift"] <= 16, "superblock: block size")
    need(s["incompatible"] == 0, "superblock: unknown features")
    need(s["data_check_size"] in (0, 4) and s["name_case"] <= 1, "superblock: unknown value")
    need(s["created_nsec"] < 10**9 and s["clean"] <= 1, "superblock: unknown value")
    return s


def key_string(key):
    """(id, kind, off) as 17 bytes."""
    return struct.pack(">QBQ", *key)


class Image:
    """All items of an image, its log applied."""

    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = bytearray(file.read())
        self.super = self._supers()
        self.block_size = 1 << self.super["block_shift"]
        self.group = (self.block_size - 64) * 8
        self.volume = int.from_bytes(self.super["uuid"][:8], "little")
        self.hash_key = self.super["k0"], self.super["k1"]
        self.next_id, self.nodes = self.super["next_id"], self.super["nodes"]
        need(self.super["blocks"] * self.block_size <= len(self.data), "the image is cut short")
        self.tree_blocks = []
        self.items = {}
        if self.super["root"]:
            root = self.super["root"], self.super["root_birth"], self.super["root_level"]
            self._walk(*root, bytes(17), None, True)
        self.bitmaps = self._read_bitmaps()
        self.used = set(self.bitmaps)
        self.batches = self._replay()
        self.keys = sorted(self.items)

    def _supers(self):
        """The newest valid superblock, whose second place depends on the block size."""
        found = []
        for at in [0, *(1 << shift for shift in range(12, 17))]:
            try:
                s = read_super(bytes(self.data[at:at + 512]))
                if at in (0, 1 << s["block_shift"]):
                    found.append(s)
            except (Damaged, struct.error):
                pass
        need(found, "no valid superblock")
        return max(found, key=lambda s: s["generation"])

    def block(self, number):
        """The bytes of a block."""
        need(number < self.super["blocks"], "block {} is behind the end", number)
        return bytes(self.data[number * self.block_size:(number + 1) * self.block_size])

    def _metadata(self, number, kind, birth, what):
        data = self.block(number)
        magic, its_kind, level, count = struct.unpack_from("<IBBH", data)
        need(magic == 0x626c744c and its_kind == kind, "{}: wrong magic or kind", what)
        verify(data, what)
        need(struct.unpack_from("<3Q", data, 24) == (self.volume, number, birth),
             "{}: of another volume, place or time", what)
        return data, level, count

    def _walk(self, number, birth, level, low, high, is_root):
        """A tree node, whose keys are in [low, high), and all below it."""
        what = f"tree node {number}"
        data, its_level, count = self._metadata(number, 1, birth, what)
        need(its_level == level, "{}: level {} instead of {}", what, its_level, level)
        need(count or is_root, "{}: empty", what)
        need(self.super["generation"] >= birth, "{}: of the future", what)
        self.tree_blocks.append(number)
        records = self._records(data, count, what)
        previous = None
        for key, value in records:
            need(previous is None or key > previous, "{}: keys out of order", what)
            need(key >= low and (high is None or key < high), "{}: key out of range", what)
            previous = key
        if level == 0:
            for key, value in records:
                self.items[struct.unpack(">QBQ", key)] = value
            return
        need(records and (records[0][0] == low), "{}: does not begin where its parent says", what)
        ends = [key for key, _ in records[1:]] + [high]
        for (key, value), end in zip(records, ends):
            need(len(value) == 16, "{}: no child", what)
            self._walk(*struct.unpack("<2Q", value), level - 1, key, end, False)

    def _records(self, data, count, what):
        heap, prefix_len = struct.unpack_from("<HB", data, 48)
        prefix = data[64:64 + prefix_len]
        slots_end = 64 + prefix_len + 2 * count
        # A heap of 0 in a node of 64 KiB blocks would stand for its end: nothing is stored there.
        need(prefix_len <= 17 and slots_end <= len(data), "{}: header", what)
        result, taken = [], []
        for at, in struct.iter_unpack("<H", data[64 + prefix_len:slots_end]):
            need(at >= max(heap, slots_end), "{}: a record below the heap", what)
            r = Reader(data[at:], what)
            suffix_len = r.number(1)
            length = r.varint()
            need(suffix_len <= 17 - prefix_len, "{}: a key is too long", what)
            need(length <= (len(data) - 64) // 2 - 64, "{}: a value is too long", what)
            key = prefix + r.bytes(suffix_len)
            result.append((key + bytes(17 - len(key)), r.bytes(length)))
            taken.append((at, at + r.at))
        taken.sort()
        need(all(a[1] <= b[0] for a, b in zip(taken, taken[1:])), "{}: records overlap", what)
        return result

    # ---- Free space and log ----------------------------------------------------------------------

    def layout(self):
        """The blocks that are in use by their place."""
        blocks, s = self.super["blocks"], self.super
        yield from (0, 1)
        for first in range(0, blocks, self.group):
            yield from (first + 2, first + 3)
        yield from range(s["log_block"], s["log_block"] + s["log_blocks"])

    def _read_bitmaps(self):
        used = set(self.layout())
        blocks = self.super["blocks"]
        free = blocks
        for group, first in enumerate(range(0, blocks, self.group)):
            value = self.items.pop((0, SPACE, group), None)
            count = min(self.group, blocks - first)
            need(count >= 8, "group {}: only {} blocks", group, count)
            if value is None:
                free -= sum(1 for b in used if first <= b < first + count)
                continue
            birth, expected, place = struct.unpack("<QIB", value)
            need(place <= 1, "group {}: place {}", group, place)
            data, *_ = self._metadata(first + 2 + place, 2, birth, f"bitmap of group {group}")
            bits = int.from_bytes(data[64:], "little")
            need(bits >> count == (1 << self.group - count) - 1, "group {}: bits behind its end",
                 group)
            mine = {first + i for i in range(count) if bits >> i & 1}
            need(count - len(mine) == expected, "group {}: free count", group)
            used |= mine
            free -= len(mine)
        need(not any(kind == SPACE for _, kind, _ in self.items), "SPACE item of no group")
        need(free == self.super["free_blocks"], "free count of the superblock")
        return used

    def _batch(self, at, sequence):
        """The batch at a block of the log, or None."""
        s, size = self.super, self.block_size
        start = s["log_block"] * size
        ring = self.data[start:start + s["log_blocks"] * size]
        ring = bytes(ring[at * size:] + ring[:at * size])
        header = struct.unpack_from("<II16x5Q", ring)
        if header[0] != 0x676c744c or not 64 <= header[1] <= len(ring):
            return None
        if header[2:5] != (self.volume, s["epoch"], sequence):
            return None
        try:
            verify(ring[:header[1]], "log")
        except Damaged:
            return None
        self.next_id, self.nodes = header[5:]
        return ring[64:header[1]]

    def _replay(self):
        at, sequence = self.super["log_start"], self.super["log_sequence"]
        batches = 0
        while (batch := self._batch(at, sequence)) is not None:
            r = Reader(batch, f"log batch {sequence}")
            while r:
                self._apply(r)
            at = (at + -(-(len(batch) + 64) // self.block_size)) % self.super["log_blocks"]
            sequence += 1
            batches += 1
        return batches

    def _apply(self, r):
        op = r.number(1)
        need(PUT <= op <= DATA, "{}: unknown record {}", r.what, op)
        if op in (PUT, DELETE):
            key = r.varint(), r.number(1), r.varint()
            need(key[1] != SPACE, "{}: a SPACE item", r.what)
            if op == PUT:
                self.items[key] = r.bytes(r.varint())
            else:
                need(key in self.items, "{}: deletes what is not there", r.what)
                del self.items[key]
        elif op in (TAKE, FREE):
            block, count = r.varint(), r.varint()
            blocks = set(range(block, block + count))
            need(block + count <= self.super["blocks"], "{}: behind the end", r.what)
            if op == TAKE:
                need(not blocks & self.used, "{}: takes what is in use", r.what)
                self.used |= blocks
            else:
                need(blocks <= self.used, "{}: frees what is free", r.what)
                self.used -= blocks
        else:
            block, offset = r.varint(), r.varint()
            data = r.bytes(r.varint())
            at = block * self.block_size + offset
            need(at + len(data) <= self.super["blocks"] * self.block_size, "{}: behind the end",
                 r.what)
            self.data[at:at + len(data)] = data

    # ---- Objects ---------------------------------------------------------------------------------

    def each(self, id_, kind):
        """(off, value) of all items of one kind of an object."""
        at = bisect.bisect_left(self.keys, (id_, kind, 0))
        while at < len(self.keys) and self.keys[at][:2] == (id_, kind):
            yield self.keys[at][2], self.items[self.keys[at]]
            at += 1

    def inode(self, id_):
        """The inode of an object."""
        need((id_, INODE, 0) in self.items, "object {}: no inode", id_)
        return Inode(self.items[id_, INODE, 0], f"object {id_}")

    def chunks(self, id_, kind, first):
        """A long value, or None."""
        result = b""
        for off in range(first, first + 256):
            piece = self.items.get((id_, kind, off))
            if piece is None:
                return result if off > first else None
            need(0 < len(piece) <= CHUNK, "object {}: piece of {} bytes", id_, len(piece))
            result += piece
            if len(piece) < CHUNK:
                return result
        return result

    def extents(self, id_, inode):
        """{logical block: Extent}"""
        size = self.super["data_check_size"]
        values = list(self.each(id_, EXTENT))
        if inode.extent:
            need(not values, "object {}: two homes of extents", id_)
            values = [(0, inode.extent)]
        return {off: Extent(value, size, f"extent of object {id_}") for off, value in values}

    def file_data(self, id_):
        """The data of a file or stream, its checks verified."""
        inode = self.inode(id_)
        inline = self.items.get((id_, INLINE, 0))
        data = bytearray(inode.size)
        extents = self.extents(id_, inode)
        if inline is not None:
            need(not extents, "object {}: extents beside inline data", id_)
            need(len(inline) <= inode.size, "object {}: inline data behind the end", id_)
            data[:len(inline)] = inline
        for logical, extent in extents.items():
            if extent.unwritten:
                continue
            for i in range(extent.count):
                block = self.block(extent.block + i)
                if extent.checks:
                    need(extent.checks[i] == struct.pack("<I", crc32c(block)),
                         "object {}: data of block {} is damaged", id_, logical + i)
                at = (logical + i) * self.block_size
                if at < inode.size:
                    data[at:at + self.block_size] = block
                if extent.checks:
                    need(not any(block[max(0, inode.size - at):]),
                         "object {}: not zero behind the end", id_)
        return bytes(data[:inode.size])

    def xattrs(self, id_):
        """{name: value} of the xattrs of an object."""
        result = {}
        for off, _ in self.each(id_, XATTR):
            if off & 0xff == 0:
                r = Reader(self.chunks(id_, XATTR, off), f"xattr of object {id_}")
                name = r.bytes(r.number(1))
                base = (siphash13(self.hash_key, name) >> 1 & ~0xffff) or 65536
                need(off & ~0xffff == base, "object {}: key of an xattr", id_)
                need(name not in result, "object {}: the same xattr twice", id_)
                result[name] = r.rest()
        return result

    def eas(self, id_):
        """[(name, flags, value)] of an object."""
        result = []
        r = Reader(self.chunks(id_, EA, 0) or b"", f"EAs of object {id_}")
        while r:
            flags, length, size = r.number(1), r.number(1), r.number(2)
            result.append((r.bytes(length), flags, r.bytes(size)))
        return result

    def _entry_key(self, off, name, fold, what):
        hashed = upper_name(name) if fold else name
        base = (siphash13(self.hash_key, hashed) >> 1 & ~0xff) or 256
        need(off & ~0xff == base, "{}: the key of {!r} is wrong", what, name)

    def entries(self, id_):
        """(name, type, child, key) of a directory."""
        for off, value in self.each(id_, ENTRY):
            r = Reader(value, f"entry of object {id_}")
            child, kind, name = r.varint(), r.number(1), r.rest()
            need(name and name not in (b".", b"..") and not set(name) & {0, 47},
                 "object {}: bad name", id_)
            self._entry_key(off, name, self.super["name_case"], f"object {id_}")
            yield name, kind << 12, child, off

    def streams(self, id_):
        """(name, id, key) of the named streams of an object."""
        for off, value in self.each(id_, STREAM):
            r = Reader(value, f"stream of object {id_}")
            stream, name = r.varint(), r.rest()
            need(name, "object {}: a stream without name", id_)
            self._entry_key(off, name, True, f"object {id_}")
            yield name, stream, off

    def label(self):
        """The label of the volume."""
        return self.items.get((0, LABEL, 0), b"").decode()

    def find(self, path):
        """The id of the object at a path."""
        id_ = 1
        for name in path.strip("/").encode("utf-8", "surrogateescape").split(b"/"):
            if name:
                found = [child for n, _, child, _ in self.entries(id_) if n == name]
                need(found, "{}: no such file", path)
                id_ = found[0]
        return id_


# ---- The volume as a whole -----------------------------------------------------------------------

class Survey:
    """Walks all there is, verifies how it hangs together, and describes it."""

    def __init__(self, image):
        self.image = image
        self.used = set(image.layout()) | set(image.tree_blocks)
        need(len(self.used) == len(set(image.layout())) + len(image.tree_blocks),
             "a tree node twice, or where it must not lie")
        self.files = {}   # path -> description
        self.names = {}   # id -> [(directory, key)]
        self.security = {}  # chunk key -> references
        self.seen = {}      # id -> description

    def run(self):
        """All of it; returns {path: description}."""
        image = self.image
        self._directory(1, b"", None)
        self._orphans()
        counts = {off: int.from_bytes(value[:4], "little")
                  for off, value in image.each(0, SECURITY) if off & 0xff == 0}
        need(counts == self.security, "references of security descriptors")
        need(self.used == image.used, "blocks in use: {} wrongly free, {} leaked",
             len(self.used - image.used), len(image.used - self.used))
        objects = {id_ for id_, kind, _ in image.keys if kind == INODE}
        need(objects == set(self.names), "objects without a name: {}", objects - set(self.names))
        need({id_ for id_, _, _ in image.keys} <= objects | {0}, "items of no object")
        need(max(objects, default=0) < image.next_id, "next_id")
        count = sum(image.inode(id_).type != STREAM_TYPE for id_ in objects)
        need(count == image.nodes, "{} nodes instead of {}", count, image.nodes)
        return self.files

    def _directory(self, id_, path, above):
        self.names[id_] = [above] if above else []
        inode = self._object(id_, path or b"/")
        need(inode.type == DIRECTORY, "{}: no directory", path)
        entries = list(self.image.entries(id_))
        need(inode.size == len(entries), "{}: {} entries", path, len(entries))
        need(inode.nlink == 2 + sum(kind == DIRECTORY for _, kind, _, _ in entries),
             "{}: links", path)
        seen = set()
        for name, kind, child, key in entries:
            same = upper_name(name) if self.image.super["name_case"] else name
            need(same not in seen, "{}: {!r} twice", path, name)
            seen.add(same)
            need(child >= FIRST_ID, "{}: entry of object {}", path, child)
            below = path + b"/" + name
            if kind == DIRECTORY:
                need(child not in self.names, "{}: a directory with two names", below)
                self._directory(child, below, (id_, key))
            else:
                self.names.setdefault(child, []).append((id_, key))
                need(self._object(child, below).type == kind, "{}: type", below)
        if id_ == 1:
            self._links()

    def _links(self):
        """The names of every object are those that its inode and its LINK items tell."""
        image = self.image
        for id_, names in self.names.items():
            inode = image.inode(id_)
            told = [(inode.parent, inode.entry)] if inode.parent else []
            for off, value in image.each(id_, LINK):
                r = Reader(value, f"link of object {id_}")
                link = r.varint(), r.number(8)
                base = siphash13(image.hash_key, struct.pack("<2Q", *link)) >> 1 & ~0xff or 256
                need(off & ~0xff == base, "object {}: key of a link", id_)
                told.append(link)
            need(sorted(told) == sorted(names), "object {}: its names", id_)
            need(inode.type == DIRECTORY or inode.nlink == len(names), "object {}: links", id_)

    def _orphans(self):
        for off, value in self.image.each(0, ORPHAN):
            need(not value, "orphan {}: a value", off)
            need(off not in self.names, "orphan {} has a name", off)
            self.names[off] = []
            inode = self._object(off, None)
            need(inode.nlink == 0, "orphan {}: links", off)

    def _take(self, id_):
        """Marks the blocks of an object's data."""
        image = self.image
        inode = image.inode(id_)
        blocks, end = 0, 0
        for logical, extent in sorted(image.extents(id_, inode).items()):
            need(logical >= end, "object {}: extents overlap", id_)
            end = logical + extent.count
            blocks += extent.count
            mine = set(range(extent.block, extent.block + extent.count))
            need(max(mine) < image.super["blocks"], "object {}: behind the end", id_)
            need(not mine & self.used, "object {}: blocks in use twice", id_)
            self.used |= mine
        need(blocks == inode.blocks, "object {}: {} blocks", id_, blocks)
        return inode

    def _object(self, id_, path):
        """One object, described under its path; a second name adds nothing but that."""
        image = self.image
        text = None if path is None else path.decode("utf-8", "surrogateescape")
        inode = image.inode(id_)
        if id_ not in self.seen:
            self.seen[id_] = self._describe(id_, inode)
        if text is not None:
            self.files[text] = self.seen[id_]
        return inode

    def _describe(self, id_, inode):
        image = self.image
        self._take(id_)
        xattrs, eas = image.xattrs(id_), image.eas(id_)
        streams = {}
        for name, stream, key in image.streams(id_):
            its = self._take(stream)
            need(its.type == STREAM_TYPE and (its.parent, its.entry) == (id_, key) and its.nlink == 1,
                 "stream {}: its file", stream)
            need(stream not in self.names, "stream {} twice", stream)
            self.names[stream] = [(id_, key)]
            streams[name.decode("utf-8", "surrogateescape")] = {
                "id": stream, "size": its.size, "data": crc32c(image.file_data(stream))}
        reparse = image.chunks(id_, REPARSE, 0)
        security = None
        if inode.security:
            self.security[inode.security] = self.security.get(inode.security, 0) + 1
            security = image.chunks(0, SECURITY, inode.security)
            need(security, "object {}: its security descriptor is missing", id_)
            security = security[4:]
        acls = {b"system.posix_acl_access": 1, b"system.posix_acl_default": 2}
        has = sum({acls.get(name, 4) for name in xattrs}) | 8 * bool(streams) | 0x10 * bool(eas)
        has |= 0x20 * (reparse is not None) | 0x40 * (security is not None)
        has |= 0x80 * (b"security.capability" in xattrs)
        need(inode.has == has, "object {}: has is {:#x} instead of {:#x}", id_, inode.has, has)
        need(inode.reparse_tag == int.from_bytes((reparse or bytes(4))[:4], "little"),
             "object {}: reparse tag", id_)
        target = image.chunks(id_, TARGET, 0)
        need((target is not None) == (inode.type == SYMLINK), "object {}: target", id_)
        regular = inode.type == 0o100000
        return {
            "id": id_, "mode": inode.mode, "nlink": inode.nlink, "uid": inode.uid,
            "gid": inode.gid, "size": inode.size, "rdev": inode.rdev,
            "attributes": inode.attributes, "flags": inode.flags, "version": inode.version,
            "btime": inode.btime, "mtime": inode.mtime, "ctime": inode.ctime,
            "atime": inode.atime, "has": inode.has, "ea_size": inode.ea_size,
            "reparse_tag": inode.reparse_tag, "blocks": inode.blocks, "target": _text(target),
            "xattrs": {n.decode("utf-8", "surrogateescape"): _text(v) for n, v in xattrs.items()},
            "streams": streams, "reparse": _text(reparse), "security": _text(security),
            "eas": [(n.decode("latin-1"), f, _text(v)) for n, f, v in eas],
            "data": crc32c(image.file_data(id_)) if regular else None,
        }


def _text(data):
    return None if data is None else data.hex()


def describe(path):
    """All of an image, verified, as a dict."""
    image = Image(path)
    s = image.super
    files = Survey(image).run()
    return {"label": image.label(), "generation": s["generation"], "blocks": s["blocks"],
            "block_size": image.block_size, "clean": bool(s["clean"]), "nodes": image.nodes,
            "replayed": image.batches, "free_blocks": s["blocks"] - len(image.used),
            "serial": s["serial"], "files": files}


def main(arguments):
    """The command."""
    try:
        if len(arguments) == 1:
            json.dump(describe(arguments[0]), sys.stdout, indent=1, sort_keys=True)
            print()
            return 0
        if len(arguments) in (2, 3):
            image = Image(arguments[0])
            id_ = image.find(arguments[1])
            if len(arguments) == 3:
                wanted = arguments[2].encode("utf-8", "surrogateescape")
                id_ = {name: stream for name, stream, _ in image.streams(id_)}[wanted]
            sys.stdout.buffer.write(image.file_data(id_))
            return 0
    except Damaged as damage:
        print(f"{arguments[0]}: {damage}", file=sys.stderr)
        return 1
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.setrecursionlimit(100000)
    sys.exit(main(sys.argv[1:]))
