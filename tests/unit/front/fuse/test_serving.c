// SPDX-License-Identifier: MIT
/* src/front/fuse/serving.c, and the server's end of a channel, with the client's end as the peer.
 */
#include "test.h"

#include "fault.h"

#include <channel/client.h>
#include <lintel/serving.h>
#include <os/os.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wire/fuse/ops.h>

enum kind { PACKETS, STREAM, PIPES, KINDS };

struct world {
    struct lt_fs *fs;
    struct lt_serving *serving;
    struct lt_client *client;
    struct lt_fuse_init_out init;
    atomic_int ended;
};

static void on_ended(void *arg)
{
    struct world *w = arg;
    w->ended++;
}

static int call(struct world *w, uint32_t opcode, uint64_t node, struct lt_seg *in, size_t in_count,
                void *out, size_t out_len)
{
    struct lt_seg to = {out, out_len};
    struct lt_client_call c = {.opcode = opcode,
                               .nodeid = node,
                               .in = in,
                               .in_count = in_count,
                               .out = &to,
                               .out_count = out_len ? 1 : 0,
                               .out_min = out_len};
    return lt_client_call(w->client, &c);
}

/* Descriptors: ours (in, out), and the server's. */
static void make_pair(enum kind kind, int ours[2], int theirs[2])
{
    int a[2], b[2];
    if (kind == PIPES) {
        assert_int_equal(pipe(a), 0);
        assert_int_equal(pipe(b), 0);
        ours[0] = a[0], theirs[1] = a[1];
        theirs[0] = b[0], ours[1] = b[1];
        return;
    }
    assert_int_equal(socketpair(AF_UNIX, kind == PACKETS ? SOCK_SEQPACKET : SOCK_STREAM, 0, a), 0);
    ours[0] = ours[1] = a[0];
    theirs[0] = theirs[1] = a[1];
}

static void world_open(struct world *w, enum kind kind)
{
    struct lt_client_config config = {.max_write = LT_IO_MAX, .poll_us = UINT32_MAX};
    struct lt_mount_options options;
    int ours[2], theirs[2];
    *w = (struct world){.fs = NULL};
    lt_mount_options_init(&options);
    make_pair(kind, ours, theirs);
    assert_int_equal(lt_open_fs("mem:", &w->fs, NULL), 0);
    assert_int_equal(lt_serving_start(w->fs, theirs[0], theirs[1], kind == PACKETS, &options,
                                      on_ended, w, &w->serving),
                     0);
    assert_int_equal(lt_client_open(ours[0], ours[1], kind == PACKETS, &config, &w->client), 0);
    struct lt_fuse_init_in init = {
        .major = 7, .minor = LT_FUSE_MINOR, .flags = (uint32_t)LT_FUSE_MAX_PAGES};
    struct lt_seg in = {&init, sizeof(init)};
    assert_int_equal(call(w, LT_FUSE_INIT, 0, &in, 1, &w->init, sizeof(w->init)), 0);
}

static void world_close(struct world *w)
{
    lt_client_close(w->client);
    assert_int_equal(lt_serving_end(w->serving), 0);
    assert_int_equal(w->ended, 1);
    assert_int_equal(lt_fs_close(w->fs), 0);
}

struct user {
    struct world *w;
    struct lt_thread *thread;
    unsigned id, wrong;
};

/* Makes a file, writes max_write bytes and reads them, a few times. */
static void use(void *arg)
{
    struct user *u = arg;
    uint32_t size = u->w->init.max_write;
    char *sent = malloc(size), *got = malloc(size), name[] = "file-0";
    struct lt_fuse_mknod_in mknod = {.mode = LT_S_IFREG | 0644};
    struct lt_fuse_entry_out entry;
    struct lt_seg make[] = {{&mknod, sizeof(mknod)}, {name, sizeof(name)}};
    name[5] = (char)('0' + u->id);
    u->wrong += call(u->w, LT_FUSE_MKNOD, LT_ROOT_ID, make, 2, &entry, sizeof(entry)) != 0;
    for (unsigned i = 0; i < 8 && !u->wrong; i++) {
        struct lt_fuse_write_in write = {.size = size, .offset = (uint64_t)i * size};
        struct lt_fuse_read_in read = {.size = size, .offset = (uint64_t)i * size};
        struct lt_fuse_write_out written = {0};
        struct lt_seg out[] = {{&write, sizeof(write)}, {sent, size}}, in = {&read, sizeof(read)};
        memset(sent, (int)(u->id * 16 + i), size);
        u->wrong += call(u->w, LT_FUSE_WRITE, entry.nodeid, out, 2, &written, sizeof(written)) != 0;
        u->wrong += written.size != size;
        u->wrong += call(u->w, LT_FUSE_READ, entry.nodeid, &in, 1, got, size) != 0;
        u->wrong += memcmp(sent, got, size) != 0;
    }
    free(sent);
    free(got);
}

static void test_serving__many_users_of_one_channel(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        enum { N = 4 };
        struct world w;
        struct user users[N];
        world_open(&w, kind);
        assert_true(w.init.max_write >= 128u << 10);
        for (unsigned i = 0; i < N; i++) {
            users[i] = (struct user){.w = &w, .id = i};
            assert_int_equal(lt_thread_start(&users[i].thread, "user", use, &users[i]), 0);
        }
        for (unsigned i = 0; i < N; i++) {
            lt_thread_join(users[i].thread);
            assert_int_equal(users[i].wrong, 0);
        }
        world_close(&w);
    }
}

static void test_serving__ends_before_the_peer_has_said_anything(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KINDS; kind++) {
        struct world w = {.fs = NULL};
        struct lt_mount_options options;
        int ours[2], theirs[2];
        lt_mount_options_init(&options);
        make_pair(kind, ours, theirs);
        assert_int_equal(lt_open_fs("mem:", &w.fs, NULL), 0);
        assert_int_equal(lt_serving_start(w.fs, theirs[0], theirs[1], kind == PACKETS, &options,
                                          on_ended, &w, &w.serving),
                         0);
        assert_int_equal(lt_serving_end(w.serving), 0);
        assert_int_equal(w.ended, 1);
        assert_int_equal(lt_fs_close(w.fs), 0);
        close(ours[0]);
        if (ours[1] != ours[0])
            close(ours[1]);
    }
}

static void test_serving_nomem(void **state)
{
    struct lt_mount_options options;
    struct lt_fs *fs;
    (void)state;
    lt_mount_options_init(&options);
    assert_int_equal(lt_open_fs("mem:", &fs, NULL), 0);
    FAULT_EACH(n)
    {
        struct lt_serving *serving = NULL;
        int ours[2], theirs[2];
        char byte;
        make_pair(STREAM, ours, theirs);
        int error =
            lt_serving_start(fs, theirs[0], theirs[1], false, &options, NULL, NULL, &serving);
        shutdown(ours[0], SHUT_WR); /* the peer leaves before INIT */
        int ended = lt_serving_end(serving);
        if (fault_disarm())
            assert_true(error == LT_ENOMEM || ended == LT_ENOMEM);
        else
            assert_true(error == 0 && ended == 0);
        assert_int_equal(read(ours[0], &byte, 1), 0);
        close(ours[0]);
    }
    assert_int_equal(lt_fs_close(fs), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_serving__many_users_of_one_channel),
        cmocka_unit_test(test_serving__ends_before_the_peer_has_said_anything),
        cmocka_unit_test(test_serving_nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
