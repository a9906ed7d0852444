/* SPDX-License-Identifier: MIT */
/* What every unit test includes: cmocka with what it needs. */
#ifndef LT_TESTS_UNIT_TEST_H
#define LT_TESTS_UNIT_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
