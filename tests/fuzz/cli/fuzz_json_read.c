// SPDX-License-Identifier: MIT
/* The reader of JSON: any text. What it takes comes out the same when written and read again. */
#include <json_read.h>

#include "../fuzz.h"

static char *copy(const char *text, size_t len)
{
    char *out = malloc(len + 1);
    FUZZ_CHECK(out);
    memcpy(out, text, len);
    out[len] = '\0';
    return out;
}

static struct lt_buffer write_again(const struct lt_value *root)
{
    struct lt_buffer out = {0};
    struct lt_json json;
    lt_json_init(&json, lt_buffer_write, &out, false);
    lt_value_write(&json, NULL, root);
    FUZZ_CHECK(json.error == LT_OK);
    return out;
}

static void check_spans(const struct lt_document *doc)
{
    FUZZ_CHECK(doc->count > 0 && doc->values[0].span == doc->count);
    for (size_t i = 0; i < doc->count; i++) {
        const struct lt_value *v = &doc->values[i];
        FUZZ_CHECK(v->span >= 1 && v->span <= doc->count - i);
        FUZZ_CHECK(v->type != LT_VALUE_STRING || strlen(v->text.s) == v->text.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_document doc;
    char *text = copy((const char *)data, size);
    if (lt_document_parse(text, &doc) == LT_OK) {
        check_spans(&doc);
        lt_value_at(doc.values, "a.b");
        lt_value_u64(doc.values, "a", 0);
        struct lt_buffer once = write_again(doc.values);
        char *second = copy(once.text, once.len);
        struct lt_document again;
        FUZZ_CHECK(lt_document_parse(second, &again) == LT_OK);
        FUZZ_CHECK(again.count == doc.count);
        struct lt_buffer twice = write_again(again.values);
        FUZZ_CHECK(twice.len == once.len && memcmp(twice.text, once.text, once.len) == 0);
        lt_document_free(&again);
        lt_document_free(&doc);
        free(twice.text);
        free(second);
        free(once.text);
    }
    free(text);
    return 0;
}
