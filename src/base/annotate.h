/* SPDX-License-Identifier: MIT */
/*
 * Lock annotations for clang's -Wthread-safety; nothing for other compilers.
 *
 * GUARDED_BY(lock) on a member of a struct is for the reader only: in C, clang does not look
 * for `lock` among the other members.
 */
#ifndef LT_BASE_ANNOTATE_H
#define LT_BASE_ANNOTATE_H

#if defined(__clang__)
#define LT_TSA(x) __attribute__((x))
#else
#define LT_TSA(x)
#endif

#define GUARDED_BY(lock)
#define CAPABILITY(name) LT_TSA(capability(name))
#define REQUIRES(...) LT_TSA(requires_capability(__VA_ARGS__))
#define REQUIRES_SHARED(...) LT_TSA(requires_shared_capability(__VA_ARGS__))
#define ACQUIRE(...) LT_TSA(acquire_capability(__VA_ARGS__))
#define ACQUIRE_SHARED(...) LT_TSA(acquire_shared_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) LT_TSA(try_acquire_capability(__VA_ARGS__))
#define RELEASE(...) LT_TSA(release_capability(__VA_ARGS__))
#define RELEASE_SHARED(...) LT_TSA(release_shared_capability(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS LT_TSA(no_thread_safety_analysis)

#endif
