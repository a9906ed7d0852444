// SPDX-License-Identifier: MIT
/*
 * Runs a fuzz target without libFuzzer: every file of the corpus, then `-n COUNT`
 * (20000) inputs made of them by a fixed pseudo-random sequence, the same in every run.
 *
 *     fuzz-target [-n COUNT] [-s SEED] [-k FILE] CORPUS...
 *
 * With -k the input at hand is in FILE: after a crash, the one that did it.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INPUT_MAX 4096 /* bytes of one input */
#define CORPUS_MAX 1024

struct input {
    uint8_t data[INPUT_MAX];
    size_t size;
};

static struct input corpus[CORPUS_MAX];
static size_t corpus_count = 1; /* the first is empty */
static const char *keep;        /* -k */
static uint64_t random_state = 1;

/* xorshift64* (Marsaglia; Vigna 2016), below `limit` > 0. */
static size_t random_below(size_t limit)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (size_t)((random_state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

static void load(const char *path)
{
    struct input *input = &corpus[corpus_count];
    FILE *file = fopen(path, "rb");

    if (!file || corpus_count == CORPUS_MAX) {
        fprintf(stderr, "cannot load %s\n", path);
        exit(2);
    }
    input->size = fread(input->data, 1, INPUT_MAX, file);
    fclose(file);
    corpus_count++;
}

/* A file, or all files of a directory. A directory that is not there counts as empty. */
static void load_all(const char *path)
{
    struct dirent **entries;
    struct stat attr;
    int count;

    if (stat(path, &attr) != 0)
        return;
    if (!S_ISDIR(attr.st_mode)) {
        load(path);
        return;
    }
    count = scandir(path, &entries, NULL, alphasort); /* in the same order everywhere */
    for (int i = 0; i < count; i++) {
        char name[4096];

        snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.')
            load(name);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
}

static void flip_bit(struct input *input)
{
    if (input->size > 0)
        input->data[random_below(input->size)] ^= (uint8_t)(1u << random_below(8));
}

/* One to eight bytes become a value at the edge of some range, in either byte order. */
static void set_edge(struct input *input)
{
    static const uint64_t edges[] = {0,          1,          0x7f,       0x80,
                                     0xff,       0x7fff,     0x8000,     0xffff,
                                     0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX,
                                     UINT64_MAX, 4096,       0x100000,   0x8000000000000000};
    uint64_t value = edges[random_below(sizeof(edges) / sizeof(edges[0]))];
    size_t width = (size_t)1 << random_below(4);
    bool big = random_below(2) == 1;
    size_t at;

    if (input->size < width)
        return;
    at = random_below(input->size - width + 1);
    for (size_t i = 0; i < width; i++)
        input->data[at + i] = (uint8_t)(value >> (8 * (big ? width - 1 - i : i)));
}

static void set_byte(struct input *input)
{
    if (input->size > 0)
        input->data[random_below(input->size)] = (uint8_t)random_below(256);
}

static void cut(struct input *input)
{
    input->size = random_below(input->size + 1);
}

static void remove_some(struct input *input)
{
    size_t at = random_below(input->size + 1);
    size_t count = random_below(input->size - at + 1);

    memmove(input->data + at, input->data + at + count, input->size - at - count);
    input->size -= count;
}

/* Inserts a run of another input, or of its own. */
static void splice(struct input *input)
{
    const struct input *other = &corpus[random_below(corpus_count)];
    size_t from = random_below(other->size + 1);
    size_t count = random_below(other->size - from + 1);
    size_t at = random_below(input->size + 1);

    if (count > INPUT_MAX - input->size)
        count = INPUT_MAX - input->size;
    memmove(input->data + at + count, input->data + at, input->size - at);
    memcpy(input->data + at, other->data + from, count);
    input->size += count;
}

static void append_noise(struct input *input)
{
    for (size_t n = random_below(64); n > 0 && input->size < INPUT_MAX; n--)
        input->data[input->size++] = (uint8_t)random_below(256);
}

static void mutate(struct input *input)
{
    static void (*const ways[])(struct input *) = {
        flip_bit, flip_bit, set_edge, set_edge, set_byte, cut, splice, remove_some, append_noise};

    *input = corpus[random_below(corpus_count)];
    for (size_t n = 1 + random_below(6); n > 0; n--)
        ways[random_below(sizeof(ways) / sizeof(ways[0]))](input);
}

/* On the heap and of just its size, so that a sanitizer sees the first byte read too much. */
static void run(const struct input *input)
{
    uint8_t *copy = malloc(input->size > 0 ? input->size : 1);

    if (!copy)
        abort();
    memcpy(copy, input->data, input->size);
    if (keep) {
        FILE *file = fopen(keep, "wb");

        if (!file || fwrite(copy, 1, input->size, file) != input->size || fclose(file) != 0)
            abort();
    }
    LLVMFuzzerTestOneInput(copy, input->size);
    free(copy);
}

int main(int argc, char **argv)
{
    static struct input input;
    unsigned long count = 20000;
    int option;

    while ((option = getopt(argc, argv, "n:s:k:")) != -1) {
        if (option == 'n')
            count = strtoul(optarg, NULL, 10);
        else if (option == 's')
            random_state = strtoull(optarg, NULL, 10) | 1;
        else if (option == 'k')
            keep = optarg;
        else
            return 2;
    }
    for (int i = optind; i < argc; i++)
        load_all(argv[i]);

    printf("1..2\n");
    for (size_t i = 0; i < corpus_count; i++)
        run(&corpus[i]);
    printf("ok 1 - %zu inputs of the corpus\n", corpus_count);
    fflush(stdout);
    for (unsigned long i = 0; i < count; i++) {
        mutate(&input);
        run(&input);
    }
    printf("ok 2 - %lu mutations of them\n", count);
    return 0;
}
