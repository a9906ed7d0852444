// SPDX-License-Identifier: MIT
#include "options.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int lt_diag_set(struct lt_diag *diag, int error, const char *format, ...)
{
    va_list args;

    if (!diag)
        return error;
    va_start(args, format);
    if (vsnprintf(diag->text, sizeof(diag->text), format, args) < 0)
        diag->text[0] = '\0';
    va_end(args);
    return error;
}

/* ---- Values -------------------------------------------------------------------------------- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool equal_nocase(const char *a, const char *b)
{
    while (*a && to_lower(*a) == to_lower(*b))
        a++, b++;
    return to_lower(*a) == to_lower(*b);
}

static bool multiply(uint64_t a, uint64_t b, uint64_t *ret)
{
    return !__builtin_mul_overflow(a, b, ret);
}

/* Reads decimal digits at *p, advances it. LT_EINVAL without a digit, LT_ERANGE. */
static int parse_digits(const char **p, uint64_t *ret)
{
    uint64_t value = 0;

    if (!is_digit(**p))
        return LT_EINVAL;
    for (; is_digit(**p); ++*p) {
        if (!multiply(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(**p - '0'), &value))
            return LT_ERANGE;
    }
    *ret = value;
    return 0;
}

/* The factor of "", "k", "KiB", "gB", "b" and so on; 0 if it is none. */
static uint64_t size_unit(const char *text)
{
    static const char letters[] = "bkmgtpe";
    char letter = to_lower(*text);
    const char *at = letter ? strchr(letters, letter) : letters;

    if (!at)
        return 0;
    if (*text)
        text++;
    if (at != letters && *text && !equal_nocase(text, "b") && !equal_nocase(text, "ib"))
        return 0;
    if (at == letters && *text)
        return 0;
    return UINT64_C(1) << (10 * (at - letters));
}

/*
 * The part of `unit` that the fraction at *p (behind the point) stands for,
 * rounded down; advances *p. Digits past the ninth do not count.
 */
static int parse_fraction(const char **p, uint64_t *ret_nano)
{
    uint64_t nano = 0, digit = 100000000;

    if (!is_digit(**p))
        return LT_EINVAL;
    for (; is_digit(**p); ++*p, digit /= 10)
        nano += (uint64_t)(**p - '0') * digit;
    *ret_nano = nano;
    return 0;
}

int lt_size_parse(const char *text, uint64_t *ret)
{
    uint64_t value, unit, nano = 0;
    bool point = false;
    int error = parse_digits(&text, &value);

    if (!error && *text == '.') {
        text++;
        point = true;
        error = parse_fraction(&text, &nano);
    }
    if (error)
        return error;
    unit = size_unit(text);
    if (unit == 0 || (point && unit == 1))
        return LT_EINVAL;
    /* nano < 10^9 and unit <= 2^60: split so that nothing overflows. */
    nano = unit / 1000000000 * nano + unit % 1000000000 * nano / 1000000000;
    if (!multiply(value, unit, &value) || __builtin_add_overflow(value, nano, &value))
        return LT_ERANGE;
    *ret = value;
    return 0;
}

/* "N%" of `whole`, N from 0 to 100. */
static int parse_percent(const char *text, uint64_t whole, uint64_t *ret)
{
    uint64_t n;
    int error = parse_digits(&text, &n);

    if (error)
        return error;
    if (strcmp(text, "%") != 0 || n > 100)
        return LT_EINVAL;
    *ret = whole / 100 * n + whole % 100 * n / 100;
    return 0;
}

static int parse_number(const char *text, uint64_t *ret)
{
    unsigned base = 10;
    uint64_t value = 0;

    if (text[0] == '0' && to_lower(text[1]) == 'x') {
        base = 16;
        text += 2;
    } else if (text[0] == '0' && text[1]) {
        base = 8;
        text++;
    }
    if (!*text)
        return LT_EINVAL;
    for (; *text; text++) {
        char c = to_lower(*text);
        unsigned digit = is_digit(c)            ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                                : base;

        if (digit >= base)
            return LT_EINVAL;
        if (!multiply(value, base, &value) || __builtin_add_overflow(value, digit, &value))
            return LT_ERANGE;
    }
    *ret = value;
    return 0;
}

/* ---- Setting one option -------------------------------------------------------------------- */

static int set_flag(const struct lt_option *option, const char *text, struct lt_diag *diag)
{
    static const char *const yes[] = {"yes", "on", "1", "true"};
    static const char *const no[] = {"no", "off", "0", "false"};
    bool *value = option->value;

    if (!text) {
        *value = true;
        return 0;
    }
    for (size_t i = 0; i < 4; i++) {
        if (equal_nocase(text, yes[i]) || equal_nocase(text, no[i])) {
            *value = equal_nocase(text, yes[i]);
            return 0;
        }
    }
    return lt_diag_set(diag, LT_EINVAL, "option '%s' is yes or no, not '%s'", option->name, text);
}

static int set_number(const struct lt_option *option, const char *text, struct lt_diag *diag)
{
    bool is_size = option->type == LT_OPTION_SIZE;
    uint64_t value;
    int error;

    if (!is_size)
        error = parse_number(text, &value);
    else if (option->percent_of > 0 && strchr(text, '%'))
        error = parse_percent(text, option->percent_of, &value);
    else
        error = lt_size_parse(text, &value);
    if (error == LT_EINVAL)
        return lt_diag_set(diag, LT_EINVAL, "option '%s' needs a %s, not '%s'", option->name,
                           is_size ? "size such as 512m or 4g" : "number", text);
    if (error || value < option->min || (option->max > 0 && value > option->max))
        return lt_diag_set(
            diag, LT_EINVAL,
            "option '%s' is out of range: '%s' is not between %" PRIu64 " and %" PRIu64,
            option->name, text, option->min, option->max > 0 ? option->max : UINT64_MAX);
    *(uint64_t *)option->value = value;
    return 0;
}

static int set_string(const struct lt_option *option, const char *text, struct lt_diag *diag)
{
    size_t len = strlen(text);

    if (len >= option->capacity)
        return lt_diag_set(diag, LT_EINVAL, "option '%s' is too long: %zu bytes, at most %zu fit",
                           option->name, len, option->capacity - 1);
    memcpy(option->value, text, len + 1);
    return 0;
}

static int set_choice(const struct lt_option *option, const char *text, struct lt_diag *diag)
{
    char known[256] = "";
    size_t len = 0;

    for (int i = 0; option->choices[i]; i++) {
        if (equal_nocase(text, option->choices[i])) {
            *(int *)option->value = i;
            return 0;
        }
        if (len < sizeof(known))
            len += (size_t)snprintf(known + len, sizeof(known) - len, "%s%s", i > 0 ? ", " : "",
                                    option->choices[i]);
    }
    return lt_diag_set(diag, LT_EINVAL, "option '%s' is one of %s, not '%s'", option->name, known,
                       text);
}

static int set_option(const struct lt_option *option, const char *value, struct lt_diag *diag)
{
    if (option->type == LT_OPTION_FLAG)
        return set_flag(option, value, diag);
    if (!value)
        return lt_diag_set(diag, LT_EINVAL, "option '%s' needs a value: %s=...", option->name,
                           option->name);
    switch (option->type) {
    case LT_OPTION_STRING:
        return set_string(option, value, diag);
    case LT_OPTION_CHOICE:
        return set_choice(option, value, diag);
    default:
        return set_number(option, value, diag);
    }
}

/* ---- The list ------------------------------------------------------------------------------ */

static const struct lt_option *find(const struct lt_option *options, const char *name)
{
    for (; options->name; options++) {
        if (strcmp(options->name, name) == 0)
            return options;
    }
    return NULL;
}

static const char *next_name(const void *arg, size_t i)
{
    const struct lt_option *options = arg;

    return options[i].name;
}

static int unknown_option(const struct lt_option *options, const char *name, struct lt_diag *diag)
{
    const char *nearest = lt_word_nearest(name, next_name, options);

    if (nearest)
        return lt_diag_set(diag, LT_EINVAL, "unknown option '%s'; did you mean '%s'?", name,
                           nearest);
    return lt_diag_set(diag, LT_EINVAL, "unknown option '%s'", name);
}

/*
 * Copies the next item of *text to `out` without its escapes, sets *ret_value to
 * what follows its first '=' (NULL without one), and advances *text behind the comma.
 */
static void next_item(const char **text, char *out, const char **ret_value)
{
    const char *p = *text;

    *ret_value = NULL;
    for (; *p && *p != ','; p++) {
        if (*p == '\\' && (p[1] == ',' || p[1] == '\\')) {
            *out++ = *++p;
        } else if (*p == '=' && !*ret_value) {
            *out++ = '\0';
            *ret_value = out;
        } else {
            *out++ = *p;
        }
    }
    *out = '\0';
    *text = *p ? p + 1 : p;
}

int lt_options_parse(const char *text, const struct lt_option *options,
                     int (*unknown)(void *arg, const char *name, const char *value), void *arg,
                     struct lt_diag *diag)
{
    char *item;
    int error = 0;

    if (!text || !*text)
        return 0;
    item = malloc(strlen(text) + 1);
    if (!item)
        return lt_diag_set(diag, LT_ENOMEM, "out of memory");
    while (*text && !error) {
        const struct lt_option *option;
        const char *value;

        next_item(&text, item, &value);
        option = find(options, item);
        if (!*item && !value)
            continue; /* ",,": mount(8) lets it pass, too */
        if (option)
            error = set_option(option, value, diag);
        else if (!unknown || unknown(arg, item, value) != 0)
            error = unknown_option(options, item, diag);
    }
    free(item);
    return error;
}
