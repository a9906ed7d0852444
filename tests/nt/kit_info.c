// SPDX-License-Identifier: MIT
/* The kit: structs of MS-FSCC, put together and taken apart without help of the code under test. */
#include "kit.h"

#include <base/unicode.h>
#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_MAX = 1 << 20 };

/* ---- Bytes ----------------------------------------------------------------------------------- */

void add_bytes(struct bytes *b, const void *from, size_t len)
{
    assert_true(b->len + len <= sizeof(b->at));
    if (len > 0)
        memcpy(b->at + b->len, from, len);
    b->len += len;
}

static void put_le(uint8_t *to, uint64_t value, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to[i] = (uint8_t)(value >> (8 * i));
}

void add_le(struct bytes *b, uint64_t value, unsigned width)
{
    uint8_t le[8];
    put_le(le, value, width);
    add_bytes(b, le, width);
}

size_t add_wide(struct bytes *b, const char *text)
{
    uint16_t units[4096];
    int count = lt_utf8_to_utf16(lt_str(text), units, 4096);
    assert_true(count >= 0);
    for (int i = 0; i < count; i++)
        add_le(b, units[i], 2);
    return 2 * (size_t)count;
}

struct lt_str str_of(const struct bytes *b)
{
    return lt_strn((const char *)b->at, b->len);
}

uint64_t get_le(const uint8_t *from, unsigned width)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < width; i++)
        value |= (uint64_t)from[i] << (8 * i);
    return value;
}

void get_wide(const uint8_t *from, size_t bytes, char *ret, size_t size)
{
    uint16_t units[32768];
    assert_int_equal(bytes % 2, 0);
    assert_true(bytes / 2 <= 32768);
    for (size_t i = 0; i < bytes / 2; i++)
        units[i] = (uint16_t)get_le(from + 2 * i, 2);
    int len = lt_utf16_to_utf8(units, bytes / 2, ret, size - 1);
    assert_true(len >= 0);
    ret[len] = '\0';
}

uint64_t now(void)
{
    struct lt_time t = lt_clock_now();
    return (uint64_t)(t.sec + 11644473600) * 10000000 + (uint64_t)t.nsec / 100;
}

/* ---- Information ------------------------------------------------------------------------------
 */

/* All `len` bytes of a fixed struct. */
static void query(struct nt_file *file, unsigned info_class, uint8_t *buf, size_t len)
{
    size_t got = 0;
    memset(buf, 0xee, len);
    ok(nt_query_info(file, info_class, buf, len, &got));
    assert_int_equal(got, len);
}

struct kit_basic basic(struct nt_file *file)
{
    uint8_t buf[40];
    query(file, NT_BASIC_INFO, buf, sizeof(buf));
    return (struct kit_basic){get_le(buf, 8), get_le(buf + 8, 8), get_le(buf + 16, 8),
                              get_le(buf + 24, 8), (uint32_t)get_le(buf + 32, 4)};
}

struct kit_standard standard(struct nt_file *file)
{
    uint8_t buf[24];
    query(file, NT_STANDARD_INFO, buf, sizeof(buf));
    assert_true(buf[20] <= 1 && buf[21] <= 1);
    return (struct kit_standard){get_le(buf, 8), get_le(buf + 8, 8), (uint32_t)get_le(buf + 16, 4),
                                 buf[20] != 0, buf[21] != 0};
}

uint32_t attributes(struct nt_file *file)
{
    return basic(file).attributes;
}

uint64_t size_of(struct nt_file *file)
{
    return standard(file).size;
}

static uint64_t query_number(struct nt_file *file, unsigned info_class, unsigned width)
{
    uint8_t buf[8];
    query(file, info_class, buf, width);
    return get_le(buf, width);
}

uint64_t index_of(struct nt_file *file)
{
    return query_number(file, NT_INTERNAL_INFO, 8);
}

uint32_t ea_size_of(struct nt_file *file)
{
    return (uint32_t)query_number(file, NT_EA_INFO, 4);
}

uint32_t access_of(struct nt_file *file)
{
    return (uint32_t)query_number(file, NT_ACCESS_INFO, 4);
}

uint32_t reparse_tag_of(struct nt_file *file)
{
    uint8_t buf[8];
    query(file, NT_ATTRIBUTE_TAG_INFO, buf, sizeof(buf));
    return (uint32_t)get_le(buf + 4, 4);
}

const char *name_of(struct nt_file *file)
{
    static char text[4096];
    uint8_t buf[4096];
    size_t got = 0;
    ok(nt_query_info(file, NT_NAME_INFO, buf, sizeof(buf), &got));
    assert_true(got >= 4 && got == 4 + get_le(buf, 4));
    get_wide(buf + 4, got - 4, text, sizeof(text));
    return text;
}

int32_t set_basic(struct nt_file *file, const struct kit_basic *to)
{
    struct bytes b = {.len = 0};
    add_le(&b, to->created, 8);
    add_le(&b, to->accessed, 8);
    add_le(&b, to->written, 8);
    add_le(&b, to->changed, 8);
    add_le(&b, to->attributes, 4);
    add_le(&b, 0, 4);
    return nt_set_info(file, NT_BASIC_INFO, b.at, b.len);
}

int32_t set_attributes(struct nt_file *file, uint32_t to)
{
    return set_basic(file, &(struct kit_basic){.attributes = to});
}

static int32_t set_number(struct nt_file *file, unsigned info_class, uint64_t value, unsigned width)
{
    uint8_t buf[8];
    put_le(buf, value, width);
    return nt_set_info(file, info_class, buf, width);
}

int32_t set_size(struct nt_file *file, uint64_t size)
{
    return set_number(file, NT_END_OF_FILE_INFO, size, 8);
}

int32_t set_allocation(struct nt_file *file, uint64_t size)
{
    return set_number(file, NT_ALLOCATION_INFO, size, 8);
}

int32_t dispose(struct nt_file *file, bool remove)
{
    return set_number(file, NT_DISPOSITION_INFO, remove, 1);
}

int32_t dispose_ex(struct nt_file *file, uint32_t flags)
{
    return set_number(file, NT_DISPOSITION_INFO_EX, flags, 4);
}

/* FileRenameInformation and FileLinkInformation, and the first field as flags or a boolean. */
static int32_t set_name(struct nt_file *file, unsigned info_class, uint32_t flags,
                        struct nt_file *dir, const char *path)
{
    struct bytes b = {.len = 0}, name = {.len = 0};
    size_t len = add_wide(&name, path);
    add_le(&b, flags, 8);
    add_le(&b, (uintptr_t)dir, 8);
    add_le(&b, len, 4);
    add_bytes(&b, name.at, name.len);
    return nt_set_info(file, info_class, b.at, b.len);
}

int32_t rename_to(struct nt_file *file, const char *path, bool replace)
{
    return set_name(file, NT_RENAME_INFO, replace, NULL, path);
}

int32_t rename_at(struct nt_file *file, struct nt_file *dir, const char *path, bool replace)
{
    return set_name(file, NT_RENAME_INFO, replace, dir, path);
}

int32_t rename_ex(struct nt_file *file, const char *path, uint32_t flags)
{
    return set_name(file, NT_RENAME_INFO_EX, flags, NULL, path);
}

int32_t link_to(struct nt_file *file, const char *path)
{
    return set_name(file, NT_LINK_INFO, 0, NULL, path);
}

/* Does something with a file that is opened for DELETE. */
static int32_t with_delete(const char *path, int32_t (*fn)(struct nt_file *, const char *, bool),
                           const char *to, bool flag)
{
    struct nt_create c = how(path, "d read_attr reparse");
    struct nt_file *file = NULL;
    int32_t status = nt_create(vol, &c, &file);
    if (status != LT_STATUS_SUCCESS)
        return status;
    status = fn(file, to, flag);
    ok(nt_close(file));
    return status;
}

static int32_t dispose_named(struct nt_file *file, const char *to, bool flag)
{
    (void)to;
    return dispose(file, flag);
}

int32_t remove_file(const char *path)
{
    return with_delete(path, dispose_named, NULL, true);
}

int32_t move(const char *from, const char *to, bool replace)
{
    return with_delete(from, rename_to, to, replace);
}

/* ---- EAs --------------------------------------------------------------------------------------
 */

/* Begins an entry of a chain, aligned to 4 bytes; the one before points to it. */
static void begin_entry(struct bytes *b)
{
    while (b->len % 4)
        add_le(b, 0, 1);
    if (b->len > 0)
        put_le(b->at + b->last, b->len - b->last, 4);
    b->last = b->len;
    add_le(b, 0, 4);
}

void add_ea(struct bytes *b, const char *name, const char *value, uint8_t flags)
{
    begin_entry(b);
    add_le(b, flags, 1);
    add_le(b, strlen(name), 1);
    add_le(b, strlen(value), 2);
    add_bytes(b, name, strlen(name) + 1);
    add_bytes(b, value, strlen(value));
}

void add_ea_name(struct bytes *b, const char *name)
{
    begin_entry(b);
    add_le(b, strlen(name), 1);
    add_bytes(b, name, strlen(name) + 1);
}

const char *ea_text(const void *from, size_t len)
{
    static char text[65536];
    const uint8_t *at = from, *end = at + len;
    size_t used = 0;
    text[0] = '\0';
    for (bool more = len > 0; more;) {
        assert_true(at + 8 <= end);
        uint64_t next = get_le(at, 4), name = at[5], value = get_le(at + 6, 2);
        assert_true(at + 8 + name + 1 + value <= end);
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%.*s=%.*s", used ? "," : "",
                                 (int)name, (const char *)at + 8, (int)value,
                                 (const char *)at + 9 + name);
        more = next != 0;
        at += next;
    }
    return text;
}

const char *eas_of(struct nt_file *file)
{
    char buf[65536];
    size_t got = 0;
    int32_t status =
        nt_query_ea(file, lt_str(""), NT_NO_INDEX, true, false, buf, sizeof(buf), &got);
    if (status == LT_STATUS_NO_EAS_ON_FILE)
        return "";
    ok(status);
    return ea_text(buf, got);
}

/* ---- Reparse data ------------------------------------------------------------------------------
 */

void add_reparse(struct bytes *b, uint32_t tag, const char *guid, const void *data, size_t len)
{
    add_le(b, tag, 4);
    add_le(b, len, 2);
    add_le(b, 0, 2);
    if (guid)
        add_bytes(b, guid, 16);
    add_bytes(b, data, len);
}

void add_symlink(struct bytes *b, const char *target, bool relative)
{
    struct bytes name = {.len = 0}, data = {.len = 0};
    size_t len = add_wide(&name, target);
    add_le(&data, 0, 2);
    add_le(&data, len, 2);
    add_le(&data, len, 2);
    add_le(&data, len, 2);
    add_le(&data, relative, 4);
    add_bytes(&data, name.at, len);
    add_bytes(&data, name.at, len);
    add_reparse(b, TAG_SYMLINK, NULL, data.at, data.len);
}

int32_t set_reparse(struct nt_file *file, const struct bytes *b)
{
    size_t got = 0;
    return nt_fs_control(file, LT_FSCTL_SET_REPARSE_POINT, str_of(b), NULL, 0, &got);
}

int32_t delete_reparse(struct nt_file *file, uint32_t tag, const char *guid)
{
    struct bytes b = {.len = 0};
    size_t got = 0;
    add_reparse(&b, tag, guid, NULL, 0);
    return nt_fs_control(file, LT_FSCTL_DELETE_REPARSE_POINT, str_of(&b), NULL, 0, &got);
}

int32_t make_symlink(const char *path, const char *target, bool relative, bool dir)
{
    struct bytes b = {.len = 0};
    add_symlink(&b, target, relative);
    struct nt_file *file =
        open_file(path, dir ? "create w d dir reparse" : "create w d file reparse");
    int32_t status = set_reparse(file, &b);
    close_file(file);
    return status;
}

/* ---- Lists -------------------------------------------------------------------------------------
 */

/* Where the name and its length lie in an entry (MS-FSCC 2.4: directory classes). */
static void name_place(unsigned info_class, size_t *ret_len_at, size_t *ret_name_at)
{
    static const struct {
        unsigned info_class;
        uint8_t len_at, name_at;
    } places[] = {
        {NT_DIRECTORY_INFO, 60, 64},          {NT_FULL_DIRECTORY_INFO, 60, 68},
        {NT_BOTH_DIRECTORY_INFO, 60, 94},     {NT_NAMES_INFO, 8, 12},
        {NT_ID_BOTH_DIRECTORY_INFO, 60, 104}, {NT_ID_FULL_DIRECTORY_INFO, 60, 80},
    };
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (places[i].info_class == info_class) {
            *ret_len_at = places[i].len_at;
            *ret_name_at = places[i].name_at;
            return;
        }
    }
    fail_msg("no class of listings: %u", info_class);
}

/* Adds the names of one buffer to a text that has `used` bytes; returns how many it then has. */
static size_t add_names(char *text, size_t used, const uint8_t *at, size_t len, unsigned info_class,
                        bool dots)
{
    const uint8_t *end = at + len;
    size_t len_at = 0, name_at = 0;
    char name[1024];
    name_place(info_class, &len_at, &name_at);
    for (bool more = len > 0; more;) {
        assert_true(at + name_at <= end);
        uint64_t next = get_le(at, 4), bytes = get_le(at + len_at, 4);
        assert_true(at + name_at + bytes <= end);
        assert_int_equal(next % 8, 0);
        get_wide(at + name_at, bytes, name, sizeof(name));
        if (dots || (strcmp(name, ".") != 0 && strcmp(name, "..") != 0))
            used += (size_t)snprintf(text + used, TEXT_MAX - used, "%s%s", used ? "," : "", name);
        more = next != 0;
        at += next;
    }
    return used;
}

static char list_storage[TEXT_MAX];

const char *names_in(const void *buf, size_t len, unsigned info_class)
{
    list_storage[0] = '\0';
    add_names(list_storage, 0, buf, len, info_class, true);
    return list_storage;
}

static const char *list_all(struct nt_file *dir, const char *pattern, size_t size, bool dots)
{
    uint8_t *buf = malloc(size);
    size_t used = 0, got = 0;
    int32_t status = LT_STATUS_SUCCESS;
    assert_non_null(buf);
    list_storage[0] = '\0';
    for (bool restart = true;; restart = false) {
        got = 0;
        status =
            nt_query_dir(dir, NT_BOTH_DIRECTORY_INFO, pattern, restart, false, buf, size, &got);
        if (status != LT_STATUS_SUCCESS)
            break;
        used = add_names(list_storage, used, buf, got, NT_BOTH_DIRECTORY_INFO, dots);
    }
    free(buf);
    if (status != LT_STATUS_NO_SUCH_FILE)
        is(NO_MORE_FILES, status);
    return list_storage;
}

const char *list_handle(struct nt_file *dir, const char *pattern, size_t size)
{
    return list_all(dir, pattern, size, true);
}

static int compare_words(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

char *sort_names(char *names)
{
    static char copy[TEXT_MAX], *words[32768];
    size_t count = 0, used = 0;
    char *rest = NULL;
    memcpy(copy, names, strlen(names) + 1);
    for (char *w = strtok_r(copy, ",", &rest); w; w = strtok_r(NULL, ",", &rest)) {
        assert_true(count < sizeof(words) / sizeof(words[0]));
        words[count++] = w;
    }
    qsort(words, count, sizeof(words[0]), compare_words);
    for (size_t i = 0; i < count; i++)
        used += (size_t)snprintf(names + used, TEXT_MAX - used, "%s%s", i ? "," : "", words[i]);
    return names;
}

const char *list(const char *path, const char *pattern)
{
    struct nt_file *dir = open_file(path, "list sync dir");
    list_all(dir, pattern, 65536, false);
    close_file(dir);
    return sort_names(list_storage);
}

const char *streams_of(struct nt_file *file)
{
    static char text[65536];
    uint8_t buf[32768];
    char name[1024];
    size_t got = 0, used = 0;
    int32_t status = nt_query_streams(file, buf, sizeof(buf), &got);
    text[0] = '\0';
    ok(status);
    const uint8_t *at = buf, *end = buf + got;
    for (bool more = got > 0; more;) {
        assert_true(at + 24 <= end);
        uint64_t next = get_le(at, 4), bytes = get_le(at + 4, 4);
        assert_true(at + 24 + bytes <= end);
        get_wide(at + 24, bytes, name, sizeof(name));
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s=%llu", used ? "," : "",
                                 name, (unsigned long long)get_le(at + 8, 8));
        more = next != 0;
        at += next;
    }
    return text;
}
