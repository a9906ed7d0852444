// SPDX-License-Identifier: MIT
/* The FUSE server against a scripted peer: negotiation and every operation. */
#include "peer.h"

#include <lintel/lock.h>

#define P struct peer peer, *p = &peer

/* ---- INIT ------------------------------------------------------------------------------------ */

/* One handshake; returns the error of the last reply. */
static int handshake(struct peer *p, uint32_t major, uint32_t minor, struct lt_fuse_init_out *out)
{
    struct lt_fuse_init_in in = {.major = major, .minor = minor, .flags = UINT32_MAX};
    struct lt_mount_options o = peer_options();
    peer_connect(p, "mem:", &o, true);
    peer_send(p, &(struct ask){.opcode = LT_FUSE_INIT, .args = &in, .args_len = sizeof(in)});
    if (major > 7) {
        in.major = 7;
        peer_send(p, &(struct ask){.opcode = LT_FUSE_INIT, .args = &in, .args_len = sizeof(in)});
    }
    if (major < 7 || minor < 31)
        shutdown(p->fd, SHUT_WR); /* or the server would go on waiting for a better one */
    int r = lt_session_handshake(p->session);
    peer_receive(p);
    if (major > 7) {
        assert_int_equal(BODY(lt_fuse_init_out).major, 7);
        peer_receive(p);
    }
    if (peer_header(p).error == 0)
        *out = BODY(lt_fuse_init_out);
    assert_int_equal(r, peer_header(p).error ? LT_ENODEV : 0);
    return peer_header(p).error;
}

static void test_init__versions(void **state)
{
    static const struct {
        uint32_t major, minor;
        int error;
    } cases[] = {{7, 45, 0},   {7, 31, 0},         {7, 99, 0},
                 {8, 0x7f, 0}, {7, 30, LT_EPROTO}, {6, 45, LT_EPROTO}};
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        P;
        struct lt_fuse_init_out out = {0};
        assert_int_equal(handshake(p, cases[i].major, cases[i].minor, &out), cases[i].error);
        if (cases[i].error == 0) {
            assert_int_equal(out.max_write, 1 << 20);
            assert_int_equal(out.max_pages, 256);
        }
        peer_close(p);
    }
}

static void test_init__takes_no_more_than_was_offered(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        P;
        struct lt_mount_options o = peer_options();
        uint64_t offered = bit < 32 ? UINT64_C(1) << bit : UINT64_C(1) << bit | LT_FUSE_INIT_EXT;
        peer_open(p, "mem:", &o, offered);
        struct lt_fuse_init_out out = BODY(lt_fuse_init_out);
        assert_int_equal(out.flags & ~offered, 0);
        assert_int_equal(out.flags2 & ~(offered >> 32), 0);
        peer_close(p);
    }
}

static void test_init__comes_first_and_once(void **state)
{
    P;
    struct lt_mount_options o = peer_options();
    (void)state;
    peer_connect(p, "mem:", &o, true);
    peer_send(p,
              &(struct ask){
                  .opcode = LT_FUSE_GETATTR, .nodeid = 1, .args = &(char[16]){0}, .args_len = 16});
    shutdown(p->fd, SHUT_WR);
    assert_int_equal(lt_session_handshake(p->session), LT_ENODEV);
    peer_receive(p);
    assert_int_equal(peer_header(p).error, LT_EPROTO);
    peer_close(p);

    peer_open_default(p);
    assert_int_equal(peer_init(p, 45, PEER_FEATURES), LT_EPROTO);
    peer_close(p);
}

/* ---- A file's life --------------------------------------------------------------------------- */

static void put_data(struct peer *p, uint64_t id, uint64_t offset, const void *data, uint32_t size)
{
    struct lt_fuse_write_in in = {.offset = offset, .size = size};
    assert_int_equal(ASK(.opcode = LT_FUSE_WRITE, .nodeid = id, .args = &in, .args_len = sizeof(in),
                         .data = data, .data_len = size),
                     0);
    assert_int_equal(BODY(lt_fuse_write_out).size, size);
}

static void get_data(struct peer *p, uint64_t id, uint64_t offset, uint32_t size)
{
    struct lt_fuse_read_in in = {.offset = offset, .size = size};
    assert_int_equal(ASK(.opcode = LT_FUSE_READ, .nodeid = id, .args = &in, .args_len = sizeof(in)),
                     0);
}

static void test_file__what_is_written_is_read(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    put_data(p, id, 3, "hello", 5);
    get_data(p, id, 0, 100);
    assert_int_equal(peer_body_len(p), 8);
    assert_memory_equal(peer_body(p), "\0\0\0hello", 8);
    get_data(p, id, 8, 100);
    assert_int_equal(peer_body_len(p), 0);
    peer_close(p);
}

static void test_file__a_megabyte_in_one_message(void **state)
{
    P;
    uint32_t size = 1 << 20;
    char *data = malloc(size);
    (void)state;
    assert_non_null(data);
    for (uint32_t i = 0; i < size; i++)
        data[i] = (char)(i * 7 + i / 4096);
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    put_data(p, id, 4096, data, size);
    get_data(p, id, 4096, size);
    assert_int_equal(peer_body_len(p), size);
    assert_memory_equal(peer_body(p), data, size);
    get_data(p, id, 0, UINT32_MAX); /* more than we ever give */
    assert_int_equal(peer_body_len(p), size);
    free(data);
    peer_close(p);
}

static void test_file__setattr_changes_what_it_names(void **state)
{
    P;
    struct lt_fuse_setattr_in in = {.valid = LT_FATTR_MODE | LT_FATTR_SIZE | LT_FATTR_MTIME,
                                    .mode = 0600,
                                    .size = 10,
                                    .mtime = 1234,
                                    .mtimensec = 5,
                                    .uid = 77};
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(
        ASK(.opcode = LT_FUSE_SETATTR, .nodeid = id, .args = &in, .args_len = sizeof(in)), 0);
    struct lt_fuse_attr_out out = BODY(lt_fuse_attr_out);
    assert_int_equal(out.attr.mode, 0100600);
    assert_int_equal(out.attr.size, 10);
    assert_int_equal(out.attr.mtime, 1234);
    assert_int_equal(out.attr.uid, 0);
    assert_true(out.attr_valid > UINT64_C(1) << 40);
    peer_close(p);
}

static void test_file__chown_takes_the_set_id_bits(void **state)
{
    P;
    struct lt_fuse_setattr_in mode = {.valid = LT_FATTR_MODE, .mode = 06755};
    struct lt_fuse_setattr_in owner = {.valid = LT_FATTR_UID, .uid = 5}, nobody = {.valid = 0};
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    const struct lt_fuse_setattr_in *chowns[] = {&owner, &nobody};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(
            ASK(.opcode = LT_FUSE_SETATTR, .nodeid = id, .args = &mode, .args_len = sizeof(mode)),
            0);
        assert_int_equal(BODY(lt_fuse_attr_out).attr.mode, 0106755);
        assert_int_equal(ASK(.opcode = LT_FUSE_SETATTR, .nodeid = id, .args = chowns[i],
                             .args_len = sizeof(owner)),
                         0);
        assert_int_equal(BODY(lt_fuse_attr_out).attr.mode, 0100755);
    }
    peer_close(p);
}

static void test_file__a_write_takes_capabilities(void **state)
{
    P;
    struct lt_fuse_setxattr_in set = {.size = 20};
    struct lt_fuse_getxattr_in get = {.size = 100};
    char value[20] = {0, 0, 0, 2};
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(ASK(.opcode = LT_FUSE_SETXATTR, .nodeid = id, .args = &set,
                         .args_len = sizeof(set), .name = "security.capability", .data = value,
                         .data_len = sizeof(value)),
                     0);
    put_data(p, id, 0, "x", 1);
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = id, .args = &get,
                         .args_len = sizeof(get), .name = "security.capability"),
                     LT_ENODATA);
    peer_close(p);
}

static void test_file__lives_on_without_a_name(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    put_data(p, id, 0, "abc", 3);
    assert_int_equal(ASK(.opcode = LT_FUSE_UNLINK, .nodeid = 1, .name = "f"), 0);
    get_data(p, id, 0, 10);
    assert_int_equal(peer_body_len(p), 3);
    peer_forget(p, id, 1);
    peer_settle(p);
    assert_int_equal(
        ASK(.opcode = LT_FUSE_GETATTR, .nodeid = id, .args = &(char[16]){0}, .args_len = 16),
        LT_ESTALE);
    peer_close(p);
}

static void test_file__create_is_mknod_where_nothing_is_opened(void **state)
{
    P;
    struct lt_fuse_create_in in = {.mode = 0100644, .umask = 022};
    (void)state;
    peer_open_default(p);
    assert_int_equal(ASK(.opcode = LT_FUSE_CREATE, .nodeid = 1, .args = &in, .args_len = sizeof(in),
                         .name = "f"),
                     LT_ENOSYS);
    assert_int_equal(ASK(.opcode = LT_FUSE_TMPFILE, .nodeid = 1, .args = &in,
                         .args_len = sizeof(in), .name = "/"),
                     0);
    assert_int_equal(peer_body_len(p),
                     sizeof(struct lt_fuse_entry_out) + sizeof(struct lt_fuse_open_out));
    assert_int_equal(BODY(lt_fuse_entry_out).attr.nlink, 0);
    peer_close(p);
}

static void test_file__create_opens_where_the_peer_wants_it(void **state)
{
    P;
    struct lt_fuse_create_in in = {.mode = 0100666, .umask = 027};
    struct lt_mount_options o = peer_options();
    (void)state;
    peer_open(p, "mem:", &o, LT_FUSE_DONT_MASK);
    assert_int_equal(ASK(.opcode = LT_FUSE_CREATE, .nodeid = 1, .args = &in, .args_len = sizeof(in),
                         .name = "f"),
                     0);
    assert_int_equal(BODY(lt_fuse_entry_out).attr.mode, 0100640);
    uint64_t id = BODY(lt_fuse_entry_out).nodeid;
    struct lt_fuse_open_in open = {0};
    assert_int_equal(
        ASK(.opcode = LT_FUSE_OPEN, .nodeid = id, .args = &open, .args_len = sizeof(open)), 0);
    assert_int_equal(BODY(lt_fuse_open_out).open_flags, LT_FOPEN_KEEP_CACHE);
    peer_close(p);
}

/* ---- Names ----------------------------------------------------------------------------------- */

static void test_names__absence_is_cached(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    assert_int_equal(peer_lookup(p, 1, "nothing"), 0);
    assert_int_equal(BODY(lt_fuse_entry_out).nodeid, 0);
    assert_true(BODY(lt_fuse_entry_out).entry_valid > UINT64_C(1) << 40);
    peer_close(p);
}

static void test_names__dots_are_for_nfs(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    uint64_t dir = peer_mkdir(p, 1, "d");
    assert_int_equal(peer_lookup(p, dir, ".."), 0);
    assert_int_equal(BODY(lt_fuse_entry_out).nodeid, 1);
    peer_forget(p, dir, 1);
    peer_settle(p);
    assert_int_equal(peer_lookup(p, dir, "."), 0); /* forgotten, but it exists */
    assert_int_equal(BODY(lt_fuse_entry_out).nodeid, dir);
    assert_int_equal(peer_lookup(p, 12345, "."), LT_ESTALE);
    assert_int_equal(peer_lookup(p, 12345, "x"), LT_ESTALE);
    peer_close(p);
}

static void test_names__rename_link_and_remove(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    uint64_t dir = peer_mkdir(p, 1, "d");
    uint64_t id = peer_mknod(p, 1, "f");
    struct lt_fuse_link_in link = {.oldnodeid = id};
    assert_int_equal(ASK(.opcode = LT_FUSE_LINK, .nodeid = dir, .args = &link,
                         .args_len = sizeof(link), .name = "l"),
                     0);
    assert_int_equal(BODY(lt_fuse_entry_out).attr.nlink, 2);
    struct lt_fuse_rename_in rename = {.newdir = dir};
    assert_int_equal(ASK(.opcode = LT_FUSE_RENAME, .nodeid = 1, .args = &rename,
                         .args_len = sizeof(rename), .name = "f", .name2 = "g"),
                     0);
    struct lt_fuse_rename2_in rename2 = {.newdir = 1, .flags = LT_RENAME_NOREPLACE};
    assert_int_equal(ASK(.opcode = LT_FUSE_RENAME2, .nodeid = dir, .args = &rename2,
                         .args_len = sizeof(rename2), .name = "g", .name2 = "d"),
                     LT_EEXIST);
    assert_int_equal(ASK(.opcode = LT_FUSE_RMDIR, .nodeid = 1, .name = "d"), LT_ENOTEMPTY);
    assert_int_equal(ASK(.opcode = LT_FUSE_UNLINK, .nodeid = dir, .name = "g"), 0);
    assert_int_equal(ASK(.opcode = LT_FUSE_UNLINK, .nodeid = dir, .name = "l"), 0);
    assert_int_equal(ASK(.opcode = LT_FUSE_RMDIR, .nodeid = 1, .name = "d"), 0);
    peer_close(p);
}

static void test_names__symlink(void **state)
{
    P;
    (void)state;
    peer_open_default(p);
    assert_int_equal(ASK(.opcode = LT_FUSE_SYMLINK, .nodeid = 1, .name = "s", .name2 = "to/there"),
                     0);
    uint64_t id = BODY(lt_fuse_entry_out).nodeid;
    assert_int_equal(ASK(.opcode = LT_FUSE_READLINK, .nodeid = id), 0);
    assert_int_equal(peer_body_len(p), 8);
    assert_memory_equal(peer_body(p), "to/there", 8);
    peer_close(p);
}

static void test_names__nothing_is_left_after_exact_forgets(void **state)
{
    P;
    struct lt_fuse_forget_one many[20];
    (void)state;
    peer_open_default(p);
    for (unsigned i = 0; i < 20; i++) {
        char name[8];
        snprintf(name, sizeof(name), "f%u", i);
        many[i].nodeid = peer_mknod(p, 1, name);
        many[i].nlookup = 1 + i % 3;
        for (unsigned k = 1; k < many[i].nlookup; k++)
            assert_int_equal(peer_lookup(p, 1, name), 0);
    }
    assert_int_equal(lt_nodes_count(&p->session->nodes), 20);
    struct lt_fuse_batch_forget_in in = {.count = 20};
    peer_send(p, &(struct ask){.opcode = LT_FUSE_BATCH_FORGET,
                               .args = &in,
                               .args_len = sizeof(in),
                               .data = many,
                               .data_len = sizeof(many)});
    peer_settle(p);
    assert_int_equal(lt_nodes_count(&p->session->nodes), 0);
    peer_close(p);
}

/* ---- Listings -------------------------------------------------------------------------------- */

/* Lists dir in pieces of `size`; returns how many entries came, "." and ".." included. */
static unsigned list_all(struct peer *p, uint64_t dir, uint32_t size, bool plus)
{
    unsigned count = 0;
    struct lt_fuse_read_in in = {.offset = 0, .size = size};
    for (;;) {
        assert_int_equal(ASK(.opcode = plus ? LT_FUSE_READDIRPLUS : LT_FUSE_READDIR, .nodeid = dir,
                             .args = &in, .args_len = sizeof(in)),
                         0);
        size_t len = peer_body_len(p), pos = 0;
        assert_true(len <= size);
        if (len == 0)
            return count;
        while (pos < len) {
            struct lt_fuse_entry_out entry = {0};
            struct lt_fuse_dirent head;
            const char *at = (const char *)peer_body(p) + pos;
            if (plus)
                memcpy(&entry, at, sizeof(entry));
            memcpy(&head, at + (plus ? sizeof(entry) : 0), sizeof(head));
            assert_int_equal(plus && entry.nodeid == 0, plus && count < 2);
            in.offset = head.off;
            pos += lt_fuse_dirent_size(head.namelen, plus);
            count++;
        }
        assert_int_equal(pos, len);
    }
}

static void test_listing__is_whole_whatever_the_size(void **state)
{
    P;
    static const uint32_t sizes[] = {200, 333, 1000, 4096, 1 << 20};
    (void)state;
    peer_open_default(p);
    uint64_t dir = peer_mkdir(p, 1, "d");
    for (unsigned i = 0; i < 100; i++) {
        char name[40];
        snprintf(name, sizeof(name), "%0*u", (int)(i % 20 + 1), i + 1000);
        peer_mknod(p, dir, name);
    }
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        assert_int_equal(list_all(p, dir, sizes[i], false), 102);
        assert_int_equal(list_all(p, dir, sizes[i], true), 102);
    }
    assert_int_equal(list_all(p, 1, 4096, true), 3);
    peer_close(p);
}

static void test_listing__refuses_what_cannot_be(void **state)
{
    P;
    struct lt_fuse_read_in in = {.size = 8};
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(
        ASK(.opcode = LT_FUSE_READDIR, .nodeid = 1, .args = &in, .args_len = sizeof(in)),
        LT_EINVAL);
    assert_int_equal(
        ASK(.opcode = LT_FUSE_READDIR, .nodeid = id, .args = &in, .args_len = sizeof(in)),
        LT_ENOTDIR);
    in = (struct lt_fuse_read_in){.offset = UINT64_MAX, .size = 4096};
    ASK(.opcode = LT_FUSE_READDIRPLUS, .nodeid = 1, .args = &in, .args_len = sizeof(in));
    peer_close(p);
}

/* ---- Attributes of all kinds ----------------------------------------------------------------- */

static void test_xattr__set_get_list_remove(void **state)
{
    P;
    struct lt_fuse_setxattr_in set = {.size = 3};
    struct lt_fuse_getxattr_in ask = {.size = 0}, get = {.size = 64}, little = {.size = 2};
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(ASK(.opcode = LT_FUSE_SETXATTR, .nodeid = id, .args = &set,
                         .args_len = sizeof(set), .name = "user.a", .data = "abc", .data_len = 3),
                     0);
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = id, .args = &ask,
                         .args_len = sizeof(ask), .name = "user.a"),
                     0);
    assert_int_equal(BODY(lt_fuse_getxattr_out).size, 3);
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = id, .args = &get,
                         .args_len = sizeof(get), .name = "user.a"),
                     0);
    assert_memory_equal(peer_body(p), "abc", 3);
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = id, .args = &little,
                         .args_len = sizeof(little), .name = "user.a"),
                     LT_ERANGE);
    assert_int_equal(
        ASK(.opcode = LT_FUSE_LISTXATTR, .nodeid = id, .args = &get, .args_len = sizeof(get)), 0);
    assert_true(peer_body_len(p) >= 7);
    assert_non_null(memmem(peer_body(p), peer_body_len(p), "user.a", 7));
    assert_int_equal(ASK(.opcode = LT_FUSE_REMOVEXATTR, .nodeid = id, .name = "user.a"), 0);
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = id, .args = &ask,
                         .args_len = sizeof(ask), .name = "user.a"),
                     LT_ENODATA);
    peer_close(p);
}

static void test_control__info_is_an_xattr_of_the_root(void **state)
{
    P;
    struct lt_fuse_getxattr_in ask = {.size = 0}, get = {.size = 60000};
    struct lt_fuse_setxattr_in set = {.size = 1};
    (void)state;
    peer_open_default(p);
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = 1, .args = &ask,
                         .args_len = sizeof(ask), .name = "system.lintel.info"),
                     0);
    uint32_t room = BODY(lt_fuse_getxattr_out).size;
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = 1, .args = &get,
                         .args_len = sizeof(get), .name = "system.lintel.info"),
                     0);
    assert_true(peer_body_len(p) <= room);
    assert_non_null(memmem(peer_body(p), peer_body_len(p), "\"operations\"", 12));
    assert_int_equal(ASK(.opcode = LT_FUSE_GETXATTR, .nodeid = 1, .args = &get,
                         .args_len = sizeof(get), .name = "system.lintel.else"),
                     LT_ENODATA);
    assert_int_equal(ASK(.opcode = LT_FUSE_SETXATTR, .nodeid = 1, .args = &set,
                         .args_len = sizeof(set), .name = "system.lintel.save", .data = "x",
                         .data_len = 1, .uid = 1000),
                     LT_EPERM);
    peer_close(p);
}

static void test_ioctl__flags_and_label(void **state)
{
    P;
    struct lt_fuse_ioctl_in set = {.cmd = 0x40086602, .in_size = 4};
    struct lt_fuse_ioctl_in get = {.cmd = 0x80086601, .out_size = 4};
    struct lt_fuse_ioctl_in set_label = {.cmd = 0x41009432, .in_size = 256};
    struct lt_fuse_ioctl_in get_label = {.cmd = 0x81009431, .out_size = 256};
    struct lt_fuse_ioctl_in other = {.cmd = 0xdead, .out_size = 16};
    uint32_t flags = LT_INODE_NODUMP;
    char label[256] = "Work";
    (void)state;
    peer_open_default(p);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(ASK(.opcode = LT_FUSE_IOCTL, .nodeid = id, .args = &set,
                         .args_len = sizeof(set), .data = &flags, .data_len = 4),
                     0);
    flags = 0;
    assert_int_equal(
        ASK(.opcode = LT_FUSE_IOCTL, .nodeid = id, .args = &get, .args_len = sizeof(get)), 0);
    assert_int_equal(peer_body_len(p), sizeof(struct lt_fuse_ioctl_out) + 4);
    memcpy(&flags, (char *)peer_body(p) + sizeof(struct lt_fuse_ioctl_out), 4);
    assert_int_equal(flags, LT_INODE_NODUMP);
    assert_int_equal(ASK(.opcode = LT_FUSE_IOCTL, .nodeid = 1, .args = &set_label,
                         .args_len = sizeof(set_label), .data = label, .data_len = 256),
                     0);
    assert_int_equal(ASK(.opcode = LT_FUSE_IOCTL, .nodeid = 1, .args = &get_label,
                         .args_len = sizeof(get_label)),
                     0);
    assert_string_equal((char *)peer_body(p) + sizeof(struct lt_fuse_ioctl_out), "Work");
    assert_int_equal(
        ASK(.opcode = LT_FUSE_IOCTL, .nodeid = id, .args = &other, .args_len = sizeof(other)),
        LT_ENOTTY);
    peer_close(p);
}

static void test_ranges__allocate_seek_and_copy(void **state)
{
    P;
    struct lt_fuse_fallocate_in punch = {
        .offset = 4096, .length = 4096, .mode = LT_FALLOC_KEEP_SIZE | LT_FALLOC_PUNCH_HOLE};
    char data[3 * 4096];
    (void)state;
    peer_open_default(p);
    memset(data, 'x', sizeof(data));
    uint64_t id = peer_mknod(p, 1, "f"), to = peer_mknod(p, 1, "g");
    put_data(p, id, 0, data, sizeof(data));
    assert_int_equal(
        ASK(.opcode = LT_FUSE_FALLOCATE, .nodeid = id, .args = &punch, .args_len = sizeof(punch)),
        0);
    struct lt_fuse_lseek_in seek = {.offset = 0, .whence = LT_SEEK_HOLE};
    assert_int_equal(
        ASK(.opcode = LT_FUSE_LSEEK, .nodeid = id, .args = &seek, .args_len = sizeof(seek)), 0);
    assert_int_equal(BODY(lt_fuse_lseek_out).offset, 4096);
    seek.whence = 0;
    assert_int_equal(
        ASK(.opcode = LT_FUSE_LSEEK, .nodeid = id, .args = &seek, .args_len = sizeof(seek)),
        LT_EINVAL);
    struct lt_fuse_copy_file_range_in copy = {.nodeid_out = to, .len = sizeof(data)};
    assert_int_equal(ASK(.opcode = LT_FUSE_COPY_FILE_RANGE, .nodeid = id, .args = &copy,
                         .args_len = sizeof(copy)),
                     0);
    assert_true(BODY(lt_fuse_write_out).size > 0);
    assert_int_equal(ASK(.opcode = LT_FUSE_COPY_FILE_RANGE_64, .nodeid = id, .args = &copy,
                         .args_len = sizeof(copy)),
                     0);
    assert_int_equal(peer_body_len(p), 8);
    copy.nodeid_out = 999;
    assert_int_equal(ASK(.opcode = LT_FUSE_COPY_FILE_RANGE_64, .nodeid = id, .args = &copy,
                         .args_len = sizeof(copy)),
                     LT_ESTALE);
    peer_close(p);
}

/* ---- Names in all spellings ------------------------------------------------------------------ */

static void test_case__another_spelling_is_not_kept(void **state)
{
    P;
    struct lt_mount_options o = peer_options();
    (void)state;
    peer_open(p, "mem:case=insensitive", &o, PEER_FEATURES);
    peer_mknod(p, 1, "File");
    assert_true(BODY(lt_fuse_entry_out).entry_valid > 0);
    assert_int_equal(peer_lookup(p, 1, "FILE"), 0);
    assert_int_equal(BODY(lt_fuse_entry_out).entry_valid, 0);
    assert_true(BODY(lt_fuse_entry_out).attr_valid > 0);
    assert_int_equal(peer_lookup(p, 1, "File"), 0);
    assert_true(BODY(lt_fuse_entry_out).entry_valid > 0);
    assert_int_equal(peer_lookup(p, 1, "other"), LT_ENOENT);
    peer_close(p);
}

static void test_case__removal_by_another_spelling_drops_all_names(void **state)
{
    P;
    struct lt_mount_options o = peer_options();
    (void)state;
    peer_open(p, "mem:case=insensitive", &o, PEER_FEATURES);
    peer_mknod(p, 1, "File");
    uint64_t unique =
        peer_send(p, &(struct ask){.opcode = LT_FUSE_UNLINK, .nodeid = 1, .name = "FILE"});
    peer_receive(p);
    assert_int_equal(peer_header(p).unique, 0);
    assert_int_equal(peer_header(p).error, LT_FUSE_NOTIFY_INC_EPOCH);
    peer_receive(p);
    assert_int_equal(peer_header(p).unique, unique);
    assert_int_equal(peer_header(p).error, 0);
    peer_close(p);
}

/* ---- Streams --------------------------------------------------------------------------------- */

static void test_streams__as_names_with_a_colon(void **state)
{
    P;
    struct lt_mount_options o = peer_options();
    (void)state;
    o.streams = LT_STREAMS_COLON;
    peer_open(p, "mem:", &o, PEER_FEATURES);
    peer_mknod(p, 1, "f");
    assert_int_equal(peer_lookup(p, 1, "f:s"), 0);
    assert_int_equal(BODY(lt_fuse_entry_out).nodeid, 0);
    uint64_t id = peer_mknod(p, 1, "f:s");
    assert_int_equal(BODY(lt_fuse_entry_out).attr.mode & 0170000, 0100000);
    assert_int_equal(BODY(lt_fuse_entry_out).attr_valid, 0);
    struct lt_fuse_rename_in rename = {.newdir = 1};
    assert_int_equal(ASK(.opcode = LT_FUSE_RENAME, .nodeid = 1, .args = &rename,
                         .args_len = sizeof(rename), .name = "f:s", .name2 = "g"),
                     LT_EXDEV);
    assert_true(id != 0);
    peer_close(p);
}

/* ---- What others changed --------------------------------------------------------------------- */

/* Receives notifications until none comes; returns a bit for each code. */
static uint32_t take_notes(struct peer *p)
{
    uint32_t seen = 0;
    while (peer_waiting(p, 200)) {
        peer_receive(p);
        assert_int_equal(peer_header(p).unique, 0);
        seen |= 1u << peer_header(p).error;
    }
    return seen;
}

static void test_events__of_others_become_notifications(void **state)
{
    P;
    struct lt_entry entry = {0};
    (void)state;
    peer_open_default(p);
    struct lt_node *root = lt_fs_root(p->fs);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(take_notes(p), 0); /* its own doing is no news to it */
    assert_int_equal(
        lt_node_create(NULL, root, lt_str("new"), &(struct lt_create){.mode = 0100644}, &entry), 0);
    lt_node_put(entry.node);
    assert_int_equal(take_notes(p),
                     1u << LT_FUSE_NOTIFY_INVAL_ENTRY | 1u << LT_FUSE_NOTIFY_INVAL_INODE);
    assert_int_equal(lt_node_lookup(NULL, root, lt_str("f"), &entry), 0);
    assert_int_equal(entry.node->id, id);
    assert_int_equal(lt_node_pwrite(NULL, entry.node, 0, "x", 1), 1);
    lt_node_put(entry.node);
    assert_int_equal(take_notes(p), 1u << LT_FUSE_NOTIFY_INVAL_INODE);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("f"), 0, NULL), 0);
    assert_int_equal(take_notes(p), 1u << LT_FUSE_NOTIFY_DELETE | 1u << LT_FUSE_NOTIFY_INVAL_INODE);
    assert_int_equal(lt_node_remove(NULL, root, lt_str("new"), 0, NULL), 0);
    assert_int_equal(take_notes(p),
                     1u << LT_FUSE_NOTIFY_INVAL_ENTRY | 1u << LT_FUSE_NOTIFY_INVAL_INODE);
    peer_close(p);
}

/* ---- Locks ----------------------------------------------------------------------------------- */

static void test_locks__a_waiter_can_be_interrupted(void **state)
{
    P;
    struct lt_mount_options o = peer_options();
    struct lt_fuse_lk_in lk = {.owner = 1, .lk = {.end = INT64_MAX, .type = LT_LOCK_EXCLUSIVE}};
    (void)state;
    o.locks = true;
    peer_open(p, "mem:", &o, PEER_FEATURES);
    uint64_t id = peer_mknod(p, 1, "f");
    assert_int_equal(
        ASK(.opcode = LT_FUSE_SETLK, .nodeid = id, .args = &lk, .args_len = sizeof(lk)), 0);
    lk.owner = 2;
    assert_int_equal(
        ASK(.opcode = LT_FUSE_SETLK, .nodeid = id, .args = &lk, .args_len = sizeof(lk)), LT_EAGAIN);
    assert_int_equal(
        ASK(.opcode = LT_FUSE_GETLK, .nodeid = id, .args = &lk, .args_len = sizeof(lk)), 0);
    assert_int_equal(BODY(lt_fuse_lk_out).lk.type, LT_LOCK_EXCLUSIVE);
    uint64_t unique = peer_send(
        p,
        &(struct ask){.opcode = LT_FUSE_SETLKW, .nodeid = id, .args = &lk, .args_len = sizeof(lk)});
    struct lt_fuse_interrupt_in in = {.unique = unique};
    do { /* EAGAIN: it came before anybody had taken the request up */
        assert_int_equal(ASK(.opcode = LT_FUSE_STATFS), 0); /* others are served meanwhile */
        peer_send(p,
                  &(struct ask){.opcode = LT_FUSE_INTERRUPT, .args = &in, .args_len = sizeof(in)});
        peer_receive(p);
    } while (peer_header(p).unique != unique);
    assert_int_equal(peer_header(p).error, LT_EINTR);
    peer_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_init__versions),
        cmocka_unit_test(test_init__takes_no_more_than_was_offered),
        cmocka_unit_test(test_init__comes_first_and_once),
        cmocka_unit_test(test_file__what_is_written_is_read),
        cmocka_unit_test(test_file__a_megabyte_in_one_message),
        cmocka_unit_test(test_file__setattr_changes_what_it_names),
        cmocka_unit_test(test_file__chown_takes_the_set_id_bits),
        cmocka_unit_test(test_file__a_write_takes_capabilities),
        cmocka_unit_test(test_file__lives_on_without_a_name),
        cmocka_unit_test(test_file__create_is_mknod_where_nothing_is_opened),
        cmocka_unit_test(test_file__create_opens_where_the_peer_wants_it),
        cmocka_unit_test(test_names__absence_is_cached),
        cmocka_unit_test(test_names__dots_are_for_nfs),
        cmocka_unit_test(test_names__rename_link_and_remove),
        cmocka_unit_test(test_names__symlink),
        cmocka_unit_test(test_names__nothing_is_left_after_exact_forgets),
        cmocka_unit_test(test_listing__is_whole_whatever_the_size),
        cmocka_unit_test(test_listing__refuses_what_cannot_be),
        cmocka_unit_test(test_xattr__set_get_list_remove),
        cmocka_unit_test(test_control__info_is_an_xattr_of_the_root),
        cmocka_unit_test(test_ioctl__flags_and_label),
        cmocka_unit_test(test_ranges__allocate_seek_and_copy),
        cmocka_unit_test(test_case__another_spelling_is_not_kept),
        cmocka_unit_test(test_case__removal_by_another_spelling_drops_all_names),
        cmocka_unit_test(test_streams__as_names_with_a_colon),
        cmocka_unit_test(test_events__of_others_become_notifications),
        cmocka_unit_test(test_locks__a_waiter_can_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
