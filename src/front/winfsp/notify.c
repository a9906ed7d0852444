// SPDX-License-Identifier: MIT
/*
 * What others change: another mount, a program that uses the library, a FUSE server that says so.
 * The driver drops what it keeps of the file, and programs that watch the directory hear of it.
 * What comes through the volume itself the driver knows.
 *
 * Events are only queued by whoever makes the change, who may hold anything; a thread of its own
 * finds the paths and waits for the driver, which takes no notifications while it renames. A file
 * with several names is reported by one of them. What the queue has no room for is lost: the
 * driver then learns of it when its copy gets too old.
 */
#include "symlink.h"

#include <lintel/event.h>
#include <stdlib.h>

#define QUEUE_MAX 65536u /* changes waiting */
#define BUSY_WAIT_NS 2000000u
#define ENTRY_MAX (sizeof(struct lt_fsp_notify_info) + 2 * (size_t)LT_PATH_MAX)

/* FILE_NOTIFY_CHANGE_... and FILE_ACTION_... (MS-FSCC 2.7.1, winnt.h). */
enum {
    CHANGE_FILE_NAME = 0x1,
    CHANGE_DIR_NAME = 0x2,
    CHANGE_ATTRIBUTES = 0x4,
    CHANGE_SIZE = 0x8,
    CHANGE_LAST_WRITE = 0x10,
    CHANGE_LAST_ACCESS = 0x20,
    CHANGE_CREATION = 0x40,
    CHANGE_EA = 0x80,
    CHANGE_SECURITY = 0x100,
    CHANGE_STREAM_NAME = 0x200,
    CHANGE_STREAM_SIZE = 0x400,
    CHANGE_STREAM_WRITE = 0x800
};
#define CHANGE_DATA (CHANGE_SIZE | CHANGE_LAST_WRITE)
#define CHANGE_ATTR                                                                             \
    (CHANGE_ATTRIBUTES | CHANGE_LAST_WRITE | CHANGE_LAST_ACCESS | CHANGE_CREATION | CHANGE_EA | \
     CHANGE_SECURITY)
#define CHANGE_STREAM (CHANGE_STREAM_NAME | CHANGE_STREAM_SIZE | CHANGE_STREAM_WRITE)

enum {
    ACTION_ADDED = 1,
    ACTION_REMOVED = 2,
    ACTION_MODIFIED = 3,
    ACTION_RENAMED_OLD = 4,
    ACTION_RENAMED_NEW = 5,
    ACTION_MODIFIED_STREAM = 8
};

/* A change, with references to its nodes. */
struct note {
    struct note *next;
    enum lt_event_type type;
    struct lt_node *node, *dir, *new_dir;
    char *new_name; /* in `name`, behind its NUL */
    char name[];
};

struct fsp_notifier {
    struct lt_winfsp *v;
    struct lt_subscription *subscription;
    struct lt_mutex lock; /* leaf */
    struct lt_cond wake;
    struct note *first GUARDED_BY(lock), **last GUARDED_BY(lock);
    unsigned count GUARDED_BY(lock);
    bool ended GUARDED_BY(lock);
    struct lt_thread *thread; /* immutable once started */
};

/* ---- Queueing -------------------------------------------------------------------------------- */

static struct lt_node *get(struct lt_node *node)
{
    return node ? lt_node_get(node) : NULL;
}

static struct note *note_new(const struct lt_event *event)
{
    struct note *n = malloc(sizeof(*n) + event->name.len + event->new_name.len + 2);
    if (n == NULL)
        return NULL;
    *n = (struct note){.type = event->type,
                       .node = get(event->node),
                       .dir = get(event->dir),
                       .new_dir = get(event->new_dir),
                       .new_name = n->name + event->name.len + 1};
    if (event->name.len)
        memcpy(n->name, event->name.s, event->name.len);
    n->name[event->name.len] = 0;
    if (event->new_name.len)
        memcpy(n->new_name, event->new_name.s, event->new_name.len);
    n->new_name[event->new_name.len] = 0;
    return n;
}

static void note_free(struct note *n)
{
    if (n == NULL)
        return;
    lt_node_put(n->node);
    lt_node_put(n->dir);
    lt_node_put(n->new_dir);
    free(n);
}

static void on_event(void *arg, const struct lt_event *event)
{
    struct fsp_notifier *q = arg;
    if (event->origin == q->v || event->type == LT_EVENT_VOLUME)
        return;
    struct note *n = note_new(event);
    if (n == NULL)
        return;
    lt_mutex_lock(&q->lock);
    bool keep = q->count < QUEUE_MAX && !q->ended;
    if (keep) {
        *q->last = n;
        q->last = &n->next;
        q->count++;
        lt_cond_wake_one(&q->wake);
    }
    lt_mutex_unlock(&q->lock);
    if (!keep)
        note_free(n);
}

/* The next change, or NULL at the end. */
static struct note *next_note(struct fsp_notifier *q)
{
    lt_mutex_lock(&q->lock);
    while (q->first == NULL && !q->ended)
        lt_cond_wait(&q->wake, &q->lock);
    struct note *n = q->ended ? NULL : q->first;
    if (n) {
        q->first = n->next;
        q->count--;
        if (q->first == NULL)
            q->last = &q->first;
    }
    lt_mutex_unlock(&q->lock);
    return n;
}

/* ---- Sending --------------------------------------------------------------------------------- */

static bool wait_a_little(struct fsp_notifier *q)
{
    lt_mutex_lock(&q->lock);
    if (!q->ended)
        (void)lt_cond_wait_for(&q->wake, &q->lock, BUSY_WAIT_NS);
    bool ended = q->ended;
    lt_mutex_unlock(&q->lock);
    return !ended;
}

/* The path of `node`, or of `name` in it, or of its stream. False: it has none, or none that
 * Windows can be shown. */
static bool put_entry(struct fsp_notifier *q, struct lt_fsp_entries *out, struct lt_node *node,
                      char separator, const char *name, uint32_t filter, uint32_t action)
{
    char path[LT_PATH_MAX + LT_NAME_MAX + 2];
    uint16_t units[LT_PATH_MAX];
    int len = lt_path_of(NULL, node, path, LT_PATH_MAX);
    if (len < 0)
        return false;
    size_t more = separator == '/' ? strlen(name) : 0;
    if (more > LT_NAME_MAX)
        return false;
    if (more) {
        path[len++] = '/';
        memcpy(path + len, name, more);
        len += (int)more;
    }
    int count = fsp_target_from_posix(q->v, lt_strn(path, (size_t)len), units,
                                      LT_PATH_MAX - LT_NAME_UNITS_MAX - 1);
    if (count > 0 && separator == ':') {
        units[count++] = ':';
        int r = fsp_name_from_utf8(q->v, lt_str(name), units + count, LT_NAME_UNITS_MAX);
        count = r < 0 ? r : count + r;
    }
    return count > 0 && lt_fsp_put_notify_info(out, filter, action, units, (size_t)count);
}

static uint32_t name_filter(const struct lt_node *node)
{
    return node && node->type == LT_S_IFDIR ? CHANGE_DIR_NAME : CHANGE_FILE_NAME;
}

static void put_note(struct fsp_notifier *q, struct lt_fsp_entries *out, const struct note *n)
{
    switch (n->type) {
    case LT_EVENT_CREATE:
        put_entry(q, out, n->dir, '/', n->name, name_filter(n->node), ACTION_ADDED);
        break;
    case LT_EVENT_REMOVE:
        put_entry(q, out, n->dir, '/', n->name, name_filter(n->node), ACTION_REMOVED);
        break;
    case LT_EVENT_RENAME:
        put_entry(q, out, n->dir, '/', n->name, name_filter(n->node), ACTION_RENAMED_OLD);
        put_entry(q, out, n->new_dir, '/', n->new_name, name_filter(n->node), ACTION_RENAMED_NEW);
        break;
    case LT_EVENT_DATA:
        put_entry(q, out, n->node, 0, NULL, CHANGE_DATA, ACTION_MODIFIED);
        break;
    case LT_EVENT_ATTR:
        put_entry(q, out, n->node, 0, NULL, CHANGE_ATTR, ACTION_MODIFIED);
        break;
    case LT_EVENT_STREAM:
        put_entry(q, out, n->node, ':', n->name, CHANGE_STREAM, ACTION_MODIFIED_STREAM);
        break;
    case LT_EVENT_VOLUME:
        break;
    }
}

static void run(void *arg)
{
    struct fsp_notifier *q = arg;
    uint64_t buf[2 * (ENTRY_MAX + LT_FSP_ALIGN) / sizeof(uint64_t)];
    struct note *n;
    while ((n = next_note(q)) != NULL) {
        struct lt_fsp_entries out = {.buf = (uint8_t *)buf, .size = sizeof(buf)};
        put_note(q, &out, n);
        note_free(n);
        while (out.len > 0 && q->v->port->notify(q->v->port, buf, out.len) == LT_EAGAIN) {
            if (!wait_a_little(q))
                break;
        }
    }
}

/* ---- Life ------------------------------------------------------------------------------------ */

int fsp_notify_start(struct lt_winfsp *v)
{
    if (v->port->notify == NULL)
        return LT_OK;
    struct fsp_notifier *q = calloc(1, sizeof(*q));
    if (q == NULL)
        return LT_ENOMEM;
    q->v = v;
    q->last = &q->first;
    int r = lt_thread_start(&q->thread, "winfsp/notify", run, q);
    if (r < 0) {
        free(q);
        return r;
    }
    v->notifier = q;
    return lt_event_subscribe(v->fs, on_event, q, &q->subscription);
}

void fsp_notify_stop(struct lt_winfsp *v)
{
    struct fsp_notifier *q = v->notifier;
    if (q == NULL)
        return;
    lt_event_unsubscribe(q->subscription);
    lt_mutex_lock(&q->lock);
    q->ended = true;
    lt_cond_wake_one(&q->wake);
    lt_mutex_unlock(&q->lock);
    lt_thread_join(q->thread);
    for (struct note *n = q->first, *next; n; n = next) {
        next = n->next;
        note_free(n);
    }
    free(q);
    v->notifier = NULL;
}
