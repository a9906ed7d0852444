// SPDX-License-Identifier: MIT
#include <json_read.h>
#include <stdio.h>
#include <stdlib.h>

#include "../fault.h"
#include "../test.h"

/* The document and the text that it lives on. */
struct parsed {
    struct lt_document doc;
    char *text;
};

static int parse(const char *text, struct parsed *ret)
{
    ret->text = malloc(strlen(text) + 1);
    if (!ret->text)
        return LT_ENOMEM;
    memcpy(ret->text, text, strlen(text) + 1);
    int error = lt_document_parse(ret->text, &ret->doc);
    if (error != LT_OK)
        free(ret->text);
    return error;
}

static void done(struct parsed *p)
{
    lt_document_free(&p->doc);
    free(p->text);
}

static void test_json_read__finds_values_by_their_path(void **state)
{
    struct parsed p;
    (void)state;
    assert_int_equal(parse(" {\"a\": {\"b\": [1, {\"c\": 2}], \"d\" : \"text\"}, \"e\":true,"
                           "\"f\":18446744073709551615,\"g\":null,\"h\":-1,\"i\":1.5e3}\n",
                           &p),
                     LT_OK);
    const struct lt_value *root = p.doc.values;
    assert_string_equal(lt_value_text(root, "a.d", "?"), "text");
    assert_true(lt_value_bool(root, "e"));
    assert_false(lt_value_bool(root, "a"));
    assert_true(lt_value_u64(root, "f", 0) == UINT64_MAX);
    assert_int_equal(lt_value_u64(root, "h", 7), 7);
    assert_int_equal(lt_value_u64(root, "i", 0), 1500);
    assert_int_equal(lt_value_at(root, "g")->type, LT_VALUE_NULL);
    assert_int_equal(lt_value_at(root, "a.b")->span, 4);
    assert_null(lt_value_at(root, "a.x"));
    assert_null(lt_value_at(root, "e.x"));
    assert_null(lt_value_at(root, "a.b.c"));
    assert_string_equal(lt_value_text(root, "f", "?"), "?");
    done(&p);
}

static void test_json_read__goes_over_children_only(void **state)
{
    struct parsed p;
    char keys[16] = "";
    size_t n = 0;
    (void)state;
    assert_int_equal(parse("{\"a\":{\"x\":1,\"y\":[]},\"b\":[[],[2]],\"c\":3}", &p), LT_OK);
    LT_VALUE_FOR_EACH(child, p.doc.values)
    keys[n++] = child->key[0];
    assert_string_equal(keys, "abc");
    done(&p);
}

static void test_json_read__decodes_escapes(void **state)
{
    struct parsed p;
    (void)state;
    assert_int_equal(
        parse("\"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u0041\\u00e4\\u20AC\\ud83d\\ude00\\udc00\"", &p),
        LT_OK);
    assert_string_equal(p.doc.values->text.s,
                        "\"\\/\b\f\n\r\t A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd");
    done(&p);
}

static void test_json_read__refuses_what_is_not_json(void **state)
{
    static const char *const texts[] = {
        "",
        " ",
        "{",
        "}",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{a:1}",
        "[1 2]",
        "nul",
        "+1",
        ".5",
        "1-",
        "0x10",
        "01",
        "-",
        "1.",
        "1e",
        "1e+",
        "-01",
        "[1]]",
        "1 2",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u0000\"",
        "\"\n\"",
        "[\"a\":1]",
        "{\"a\":}",
        "{\"a\":1,}",
        "[1}",
        "\"\\",
        "\"\\ud800\\u0041\"",
        "[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]",
    };
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct parsed p;
        int error = parse(texts[i], &p);
        if (error != LT_EBADMSG)
            fail_msg("'%s' gave %d", texts[i], error);
    }
}

static void test_json_read__writes_what_it_read(void **state)
{
    static const char text[] = "{\"a\":[1,-2,\"x\\n\",{}],\"b\":{\"c\":null,\"d\":[[],[true,false]]"
                               "},\"e\":18446744073709551615}";
    struct lt_buffer out = {0};
    struct lt_json json;
    struct parsed p;
    (void)state;
    assert_int_equal(parse(text, &p), LT_OK);
    lt_json_init(&json, lt_buffer_write, &out, false);
    lt_value_write(&json, NULL, p.doc.values);
    assert_int_equal(json.error, LT_OK);
    assert_string_equal(out.text, text);
    free(out.text);
    done(&p);
}

static void test_json_read__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct parsed p;
        char text[404] = "["; /* "[1,1,...,1]" */
        for (int i = 0; i < 201; i++)
            memcpy(text + 1 + 2 * i, "1,", 2);
        text[402] = ']';
        int error = parse(text, &p);
        if (fault_disarm()) {
            assert_int_equal(error, LT_ENOMEM);
        } else {
            assert_int_equal(error, LT_OK);
            assert_int_equal(p.doc.values->span, 202);
            done(&p);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_read__finds_values_by_their_path),
        cmocka_unit_test(test_json_read__goes_over_children_only),
        cmocka_unit_test(test_json_read__decodes_escapes),
        cmocka_unit_test(test_json_read__refuses_what_is_not_json),
        cmocka_unit_test(test_json_read__writes_what_it_read),
        cmocka_unit_test(test_json_read__nomem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
