// SPDX-License-Identifier: MIT
/* Who may what: descriptors, privileges, and early refusals: N026 to N034, N044. */
#include "kit.h"

#include <core/fs_ops.h>
#include <stdatomic.h>
#include <string.h>

/* A file with this descriptor, made by LocalSystem. */
static void make_secured(const char *path, const char *sddl, const char *words)
{
    struct nt_create c = how(path, words);
    c.security = sd(sddl);
    ok(try_with(c));
}

static const uint32_t all_parts = LT_OWNER_SECURITY | LT_GROUP_SECURITY | LT_DACL_SECURITY;

/* Dagger: the rule is that of NTFS; the I/O manager of the tests follows it. */
TEST(test_n026__delete_on_close_needs_delete)
{
    is(INVALID_PARAMETER, try_open("\\f", "create r w doc"));
    assert_false(exists("\\f"));
    make_file("\\f");
    is(INVALID_PARAMETER, try_open("\\f", "r doc"));
    assert_true(exists("\\f"));
}

TEST(test_n027__the_descriptor_asked_for_is_stored)
{
    need_windows();
    make_secured("\\f", "O:BAG:SYD:P(A;;FA;;;SY)(A;;FR;;;WD)", "create r w");
    struct nt_file *f = open_file("\\f", "read_control");
    assert_string_equal(sddl_of(f, all_parts), "O:BAG:SYD:P(A;;FA;;;SY)(A;;FR;;;WD)");
    assert_string_equal(sddl_of(f, LT_DACL_SECURITY), "D:P(A;;FA;;;SY)(A;;FR;;;WD)");
    assert_string_equal(sddl_of(f, LT_OWNER_SECURITY), "O:BA");
    make_secured("\\d", "D:P(A;OICI;FA;;;WD)", "create list dir");
    assert_string_equal(sddl_of(open_file("\\d", "read_control"), LT_DACL_SECURITY),
                        "D:P(A;OICI;FA;;;WD)");
}

TEST(test_n027__without_one_it_comes_from_the_parent)
{
    need_windows();
    make_secured("\\d", "O:SYG:SYD:P(A;OICI;FA;;;SY)(A;CIIO;FR;;;BU)(A;OI;FR;;;WD)(A;;FX;;;BU)",
                 "create list dir");
    make_file("\\d\\f");
    make_dir("\\d\\sub");
    const char *file = sddl_of(open_file("\\d\\f", "read_control"), LT_DACL_SECURITY);
    assert_non_null(strstr(file, "(A;ID;FA;;;SY)"));
    assert_non_null(strstr(file, "(A;ID;FR;;;WD)"));
    assert_null(strstr(file, ";BU)"));
    const char *dir = sddl_of(open_file("\\d\\sub", "read_control"), LT_DACL_SECURITY);
    assert_non_null(strstr(dir, "(A;OICIID;FA;;;SY)"));
    assert_non_null(strstr(dir, "(A;CIID;FR;;;BU)"));
    assert_null(strstr(dir, ";FX;"));
}

TEST(test_n027__the_creator_owns_what_he_makes)
{
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    struct nt_file *f = open_file("\\f", "create a");
    if (!plain)
        assert_string_equal(sddl_of(f, LT_OWNER_SECURITY), "O:" ALICE);
    assert_true(access_of(f) & LT_ACCESS_WRITE_DAC);
}

TEST(test_n028__traverse_is_asked_for_without_the_privilege)
{
    need_windows();
    make_secured("\\closed", "O:SYG:SYD:P(A;;FR;;;WD)(A;;FA;;;SY)", "create list dir");
    make_secured("\\closed\\f", SD_OPEN, "create r w");
    make_dir("\\closed\\sub");
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    ok(try_open("\\closed\\f", "r"));
    become(ALICE, 0);
    is(ACCESS_DENIED, try_open("\\closed\\f", "r"));
    is(ACCESS_DENIED, try_open("\\closed\\sub\\none", "r"));
    /* The directory itself is not traversed. */
    ok(try_open("\\closed", "list"));
}

TEST(test_n029__backup_reads_what_it_may_not)
{
    need_windows();
    make_secured("\\f", "O:SYG:SYD:P(D;;FA;;;WD)", "create r w");
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    is(ACCESS_DENIED, try_open("\\f", "read_data backup"));
    become(ALICE, LT_PRIVILEGE_TRAVERSE | LT_PRIVILEGE_BACKUP);
    ok(try_open("\\f", "read_data backup"));
    ok(try_open("\\f", "read_control backup"));
    is(ACCESS_DENIED, try_open("\\f", "read_data"));
    is(ACCESS_DENIED, try_open("\\f", "write_data backup"));
}

TEST(test_n029__restore_writes_and_gives_away)
{
    need_windows();
    make_secured("\\f", "O:SYG:SYD:P(D;;FA;;;WD)", "create r w");
    make_secured("\\d", "O:SYG:SYD:P(A;;FR;;;WD)", "create list dir");
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    is(ACCESS_DENIED, try_open("\\d\\new", "create write_data backup"));
    become(ALICE, LT_PRIVILEGE_TRAVERSE | LT_PRIVILEGE_RESTORE);
    ok(try_open("\\f", "write_data backup"));
    is(ACCESS_DENIED, try_open("\\f", "read_data backup"));
    struct nt_create c = how("\\d\\new", "create write_data backup");
    c.security = sd("O:" BOB "G:SYD:P(A;;FA;;;WD)");
    ok(try_with(c));
    assert_string_equal(sddl_of(open_file("\\d\\new", "read_control"), LT_OWNER_SECURITY),
                        "O:" BOB);
}

TEST(test_n029__others_give_nothing_away)
{
    need_windows();
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    struct nt_create c = how("\\f", "create r w");
    c.security = sd("O:" BOB "G:SYD:P(A;;FA;;;WD)");
    is(INVALID_OWNER, try_with(c));
    assert_false(exists("\\f"));
}

TEST(test_n030__maximum_allowed)
{
    assert_int_equal(access_of(open_file("\\f", "create max")), LT_ACCESS_FILE_ALL);
    need_windows();
    make_secured("\\g", "O:SYG:SYD:P(A;;FR;;;" ALICE ")(A;;FX;;;WD)", "create r w");
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    /* The parent lets its children be deleted. */
    uint32_t granted = access_of(open_file("\\g", "max"));
    assert_int_equal(granted & ~(uint32_t)LT_ACCESS_DELETE,
                     LT_ACCESS_FILE_READ | LT_ACCESS_FILE_EXECUTE);
    become(BOB, LT_PRIVILEGE_TRAVERSE);
    assert_int_equal(access_of(open_file("\\g", "max")) & ~(uint32_t)LT_ACCESS_DELETE,
                     LT_ACCESS_FILE_EXECUTE);
}

TEST(test_n030__the_granted_access_is_what_the_handle_may)
{
    struct nt_file *f = open_file("\\f", "create read_data sync");
    size_t done = 0;
    is(ACCESS_DENIED, nt_write(f, "x", 1, 0, &done));
    is(ACCESS_DENIED, set_size(f, 5));
    is(ACCESS_DENIED, dispose(f, true));
    is(ACCESS_DENIED, set_attributes(f, LT_WIN_HIDDEN));
    char buf[64];
    is(ACCESS_DENIED, nt_query_info(f, NT_BASIC_INFO, buf, sizeof(buf), &done));
    is(ACCESS_DENIED, nt_query_security(f, LT_OWNER_SECURITY, buf, sizeof(buf), &done));
    struct nt_file *w = open_file("\\f", "write_data sync");
    is(ACCESS_DENIED, nt_read(w, buf, 1, 0, &done));
}

TEST(test_n031__directories_are_not_temporary)
{
    is(INVALID_PARAMETER, try_open("\\d", "create list dir +temporary"));
    assert_false(exists("\\d"));
}

TEST(test_n032__opening_by_id_is_not_there)
{
    make_file("\\f");
    is(NOT_IMPLEMENTED, try_open("\\f", "r by_id"));
}

TEST(test_n033__eas_on_a_volume_without)
{
    if (!plain)
        skip();
    struct bytes b = {.len = 0};
    add_ea(&b, "NAME", "value", 0);
    struct nt_create c = how("\\f", "create r w");
    c.ea = str_of(&b);
    is(EAS_NOT_SUPPORTED, try_with(c));
    assert_false(exists("\\f"));
}

/* ---- Who is it? ------------------------------------------------------------------------------ */

static struct lt_fs_ops spied;
static const struct lt_fs_ops *spied_on;
static atomic_uint create_pid, rename_pid;

static int spy_create(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                      const struct lt_create *spec, struct lt_entry *ret)
{
    atomic_store(&create_pid, ctx->pid);
    return spied_on->create(ctx, dir, name, spec, ret);
}

static int spy_rename(const struct lt_ctx *ctx, struct lt_node *dir, struct lt_str name,
                      struct lt_node *new_dir, struct lt_str new_name, uint32_t flags,
                      struct lt_gone *ret)
{
    atomic_store(&rename_pid, ctx->pid);
    return spied_on->rename(ctx, dir, name, new_dir, new_name, flags, ret);
}

TEST(test_n034__the_file_system_sees_the_process)
{
    struct lt_fs *fs = nt_fs(vol);
    spied_on = fs->ops;
    spied = *fs->ops;
    spied.create = spy_create;
    spied.rename = spy_rename;
    fs->ops = &spied;
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    int32_t created = try_open("\\f", "create r w");
    int32_t other = try_open("\\g", "create r w");
    int32_t renamed = move("\\f", "\\g", true);
    fs->ops = spied_on;
    ok(created);
    ok(other);
    ok(renamed);
    assert_int_equal(atomic_load(&create_pid), 4711);
    assert_int_equal(atomic_load(&rename_pid), 4711);
}

/* ---- What the parent gives ------------------------------------------------------------------- */

TEST(test_n044__the_parent_lets_delete_and_see)
{
    need_windows();
    make_secured("\\d", "O:SYG:SYD:P(A;;FA;;;SY)(A;;0x1000e3;;;WD)", "create list dir");
    make_secured("\\d\\f", "O:SYG:SYD:P(D;;FA;;;WD)", "create r w");
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    is(ACCESS_DENIED, try_open("\\d\\f", "read_data"));
    is(ACCESS_DENIED, try_open("\\d\\f", "write_attr"));
    ok(try_open("\\d\\f", "read_attr"));
    ok(remove_file("\\d\\f"));
    become(NULL, 0);
    assert_false(exists("\\d\\f"));
}

TEST(test_n044__or_it_does_not)
{
    need_windows();
    make_secured("\\d", "O:SYG:SYD:P(A;;FA;;;SY)(A;;0x100020;;;WD)", "create list dir");
    make_secured("\\d\\f", "O:SYG:SYD:P(D;;FA;;;WD)", "create r w");
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    is(ACCESS_DENIED, try_open("\\d\\f", "read_attr"));
    is(ACCESS_DENIED, try_open("\\d\\f", "0x10000"));
    become(NULL, 0);
    assert_true(exists("\\d\\f"));
}

TEST(test_access__descriptors_are_changed_in_parts)
{
    need_windows();
    make_secured("\\f", "O:SYG:SYD:P(A;;FA;;;WD)", "create r w");
    struct nt_file *f = open_file("\\f", "read_control write_dac write_owner");
    ok(set_sd(f, LT_DACL_SECURITY, "D:P(A;;FR;;;WD)(A;;FA;;;SY)"));
    ok(set_sd(f, LT_OWNER_SECURITY, "O:BA"));
    ok(set_sd(f, LT_GROUP_SECURITY, "G:BU"));
    assert_string_equal(sddl_of(f, all_parts), "O:BAG:BUD:P(A;;FR;;;WD)(A;;FA;;;SY)");
    close_file(f);
    become(ALICE, LT_PRIVILEGE_TRAVERSE);
    is(ACCESS_DENIED, try_open("\\f", "w"));
    ok(try_open("\\f", "r"));
}

TEST(test_access__query_of_a_descriptor_says_how_long_it_is)
{
    char buf[1024];
    size_t need = 0, got = 0;
    struct nt_file *f = open_file("\\f", "create a");
    is(BUFFER_TOO_SMALL, nt_query_security(f, LT_DACL_SECURITY, buf, 0, &need));
    assert_true(need > 0 && need <= sizeof(buf));
    is(BUFFER_TOO_SMALL, nt_query_security(f, LT_DACL_SECURITY, buf, need - 1, &got));
    assert_int_equal(got, need);
    ok(nt_query_security(f, LT_DACL_SECURITY, buf, need, &got));
    assert_int_equal(got, need);
}
