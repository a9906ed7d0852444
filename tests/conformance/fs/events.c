// SPDX-License-Identifier: MIT
/* Events: each operation sends exactly the documented ones, and a failing one sends none. */
#include "kit.h"

#include <stdio.h>
#include <string.h>

static char heard[4096];
static const void *origin;

static void on_event(void *arg, const struct lt_event *e)
{
    static const char *const names[] = {"create", "remove", "rename", "data",
                                        "attr",   "stream", "volume"};
    (void)arg;
    size_t at = strlen(heard);
    at += (size_t)snprintf(heard + at, sizeof(heard) - at, "%s%s", at ? " " : "", names[e->type]);
    if (e->name.s != NULL) {
        at +=
            (size_t)snprintf(heard + at, sizeof(heard) - at, ":%.*s", (int)e->name.len, e->name.s);
    }
    if (e->new_name.s != NULL) {
        at += (size_t)snprintf(heard + at, sizeof(heard) - at, ">%.*s", (int)e->new_name.len,
                               e->new_name.s);
    }
    if (e->other != NULL) {
        snprintf(heard + at, sizeof(heard) - at, "+other");
    }
    origin = e->origin;
}

static struct lt_subscription *listen(void)
{
    struct lt_subscription *s = NULL;
    ok(lt_event_subscribe(fs, on_event, NULL, &s));
    heard[0] = '\0';
    return s;
}

#define HEARS(expected, call)                 \
    do {                                      \
        heard[0] = '\0';                      \
        call;                                 \
        assert_string_equal(heard, expected); \
    } while (0)

TEST(event__of_names)
{
    (void)state;
    struct lt_node *d = make_dir(root, "d");
    struct lt_node *f = make_file(root, "f");
    make_file(root, "g");
    struct lt_subscription *s = listen();
    HEARS("create:new", make_file(d, "new"));
    HEARS("create:dir", make_dir(d, "dir"));
    HEARS("create:link", ok(try_link(f, d, "link")));
    HEARS("rename:f>x", ok(try_rename(root, "f", d, "x", 0)));
    HEARS("rename:x>new+other", ok(try_rename(d, "x", d, "new", 0)));
    HEARS("rename:new>dir+other", ok(try_rename(d, "new", d, "dir", LT_RENAME_EXCHANGE)));
    HEARS("remove:link", ok(try_remove(d, "link", 0)));
    HEARS("remove:new", ok(try_remove(d, "new", LT_REMOVE_DIR)));
    lt_event_unsubscribe(s);
    HEARS("", ok(try_remove(d, "dir", 0)));
}

TEST(event__of_data_and_attributes)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    struct lt_node *g = make_file(root, "g");
    uint64_t done;
    struct lt_subscription *s = listen();
    HEARS("data", put_text(f, 0, "hello"));
    HEARS("attr", ok(set_mode(f, 0600)));
    HEARS("attr", ok(lt_node_xattr_set(NULL, f, lt_str("user.a"), lt_str("1"), 0)));
    HEARS("attr", ok(lt_node_xattr_remove(NULL, f, lt_str("user.a"))));
    HEARS("data", ok(lt_node_copy_range(NULL, f, 0, g, 0, 5, &done)));
    HEARS("data", ok(lt_node_allocate(NULL, f, 0, 0, 1000)));
    heard[0] = '\0';
    ok(set_size(f, 2));
    assert_true(strstr(heard, "data") != NULL);
    lt_event_unsubscribe(s);
}

TEST(event__none_for_what_failed_or_only_read)
{
    (void)state;
    struct lt_node *f = make_file(root, "f");
    struct lt_subscription *s = listen();
    HEARS("", fails(LT_EEXIST, try_create(root, "f", LT_S_IFREG | 0644)));
    HEARS("", fails(LT_ENOENT, try_remove(root, "x", 0)));
    HEARS("", fails(LT_ENOENT, try_rename(root, "x", root, "y", 0)));
    HEARS("", fails(LT_ENODATA, lt_node_xattr_remove(NULL, f, lt_str("user.a"))));
    HEARS("", fails(LT_EFBIG, set_size(f, UINT64_MAX)));
    HEARS("", expect_text(f, 0, ""));
    HEARS("", (void)attr(f));
    HEARS("", (void)list_dir(root));
    HEARS("", ok(try_rename(root, "f", root, "f", 0)));
    lt_event_unsubscribe(s);
}

TEST(event__of_the_windows_half)
{
    (void)state;
    need_windows();
    struct lt_node *f = make_file(root, "f");
    struct lt_ea ea = {lt_str("ea"), lt_str("v"), 0};
    struct lt_node *stream = NULL;
    struct lt_subscription *s = listen();
    HEARS("stream:s", ok(lt_node_stream_open(NULL, f, lt_str("s"), LT_STREAM_CREATE, &stream)));
    keep(stream);
    HEARS("data", put_text(stream, 0, "x")); /* of the stream's own node */
    heard[0] = '\0';
    ok(lt_node_stream_remove(NULL, f, lt_str("s")));
    assert_true(strncmp(heard, "stream:s", 8) == 0);
    HEARS("attr", ok(lt_node_ea_set(NULL, f, &ea, 1, false)));
    HEARS("volume", ok(lt_fs_set_label(NULL, fs, lt_str("new"))));
    lt_event_unsubscribe(s);
}

TEST(event__carries_its_origin)
{
    (void)state;
    int me;
    struct lt_ctx ctx = {.origin = &me};
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {0};
    struct lt_subscription *s = listen();
    ok(lt_node_create(&ctx, root, lt_str("f"), &spec, &entry));
    keep(entry.node);
    assert_ptr_equal(origin, &me);
    put_text(entry.node, 0, "x");
    assert_null(origin);
    lt_event_unsubscribe(s);
}

static void call_back(void *arg, const struct lt_event *e)
{
    struct lt_attr a;
    (void)arg;
    if (e->type == LT_EVENT_CREATE) { /* no lock is held: a subscriber may use the file system */
        ok(lt_node_getattr(NULL, e->node, &a));
        ok(lt_node_getattr(NULL, e->dir, &a));
        ok(try_lookup(e->dir, "f"));
    }
}

TEST(event__callback_may_use_the_file_system)
{
    (void)state;
    struct lt_subscription *s = NULL;
    ok(lt_event_subscribe(fs, call_back, NULL, &s));
    make_file(root, "f");
    lt_event_unsubscribe(s);
    lt_event_unsubscribe(NULL);
}
