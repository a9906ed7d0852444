/* SPDX-License-Identifier: MIT */
/*
 * Comma-separated options, as in mount -o and in sources: "size=1g,ro,label=a\,b".
 * A comma or backslash inside a value is written \, or \\.
 */
#ifndef LT_BASE_OPTIONS_H
#define LT_BASE_OPTIONS_H

#include <lintel/error.h>
#include <lintel/types.h>

enum lt_option_type {
    LT_OPTION_FLAG, /* "name" or "name=yes|no|on|off|1|0|true|false": bool */
    LT_OPTION_SIZE, /* bytes with optional k, m, g, t, p (powers of 1024; "KiB", "kB", "K" too), or
                       N% (of `percent_of`): uint64_t */
    LT_OPTION_NUMBER, /* decimal, 0x or 0 octal: uint64_t */
    LT_OPTION_STRING, /* char[capacity], NUL-terminated */
    LT_OPTION_CHOICE  /* one of `choices` (NULL-terminated): int index */
};

struct lt_option {
    const char *name;
    enum lt_option_type type;
    void *value;
    size_t capacity;            /* LT_OPTION_STRING */
    const char *const *choices; /* LT_OPTION_CHOICE */
    uint64_t min, max;          /* LT_OPTION_SIZE, LT_OPTION_NUMBER; max 0: no limit */
    uint64_t percent_of;        /* LT_OPTION_SIZE; 0: % is not allowed */
};

/*
 * Parses `text` into the values of `options` (ended by name NULL). An option that
 * is not in the list is handed to unknown(arg, name, value or NULL) if that is not
 * NULL; it returns 0 to accept. Otherwise LT_EINVAL, with a sentence in diag that
 * names the option, and the nearest known one where it looks like a slip.
 */
int lt_options_parse(const char *text, const struct lt_option *options,
                     int (*unknown)(void *arg, const char *name, const char *value), void *arg,
                     struct lt_diag *diag);

/* One size ("10G", "512", "1.5GiB"). LT_EINVAL, LT_ERANGE. */
int lt_size_parse(const char *text, uint64_t *ret);

/*
 * The nearest of the words that next(arg, 0), next(arg, 1) ... give until NULL,
 * where `word` looks like a slip of it; else NULL. For "did you mean ...?".
 */
const char *lt_word_nearest(const char *word, const char *(*next)(const void *arg, size_t i),
                            const void *arg);

/* diag->text = printf(...); diag may be NULL. Always returns `error`, so that `return
 * lt_diag_set(...)` reads well. */
int lt_diag_set(struct lt_diag *diag, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
