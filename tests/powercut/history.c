// SPDX-License-Identifier: MIT
#include "history.h"

#include <stdlib.h>

static void *grow(void *at, size_t count, size_t size)
{
    void *grown = realloc(at, count * size);
    if (!grown)
        abort();
    return grown;
}

/* ---- Keeping ------------------------------------------------------------------------------- */

void history_init(struct history *h)
{
    *h = (struct history){0};
}

void history_fini(struct history *h)
{
    for (size_t i = 0; i < h->count; i++)
        state_fini(&h->states[i]);
    for (size_t i = 0; i < h->file_count; i++) {
        struct file *file = &h->files[i];
        for (size_t j = 0; j < file->count; j++)
            free(file->versions[j].bytes);
        free(file->versions);
        free(file->durable);
        free(file->renamed);
    }
    free(h->states);
    free(h->begin);
    free(h->end);
    free(h->durable);
    free(h->files);
}

static struct file *find_file(const struct history *h, uint64_t id)
{
    for (size_t i = 0; i < h->file_count; i++) {
        if (h->files[i].id == id)
            return &h->files[i];
    }
    return NULL;
}

static struct file *need_file(struct history *h, uint64_t id)
{
    struct file *file = find_file(h, id);
    if (file)
        return file;
    h->files = grow(h->files, h->file_count + 1, sizeof(*h->files));
    file = &h->files[h->file_count++];
    *file = (struct file){.id = id};
    return file;
}

static void add_version(struct history *h, struct file *file, size_t size, uint8_t *bytes)
{
    file->versions = grow(file->versions, file->count + 1, sizeof(*file->versions));
    file->versions[file->count++] = (struct version){h->count - 1, size, bytes};
}

/* Takes the bytes of `from`. */
static void note_content(struct history *h, struct state_file *from, const struct op *op)
{
    struct file *file = need_file(h, from->id);
    /* Some operations make or empty a file before they write to it. */
    if (op && (file->count == 0 || (op->kind == OP_fresh && strcmp(from->path, "tmp") == 0)))
        add_version(h, file, 0, NULL);
    const struct version *last = file->count ? &file->versions[file->count - 1] : NULL;
    if (last && last->size == from->size &&
        (from->size == 0 || memcmp(last->bytes, from->bytes, from->size) == 0))
        free(from->bytes);
    else
        add_version(h, file, from->size, from->bytes);
    from->bytes = NULL;
}

static void note_durable(struct history *h, uint64_t id, uint64_t time)
{
    struct file *file = find_file(h, id);
    if (!file)
        return;
    file->durable = grow(file->durable, file->durable_count + 1, sizeof(*file->durable));
    file->durable[file->durable_count++] = (struct floor){time, 0, file->count - 1};
}

static void note_all_durable(struct history *h, uint64_t time)
{
    const struct state *state = &h->states[h->count - 1];
    for (size_t i = 0; i < state->count + state->held; i++)
        note_durable(h, state->files[i].id, time);
}

/* A file that took another's name has there what it had then: programs that write a file beside
 * another, and rename it over that, rely on it. */
static void note_rename(struct history *h, const struct op *op)
{
    bool fresh = op->kind == OP_replace;
    if (!fresh && op->kind != OP_rename && op->kind != OP_noreplace && op->kind != OP_whiteout)
        return;
    const struct state *before = &h->states[h->count - 2], *now = &h->states[h->count - 1];
    const struct state_file *from = state_find(before, fresh ? "tmp" : op->a);
    const struct state_file *to = state_find(now, fresh ? op->a : op->b);
    if (!from || !to || from->id != to->id || state_find(now, from->path) ||
        !state_find(before, to->path))
        return;
    struct file *file = need_file(h, to->id);
    file->renamed = grow(file->renamed, file->renamed_count + 1, sizeof(*file->renamed));
    file->renamed[file->renamed_count++] = (struct floor){0, h->count - 1, file->count - 1};
}

static void note_syncs(struct history *h, const struct op *op, enum durability mode, uint64_t end)
{
    char path[64];
    const struct state *now = &h->states[h->count - 1];
    if (op->kind == OP_sync || mode == ALWAYS) {
        h->durable[h->count - 1] = true;
        note_all_durable(h, end);
    } else if (mode == BY_FSYNC && op_is_fsync(op, path, sizeof(path))) {
        const struct state_file *file = state_find(now, path);
        h->durable[h->count - 1] = true;
        if (file)
            note_durable(h, file->id, end);
    }
}

/* Files that are held count too: written to without a name, they may yet have one after the cut. */
static int read_side(const struct side *side, struct state *ret)
{
    char what[200];
    int r = state_read(side->fs, ret, what, sizeof(what));
    for (unsigned i = 0; r == 0 && i < HELD; i++) {
        if (side->held[i] && side->held[i]->type == LT_S_IFREG)
            r = state_add_held(ret, side->held[i]);
    }
    return r;
}

void history_add(struct history *h, const struct side *side, const struct op *op, int64_t result,
                 enum durability mode, uint64_t begin, uint64_t end)
{
    size_t n = h->count + 1;
    h->states = grow(h->states, n, sizeof(*h->states));
    h->begin = grow(h->begin, n, sizeof(*h->begin));
    h->end = grow(h->end, n, sizeof(*h->end));
    h->durable = grow(h->durable, n, sizeof(*h->durable));
    struct state *state = &h->states[h->count];
    if (read_side(side, state) < 0)
        abort(); /* the model does not fail */
    h->begin[h->count] = begin;
    h->end[h->count] = end;
    h->durable[h->count] = !op;
    h->count = n;
    for (size_t i = 0; i < state->count + state->held; i++)
        note_content(h, &state->files[i], op);
    if (!op) {
        note_all_durable(h, end);
    } else if (result >= 0) {
        note_rename(h, op);
        note_syncs(h, op, mode, end);
    }
}

/* ---- Comparing ----------------------------------------------------------------------------- */

/* The states that a cut at `time` may have left: from *ret_low to *ret_high. */
static void allowed_states(const struct history *h, uint64_t time, size_t *ret_low,
                           size_t *ret_high)
{
    *ret_low = *ret_high = 0;
    for (size_t i = 0; i < h->count; i++) {
        if (h->durable[i] && h->end[i] <= time)
            *ret_low = i;
        if (h->begin[i] < time)
            *ret_high = i;
    }
    if (*ret_high < *ret_low) /* nothing was left to be done for the last ones */
        *ret_high = *ret_low;
}

/* The versions of a file from which each byte may be. */
static void allowed_versions(const struct file *file, size_t op, size_t high, uint64_t time,
                             size_t *ret_first, size_t *ret_last)
{
    size_t first = 0, last = 0;
    for (size_t i = 0; i < file->durable_count; i++) {
        if (file->durable[i].time <= time && file->durable[i].version > first)
            first = file->durable[i].version;
    }
    for (size_t i = 0; i < file->renamed_count; i++) {
        if (file->renamed[i].op <= op && file->renamed[i].version > first)
            first = file->renamed[i].version;
    }
    for (size_t i = 0; i < file->count; i++) {
        if (file->versions[i].op <= high)
            last = i;
    }
    *ret_first = first;
    *ret_last = last > first ? last : first;
}

static bool is_byte_of(const struct file *file, size_t first, size_t last, size_t at, uint8_t byte)
{
    for (size_t v = first; v <= last; v++) {
        const struct version *version = &file->versions[v];
        if (byte == (at < version->size ? version->bytes[at] : 0))
            return true;
    }
    return false;
}

static bool check_file(const struct file *file, const struct state_file *left, size_t op,
                       size_t high, uint64_t time, FILE *why)
{
    size_t first, last;
    allowed_versions(file, op, high, time, &first, &last);
    size_t least = SIZE_MAX, most = 0; /* a write may have got through in part */
    for (size_t v = first; v <= last; v++) {
        size_t size = file->versions[v].size;
        least = size < least ? size : least;
        most = size > most ? size : most;
    }
    if (left->size < least || left->size > most) {
        (void)fprintf(why, "#   %s: %zu bytes; allowed:", left->path, left->size);
        for (size_t v = first; v <= last; v++)
            (void)fprintf(why, " %zu (op %zu)", file->versions[v].size, file->versions[v].op);
        (void)fputc('\n', why);
        return false;
    }
    for (size_t at = 0; at < left->size; at++) {
        if (!is_byte_of(file, first, last, at, left->bytes[at])) {
            (void)fprintf(why,
                          "#   %s: byte %zu of %zu is %02x, of no version from op %zu to %zu\n",
                          left->path, at, left->size, left->bytes[at], file->versions[first].op,
                          file->versions[last].op);
            return false;
        }
    }
    return true;
}

static bool check_files(const struct history *h, const struct state *left, size_t op, size_t high,
                        uint64_t time, FILE *why)
{
    const struct state *state = &h->states[op];
    for (size_t i = 0; i < left->count; i++) {
        const struct file *file = find_file(h, state->files[i].id);
        if (!file || !check_file(file, &left->files[i], op, high, time, why)) {
            (void)fprintf(why, "#   taken for the state after op %zu\n", op);
            return false;
        }
    }
    return true;
}

bool history_allows(const struct history *h, const struct state *left, uint64_t time, FILE *why)
{
    size_t low, high;
    bool matched = false;
    FILE *quiet = fopen("/dev/null", "w"); /* one explanation is enough */
    if (!quiet)
        abort();
    allowed_states(h, time, &low, &high);
    for (size_t op = high + 1; op-- > low;) {
        if (strcmp(h->states[op].text, left->text) != 0)
            continue;
        if (check_files(h, left, op, high, time, matched ? quiet : why)) {
            (void)fclose(quiet);
            return true;
        }
        matched = true;
    }
    (void)fclose(quiet);
    if (!matched) {
        (void)fprintf(why, "#   the metadata is that of no state from op %zu to %zu\n", low, high);
        (void)fprintf(why, "#   beside the state after op %zu:\n", low);
        state_diff(h->states[low].text, left->text, why);
        (void)fprintf(why, "#   beside the state after op %zu:\n", high);
        state_diff(h->states[high].text, left->text, why);
    }
    return false;
}
