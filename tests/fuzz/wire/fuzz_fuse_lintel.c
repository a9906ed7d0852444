// SPDX-License-Identifier: MIT
/* What two Lintels say to each other: any bytes as a request, as records and as the structs. */
#include <wire/fuse/lintel.h>

#include "../fuzz.h"

static void touch(struct lt_str s)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < s.len; i++)
        sum = (uint8_t)(sum + (uint8_t)s.s[i]);
}

static void as_request(uint32_t opcode, struct lt_str body)
{
    struct lt_lintel_request q;
    size_t total = sizeof(struct lt_lintel_in);
    int r = lt_lintel_decode(opcode, body, &q);
    FUZZ_CHECK(r == 0 || r == LT_ENOSYS || r == LT_EPROTO);
    if (r < 0)
        return;
    for (unsigned i = 0; i < LT_LINTEL_TEXTS; i++) {
        touch(q.text[i]);
        total += q.text[i].len;
    }
    FUZZ_CHECK(total == body.len);
}

/* What can be read can be written, and is the same then. */
static void as_records(struct lt_str body)
{
    struct lt_lintel_record record;
    struct lt_str rest = body, name, value;
    char *copy = malloc(body.len + 1);
    struct lt_lintel_records out = {.buf = copy, .size = body.len};
    if (copy == NULL)
        return;
    while (lt_lintel_next_record(&rest, &record, &name, &value) > 0) {
        touch(name);
        touch(value);
        FUZZ_CHECK(lt_lintel_put_record(&out, record, name, value));
        FUZZ_CHECK(out.len == body.len - rest.len);
    }
    free(copy);
}

static void as_attr(struct lt_str body)
{
    struct lt_lintel_attr wire, again;
    struct lt_attr attr;
    if (body.len < sizeof(wire))
        return;
    memcpy(&wire, body.s, sizeof(wire));
    if (lt_lintel_get_attr(&wire, &attr) < 0)
        return;
    lt_lintel_put_attr(&attr, &again);
    FUZZ_CHECK(memcmp(&wire, &again, sizeof(wire)) == 0);
}

static void as_volume(struct lt_str body)
{
    struct lt_lintel_volume wire;
    struct lt_volume volume = {.kind = "fuse"};
    if (body.len < sizeof(wire))
        return;
    memcpy(&wire, body.s, sizeof(wire));
    if (lt_lintel_get_volume(&wire, &volume) < 0)
        return;
    FUZZ_CHECK(strnlen(volume.label, sizeof(volume.label)) < sizeof(volume.label));
    FUZZ_CHECK(strnlen(volume.fs_name, sizeof(volume.fs_name)) < sizeof(volume.fs_name));
}

static void as_others(struct lt_str body)
{
    struct lt_lintel_statfs wire;
    struct lt_statfs st;
    struct lt_setattr set;
    struct lt_create spec;
    (void)lt_lintel_get_setattr(body, &set);
    (void)lt_lintel_get_create(body, &spec);
    if (body.len < sizeof(wire))
        return;
    memcpy(&wire, body.s, sizeof(wire));
    if (lt_lintel_get_statfs(&wire, &st) == 0)
        FUZZ_CHECK(st.block_size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    char *copy =
        malloc(size > 1 ? size - 1 : 1); /* of exactly its size: sanitizers see any step beyond */
    if (copy == NULL)
        return 0;
    memcpy(copy, data + 1, size - 1);
    struct lt_str body = lt_strn(copy, size - 1);
    as_request(LT_LINTEL_OPCODE + data[0] % 32, body);
    as_records(body);
    as_attr(body);
    as_volume(body);
    as_others(body);
    free(copy);
    return 0;
}
