// SPDX-License-Identifier: MIT
/* src/core/acl.c: the xattr form, modes, inheritance, who may what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <lintel/acl.h>

#define ENTRY(tag, perm, id) ((struct lt_acl_entry){tag, perm, id})
#define NO LT_ACL_NO_ID

struct list {
    unsigned char bytes[LT_ACL_SIZE(16)];
    size_t len;
};

static struct list make(const struct lt_acl_entry *entries, size_t count)
{
    struct list l;
    int r = lt_acl_put(l.bytes, sizeof(l.bytes), entries, count);
    assert_int_equal(r, LT_ACL_SIZE(count));
    l.len = (size_t)r;
    return l;
}

#define MAKE(...)                                    \
    make((const struct lt_acl_entry[]){__VA_ARGS__}, \
         sizeof((const struct lt_acl_entry[]){__VA_ARGS__}) / sizeof(struct lt_acl_entry))

static struct lt_str str_of(const struct list *l)
{
    return lt_strn((const char *)l->bytes, l->len);
}

static int check(struct list l)
{
    return lt_acl_check(str_of(&l));
}

static void test_acl__bytes_are_those_of_linux(void **state)
{
    (void)state;
    struct list l =
        MAKE(ENTRY(LT_ACL_USER_OBJ, 6, 0), ENTRY(LT_ACL_USER, 4, 0x01020304),
             ENTRY(LT_ACL_GROUP_OBJ, 4, 7), ENTRY(LT_ACL_MASK, 5, 0), ENTRY(LT_ACL_OTHER, 0, 0));
    static const unsigned char expected[] = {
        2,    0, 0, 0,                         /* version */
        1,    0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* user::rw- */
        2,    0, 4, 0, 4,    3,    2,    1,    /* user:16909060:r-- */
        4,    0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* group::r-- */
        0x10, 0, 5, 0, 0xff, 0xff, 0xff, 0xff, /* mask::r-x */
        0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* other::--- */
    };
    assert_int_equal(l.len, sizeof(expected));
    assert_memory_equal(l.bytes, expected, sizeof(expected));
    assert_int_equal(check(l), 5);
}

static void test_acl__put_wants_room(void **state)
{
    (void)state;
    unsigned char small[11];
    struct lt_acl_entry e = ENTRY(LT_ACL_USER_OBJ, 7, NO);
    assert_int_equal(lt_acl_put(small, sizeof(small), &e, 1), LT_ERANGE);
}

static void test_acl__check_wants_order_and_all_classes(void **state)
{
    (void)state;
    struct lt_acl_entry u = ENTRY(LT_ACL_USER_OBJ, 7, NO), g = ENTRY(LT_ACL_GROUP_OBJ, 5, NO);
    struct lt_acl_entry o = ENTRY(LT_ACL_OTHER, 0, NO), m = ENTRY(LT_ACL_MASK, 7, NO);
    struct lt_acl_entry nu = ENTRY(LT_ACL_USER, 7, 1), ng = ENTRY(LT_ACL_GROUP, 7, 1);
    assert_int_equal(check(MAKE(u, g, o)), 3);
    assert_int_equal(check(MAKE(u, g, m, o)), 4);
    assert_int_equal(check(MAKE(u, nu, nu, g, ng, ng, m, o)), 8);
    assert_int_equal(check(MAKE(u, nu, g, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, ng, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(g, u, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, u, g, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, g, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, m, m, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, o, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, m, ng, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, nu, m, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, ENTRY(LT_ACL_OTHER, 8, NO))), LT_EINVAL);
    assert_int_equal(check(MAKE(u, ENTRY(LT_ACL_USER, 1, NO), g, m, o)), LT_EINVAL);
    assert_int_equal(check(MAKE(u, g, ENTRY(0x40, 1, NO), o)), LT_EINVAL);
}

static void test_acl__check_wants_whole_entries_and_version_2(void **state)
{
    (void)state;
    struct list l = MAKE(ENTRY(LT_ACL_USER_OBJ, 7, NO), ENTRY(LT_ACL_GROUP_OBJ, 5, NO),
                         ENTRY(LT_ACL_OTHER, 0, NO));
    for (size_t len = 0; len < l.len; len++) {
        int expected = len == 4 ? 0 : LT_EINVAL;
        assert_int_equal(lt_acl_check(lt_strn((const char *)l.bytes, len)), expected);
    }
    l.bytes[0] = 1;
    assert_int_equal(check(l), LT_EOPNOTSUPP);
}

static void test_acl__mode_takes_the_mask_for_the_group(void **state)
{
    (void)state;
    uint32_t mode = LT_S_IFREG | LT_S_ISUID | 0777;
    struct list plain = MAKE(ENTRY(LT_ACL_USER_OBJ, 6, NO), ENTRY(LT_ACL_GROUP_OBJ, 4, NO),
                             ENTRY(LT_ACL_OTHER, 1, NO));
    assert_false(lt_acl_to_mode(str_of(&plain), &mode));
    assert_int_equal(mode, LT_S_IFREG | LT_S_ISUID | 0641);
    struct list masked = MAKE(ENTRY(LT_ACL_USER_OBJ, 6, NO), ENTRY(LT_ACL_GROUP_OBJ, 4, NO),
                              ENTRY(LT_ACL_MASK, 2, NO), ENTRY(LT_ACL_OTHER, 1, NO));
    assert_true(lt_acl_to_mode(str_of(&masked), &mode));
    assert_int_equal(mode & 0777, 0621);
}

static void test_acl__chmod_moves_the_mask_and_spares_the_group(void **state)
{
    (void)state;
    struct list l =
        MAKE(ENTRY(LT_ACL_USER_OBJ, 6, NO), ENTRY(LT_ACL_GROUP_OBJ, 4, NO),
             ENTRY(LT_ACL_GROUP, 7, 5), ENTRY(LT_ACL_MASK, 2, NO), ENTRY(LT_ACL_OTHER, 1, NO));
    lt_acl_set_mode(l.bytes, l.len, 0751);
    assert_int_equal(lt_acl_get(str_of(&l), 0).perm, 7);
    assert_int_equal(lt_acl_get(str_of(&l), 1).perm, 4);
    assert_int_equal(lt_acl_get(str_of(&l), 2).perm, 7);
    assert_int_equal(lt_acl_get(str_of(&l), 3).perm, 5);
    assert_int_equal(lt_acl_get(str_of(&l), 4).perm, 1);
}

static void test_acl__inheritance_cuts_both_ways(void **state)
{
    (void)state;
    struct list l =
        MAKE(ENTRY(LT_ACL_USER_OBJ, 6, NO), ENTRY(LT_ACL_USER, 7, 9),
             ENTRY(LT_ACL_GROUP_OBJ, 5, NO), ENTRY(LT_ACL_MASK, 5, NO), ENTRY(LT_ACL_OTHER, 5, NO));
    uint32_t mode = LT_S_IFREG | 0666;
    assert_true(lt_acl_inherit(l.bytes, l.len, &mode));
    assert_int_equal(mode, LT_S_IFREG | 0644);
    assert_int_equal(lt_acl_get(str_of(&l), 1).perm, 7);
    assert_int_equal(lt_acl_get(str_of(&l), 2).perm, 5);
    assert_int_equal(lt_acl_get(str_of(&l), 3).perm, 4);
    assert_int_equal(lt_acl_get(str_of(&l), 4).perm, 4);

    struct list plain = MAKE(ENTRY(LT_ACL_USER_OBJ, 7, NO), ENTRY(LT_ACL_GROUP_OBJ, 5, NO),
                             ENTRY(LT_ACL_OTHER, 0, NO));
    mode = LT_S_IFREG | 0666;
    assert_false(lt_acl_inherit(plain.bytes, plain.len, &mode));
    assert_int_equal(mode, LT_S_IFREG | 0640);
}

static void test_acl__group_match_shuts_others_out(void **state)
{
    (void)state;
    struct list l = MAKE(ENTRY(LT_ACL_USER_OBJ, 0, NO), ENTRY(LT_ACL_USER, 6, 10),
                         ENTRY(LT_ACL_GROUP_OBJ, 0, NO), ENTRY(LT_ACL_GROUP, 6, 20),
                         ENTRY(LT_ACL_MASK, 4, NO), ENTRY(LT_ACL_OTHER, 7, NO));
    uint32_t groups[] = {20};
    struct lt_ctx owner = {.uid = 1, .gid = 99}, named = {.uid = 10, .gid = 99};
    struct lt_ctx member = {.uid = 2, .gid = 99, .groups = groups, .group_count = 1};
    struct lt_ctx owning = {.uid = 2, .gid = 5}, stranger = {.uid = 2, .gid = 99};
    assert_false(lt_acl_permits(str_of(&l), 1, 5, &owner, 4));
    assert_true(lt_acl_permits(str_of(&l), 1, 5, &named, 4));
    assert_false(lt_acl_permits(str_of(&l), 1, 5, &named, 2));
    assert_true(lt_acl_permits(str_of(&l), 1, 5, &member, 4));
    assert_false(lt_acl_permits(str_of(&l), 1, 5, &member, 2));
    assert_false(lt_acl_permits(str_of(&l), 1, 5, &member, 1));
    assert_false(lt_acl_permits(str_of(&l), 1, 5, &owning, 4));
    assert_true(lt_acl_permits(str_of(&l), 1, 5, &stranger, 7));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_acl__bytes_are_those_of_linux),
        cmocka_unit_test(test_acl__put_wants_room),
        cmocka_unit_test(test_acl__check_wants_order_and_all_classes),
        cmocka_unit_test(test_acl__check_wants_whole_entries_and_version_2),
        cmocka_unit_test(test_acl__mode_takes_the_mask_for_the_group),
        cmocka_unit_test(test_acl__chmod_moves_the_mask_and_spares_the_group),
        cmocka_unit_test(test_acl__inheritance_cuts_both_ways),
        cmocka_unit_test(test_acl__group_match_shuts_others_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
