// SPDX-License-Identifier: MIT
#include "mode.h"

#include <stdlib.h>

#define SET_IDS ((uint32_t)(LT_S_ISUID | LT_S_ISGID))

static bool is_dir(uint32_t mode)
{
    return (mode & LT_S_IFMT) == LT_S_IFDIR;
}

/* The classes that one letter names, as permission bits with set-id and sticky. */
static uint32_t class_bits(char letter)
{
    switch (letter) {
    case 'u':
        return 04700;
    case 'g':
        return 02070;
    case 'o':
        return 01007;
    case 'a':
        return 07777;
    default:
        return 0;
    }
}

/* What one letter behind the action stands for, in all classes. */
static uint32_t permission_bits(char letter, uint32_t mode)
{
    switch (letter) {
    case 'r':
        return 0444;
    case 'w':
        return 0222;
    case 'x':
        return 0111;
    case 'X':
        return is_dir(mode) || mode & 0111 ? 0111 : 0;
    case 's':
        return SET_IDS;
    case 't':
        return 01000;
    case 'u':
        return (mode >> 6 & 7) * 0111;
    case 'g':
        return (mode >> 3 & 7) * 0111;
    case 'o':
        return (mode & 7) * 0111;
    default:
        return 0;
    }
}

/* One action and what follows; returns where it ends, or NULL. */
static const char *apply(const char *p, uint32_t who, uint32_t mask, uint32_t *mode)
{
    char action = *p++;
    uint32_t bits = 0, kept = is_dir(*mode) ? SET_IDS : 0;
    if (action != '+' && action != '-' && action != '=')
        return NULL;
    for (; *p && *p != ',' && !strchr("+-=", *p); p++) {
        if (!strchr("rwxXstugo", *p))
            return NULL;
        bits |= permission_bits(*p, *mode);
        kept &= *p == 's' ? 0 : SET_IDS;
    }
    bits &= who & mask;
    if (action == '+')
        *mode |= bits;
    else if (action == '-')
        *mode &= ~bits;
    else
        *mode = (*mode & (~who | kept)) | bits;
    return p;
}

static bool parse_clauses(const char *p, uint32_t mode, uint32_t umask, uint32_t *ret)
{
    while (*p) {
        uint32_t who = 0, mask = LT_S_PERM;
        for (; class_bits(*p); p++)
            who |= class_bits(*p);
        if (who == 0) {
            who = LT_S_PERM;
            mask = ~umask;
        }
        do {
            p = apply(p, who, mask, &mode);
        } while (p && *p && *p != ',');
        if (!p || (*p == ',' && !p[1]))
            return false;
        p += *p == ',';
    }
    *ret = mode & LT_S_PERM;
    return true;
}

bool lt_mode_parse(const char *text, uint32_t mode, uint32_t umask, uint32_t *ret)
{
    if (text[0] < '0' || text[0] > '7')
        return text[0] && parse_clauses(text, mode, umask, ret);
    char *end;
    unsigned long bits = strtoul(text, &end, 8);
    if (*end || bits > LT_S_PERM)
        return false;
    /* Five digits mean what they say of a directory's set-id bits, too. */
    *ret = (uint32_t)bits | (is_dir(mode) && strlen(text) < 5 ? mode & SET_IDS : 0);
    return true;
}
