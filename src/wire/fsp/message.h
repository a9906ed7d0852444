/* SPDX-License-Identifier: MIT */
/*
 * Messages of the WinFsp protocol: taken apart with every length checked, and put together.
 * Pure: no I/O, no memory of its own. Both ends use it: the dispatcher takes requests apart
 * and makes responses, the driver of the tests does the opposite.
 */
#ifndef LT_WIRE_FSP_MESSAGE_H
#define LT_WIRE_FSP_MESSAGE_H

#include "proto.h"

#include <lintel/error.h>
#include <lintel/types.h>

/* UTF-16LE text within a message, borrowed, at any alignment, without its NUL. */
struct lt_wide {
    const uint8_t *bytes;
    size_t units;
};

static inline uint16_t lt_wide_at(struct lt_wide w, size_t i)
{
    return (uint16_t)(w.bytes[2 * i] | w.bytes[2 * i + 1] << 8);
}

/* ---- Batches ------------------------------------------------------------------------------- */

/*
 * The next message of a batch: its bytes in *ret, and *at moves behind it and its padding. 1; 0 at
 * the end; LT_EPROTO where what follows is none. `header` is LT_FSP_REQ_HEADER or
 * LT_FSP_RSP_HEADER, the least that a message has, and `max` the most.
 */
int lt_fsp_next(struct lt_str batch, size_t *at, size_t header, size_t max, struct lt_str *ret);

/* ---- Requests ------------------------------------------------------------------------------ */

/* A request taken apart. The texts and bytes lie in the message. */
struct lt_fsp_request {
    struct lt_fsp_req req;   /* a copy, aligned */
    struct lt_wide name;     /* FileName with its stream; begins with a backslash. Create, Cleanup
                                with Delete, Disposition, Rename and FileSystemControl have one,
                                others may: units 0 */
    struct lt_wide stream;   /* Create: what follows the colon of the last component, or units 0 */
    struct lt_wide new_name; /* SetInformation: rename */
    struct lt_wide label;    /* SetVolume; ends at its first NUL */
    struct lt_wide pattern;  /* QueryDirectory */
    struct lt_wide marker;   /* QueryDirectory: the name to go on behind; any units, as on a volume
                                with LT_FSP_VOLUME_MARKER_OFFSET it is the 8 bytes of next_offset */
    bool has_pattern, has_marker;
    struct lt_str security; /* Create, SetSecurity: self-relative, its form not yet checked */
    struct lt_str data;     /* Create, Overwrite, SetEa: EAs (MS-FSCC 2.4.16) or reparse data;
                               FileSystemControl, DeviceControl: the input */
};

/*
 * Checks and splits one request. LT_ENOSYS: no such kind (Shutdown and LockControl are never sent);
 * LT_EPROTO: lengths, offsets or texts that cannot be. In both cases ret->req has kind and hint,
 * so that it can be answered; LT_EBADMSG: there are not even these.
 *
 * The message is as long as its size says, or longer: padding. Pieces may lie anywhere behind the
 * fixed part, at odd offsets too, and overlap. What a kind does not use is not looked at, nor is
 * the version.
 */
int lt_fsp_request_decode(struct lt_str message, struct lt_fsp_request *ret);

/* A message that is being put together in `buf`, 8-byte aligned. `full` once something did not fit;
 * lt_fsp_..._end() then says so. */
struct lt_fsp_out {
    uint8_t *buf;
    size_t size, len; /* room, and what is used of it */
    size_t header;    /* of the message at `buf` */
    bool full;
};

/* Begins a request in a buffer of `size` bytes, at least a header, 8-byte aligned; its struct, zero
 * but for these. */
struct lt_fsp_req *lt_fsp_request_begin(struct lt_fsp_out *out, void *buf, size_t size,
                                        uint32_t kind, uint64_t hint);

/* ---- Responses ----------------------------------------------------------------------------- */

/* A response taken apart. An error carries no more than its status. */
struct lt_fsp_response {
    struct lt_fsp_rsp rsp; /* a copy, aligned */
    struct lt_str data; /* u.buffer or u.set_ea.ea; of a Create with LT_STATUS_REPARSE its data */
    struct lt_str security; /* Create */
    struct lt_wide name;    /* Create: normalized */
};

/* Checks and splits one response; what it may hold depends on its kind and status. LT_EPROTO;
 * LT_EBADMSG: shorter than a header. */
int lt_fsp_response_decode(struct lt_str message, struct lt_fsp_response *ret);

/* Begins a response to a request of this kind and hint; its struct, zero but for these. The name of
 * a Create and the data of QueryEa, SetEa, QuerySecurity and QueryStreams have to be the first
 * piece: the driver looks for them at the beginning of the variable part. */
struct lt_fsp_rsp *lt_fsp_response_begin(struct lt_fsp_out *out, void *buf, size_t size,
                                         uint32_t kind, uint64_t hint);

/* ---- Either -------------------------------------------------------------------------------- */

/* Adds bytes to the variable part, at an offset that is a multiple of `align` (1, 2, 4 or 8). An
 * absent piece is all zeros, not an empty one. */
struct lt_fsp_buf lt_fsp_put(struct lt_fsp_out *out, const void *bytes, size_t len, size_t align);

/* Adds UTF-16 text, 2-byte aligned; with `nul` the terminator counts, as in all texts of requests.
 */
struct lt_fsp_buf lt_fsp_put_text(struct lt_fsp_out *out, const uint16_t *units, size_t count,
                                  bool nul);

/* Where the next piece would lie and how much room there is: for a producer that writes in place.
 * NULL if there is none. lt_fsp_take() then adds its first `len` bytes. */
void *lt_fsp_room(struct lt_fsp_out *out, size_t align, size_t *ret_len);
struct lt_fsp_buf lt_fsp_take(struct lt_fsp_out *out, size_t len, size_t align);

/* Finishes: pads to a multiple of 8 and sets the size, which counts the padding of a response but
 * not that of a request, as with the driver. Returns the bytes with the padding, or LT_ERANGE. */
int64_t lt_fsp_end(struct lt_fsp_out *out);

/* ---- Chains of entries: directories, streams, notifications --------------------------------- */

/* Entries in a caller's buffer, 8-byte aligned relative to its start. */
struct lt_fsp_entries {
    uint8_t *buf;
    size_t size, len;
};

/* False, and nothing added, if it does not fit. `info` may be NULL: zeros. */
bool lt_fsp_put_dir_info(struct lt_fsp_entries *e, const struct lt_fsp_file_info *info,
                         uint64_t next_offset, const uint16_t *name, size_t units);
bool lt_fsp_put_stream_info(struct lt_fsp_entries *e, uint64_t size, uint64_t allocation,
                            const uint16_t *name, size_t units);
bool lt_fsp_put_notify_info(struct lt_fsp_entries *e, uint32_t filter, uint32_t action,
                            const uint16_t *name, size_t units);
/* The mark that the chain is complete. False if there is no room: then there is none. */
bool lt_fsp_put_entries_end(struct lt_fsp_entries *e);

/* The entry at *at in a chain whose entries have a fixed part of `fixed` bytes: its bytes in *ret,
 * *at moves on. 1; 0 at the mark of the end; LT_ENODATA where the chain stops without it;
 * LT_EPROTO.
 */
int lt_fsp_next_entry(struct lt_str chain, size_t *at, size_t fixed, struct lt_str *ret);

/* ---- EAs: FILE_FULL_EA_INFORMATION (MS-FSCC 2.4.16) -------------------------------------------
 */

struct lt_fsp_ea {
    struct lt_str name, value; /* name without its NUL */
    uint8_t flags;
};

/* The EA at *at of a list. 1; 0 behind the last; LT_EPROTO with *at at the faulty one. Names are
 * not checked. */
int lt_fsp_ea_next(struct lt_str list, size_t *at, struct lt_fsp_ea *ret);

/* Adds one; entries are 4-byte aligned and point to the next. `*last` is the offset of the one
 * before, SIZE_MAX at first. False if it does not fit. */
bool lt_fsp_put_ea(struct lt_fsp_entries *e, size_t *last, const struct lt_fsp_ea *ea);

#endif
