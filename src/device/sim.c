// SPDX-License-Identifier: MIT
/*
 * Images of the device share chunks of pages, and chunks share pages: a copy costs a
 * pointer a chunk, and chunks and pages are copied when they are first written to.
 */
#include "sim.h"

#include <os/os.h>

#include <stdlib.h>

#define PAGE 4096u
#define CHUNK 256u /* pages */

struct page {
    _Atomic(uint32_t) refs;
    uint8_t bytes[PAGE];
};

/* NULL is a page of zeros. */
struct chunk {
    _Atomic(uint32_t) refs;
    struct page *pages[CHUNK];
};

/* A whole device. NULL is a chunk of zeros. */
struct image {
    uint64_t size; /* bytes */
    size_t count;  /* chunks */
    struct chunk **chunks;
};

enum call { WRITE, SETTLE, FLUSH, DISCARD, RESIZE };

struct record {
    enum call call;
    uint64_t offset; /* RESIZE: the new size */
    uint64_t len;
    uint8_t *bytes; /* WRITE: owned */
    bool settled;   /* WRITE: the next call is the SETTLE that makes it durable */
};

struct sim_device {
    struct lt_device dev;
    struct lt_mutex lock; /* guards everything below */
    struct image live;    /* what is read */
    struct image durable; /* what the first durable_time calls left for sure */
    struct image origin;  /* what was there before all records */
    uint64_t durable_time;
    struct record *records;
    uint64_t count, room, forgotten; /* call number n is records[n - forgotten] */
    uint64_t fail_in;                /* calls until one fails; 0: none will */
    int fail_error;
    bool fail_for_good;
};

static struct sim_device *sim_of(struct lt_device *dev)
{
    return (struct sim_device *)dev;
}

/* ---- Images -------------------------------------------------------------------------------- */

static size_t chunks_of(uint64_t size)
{
    uint64_t chunk = (uint64_t)CHUNK * PAGE;
    return (size_t)((size + chunk - 1) / chunk);
}

static void page_put(struct page *page)
{
    if (page && atomic_fetch_sub(&page->refs, 1) == 1)
        free(page);
}

static void chunk_put(struct chunk *chunk)
{
    if (!chunk || atomic_fetch_sub(&chunk->refs, 1) > 1)
        return;
    for (size_t i = 0; i < CHUNK; i++)
        page_put(chunk->pages[i]);
    free(chunk);
}

static void image_fini(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        chunk_put(image->chunks[i]);
    free(image->chunks);
    *image = (struct image){0};
}

static int image_copy(const struct image *from, struct image *ret)
{
    struct chunk **chunks = malloc((from->count + 1) * sizeof(*chunks));
    if (!chunks)
        return LT_ENOMEM;
    for (size_t i = 0; i < from->count; i++) {
        chunks[i] = from->chunks[i];
        if (chunks[i])
            atomic_fetch_add(&chunks[i]->refs, 1);
    }
    *ret = (struct image){from->size, from->count, chunks};
    return 0;
}

/* The chunk, with no other image sharing it. */
static struct chunk *own_chunk(struct image *image, size_t i)
{
    struct chunk *old = image->chunks[i];
    if (old && atomic_load(&old->refs) == 1)
        return old;
    struct chunk *chunk = calloc(1, sizeof(*chunk));
    if (!chunk)
        return NULL;
    atomic_init(&chunk->refs, 1);
    for (size_t p = 0; old && p < CHUNK; p++) {
        chunk->pages[p] = old->pages[p];
        if (chunk->pages[p])
            atomic_fetch_add(&chunk->pages[p]->refs, 1);
    }
    image->chunks[i] = chunk;
    chunk_put(old);
    return chunk;
}

/* Page number i, with no other image sharing it. */
static uint8_t *own_page(struct image *image, size_t i)
{
    struct chunk *chunk = own_chunk(image, i / CHUNK);
    if (!chunk)
        return NULL;
    struct page **place = &chunk->pages[i % CHUNK], *old = *place;
    if (old && atomic_load(&old->refs) == 1)
        return old->bytes;
    struct page *page = malloc(sizeof(*page));
    if (!page)
        return NULL;
    atomic_init(&page->refs, 1);
    if (old)
        memcpy(page->bytes, old->bytes, PAGE);
    else
        memset(page->bytes, 0, PAGE);
    *place = page;
    page_put(old);
    return page->bytes;
}

static const struct page *find_page(const struct image *image, uint64_t offset)
{
    const struct chunk *chunk = image->chunks[offset / PAGE / CHUNK];
    return chunk ? chunk->pages[offset / PAGE % CHUNK] : NULL;
}

/* What lies behind the end of the image is left out. `bytes` NULL: zeros. */
static int image_write(struct image *image, uint64_t offset, const uint8_t *bytes, uint64_t len)
{
    if (offset >= image->size)
        return 0;
    if (len > image->size - offset)
        len = image->size - offset;
    while (len) {
        size_t at = offset % PAGE, n = len < PAGE - at ? (size_t)len : PAGE - at;
        uint8_t *page = own_page(image, (size_t)(offset / PAGE));
        if (!page)
            return LT_ENOMEM;
        if (bytes)
            memcpy(page + at, bytes, n);
        else
            memset(page + at, 0, n);
        bytes = bytes ? bytes + n : NULL;
        offset += n;
        len -= n;
    }
    return 0;
}

static void image_read(const struct image *image, uint64_t offset, uint8_t *buf, size_t len)
{
    while (len) {
        size_t at = offset % PAGE, n = len < PAGE - at ? len : PAGE - at;
        const struct page *page = find_page(image, offset);
        if (page)
            memcpy(buf, page->bytes + at, n);
        else
            memset(buf, 0, n);
        buf += n;
        offset += n;
        len -= n;
    }
}

static int image_resize(struct image *image, uint64_t size)
{
    size_t count = chunks_of(size);
    uint64_t end = (uint64_t)count * CHUNK * PAGE; /* up to there it may be grown again */
    if (size < image->size) {
        int r = image_write(image, size, NULL, (end < image->size ? end : image->size) - size);
        if (r < 0)
            return r;
    }
    struct chunk **chunks = malloc((count + 1) * sizeof(*chunks));
    if (!chunks)
        return LT_ENOMEM;
    for (size_t i = 0; i < count; i++)
        chunks[i] = i < image->count ? image->chunks[i] : NULL;
    for (size_t i = count; i < image->count; i++)
        chunk_put(image->chunks[i]);
    free(image->chunks);
    *image = (struct image){size, count, chunks};
    return 0;
}

/* ---- Chance -------------------------------------------------------------------------------- */

/* SplitMix64: any two inputs give unrelated numbers. */
static uint64_t mix(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

enum leftover { OLD_BYTES, ZEROS, RUBBISH };

/* All pages of the range share one. */
static int write_rubbish(struct image *image, uint64_t offset, uint64_t len, uint64_t chance)
{
    if (offset >= image->size)
        return 0;
    if (len > image->size - offset)
        len = image->size - offset;
    struct page *page = malloc(sizeof(*page));
    if (!page)
        return LT_ENOMEM;
    atomic_init(&page->refs, 1);
    for (size_t i = 0; i < PAGE; i++)
        page->bytes[i] = (uint8_t)((chance = mix(chance)) >> 32);
    int r = 0;
    for (uint64_t at = offset, n; r == 0 && at < offset + len; at += n) {
        n = PAGE - at % PAGE;
        if (n > offset + len - at)
            n = offset + len - at;
        struct chunk *chunk = n == PAGE ? own_chunk(image, (size_t)(at / PAGE / CHUNK)) : NULL;
        if (chunk) {
            struct page **place = &chunk->pages[at / PAGE % CHUNK];
            page_put(*place);
            *place = page;
            atomic_fetch_add(&page->refs, 1);
        } else {
            r = image_write(image, at, page->bytes, n);
        }
    }
    page_put(page);
    return r;
}

static int apply_discard(struct image *image, const struct record *r, enum leftover what,
                         uint64_t chance)
{
    if (what == OLD_BYTES)
        return 0;
    if (what == ZEROS)
        return image_write(image, r->offset, NULL, r->len);
    return write_rubbish(image, r->offset, r->len, chance);
}

/* Applies a call that is sure to have happened. */
static int apply(struct image *image, const struct record *r, enum leftover discarded,
                 uint64_t chance)
{
    switch (r->call) {
    case WRITE:
        return image_write(image, r->offset, r->bytes, r->len);
    case DISCARD:
        return apply_discard(image, r, discarded, chance);
    case RESIZE:
        return image_resize(image, r->offset);
    default:
        return 0;
    }
}

/* The sectors of a write that `chance` picks. */
static int apply_torn(struct image *image, const struct record *r, uint64_t chance)
{
    uint64_t next;
    int error = 0;
    for (uint64_t at = 0; error == 0 && at < r->len; at = next) {
        next = at + LT_SIM_SECTOR - (r->offset + at) % LT_SIM_SECTOR;
        if (next > r->len)
            next = r->len;
        chance = mix(chance);
        if (chance & 1)
            error = image_write(image, r->offset + at, r->bytes + at, next - at);
    }
    return error;
}

/* Applies a call that no flush covers. */
static int apply_maybe(struct image *image, const struct record *r, uint64_t time, uint64_t seed)
{
    if (seed <= 1)
        return seed == 0 ? apply(image, r, ZEROS, 0) : 0;
    /* The seed also chooses how likely it is that a call left something. */
    static const uint8_t likely[8] = {2, 8, 16, 32, 48, 56, 62, 63};
    uint64_t chance = mix(seed ^ mix(time));
    if (chance % 64 >= likely[mix(seed) % 8])
        return 0;
    if (r->call == WRITE && r->len > LT_SIM_SECTOR && (chance >> 8) % 4 == 0)
        return apply_torn(image, r, chance);
    return apply(image, r, (enum leftover)((chance >> 16) % 3), chance);
}

/* ---- Recording ----------------------------------------------------------------------------- */

/* 0, or the error that this call was told to have. */
static int fate(struct sim_device *sim)
{
    if (sim->fail_in == 0 || --sim->fail_in > 0)
        return 0;
    if (sim->fail_for_good)
        sim->fail_in = 1;
    return sim->fail_error;
}

static int add_record(struct sim_device *sim, struct record record)
{
    uint64_t held = sim->count - sim->forgotten;
    if (held == sim->room) {
        uint64_t room = sim->room ? 2 * sim->room : 64;
        struct record *grown = realloc(sim->records, room * sizeof(*grown));
        if (!grown)
            return LT_ENOSPC;
        sim->records = grown;
        sim->room = room;
    }
    sim->records[held] = record;
    sim->count++;
    return 0;
}

/* Records a call and lets it happen. Takes the record's bytes. */
static int happen(struct sim_device *sim, struct record record)
{
    int r = add_record(sim, record);
    if (r < 0) {
        free(record.bytes);
        return r;
    }
    return apply(&sim->live, &record, RUBBISH, mix(sim->count)) < 0 ? LT_ENOSPC : 0;
}

static bool is_inside(const struct sim_device *sim, uint64_t offset, uint64_t len)
{
    return offset <= sim->live.size && len <= sim->live.size - offset;
}

/* ---- The device ---------------------------------------------------------------------------- */

static uint64_t sim_size(struct lt_device *dev)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    uint64_t size = sim->live.size;
    lt_mutex_unlock(&sim->lock);
    return size;
}

static int sim_read(struct lt_device *dev, uint64_t offset, void *buf, size_t len)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    int r = is_inside(sim, offset, len) ? fate(sim) : LT_EINVAL;
    if (r == 0)
        image_read(&sim->live, offset, buf, len);
    lt_mutex_unlock(&sim->lock);
    return r;
}

static uint8_t *gather(const struct lt_seg *segs, size_t count, uint64_t *ret_len)
{
    uint64_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += segs[i].len;
    uint8_t *bytes = malloc(len + 1), *to = bytes;
    for (size_t i = 0; bytes && i < count; i++) {
        if (segs[i].len)
            memcpy(to, segs[i].base, segs[i].len);
        to += segs[i].len;
    }
    *ret_len = len;
    return bytes;
}

/* Takes the bytes. */
static int write_locked(struct sim_device *sim, uint64_t offset, uint64_t len, uint8_t *bytes)
    REQUIRES(sim->lock)
{
    if (!is_inside(sim, offset, len)) {
        free(bytes);
        return LT_EINVAL;
    }
    int r = fate(sim);
    if (r < 0) /* a part of it got through */
        len = len * (mix(sim->count) % 4) / 4;
    int happened =
        happen(sim, (struct record){.call = WRITE, .offset = offset, .len = len, .bytes = bytes});
    return r < 0 ? r : happened;
}

/* What was just written is durable. */
static int settle_locked(struct sim_device *sim) REQUIRES(sim->lock)
{
    int r = fate(sim);
    if (r < 0)
        return r == LT_ENOSPC ? LT_EIO : r;
    r = happen(sim, (struct record){.call = SETTLE});
    if (r == 0)
        sim->records[sim->count - sim->forgotten - 2].settled = true;
    return r;
}

/* Through: that is two calls, and a cut between them leaves any part of what was written. */
static int put(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs, size_t count,
               bool through)
{
    struct sim_device *sim = sim_of(dev);
    uint64_t len;
    uint8_t *bytes = gather(segs, count, &len);
    if (!bytes)
        return LT_ENOSPC;
    lt_mutex_lock(&sim->lock);
    int r = write_locked(sim, offset, len, bytes);
    if (r == 0 && through)
        r = settle_locked(sim);
    lt_mutex_unlock(&sim->lock);
    return r;
}

static int sim_write(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                     size_t count)
{
    return put(dev, offset, segs, count, false);
}

static int sim_write_through(struct lt_device *dev, uint64_t offset, const struct lt_seg *segs,
                             size_t count)
{
    return put(dev, offset, segs, count, true);
}

static int sim_flush(struct lt_device *dev)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    int r = fate(sim);
    if (r == 0)
        r = happen(sim, (struct record){.call = FLUSH});
    lt_mutex_unlock(&sim->lock);
    return r;
}

static int sim_discard(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    int r = is_inside(sim, offset, len) ? fate(sim) : LT_EINVAL;
    if (r == 0)
        r = happen(sim, (struct record){.call = DISCARD, .offset = offset, .len = len});
    lt_mutex_unlock(&sim->lock);
    return r;
}

static int sim_reserve(struct lt_device *dev, uint64_t offset, uint64_t len)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    int r = is_inside(sim, offset, len) ? fate(sim) : LT_EINVAL;
    lt_mutex_unlock(&sim->lock);
    return r;
}

static int sim_resize(struct lt_device *dev, uint64_t size)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    int r = fate(sim);
    if (r == 0)
        r = happen(sim, (struct record){.call = RESIZE, .offset = size});
    lt_mutex_unlock(&sim->lock);
    return r;
}

static void drop_records(struct sim_device *sim)
{
    for (uint64_t i = 0; i < sim->count - sim->forgotten; i++)
        free(sim->records[i].bytes);
    sim->forgotten = sim->count;
}

static void sim_close(struct lt_device *dev)
{
    struct sim_device *sim = sim_of(dev);
    drop_records(sim);
    free(sim->records);
    image_fini(&sim->live);
    image_fini(&sim->durable);
    image_fini(&sim->origin);
    free(sim);
}

static const struct lt_device_ops sim_ops = {
    .size = sim_size,
    .read = sim_read,
    .write = sim_write,
    .write_through = sim_write_through,
    .flush = sim_flush,
    .discard = sim_discard,
    .reserve = sim_reserve,
    .resize = sim_resize,
    .close = sim_close,
};

/* A device that begins as a copy of `image`. */
static int open_copy(const struct image *image, struct lt_device **ret)
{
    struct sim_device *sim = calloc(1, sizeof(*sim));
    if (!sim)
        return LT_ENOMEM;
    sim->dev.ops = &sim_ops;
    if (image_copy(image, &sim->live) < 0 || image_copy(image, &sim->durable) < 0 ||
        image_copy(image, &sim->origin) < 0) {
        sim_close(&sim->dev);
        return LT_ENOMEM;
    }
    *ret = &sim->dev;
    return 0;
}

int lt_device_open_sim(uint64_t size, struct lt_device **ret)
{
    struct image empty = {0};
    int r = image_resize(&empty, size);
    if (r == 0)
        r = open_copy(&empty, ret);
    image_fini(&empty);
    return r;
}

/* ---- History ------------------------------------------------------------------------------- */

uint64_t lt_sim_time(struct lt_device *dev)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    uint64_t time = sim->count;
    lt_mutex_unlock(&sim->lock);
    return time;
}

bool lt_sim_is_flush(struct lt_device *dev, uint64_t time)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    bool known = time >= sim->forgotten && time < sim->count;
    bool yes = known && sim->records[time - sim->forgotten].call == FLUSH;
    lt_mutex_unlock(&sim->lock);
    return yes;
}

/* Brings `durable` to what was durable for sure after `time` calls. */
static int move_durable(struct sim_device *sim, uint64_t time)
{
    int r = 0;
    if (time < sim->durable_time) {
        struct image again;
        r = image_copy(&sim->origin, &again);
        if (r < 0)
            return r;
        image_fini(&sim->durable);
        sim->durable = again;
        sim->durable_time = sim->forgotten;
    }
    uint64_t end = time; /* behind the last flush */
    while (end > sim->durable_time && sim->records[end - 1 - sim->forgotten].call != FLUSH)
        end--;
    for (uint64_t t = sim->durable_time; r == 0 && t < end; t++) {
        /* A discard may have any outcome; which one is settled here for all seeds. */
        r = apply(&sim->durable, &sim->records[t - sim->forgotten], (enum leftover)(mix(t) % 3),
                  mix(t));
        sim->durable_time = t + 1;
    }
    return r;
}

/* Applies a call that no flush covers, but maybe one of its own did before the cut at `time`. */
static int apply_cut(struct image *image, const struct record *r, uint64_t t, uint64_t time,
                     uint64_t seed)
{
    if (r->settled && t + 1 < time)
        return apply(image, r, ZEROS, 0);
    return apply_maybe(image, r, t, seed);
}

static int cut_locked(struct sim_device *sim, uint64_t time, uint64_t seed, struct lt_device **ret)
    REQUIRES(sim->lock)
{
    if (time > sim->count || time < sim->forgotten)
        return LT_EINVAL;
    struct image image;
    int r = move_durable(sim, time);
    if (r == 0)
        r = image_copy(&sim->durable, &image);
    if (r < 0)
        return r;
    for (uint64_t t = sim->durable_time; r == 0 && t < time; t++)
        r = apply_cut(&image, &sim->records[t - sim->forgotten], t, time, seed);
    if (r == 0)
        r = open_copy(&image, ret);
    image_fini(&image);
    return r;
}

int lt_sim_cut(struct lt_device *dev, uint64_t time, uint64_t seed, struct lt_device **ret)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    int r = cut_locked(sim, time, seed, ret);
    lt_mutex_unlock(&sim->lock);
    return r;
}

void lt_sim_fail(struct lt_device *dev, uint64_t nth, int error, bool for_good)
{
    struct sim_device *sim = sim_of(dev);
    lt_mutex_lock(&sim->lock);
    sim->fail_in = nth;
    sim->fail_error = error;
    sim->fail_for_good = for_good;
    lt_mutex_unlock(&sim->lock);
}

void lt_sim_forget(struct lt_device *dev)
{
    struct sim_device *sim = sim_of(dev);
    struct image durable = {0}, origin = {0};
    lt_mutex_lock(&sim->lock);
    if (image_copy(&sim->live, &durable) == 0 && image_copy(&sim->live, &origin) == 0) {
        drop_records(sim);
        image_fini(&sim->durable);
        image_fini(&sim->origin);
        sim->durable = durable;
        sim->origin = origin;
        sim->durable_time = sim->count;
    } else {
        image_fini(&durable);
    }
    lt_mutex_unlock(&sim->lock);
}
