/* SPDX-License-Identifier: MIT */
/*
 * UTF-8, UTF-16 and upper case, as file names need them.
 *
 * Names are bytes. Where units are needed, each maximal valid UTF-8 sequence
 * (RFC 3629: no surrogates, no overlong forms, up to U+10FFFF) gives one or two
 * UTF-16 units, and every other byte b gives the one unit 0xDC00 + b: unpaired
 * low surrogates, which valid UTF-8 never yields, so that the mapping is one to
 * one and every byte string is a name.
 *
 * Upper case is a map of single units, as NTFS has it ($UpCase): no folding to
 * several characters, no locale. The table comes from the Unicode data at build time.
 */
#ifndef LT_BASE_UNICODE_H
#define LT_BASE_UNICODE_H

#include <lintel/types.h>

/* The upper-case form of a UTF-16 unit; units without one are themselves. */
uint16_t lt_upcase(uint16_t unit);

/* Reads the units of the next sequence at *pos < s.len into units, advances *pos; returns 1 or 2.
 */
unsigned lt_utf8_next(struct lt_str s, size_t *pos, uint16_t units[2]);

/* How many UTF-16 units s has. */
size_t lt_utf8_units(struct lt_str s);

/* Whether s is valid UTF-8 throughout. */
bool lt_utf8_valid(struct lt_str s);

/* Units of s into out; returns their count, or LT_ERANGE if there are more than `max`. */
int lt_utf8_to_utf16(struct lt_str s, uint16_t *out, size_t max);

/* The inverse, exact for whatever lt_utf8_to_utf16 gave; other unpaired surrogates: LT_EILSEQ.
 * Returns bytes, or LT_ERANGE. No NUL is added. */
int lt_utf16_to_utf8(const uint16_t *units, size_t count, char *out, size_t max);

/* Compares by upper-cased units: <0, 0, >0. A total order. */
int lt_name_compare_nocase(struct lt_str a, struct lt_str b);
bool lt_name_equal_nocase(struct lt_str a, struct lt_str b);

#endif
