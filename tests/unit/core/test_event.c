// SPDX-License-Identifier: MIT
/* src/core/event.c: delivery that runs while subscriptions come and go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/fake.h"

#include <os/os.h>
#include <stdlib.h>

static struct fake fake;

static int setup(void **state)
{
    (void)state;
    fake_init(&fake);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lt_fs_fini(&fake.fs);
    return 0;
}

/* Any change will do: an attribute of the first file. */
static void change(const void *origin)
{
    struct lt_ctx ctx = {.origin = origin};
    struct lt_setattr set = {.mask = LT_SET_ATIME_NOW};
    assert_int_equal(lt_node_setattr(&ctx, &fake.nodes[1], &set, NULL), 0);
}

struct seen {
    atomic_uint count;
    struct lt_event last;
};

static void see(void *arg, const struct lt_event *event)
{
    struct seen *seen = arg;
    seen->last = *event;
    atomic_fetch_add(&seen->count, 1);
}

static void test_event__says_who_and_what(void **state)
{
    (void)state;
    struct lt_subscription *s;
    struct seen seen = {0};
    int me;
    assert_int_equal(lt_event_subscribe(&fake.fs, see, &seen, &s), 0);
    change(&me);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.type, LT_EVENT_ATTR);
    assert_ptr_equal(seen.last.node, &fake.nodes[1]);
    assert_ptr_equal(seen.last.origin, &me);
    lt_event_unsubscribe(s);
    change(&me);
    assert_int_equal(seen.count, 1);
}

static void test_event__ended_subscriptions_are_used_again(void **state)
{
    (void)state;
    struct lt_subscription *a, *b, *c;
    struct seen first = {0}, second = {0}, third = {0};
    assert_int_equal(lt_event_subscribe(&fake.fs, see, &first, &a), 0);
    assert_int_equal(lt_event_subscribe(&fake.fs, see, &second, &b), 0);
    lt_event_unsubscribe(a);
    assert_int_equal(lt_event_subscribe(&fake.fs, see, &third, &c), 0);
    assert_ptr_equal(a, c);
    change(NULL);
    assert_int_equal(first.count, 0);
    assert_int_equal(second.count, 1);
    assert_int_equal(third.count, 1);
    lt_event_unsubscribe(b);
    lt_event_unsubscribe(c);
    lt_event_unsubscribe(NULL);
}

static void change_more(void *arg, const struct lt_event *event)
{
    struct seen *seen = arg;
    (void)event;
    if (atomic_fetch_add(&seen->count, 1) < 3)
        change(NULL);
}

static void test_event__a_subscriber_may_call_in(void **state)
{
    (void)state;
    struct lt_subscription *s;
    struct seen seen = {0};
    assert_int_equal(lt_event_subscribe(&fake.fs, change_more, &seen, &s), 0);
    change(NULL);
    assert_int_equal(seen.count, 4);
    lt_event_unsubscribe(s);
}

/* Memory that is gone once the subscription is: the sanitizers see a late call. */
struct short_life {
    atomic_uint count;
};

static void touch(void *arg, const struct lt_event *event)
{
    (void)event;
    atomic_fetch_add(&((struct short_life *)arg)->count, 1);
}

static atomic_bool stop;

static void keep_changing(void *arg)
{
    (void)arg;
    while (!atomic_load(&stop))
        change(NULL);
}

static void come_and_go(void *arg)
{
    (void)arg;
    for (int i = 0; i < 2000; i++) {
        struct lt_subscription *s;
        struct short_life *life = calloc(1, sizeof(*life));
        assert_non_null(life);
        assert_int_equal(lt_event_subscribe(&fake.fs, touch, life, &s), 0);
        lt_event_unsubscribe(s);
        free(life);
    }
}

static void test_event__no_call_after_unsubscribe(void **state)
{
    (void)state;
    struct lt_thread *changers[2], *comers[2];
    atomic_store(&stop, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(lt_thread_start(&changers[i], "changer", keep_changing, NULL), 0);
        assert_int_equal(lt_thread_start(&comers[i], "comer", come_and_go, NULL), 0);
    }
    for (int i = 0; i < 2; i++)
        lt_thread_join(comers[i]);
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        lt_thread_join(changers[i]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_event__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(says_who_and_what),
        TEST(ended_subscriptions_are_used_again),
        TEST(a_subscriber_may_call_in),
        TEST(no_call_after_unsubscribe),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
