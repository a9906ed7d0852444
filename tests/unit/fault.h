/* SPDX-License-Identifier: MIT */
/*
 * Makes memory run out at a chosen point. malloc, calloc, realloc, strdup, aligned_alloc and
 * lt_pages_map of Lintel and of the test go through here (the linker's --wrap);
 * those inside other libraries do not.
 *
 *     FAULT_EACH(n) {
 *         struct thing *thing = NULL;
 *         int error = thing_new(&thing);
 *
 *         if (fault_disarm())
 *             assert_int_equal(error, LT_ENOMEM); // and nothing half done
 *         else
 *             assert_int_equal(error, 0);
 *         thing_free(thing);
 *     }
 */
#ifndef LT_TESTS_UNIT_FAULT_H
#define LT_TESTS_UNIT_FAULT_H

#include <stdbool.h>

/* From now on the n-th allocation, counted from 1 and in all threads together, fails. 0: none. */
void fault_arm(unsigned n);

/* The n-th and all that follow fail. */
void fault_arm_from(unsigned n);

/* Ends it. Returns whether any allocation failed since it was armed; again and again the same until
 * the next fault_arm. */
bool fault_disarm(void);

/* Allocations asked for since the last fault_arm, whether or not they failed. */
unsigned fault_count(void);

/* Runs the block that follows with the n-th allocation failing, n = 1, 2, ..., until it ran without
 * a failure. */
#define FAULT_EACH(n)                                            \
    for (unsigned n = 1, n##_more = (fault_arm(1), 1); n##_more; \
         n##_more = fault_disarm(), fault_arm(n##_more ? ++n : 0))

#endif
