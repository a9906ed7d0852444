/* SPDX-License-Identifier: MIT */
/* What both decoders do: cut pieces out of the variable part of a message. */
#ifndef LT_WIRE_FSP_PIECES_H
#define LT_WIRE_FSP_PIECES_H

#include "message.h"

/* The variable part of a message, as far as its size says. */
struct lt_fsp_pieces {
    const char *bytes;
    size_t len;
};

/* Each returns false, and changes nothing, if the piece does not lie within. An absent one is
 * NULL and 0, whatever its offset. Pieces may overlap: nobody writes to them. */
bool lt_fsp_take_bytes(struct lt_fsp_pieces p, struct lt_fsp_buf buf, struct lt_str *ret);

/* Also false for half a unit. */
bool lt_fsp_take_units(struct lt_fsp_pieces p, struct lt_fsp_buf buf, struct lt_wide *ret);

/* Where `unit` is first, or w.units. */
size_t lt_wide_find(struct lt_wide w, uint16_t unit);

#endif
