// SPDX-License-Identifier: MIT
#include "options.h"

#define WORD_MAX 32 /* longer words get no suggestion */

static char to_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned least = a < b ? a : b;

    return least < c ? least : c;
}

static bool swapped(const char *a, const char *b)
{
    return a[0] == b[1] && a[1] == b[0];
}

/*
 * How many characters must be added, removed, changed or swapped with their
 * neighbour to get from a to b (optimal string alignment distance).
 */
static unsigned distance(const char *a, const char *b)
{
    unsigned rows[3][WORD_MAX + 1]; /* row i is rows[i % 3] */
    size_t a_len = strlen(a), b_len = strlen(b);

    if (a_len > WORD_MAX || b_len > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            bool differ = to_lower(a[i - 1]) != to_lower(b[j - 1]);

            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + differ);
            if (i > 1 && j > 1 && swapped(a + i - 2, b + j - 2) && before[j - 2] + 1 < row[j])
                row[j] = before[j - 2] + 1;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *lt_word_nearest(const char *word, const char *(*next)(const void *arg, size_t i),
                            const void *arg)
{
    size_t len = strlen(word);
    unsigned least = len > 4 ? 3 : 2; /* further off is no slip */
    const char *nearest = NULL, *candidate;

    for (size_t i = 0; (candidate = next(arg, i)) != NULL; i++) {
        bool cut_short = len > 1 && strncmp(word, candidate, len) == 0;
        unsigned d = cut_short ? 1 : distance(word, candidate);

        if (d < least) {
            least = d;
            nearest = candidate;
        }
    }
    return nearest;
}
