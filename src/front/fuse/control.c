// SPDX-License-Identifier: MIT
/* system.lintel.NAME of the root: how `lintel info` and `lintel save` reach the server. */
#include "handlers.h"

#include <stdlib.h>
#include <wire/fuse/lintel.h>

bool control_is_name(const struct call *c)
{
    size_t prefix = strlen(CONTROL_PREFIX);
    return c->node->id == LT_ROOT_ID && c->req.name.len > prefix &&
           memcmp(c->req.name.s, CONTROL_PREFIX, prefix) == 0;
}

/* The NAME, NUL-terminated as the decoder checked. */
static const char *control_name(const struct call *c)
{
    return c->req.name.s + strlen(CONTROL_PREFIX);
}

static int get_text(struct call *c, char **ret)
{
    const struct lt_mount_options *o = &c->s->options;
    if (o->control_get)
        return o->control_get(o->arg, control_name(c), ret);
    return strcmp(control_name(c), "info") == 0 ? lt_session_stats(c->s, ret) : LT_ENODATA;
}

/* A text may grow between the call that asks for its length and the one that fetches it. */
static size_t length_to_reserve(size_t len)
{
    size_t reserve = len + len / 4 + 1024;
    return reserve < LT_XATTR_SIZE_MAX ? reserve : LT_XATTR_SIZE_MAX;
}

int control_get(struct call *c)
{
    char *text;
    uint32_t size = c->req.args.getxattr.size;
    if (private_peer(c->s) && lt_str_equal(c->req.name, lt_str(LT_LINTEL_VOLUME_XATTR)))
        return private_volume(c);
    int r = get_text(c, &text);
    if (r < 0)
        return r;
    size_t len = strlen(text);
    if (size == 0) {
        struct lt_fuse_getxattr_out out = {.size = (uint32_t)length_to_reserve(len)};
        reply_bytes(c, &out, sizeof(out));
    } else if (len <= size) {
        reply_bytes(c, text, len);
    } else {
        r = LT_ERANGE;
    }
    free(text);
    return r < 0 ? r : 0;
}

static int may_control(struct call *c)
{
    struct lt_attr attr;
    int r = lt_node_getattr(&c->ctx, c->node, &attr);
    if (r < 0)
        return r;
    view_attr(c->s, c->node, &attr);
    return c->ctx.uid == 0 || c->ctx.uid == attr.uid ? 0 : LT_EPERM;
}

int control_set(struct call *c)
{
    const struct lt_mount_options *o = &c->s->options;
    int r = may_control(c);
    if (r < 0)
        return r;
    if (o->control_set == NULL)
        return LT_ENODATA;
    char *text = malloc(c->req.data.len + 1);
    if (text == NULL)
        return LT_ENOMEM;
    memcpy(text, c->req.data.s, c->req.data.len);
    text[c->req.data.len] = 0;
    r = o->control_set(o->arg, control_name(c), text);
    free(text);
    return r < 0 ? r : 0;
}

static void put_stats(struct lt_session *s, struct lt_json *j, struct lt_stats *const *stats)
{
    lt_json_object(j, NULL);
    lt_session_features_json(s, j);
    lt_json_u64(j, "nodes", lt_nodes_count(&s->nodes));
    lt_json_u64(j, "polls", atomic_load(&s->channel->polls));
    lt_json_u64(j, "sleeps", atomic_load(&s->channel->sleeps));
    lt_json_u64(j, "reply_failures", atomic_load(&s->reply_failures));
    lt_stats_json(j, stats, s->worker_count);
    lt_json_object_end(j);
}

int lt_session_stats(struct lt_session *s, char **ret_json)
{
    struct lt_buffer buffer = {0};
    struct lt_json j;
    struct lt_stats **stats = calloc(s->worker_count, sizeof(struct lt_stats *));
    if (stats == NULL)
        return LT_ENOMEM;
    for (unsigned i = 0; i < s->worker_count; i++)
        stats[i] = &s->workers[i].stats;
    lt_json_init(&j, lt_buffer_write, &buffer, false);
    put_stats(s, &j, stats);
    free(stats);
    if (j.error) {
        free(buffer.text);
        return j.error;
    }
    *ret_json = buffer.text;
    return 0;
}
