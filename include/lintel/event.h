/* SPDX-License-Identifier: MIT */
/*
 * Change events: who changed what. A front that caches (the kernel behind a FUSE
 * mount, a browser page) subscribes and invalidates what another front changed.
 */
#ifndef LINTEL_EVENT_H
#define LINTEL_EVENT_H

#include <lintel/fs.h>

enum lt_event_type {
    LT_EVENT_CREATE, /* node, dir, name: a name came into being (create, link) */
    LT_EVENT_REMOVE, /* node, dir, name: a name went */
    LT_EVENT_RENAME, /* node, dir, name -> new_dir, new_name; `other` was replaced or exchanged */
    LT_EVENT_DATA,   /* node, offset, len (UINT64_MAX: to the end): data or size changed */
    LT_EVENT_ATTR,   /* node: attributes, ACLs, xattrs, EAs, reparse data or security changed */
    LT_EVENT_STREAM, /* node, name: a stream of it was made, changed, renamed or removed */
    LT_EVENT_VOLUME  /* the label changed */
};

/* Borrowed for the length of the callback. Members that a type does not name are 0 or NULL. */
struct lt_event {
    enum lt_event_type type;
    const void *origin; /* ctx->origin of whoever did it, or NULL */
    struct lt_node *node, *other, *dir, *new_dir;
    struct lt_str name, new_name;
    uint64_t offset, len;
};

struct lt_subscription;

/*
 * Calls fn(arg, event) after every change from now on, on the thread that made
 * the change and before its call returns, without file-system locks held; several threads may
 * call fn at once. fn may call into the file system. *ret is ended by lt_event_unsubscribe().
 */
int lt_event_subscribe(struct lt_fs *fs, void (*fn)(void *arg, const struct lt_event *event),
                       void *arg, struct lt_subscription **ret);

/* When it returns fn is not running and will not be called again. Not from within fn. NULL is
 * ignored. */
void lt_event_unsubscribe(struct lt_subscription *subscription);

#endif
