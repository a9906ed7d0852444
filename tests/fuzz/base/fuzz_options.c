// SPDX-License-Identifier: MIT
/* The parser of options and sizes: any text. */
#include <base/options.h>

#include "../fuzz.h"

static int take_short(void *arg, const char *name, const char *value)
{
    (void)arg;
    return strlen(name) + (value ? strlen(value) : 0) < 8 ? 0 : LT_EINVAL;
}

static void parse(const char *text)
{
    static const char *const choices[] = {"one", "two", "three", NULL};
    char label[16] = "";
    bool flag = false;
    uint64_t size = 5, number = 5;
    int choice = 0, error;
    struct lt_diag diag = {""};
    const struct lt_option options[] = {
        {.name = "ro", .type = LT_OPTION_FLAG, .value = &flag},
        {.name = "size",
         .type = LT_OPTION_SIZE,
         .value = &size,
         .min = 5,
         .max = 1u << 30,
         .percent_of = UINT64_MAX},
        {.name = "files", .type = LT_OPTION_NUMBER, .value = &number, .min = 5},
        {.name = "label", .type = LT_OPTION_STRING, .value = label, .capacity = sizeof(label)},
        {.name = "case", .type = LT_OPTION_CHOICE, .value = &choice, .choices = choices},
        {.name = NULL},
    };

    error = lt_options_parse(text, options, take_short, NULL, &diag);
    FUZZ_CHECK(error == 0 || error == LT_EINVAL);
    FUZZ_CHECK((error == 0) == (diag.text[0] == '\0'));
    FUZZ_CHECK(memchr(diag.text, '\0', sizeof(diag.text)));
    FUZZ_CHECK(memchr(label, '\0', sizeof(label)));
    FUZZ_CHECK(choice >= 0 && choice < 3);
    FUZZ_CHECK(size >= 5 && size <= 1u << 30 && number >= 5);
    FUZZ_CHECK(lt_options_parse(text, options, take_short, NULL, NULL) == error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    uint64_t bytes = 7;
    int error;

    FUZZ_CHECK(text);
    memcpy(text, data, size);
    text[size] = '\0';
    parse(text);
    error = lt_size_parse(text, &bytes);
    FUZZ_CHECK(error == 0 || ((error == LT_EINVAL || error == LT_ERANGE) && bytes == 7));
    free(text);
    return 0;
}
