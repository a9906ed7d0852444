// SPDX-License-Identifier: MIT
/* The volume: opening from options, its facts, and the table of operations. */
#include "mem.h"

#include "backed.h"
#include "dir.h"
#include "ext.h"
#include "ops.h"

#include <assert.h>
#include <base/options.h>
#include <base/unicode.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGES_AT_ONCE 64u

/* ---- The volume as a whole ----------------------------------------------------------------- */

/* All memory of nodes is the arena's: nothing has to be walked. */
static int mem_close(struct lt_fs *base)
{
    struct mem_fs *fs = mem_fs(base);
    assert(atomic_load(&base->root->refs) == 1);
    lt_fs_fini(base);
    mem_arena_fini(&fs->arena);
    mem_backed_fs_fini(fs);
    free(fs);
    return 0;
}

static void mem_volume(struct lt_fs *base, struct lt_volume *ret)
{
    struct mem_fs *fs = mem_fs(base);
    lt_mutex_lock(&fs->label_lock);
    *ret = fs->volume;
    lt_mutex_unlock(&fs->label_lock);
}

static int mem_set_label(const struct lt_ctx *ctx, struct lt_fs *base, struct lt_str label)
{
    (void)ctx;
    struct mem_fs *fs = mem_fs(base);
    lt_mutex_lock(&fs->label_lock);
    if (label.len > 0)
        memcpy(fs->volume.label, label.s, label.len);
    fs->volume.label[label.len] = 0;
    lt_mutex_unlock(&fs->label_lock);
    return 0;
}

static int mem_statfs(const struct lt_ctx *ctx, struct lt_fs *base, struct lt_statfs *ret)
{
    (void)ctx;
    struct mem_fs *fs = mem_fs(base);
    struct mem_arena_facts facts;
    mem_arena_facts(&fs->arena, &facts);
    uint64_t backed = mem_backed_used(fs) / MEM_PAGE, data = facts.data_pages + backed;
    uint64_t used = data + facts.meta_pages, total = mem_backed_total(fs);
    *ret = (struct lt_statfs){
        .total = total * MEM_PAGE,
        .used = used * MEM_PAGE,
        .free = (total - used) * MEM_PAGE,
        .available = (total - used) * MEM_PAGE,
        .data = data * MEM_PAGE,
        .metadata = facts.meta_pages * MEM_PAGE,
        .nodes = mem_ids_count(&fs->ids),
        .nodes_max = fs->ids.max,
        .block_size = MEM_PAGE,
        .name_max = LT_NAME_UNITS_MAX,
    };
    return 0;
}

/* There is nothing more durable than memory here. */
static int mem_sync_fs(const struct lt_ctx *ctx, struct lt_fs *base)
{
    (void)ctx;
    (void)base;
    return 0;
}

static int mem_sync(const struct lt_ctx *ctx, struct lt_node *node, bool data_only)
{
    (void)ctx;
    (void)node;
    (void)data_only;
    return 0;
}

static int mem_by_id(const struct lt_ctx *ctx, struct lt_fs *base, uint64_t id, uint32_t generation,
                     struct lt_node **ret)
{
    (void)ctx;
    struct mem_fs *fs = mem_fs(base);
    struct mem_node *node = NULL;
    if (generation == fs->generation || generation == 0)
        node = mem_ids_find(&fs->ids, id);
    if (!node)
        return LT_ESTALE;
    *ret = &node->base;
    return 0;
}

static int mem_facts(struct lt_fs *base, int (*fn)(void *arg, const char *name, uint64_t value),
                     void *arg)
{
    struct mem_fs *fs = mem_fs(base);
    struct mem_arena_facts arena;
    struct mem_slab_facts slabs;
    mem_arena_facts(&fs->arena, &arena);
    mem_slab_facts(&fs->arena, &slabs);
    lt_mutex_lock(&fs->security.lock);
    uint64_t descriptors = fs->security.tree.count;
    lt_mutex_unlock(&fs->security.lock);
    const struct {
        const char *name;
        uint64_t value;
    } facts[] = {
        {"arena_bytes", arena.chunks * MEM_CHUNK_SIZE},
        {"arena_chunks", arena.chunks},
        {"data_pages", arena.data_pages},
        {"metadata_pages", arena.meta_pages},
        {"backed_bytes", mem_backed_used(fs)},
        {"loaned_pages", arena.loaned_pages},
        {"returnable_bytes", arena.dirty_pages * MEM_PAGE},
        {"slab_pages", slabs.pages},
        {"slab_objects", slabs.objects},
        {"slab_slack_bytes", slabs.slack},
        {"security_descriptors", descriptors},
    };
    for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++) {
        int result = fn(arg, facts[i].name, facts[i].value);
        if (result != 0)
            return result;
    }
    return 0;
}

/* ---- Pages for fronts ---------------------------------------------------------------------- */

static int mem_pages_get(struct lt_fs *base, struct lt_seg *segs, size_t count)
{
    struct mem_fs *fs = mem_fs(base);
    void *pages[PAGES_AT_ONCE];
    size_t done = 0;
    while (done < count) {
        size_t want = count - done < PAGES_AT_ONCE ? count - done : PAGES_AT_ONCE;
        int got = mem_pages_alloc(&fs->arena, MEM_DATA, pages, want, MEM_LOAN);
        for (int i = 0; i < got; i++)
            segs[done++] = (struct lt_seg){pages[i], MEM_PAGE};
        if (got < (int)want)
            break;
    }
    return (int)done;
}

static void mem_pages_put(struct lt_fs *base, struct lt_seg *segs, size_t count)
{
    struct mem_fs *fs = mem_fs(base);
    void *pages[PAGES_AT_ONCE];
    size_t held = 0;
    for (size_t i = 0; i < count; i++) {
        if (!segs[i].base)
            continue;
        pages[held++] = segs[i].base;
        segs[i].base = NULL;
        if (held == PAGES_AT_ONCE) {
            mem_pages_free(&fs->arena, pages, held, MEM_LOAN);
            held = 0;
        }
    }
    mem_pages_free(&fs->arena, pages, held, MEM_LOAN);
}

static const struct lt_fs_ops ops = {
    .close = mem_close,
    .volume = mem_volume,
    .set_label = mem_set_label,
    .statfs = mem_statfs,
    .sync_fs = mem_sync_fs,
    .node = mem_by_id,
    .facts = mem_facts,
    .pages_get = mem_pages_get,
    .pages_put = mem_pages_put,
    .release = mem_node_release,
    .lookup = mem_lookup,
    .parent = mem_parent,
    .create = mem_create,
    .link = mem_link,
    .remove = mem_remove,
    .rename = mem_rename,
    .readlink = mem_readlink,
    .readdir = mem_readdir,
    .readdir_after = mem_readdir_after,
    .names = mem_names,
    .getattr = mem_getattr,
    .setattr = mem_setattr,
    .sync = mem_sync,
    .read = mem_read,
    .write = mem_write,
    .allocate = mem_allocate,
    .seek = mem_seek,
    .copy_range = mem_copy_range,
    .backing_get = mem_backing_get,
    .backing_put = mem_backing_put,
    .xattr_get = mem_xattr_get,
    .xattr_set = mem_xattr_set,
    .xattr_remove = mem_xattr_remove,
    .xattr_list = mem_xattr_list,
    .stream_open = mem_stream_open,
    .stream_remove = mem_stream_remove,
    .stream_rename = mem_stream_rename,
    .stream_list = mem_stream_list,
    .ea_set = mem_ea_set,
    .ea_list = mem_ea_list,
    .reparse_set = mem_reparse_set,
    .reparse_get = mem_reparse_get,
    .reparse_remove = mem_reparse_remove,
    .security_set = mem_security_set,
    .security_get = mem_security_read,
};

/* ---- Opening ------------------------------------------------------------------------------- */

struct options {
    uint64_t size, nodes, serial, mode, uid, gid;
    int name_case;
    bool read_only;
    char label[3 * LT_LABEL_UNITS_MAX + 1];
    char fs_name[32];
};

static const char *const cases[] = {"sensitive", "insensitive", NULL};

/* The values must fit the volume. */
static int check_options(const struct options *o, struct lt_diag *diag)
{
    struct lt_str label = lt_str(o->label);
    if (!lt_utf8_valid(label) || lt_utf8_units(label) > LT_LABEL_UNITS_MAX)
        return lt_diag_set(diag, LT_EINVAL, "label: more than %u characters, or not UTF-8",
                           LT_LABEL_UNITS_MAX);
    return 0;
}

static int parse_options(const char *text, struct options *o, struct lt_diag *diag)
{
    const uint64_t memory = lt_memory_total();
    *o = (struct options){.size = memory / 2, .mode = 0755, .fs_name = "LINTEL"};
    o->serial = (uint32_t)lt_hash_u64((uint64_t)lt_clock_now().sec ^ lt_clock_ns());
    const struct lt_option table[] = {
        {.name = "size", .type = LT_OPTION_SIZE, .value = &o->size, .percent_of = memory},
        {.name = "nodes", .type = LT_OPTION_SIZE, .value = &o->nodes},
        {.name = "case", .type = LT_OPTION_CHOICE, .value = &o->name_case, .choices = cases},
        {.name = "label",
         .type = LT_OPTION_STRING,
         .value = o->label,
         .capacity = sizeof(o->label)},
        {.name = "fsname",
         .type = LT_OPTION_STRING,
         .value = o->fs_name,
         .capacity = sizeof(o->fs_name)},
        {.name = "serial", .type = LT_OPTION_NUMBER, .value = &o->serial, .max = UINT32_MAX},
        {.name = "mode", .type = LT_OPTION_NUMBER, .value = &o->mode, .max = LT_S_PERM},
        {.name = "uid", .type = LT_OPTION_NUMBER, .value = &o->uid, .max = UINT32_MAX - 1},
        {.name = "gid", .type = LT_OPTION_NUMBER, .value = &o->gid, .max = UINT32_MAX - 1},
        {.name = "ro", .type = LT_OPTION_FLAG, .value = &o->read_only},
        {.name = NULL},
    };
    int error = lt_options_parse(text, table, NULL, NULL, diag);
    if (error)
        return error;
    if (o->size == 0)
        o->size = memory;
    return check_options(o, diag);
}

static int make_root(struct mem_fs *fs, const struct options *o) NO_THREAD_SAFETY_ANALYSIS
{
    struct lt_create spec = {
        .mode = LT_S_IFDIR | (uint32_t)o->mode,
        .uid = (uint32_t)o->uid,
        .gid = (uint32_t)o->gid,
    };
    struct mem_node *root;
    int error = mem_ids_init(&fs->ids, &fs->arena, o->nodes);
    if (!error)
        error = mem_node_new(fs, &spec, &root);
    if (error)
        return error;
    root->nlink = 2;
    fs->base.root = &root->base;
    return 0;
}

static void describe(struct mem_fs *fs, const struct options *o)
{
    struct lt_volume *v = &fs->volume;
    v->serial = (uint32_t)o->serial;
    v->created = lt_clock_now();
    v->name_case = fs->name_case = o->name_case ? LT_CASE_INSENSITIVE : LT_CASE_SENSITIVE;
    v->read_only = fs->base.read_only = o->read_only;
    v->has_windows = true;
    (void)snprintf(v->kind, sizeof(v->kind), "mem");
    (void)snprintf(v->fs_name, sizeof(v->fs_name), "%s", o->fs_name);
    (void)snprintf(v->label, sizeof(v->label), "%s", o->label);
}

/* fs is zeroed memory. */
static int init(struct mem_fs *fs, const struct options *o)
{
    struct {
        struct lt_hash_key key;
        uint32_t generation;
    } random;
    int error = lt_random(&random, sizeof(random));
    if (!error)
        error = lt_fs_init(&fs->base, &ops);
    if (error)
        return error;
    fs->hash_key = random.key;
    fs->generation = random.generation;
    mem_arena_init(&fs->arena, o->size / MEM_PAGE);
    mem_backed_fs_init(fs);
    mem_slab_init(&fs->arena);
    describe(fs, o);
    error = make_root(fs, o);
    if (error) {
        mem_arena_fini(&fs->arena);
        lt_fs_fini(&fs->base);
    }
    return error;
}

int lt_memfs_open(const char *options, struct lt_fs **ret, struct lt_diag *diag)
{
    struct options o;
    int error = parse_options(options, &o, diag);
    if (error)
        return error;
    struct mem_fs *fs = calloc(1, sizeof(*fs));
    if (!fs)
        return lt_diag_set(diag, LT_ENOMEM, "mem: %s", lt_error_text(LT_ENOMEM));
    error = init(fs, &o);
    if (error) {
        free(fs);
        return lt_diag_set(diag, error, "mem: a volume of %llu bytes: %s",
                           (unsigned long long)o.size, lt_error_text(error));
    }
    *ret = &fs->base;
    return 0;
}
