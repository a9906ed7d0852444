// SPDX-License-Identifier: MIT
/* An image as text for people: what lies where, and what is wrong with it on the way. */
#include "census.h"
#include "check.h"

#include <device/file.h>
#include <fs/image/store/varint.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_SHOWN 80u  /* bytes of a name */
#define VALUE_SHOWN 24u /* bytes of a value that is not taken apart */

struct dump {
    int (*fn)(void *arg, const char *line);
    void *arg;
    int stopped; /* what fn said */
    struct img_view *view;
    bool items;
};

static void say(struct dump *d, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct dump *d, const char *format, ...)
{
    char line[1024];
    va_list args;
    if (d->stopped)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    d->stopped = d->fn(d->arg, line);
}

/* ---- Items --------------------------------------------------------------------------------- */

static const char *kind_name(uint8_t kind)
{
    static const char *const names[] = {
        [IMG_INODE] = "INODE",       [IMG_ENTRY] = "ENTRY",   [IMG_LINK] = "LINK",
        [IMG_XATTR] = "XATTR",       [IMG_STREAM] = "STREAM", [IMG_EA] = "EA",
        [IMG_REPARSE] = "REPARSE",   [IMG_TARGET] = "TARGET", [IMG_INLINE] = "INLINE",
        [IMG_EXTENT] = "EXTENT",     [IMG_SPACE] = "SPACE",   [IMG_ORPHAN] = "ORPHAN",
        [IMG_SECURITY] = "SECURITY", [IMG_LABEL] = "LABEL",   [IMG_VOLUME] = "VOLUME"};
    return kind < sizeof(names) / sizeof(names[0]) && names[kind] ? names[kind] : "unknown";
}

/* Bytes as text: what is not printable becomes \xNN. */
static void escape(char *buf, size_t size, const void *bytes, size_t len)
{
    const uint8_t *p = bytes;
    size_t at = 0;
    for (size_t i = 0; i < len && at + 5 < size; i++) {
        bool plain = p[i] >= ' ' && p[i] < 0x7f && p[i] != '\\';
        at += (size_t)snprintf(buf + at, size - at, plain ? "%c" : "\\x%02x", p[i]);
    }
    buf[at] = 0;
}

static void inode_text(const struct img_inode *inode, char *buf, size_t size)
{
    int n = snprintf(buf, size,
                     "mode %06o nlink %" PRIu32 " owner %" PRIu32 ":%" PRIu32 " size %" PRIu64
                     " blocks %" PRIu64 " version %" PRIu64 " parent %" PRIu64 " entry %#" PRIx64,
                     inode->mode, inode->nlink, inode->uid, inode->gid, inode->size, inode->blocks,
                     inode->version, inode->parent, inode->entry);
    if (n > 0 && (size_t)n < size && inode->has)
        snprintf(buf + n, size - (size_t)n, " has %#" PRIx32, inode->has);
}

static void extent_text(const void *value, size_t len, uint32_t check_size, char *buf, size_t size)
{
    struct img_extent e;
    if (img_extent_decode(value, len, check_size, &e) < 0)
        snprintf(buf, size, "does not decode");
    else
        snprintf(buf, size, "%" PRIu64 " blocks at %" PRIu64 " birth %" PRIu64 "%s", e.count,
                 e.block, e.birth, e.unwritten ? " unwritten" : "");
}

static void entry_text(const struct img_item *item, char *buf, size_t size)
{
    char name[4 * NAME_SHOWN + 8];
    struct img_name e;
    if (img_name_decode(item, &e) < 0) {
        snprintf(buf, size, "does not decode");
        return;
    }
    escape(name, sizeof(name), e.name.s, e.name.len < NAME_SHOWN ? e.name.len : NAME_SHOWN);
    snprintf(buf, size, "object %" PRIu64 " type %02o \"%s\"%s", e.child, e.type, name,
             e.name.len > NAME_SHOWN ? "..." : "");
}

static void item_text(struct dump *d, const struct img_item *item, char *buf, size_t size)
{
    struct img_inode inode;
    uint64_t dir, entry;
    bool of_object = item->key.id != IMG_ID_VOLUME;
    if (of_object && (item->key.kind == IMG_ENTRY || item->key.kind == IMG_STREAM)) {
        entry_text(item, buf, size);
    } else if (item->key.kind == IMG_EXTENT) {
        extent_text(item->value, item->len, d->view->super.data_check_size, buf, size);
    } else if (item->key.kind == IMG_INODE &&
               img_inode_decode(item->value, item->len, &inode) == 0) {
        inode_text(&inode, buf, size);
    } else if (item->key.kind == IMG_LINK && img_link_decode(item, &dir, &entry) == 0) {
        snprintf(buf, size, "directory %" PRIu64 " entry %#" PRIx64, dir, entry);
    } else {
        escape(buf, size, item->value, item->len < VALUE_SHOWN ? item->len : VALUE_SHOWN);
    }
}

static void dump_item(struct dump *d, const char *word, const struct img_item *item)
{
    char text[600];
    item_text(d, item, text, sizeof(text));
    say(d, "  %s%" PRIu64 " %s %#" PRIx64 " (%zu): %s", word, item->key.id,
        kind_name(item->key.kind), item->key.off, item->len, text);
}

/* ---- Structures ---------------------------------------------------------------------------- */

static void dump_super(struct dump *d)
{
    const struct img_super *s = &d->view->super;
    say(d, "superblock: generation %" PRIu64 " epoch %#" PRIx64 " %s", s->generation, s->epoch,
        s->clean ? "clean" : "not clean");
    say(d, "  blocks %" PRIu64 " of %" PRIu32 " bytes, free %" PRIu64 ", data checks %u, case %u",
        s->blocks, s->block_size, s->free_blocks, s->data_check_size, s->name_case);
    say(d, "  root %" PRIu64 " birth %" PRIu64 " level %u", s->root.block, s->root.birth,
        s->root.level);
    say(d, "  log %" PRIu64 " + %" PRIu64 ", starts at %" PRIu64 " with %" PRIu64, s->log_block,
        s->log_blocks, s->log_start, s->log_sequence);
    say(d, "  next id %" PRIu64 ", nodes %" PRIu64 " of %" PRIu64 " (with the log)", s->next_id,
        s->nodes, s->nodes_max);
}

static void dump_log_item(struct dump *d, struct img_reader *r, unsigned op)
{
    struct img_item item = {.len = 0};
    item.key.id = img_take_varint(r);
    item.key.kind = img_take_u8(r);
    item.key.off = img_take_varint(r);
    if (op == IMG_LOG_PUT)
        item.len = img_take_varint(r);
    item.value = img_take_bytes(r, item.len);
    if (!r->bad && op == IMG_LOG_PUT)
        dump_item(d, "PUT ", &item);
    else if (!r->bad)
        say(d, "  DELETE %" PRIu64 " %s %#" PRIx64, item.key.id, kind_name(item.key.kind),
            item.key.off);
}

static void dump_log_record(struct dump *d, struct img_reader *r)
{
    unsigned op = img_take_u8(r);
    if (op == IMG_LOG_PUT || op == IMG_LOG_DELETE) {
        dump_log_item(d, r, op);
        return;
    }
    uint64_t block = img_take_varint(r), second = img_take_varint(r);
    uint64_t len = op == IMG_LOG_DATA ? img_take_varint(r) : 0;
    img_take_bytes(r, len);
    if (op == IMG_LOG_TAKE || op == IMG_LOG_FREE)
        say(d, "  %s %" PRIu64 " + %" PRIu64, op == IMG_LOG_TAKE ? "TAKE" : "FREE", block, second);
    else if (op == IMG_LOG_DATA)
        say(d, "  DATA block %" PRIu64 " offset %" PRIu64 " length %" PRIu64, block, second, len);
    else
        r->bad = true;
}

static void dump_log(struct dump *d)
{
    for (size_t i = 0; i < d->view->batch_count && !d->stopped; i++) {
        const struct img_batch *b = &d->view->batches[i];
        struct img_reader r = img_reader(b->bytes, b->len);
        say(d, "log batch %" PRIu64 " at %" PRIu64 ": %zu bytes", b->sequence, b->at, b->len);
        img_take_bytes(&r, sizeof(struct img_batch_header));
        while (d->items && !r.bad && img_left(&r) > 0 && !d->stopped)
            dump_log_record(d, &r);
    }
}

static void dump_node(struct dump *d, const struct img_leaf *node, unsigned level)
{
    struct img_page page;
    struct img_page_place place = {d->view->volume, node->block, d->view->super.block_size};
    const char *why;
    if (img_view_block(d->view, node->block, d->view->page) < 0 ||
        img_page_open(d->view->page, &place, &page, &why) < 0 || img_page_verify(&page, &why) < 0)
        return; /* that was said when it was verified */
    say(d, "tree node %" PRIu64 " level %u birth %" PRIu64 ": %u records", node->block, level,
        node->birth, page.count);
    for (unsigned i = 0; i < page.count && d->items && !d->stopped; i++) {
        struct img_item item;
        struct lt_le64 child[2];
        img_page_record(&page, i, &item.key, &item.value, &item.len);
        if (level == 0) {
            dump_item(d, "", &item);
            continue;
        }
        memcpy(child, item.value, sizeof(child));
        say(d, "  %" PRIu64 " %u %#" PRIx64 " -> %" PRIu64 " birth %" PRIu64, item.key.id,
            item.key.kind, item.key.off, lt_get_le64(child[0]), lt_get_le64(child[1]));
    }
}

static void dump_groups(struct dump *d)
{
    for (uint64_t g = 0; g < d->view->groups && !d->stopped; g++) {
        const struct img_group *group = &d->view->group[g];
        if (group->present)
            say(d, "group %" PRIu64 ": bitmap %u birth %" PRIu64 ", %" PRIu32 " free", g,
                group->place, group->birth, group->free);
    }
}

static int tell(void *arg, const struct lt_image_problem *problem)
{
    struct dump *d = arg;
    say(d, "problem %u %s: %s", problem->number, problem->name, problem->text);
    return d->stopped;
}

static int dump_device(struct dump *d, struct lt_device *dev, struct lt_diag *diag)
{
    struct lt_image_check check = {.problem = tell, .arg = d};
    struct lt_image_check_result result = {0};
    struct img_report report = {.check = &check, .result = &result};
    struct img_view view;
    d->view = &view;
    int r = img_view_open(&view, dev, &report, diag);
    if (r == 0) {
        dump_super(d);
        dump_log(d);
        for (size_t i = 0; i < view.inner_count && !d->stopped; i++)
            dump_node(d, &view.inner[i].node, view.inner[i].level);
        r = img_view_verify(&view);
    }
    if (r == 0)
        r = img_view_space(&view);
    if (r == 0) {
        dump_groups(d);
        for (size_t i = 0; i < view.leaf_count && !d->stopped; i++)
            dump_node(d, &view.leaves[i], 0);
    }
    img_view_close(&view);
    return d->stopped ? 0 : r;
}

int img_dump_device(struct lt_device *dev, bool items, int (*fn)(void *arg, const char *line),
                    void *arg, struct lt_diag *diag)
{
    struct dump d = {.fn = fn, .arg = arg, .items = items};
    return dump_device(&d, dev, diag);
}

int lt_image_dump(const char *path, bool items, int (*fn)(void *arg, const char *line), void *arg,
                  struct lt_diag *diag)
{
    struct lt_device *dev;
    int r = lt_device_open_file(path, LT_DEVICE_READ_ONLY, &dev, diag);
    if (r < 0)
        return r;
    r = img_dump_device(dev, items, fn, arg, diag);
    lt_device_close(dev);
    return r;
}
