// SPDX-License-Identifier: MIT
#include "relocate.h"

#include <base/options.h>
#include <stdlib.h>

#define COPY_SIZE (UINT32_C(1) << 20) /* bytes at once */

/* ---- Free space ---------------------------------------------------------------------------- */

/* The free run at or behind *at: its length, up to `max`; 0 at the end. Moves *at to its start. */
static uint64_t next_run(const struct img_mover *m, uint64_t *at, uint64_t max)
{
    uint64_t n = 0;
    while (*at < m->limit && img_bit(m->busy, *at)) {
        bool full = *at % 64 == 0 && m->busy[*at / 64] == UINT64_MAX;
        *at += full ? 64 : 1;
    }
    while (n < max && *at + n < m->limit && !img_bit(m->busy, *at + n))
        n++;
    return n;
}

int img_mover_take(struct img_mover *m, uint64_t min, uint64_t max, uint64_t *ret_block,
                   uint64_t *ret_count)
{
    uint64_t best = 0, count = 0, at = 0, n, any;
    while (count < max && (n = next_run(m, &at, max)) > 0) {
        if (n > count) {
            best = at;
            count = n;
        }
        at += n;
    }
    if (count < min || count == 0)
        return LT_ENOSPC;
    img_bits_set(m->busy, best, count, &any);
    img_bits_set(m->used, best, count, &any);
    *ret_block = best;
    *ret_count = count;
    return 0;
}

/* ---- Moving -------------------------------------------------------------------------------- */

static int copy_blocks(struct img_mover *m, uint64_t from, uint64_t to, uint64_t count)
{
    uint64_t size = m->view->super.block_size, step = COPY_SIZE / size;
    if (!m->buffer)
        m->buffer = malloc(COPY_SIZE);
    if (!m->buffer)
        return LT_ENOMEM;
    for (uint64_t i = 0; i < count; i += step) {
        uint64_t n = count - i < step ? count - i : step;
        int r = lt_device_read(m->view->dev, (from + i) * size, m->buffer, n * size);
        if (r == 0)
            r = lt_device_put(m->view->dev, (to + i) * size, m->buffer, n * size);
        if (r == 0)
            r = img_view_progress(m->view, n);
        if (r < 0)
            return r;
    }
    return 0;
}

/* Data leaves its blocks: they stay busy until all is written. */
static void leave(struct img_mover *m, uint64_t block, uint64_t count)
{
    for (uint64_t b = block; b < block + count; b++)
        img_bit_clear(m->used, b);
}

static int add_piece(struct img_mover *m, const struct img_piece *piece)
{
    int r = img_grow(&m->pieces, m->piece_count, &m->piece_room, sizeof(*m->pieces));
    if (r == 0)
        m->pieces[m->piece_count++] = *piece;
    return r;
}

/* Moves [piece] to `to`. */
static int move_piece(struct img_mover *m, struct img_piece *piece, uint64_t to)
{
    int r = piece->unwritten ? 0 : copy_blocks(m, piece->block, to, piece->count);
    if (r < 0)
        return r;
    leave(m, piece->block, piece->count);
    m->moved_blocks += piece->count;
    piece->block = to;
    piece->birth = m->birth;
    return 0;
}

/* Cuts a piece in two; the second goes to the end of the list. */
static int split(struct img_mover *m, size_t i, uint64_t count)
{
    struct img_piece rest = m->pieces[i];
    rest.logical += count;
    rest.block += count;
    rest.checks += rest.unwritten ? 0 : count * m->view->super.data_check_size;
    rest.count -= count;
    m->pieces[i].count = count;
    return add_piece(m, &rest);
}

/* Moves what is behind the limit. */
static int move_behind(struct img_mover *m, bool *ret_moved)
{
    for (size_t i = 0; i < m->piece_count; i++) {
        uint64_t to, n;
        int r = 0;
        if (m->pieces[i].block + m->pieces[i].count <= m->limit)
            continue;
        if (m->pieces[i].block < m->limit) {
            r = split(m, i, m->limit - m->pieces[i].block);
            if (r < 0)
                return r;
            continue;
        }
        r = img_mover_take(m, 1, m->pieces[i].count, &to, &n);
        if (r == 0 && n < m->pieces[i].count)
            r = split(m, i, n);
        if (r == 0)
            r = move_piece(m, &m->pieces[i], to);
        if (r < 0)
            return r;
        *ret_moved = true;
    }
    return 0;
}

/* Whether data that is one in the file is not one on the image. */
static bool is_fragmented(const struct img_mover *m)
{
    for (size_t i = 1; i < m->piece_count; i++) {
        const struct img_piece *a = &m->pieces[i - 1], *b = &m->pieces[i];
        if (a->logical + a->count == b->logical && a->block + a->count != b->block)
            return true;
    }
    return false;
}

static int move_together(struct img_mover *m, bool *ret_moved)
{
    uint64_t total = 0, to, n;
    if (!is_fragmented(m))
        return 0;
    for (size_t i = 0; i < m->piece_count; i++)
        total += m->pieces[i].count;
    int r = img_mover_take(m, total, total, &to, &n);
    if (r == LT_ENOSPC) {
        m->too_large++;
        return 0;
    }
    for (size_t i = 0; r == 0 && i < m->piece_count; i++) {
        n = m->pieces[i].count;
        r = move_piece(m, &m->pieces[i], to);
        to += n;
    }
    *ret_moved = true;
    return r;
}

/* ---- Writing down -------------------------------------------------------------------------- */

static int by_logical(const void *a, const void *b)
{
    const struct img_piece *x = a, *y = b;
    return (x->logical > y->logical) - (x->logical < y->logical);
}

/* Checks of pieces that become one must be one as well. */
static bool can_join(const struct img_mover *m, const struct img_piece *a,
                     const struct img_piece *b)
{
    uint64_t size = m->view->super.data_check_size;
    uint64_t max = size ? IMG_CHECKED_BLOCKS_MAX : IMG_EXTENT_BLOCKS_MAX;
    if (a->unwritten != b->unwritten || a->logical + a->count != b->logical ||
        a->block + a->count != b->block || a->count + b->count > max)
        return false;
    return a->unwritten || size == 0 || a->checks + a->count * size == b->checks;
}

static void join(struct img_mover *m)
{
    size_t kept = 0;
    for (size_t i = 1; i < m->piece_count; i++) {
        struct img_piece *last = &m->pieces[kept];
        const struct img_piece *p = &m->pieces[i];
        if (can_join(m, last, p)) {
            last->count += p->count;
            last->birth = p->birth > last->birth ? p->birth : last->birth;
        } else {
            m->pieces[++kept] = *p;
        }
    }
    if (m->piece_count > 0)
        m->piece_count = kept + 1;
}

static size_t encode(const struct img_mover *m, const struct img_piece *p, uint8_t *buf)
{
    uint32_t size = m->view->super.data_check_size;
    struct img_extent e = {p->count, p->block, p->birth, p->unwritten,
                           size && !p->unwritten ? m->checks + p->checks : NULL};
    return img_extent_encode(&e, size, buf);
}

/* The pieces as items, or as the one in the inode. */
static int write_down(struct img_mover *m)
{
    struct img_view *view = m->view;
    struct img_inode inode;
    uint8_t value[64 + IMG_CHECKED_BLOCKS_MAX * sizeof(uint32_t)], bytes[IMG_INODE_MAX];
    uint64_t id = m->inode_key.id;
    int r = img_inode_decode(m->inode, m->inode_len, &inode);
    qsort(m->pieces, m->piece_count, sizeof(*m->pieces), by_logical);
    join(m);
    for (size_t i = 0; r == 0 && i < m->item_count; i++)
        r = img_view_put(view, img_key(id, IMG_EXTENT, m->old[i]), NULL, 0);
    inode.extent_len = 0;
    if (r == 0 && m->piece_count == 1 && m->pieces[0].logical == 0) {
        size_t len = encode(m, &m->pieces[0], value);
        if (len <= sizeof(inode.extent)) {
            memcpy(inode.extent, value, len);
            inode.extent_len = (uint8_t)len;
        }
    }
    for (size_t i = 0; r == 0 && i < m->piece_count && !inode.extent_len; i++)
        r = img_view_put(view, img_key(id, IMG_EXTENT, m->pieces[i].logical), value,
                         encode(m, &m->pieces[i], value));
    return r < 0 ? r : img_view_put(view, m->inode_key, bytes, img_inode_encode(&inode, bytes));
}

/* ---- Files --------------------------------------------------------------------------------- */

static int end_object(struct img_mover *m)
{
    bool moved = false;
    int r = 0;
    m->extents_before += m->piece_count;
    m->files += m->is_file;
    if (m->piece_count > 0)
        r = m->defrag ? move_together(m, &moved) : move_behind(m, &moved);
    if (r == 0 && moved) {
        m->moved_files++;
        r = write_down(m);
    }
    m->extents_after += m->piece_count;
    m->piece_count = m->item_count = m->checks_len = 0;
    m->is_file = false;
    return r;
}

static int keep_checks(struct img_mover *m, const struct img_extent *e)
{
    size_t len = e->checks ? (size_t)e->count * m->view->super.data_check_size : 0;
    while (m->checks_room - m->checks_len < len) {
        int r = img_grow(&m->checks, m->checks_room, &m->checks_room, 1);
        if (r < 0)
            return r;
    }
    if (len > 0)
        memcpy(m->checks + m->checks_len, e->checks, len);
    m->checks_len += len;
    return 0;
}

static int take_extent(struct img_mover *m, uint64_t logical, const void *value, size_t len)
{
    struct img_piece piece = {.logical = logical, .checks = m->checks_len};
    struct img_extent e;
    int r = img_extent_decode(value, len, m->view->super.data_check_size, &e);
    if (r == 0)
        r = keep_checks(m, &e);
    if (r < 0)
        return r;
    piece.count = e.count;
    piece.block = e.block;
    piece.birth = e.birth;
    piece.unwritten = e.unwritten;
    return add_piece(m, &piece);
}

static int take_inode(struct img_mover *m, const struct img_item *item)
{
    struct img_inode inode;
    int r = img_inode_decode(item->value, item->len, &inode);
    if (r < 0 || item->len > sizeof(m->inode))
        return LT_EUCLEAN;
    uint16_t type = inode.mode & LT_S_IFMT;
    m->is_file = type == LT_S_IFREG || type == LT_S_STREAM;
    m->inode_key = item->key;
    memcpy(m->inode, item->value, item->len);
    m->inode_len = item->len;
    return inode.extent_len ? take_extent(m, 0, inode.extent, inode.extent_len) : 0;
}

static int take_item(void *arg, const struct img_item *item)
{
    struct img_mover *m = arg;
    int r = item->key.id != m->inode_key.id ? end_object(m) : 0;
    if (r < 0 || item->key.id == IMG_ID_VOLUME)
        return r;
    if (item->key.kind == IMG_INODE)
        return take_inode(m, item);
    if (item->key.kind != IMG_EXTENT)
        return 0;
    r = img_grow(&m->old, m->item_count, &m->old_room, sizeof(*m->old));
    if (r < 0)
        return r;
    m->old[m->item_count++] = item->key.off;
    return take_extent(m, item->key.off, item->value, item->len);
}

int img_mover_run(struct img_mover *m)
{
    int r = img_view_each(m->view, IMG_KEY_FIRST, IMG_KEY_LAST, take_item, m);
    if (r == 0)
        r = end_object(m);
    return r < 0 ? r : img_view_settle(m->view);
}

int img_mover_init(struct img_mover *m, struct img_sound *sound, uint64_t limit)
{
    struct img_view *view = &sound->view;
    size_t size = view->bitmap_words * sizeof(uint64_t);
    *m = (struct img_mover){.view = view,
                            .used = sound->census.used,
                            .limit = limit,
                            .birth = view->super.generation + 1};
    m->busy = malloc(size);
    if (!m->busy)
        return LT_ENOMEM;
    memcpy(m->busy, m->used, size);
    return 0;
}

void img_mover_fini(struct img_mover *m)
{
    free(m->busy);
    free(m->pieces);
    free(m->old);
    free(m->checks);
    free(m->buffer);
}

/* ---- A sound image ------------------------------------------------------------------------- */

int img_sound_open(struct img_sound *s, struct lt_device *dev,
                   int (*progress)(void *arg, uint64_t done, uint64_t total), void *arg,
                   struct lt_diag *diag)
{
    *s = (struct img_sound){.check = {.progress = progress, .arg = arg}};
    s->report = (struct img_report){.check = &s->check, .result = &s->result};
    int r = img_view_open(&s->view, dev, &s->report, diag);
    if (r == 0)
        r = img_view_verify(&s->view);
    if (r == 0)
        r = img_view_space(&s->view);
    if (r == 0)
        r = img_census_run(&s->census, &s->view);
    if (r == 0 && s->result.problems == 0 &&
        memcmp(s->census.used, s->view.marked, s->view.bitmap_words * sizeof(uint64_t)) != 0)
        s->result.problems++;
    if (r == 0 && s->result.problems > 0)
        return lt_diag_set(diag, LT_EUCLEAN, "the image is damaged; check and repair it first");
    return r;
}

void img_sound_close(struct img_sound *s)
{
    img_census_fini(&s->census);
    img_view_close(&s->view);
}
