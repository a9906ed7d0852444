/* SPDX-License-Identifier: MIT */
/*
 * What a file system held after each operation, and what of it a power cut must have left.
 *
 * Metadata is in one piece: after a cut it equals the state after some operation, not before the
 * last one that was durable. Data may lag behind: each byte of a file is that of some version of
 * the file, not before the last one that was made durable, and its size likewise.
 */
#ifndef POWERCUT_HISTORY_H
#define POWERCUT_HISTORY_H

#include "op.h"
#include "state.h"

/* The content of a file from operation `op` on. */
struct version {
    size_t op;
    size_t size;
    uint8_t *bytes;
};

/* From `time` on, or in every state from `op` on, `version` or a later one is there. */
struct floor {
    uint64_t time;
    size_t op;
    size_t version;
};

struct file {
    uint64_t id;
    struct version *versions;
    size_t count;
    struct floor *durable;
    size_t durable_count;
    struct floor *renamed;
    size_t renamed_count;
};

/* State n is that after n operations. Times are those of the simulated device. */
struct history {
    size_t count;          /* of states */
    struct state *states;  /* without content */
    uint64_t *begin, *end; /* of the operation that led to the state */
    bool *durable;         /* the state is durable at its end */
    struct file *files;
    size_t file_count;
};

/* How durable operations are. */
enum durability { BY_FSYNC, ALWAYS, ONLY_SYNC };

void history_init(struct history *h);
void history_fini(struct history *h);
/* Notes the state of `side` after `op` (NULL: the first state, which is durable), that succeeded or
 * not and lasted from `begin` to `end`. */
void history_add(struct history *h, const struct side *side, const struct op *op, int64_t result,
                 enum durability mode, uint64_t begin, uint64_t end);

/* Whether what a cut at `time` left is allowed. If not, says why in `why`, on lines with "# ". */
bool history_allows(const struct history *h, const struct state *left, uint64_t time, FILE *why);

#endif
