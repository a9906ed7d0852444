/* SPDX-License-Identifier: MIT */
/* The driver's side of the WinFsp protocol, made by hand: one request, or any bytes, at a time. */
#ifndef LT_TESTS_UNIT_FRONT_WINFSP_HAND_H
#define LT_TESTS_UNIT_FRONT_WINFSP_HAND_H

#include <lintel/winfsp.h>
#include <os/os.h>
#include <wire/fsp/message.h>
#include <wire/fsp/status.h>

struct hand {
    struct lt_winfsp_port port; /* first: the port of the volume */
    struct lt_winfsp *volume;
    struct lt_mutex lock;
    struct lt_cond changed;
    const void *in; /* for the worker to take; NULL: nothing */
    size_t in_len;
    bool idle; /* the worker waits */
    bool stopped;
    int end; /* what transact returns once stopped */
    bool closed;
    const struct lt_token *token; /* of every caller; NULL: LT_ENOENT */
    /* What the batch was answered with */
    _Alignas(8) uint8_t answer[4 * LT_FSP_RSP_MAX];
    size_t answer_len;
    _Alignas(8) uint8_t data[65536]; /* what `map` gives for address 1 */
    _Alignas(8) uint8_t request[LT_FSP_REQ_MAX];
    struct lt_fsp_response response; /* of hand_ask() */
};

/* The options get one thread, so that answers come in order. */
int hand_start(struct hand *h, struct lt_fs *fs, struct lt_winfsp_options options);
void hand_end(struct hand *h);

/* Hands the bytes over and waits until the worker is through with them: h->answer. */
void hand_over(struct hand *h, const void *bytes, size_t len);

/* A request begun in h->request. */
struct lt_fsp_req *hand_begin(struct hand *h, struct lt_fsp_out *out, uint32_t kind);
/* Sends it; its status. The answer is h->response. */
int32_t hand_ask(struct hand *h, struct lt_fsp_out *out);

struct lt_fsp_buf hand_text(struct lt_fsp_out *out, const char *text);

/* Create as user 1000 of h->token, or in kernel mode without one. */
int32_t hand_create(struct hand *h, const char *path, uint32_t options, uint32_t access,
                    struct lt_fsp_contexts *ret);
int32_t hand_kind(struct hand *h, uint32_t kind, struct lt_fsp_contexts of);
/* Cleanup with `flags`, of that name, and Close. */
void hand_close(struct hand *h, const char *path, uint32_t flags, struct lt_fsp_contexts of);

#define HAND_OPTIONS(disposition, options) ((uint32_t)(disposition) << 24 | (options))

#endif
