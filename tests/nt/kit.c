// SPDX-License-Identifier: MIT
#include "kit.h"

#include "source.h"

#include <base/unicode.h>
#include <lintel/sddl.h>
#include <os/os.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS_MAX = 400, FILES_MAX = 8192, BLOCKS_MAX = 64, THREADS_MAX = 16 };

struct nt_volume *vol;
struct lt_volume volume;
bool plain;
uint64_t information;

static struct CMUnitTest tests[TESTS_MAX];
static size_t test_count;
static const char *source = "mem:";
static bool check_every, keep_all; /* what the driver keeps: nothing, or data too */
static struct kit_source served;
static struct lt_statfs at_start;
static struct nt_file *files[FILES_MAX];
static size_t file_count;
static void *blocks[BLOCKS_MAX];
static size_t block_count;
static struct lt_thread *threads[THREADS_MAX];
static size_t thread_count;
atomic_bool stopping;

void kit_status(int32_t status, int32_t expected, const char *expr, const char *file, int line)
{
    if (status != expected) {
        print_error("%s: expected %s", expr, lt_status_name(expected));
        print_error(", got %s\n", lt_status_name(status));
        _fail(file, line);
    }
}

void need_windows(void)
{
    if (plain)
        skip();
}

void need_case_sensitive(void)
{
    if (volume.name_case != LT_CASE_SENSITIVE)
        skip();
}

void need_case_insensitive(void)
{
    if (volume.name_case != LT_CASE_INSENSITIVE)
        skip();
}

/* Memory until the end of the test. */
static void *kept(void *block)
{
    assert_non_null(block);
    assert_true(block_count < BLOCKS_MAX);
    return blocks[block_count++] = block;
}

/* ---- Opening --------------------------------------------------------------------------------- */

enum word_kind { DISPOSITION, ACCESS, OPTION, ATTRIBUTE };

static const struct word {
    const char *text;
    enum word_kind kind;
    uint32_t value;
} words_known[] = {
    {"open", DISPOSITION, LT_FILE_OPEN},
    {"create", DISPOSITION, LT_FILE_CREATE},
    {"open_if", DISPOSITION, LT_FILE_OPEN_IF},
    {"overwrite", DISPOSITION, LT_FILE_OVERWRITE},
    {"overwrite_if", DISPOSITION, LT_FILE_OVERWRITE_IF},
    {"supersede", DISPOSITION, LT_FILE_SUPERSEDE},
    {"r", ACCESS, LT_ACCESS_FILE_READ},
    {"w", ACCESS, LT_ACCESS_FILE_WRITE},
    {"d", ACCESS, LT_ACCESS_DELETE | LT_ACCESS_SYNCHRONIZE},
    {"a", ACCESS, LT_ACCESS_FILE_ALL},
    {"read_data", ACCESS, LT_FILE_READ_DATA},
    {"write_data", ACCESS, LT_FILE_WRITE_DATA},
    {"append", ACCESS, LT_FILE_APPEND_DATA},
    {"exec", ACCESS, LT_FILE_EXECUTE},
    {"read_ea", ACCESS, LT_FILE_READ_EA},
    {"write_ea", ACCESS, LT_FILE_WRITE_EA},
    {"read_attr", ACCESS, LT_FILE_READ_ATTRIBUTES},
    {"write_attr", ACCESS, LT_FILE_WRITE_ATTRIBUTES},
    {"list", ACCESS, LT_FILE_LIST_DIRECTORY | LT_FILE_READ_ATTRIBUTES | LT_ACCESS_SYNCHRONIZE},
    {"delete_child", ACCESS, LT_FILE_DELETE_CHILD},
    {"read_control", ACCESS, LT_ACCESS_READ_CONTROL},
    {"write_dac", ACCESS, LT_ACCESS_WRITE_DAC},
    {"write_owner", ACCESS, LT_ACCESS_WRITE_OWNER},
    {"sync", ACCESS, LT_ACCESS_SYNCHRONIZE},
    {"max", ACCESS, LT_ACCESS_MAXIMUM_ALLOWED},
    {"system_security", ACCESS, LT_ACCESS_SYSTEM_SECURITY},
    {"dir", OPTION, LT_FILE_DIRECTORY_FILE},
    {"file", OPTION, LT_FILE_NON_DIRECTORY_FILE},
    {"doc", OPTION, LT_FILE_DELETE_ON_CLOSE},
    {"reparse", OPTION, LT_FILE_OPEN_REPARSE_POINT},
    {"backup", OPTION, LT_FILE_OPEN_FOR_BACKUP_INTENT},
    {"no_ea", OPTION, LT_FILE_NO_EA_KNOWLEDGE},
    {"by_id", OPTION, LT_FILE_OPEN_BY_FILE_ID},
    {"through", OPTION, LT_FILE_WRITE_THROUGH},
    {"unbuffered", OPTION, LT_FILE_NO_INTERMEDIATE_BUFFERING},
    {"+readonly", ATTRIBUTE, LT_WIN_READONLY},
    {"+hidden", ATTRIBUTE, LT_WIN_HIDDEN},
    {"+system", ATTRIBUTE, LT_WIN_SYSTEM},
    {"+archive", ATTRIBUTE, LT_WIN_ARCHIVE},
    {"+normal", ATTRIBUTE, LT_WIN_NORMAL},
    {"+temporary", ATTRIBUTE, LT_WIN_TEMPORARY},
    {"+directory", ATTRIBUTE, LT_WIN_DIRECTORY},
    {"+sparse", ATTRIBUTE, LT_WIN_SPARSE},
};

static uint32_t share_of(const char *letters)
{
    uint32_t share = 0;
    for (; *letters; letters++) {
        if (*letters == 'r')
            share |= NT_SHARE_READ;
        else if (*letters == 'w')
            share |= NT_SHARE_WRITE;
        else
            share |= *letters == 'd' ? NT_SHARE_DELETE : 0;
    }
    return share;
}

static void add_word(struct nt_create *c, const char *text)
{
    if (strncmp(text, "share=", 6) == 0) {
        c->share = share_of(text + 6);
        return;
    }
    if (strncmp(text, "alloc=", 6) == 0) {
        c->allocation = strtoull(text + 6, NULL, 0);
        return;
    }
    if (strncmp(text, "0x", 2) == 0) {
        c->access |= (uint32_t)strtoul(text, NULL, 16);
        return;
    }
    for (size_t i = 0; i < sizeof(words_known) / sizeof(words_known[0]); i++) {
        const struct word *w = &words_known[i];
        if (strcmp(text, w->text) != 0)
            continue;
        if (w->kind == DISPOSITION)
            c->disposition = (enum lt_fsp_disposition)w->value;
        c->access |= w->kind == ACCESS ? w->value : 0;
        c->options |= w->kind == OPTION ? w->value : 0;
        c->attributes |= w->kind == ATTRIBUTE ? w->value : 0;
        return;
    }
    fail_msg("no such word of an opening: %s", text);
}

struct nt_create how(const char *path, const char *words)
{
    struct nt_create c = {.path = path, .share = NT_SHARE_ALL, .disposition = LT_FILE_OPEN};
    char text[256], *rest = NULL;
    assert_true(strlen(words) < sizeof(text));
    memcpy(text, words, strlen(words) + 1);
    for (char *w = strtok_r(text, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        add_word(&c, w);
    if (c.access == 0)
        c.access = LT_FILE_READ_ATTRIBUTES | LT_ACCESS_SYNCHRONIZE;
    return c;
}

struct nt_create kit_at(struct nt_create how, struct nt_file *at)
{
    how.at = at;
    return how;
}

static void remember(struct nt_file *file)
{
    assert_non_null(file);
    assert_true(file_count < FILES_MAX);
    files[file_count++] = file;
}

struct nt_file *kit_open(struct nt_create how, const char *file, int line)
{
    struct nt_file *ret = NULL;
    kit_status(nt_create(vol, &how, &ret), LT_STATUS_SUCCESS, how.path, file, line);
    information = how.information;
    remember(ret);
    return ret;
}

int32_t try_with(struct nt_create how)
{
    struct nt_file *file = NULL;
    int32_t status = nt_create(vol, &how, &file);
    information = how.information;
    if (status == LT_STATUS_SUCCESS)
        ok(nt_close(file));
    else
        assert_null(file);
    return status;
}

int32_t try_open(const char *path, const char *words)
{
    return try_with(how(path, words));
}

int32_t try_at(struct nt_file *at, const char *path, const char *words)
{
    return try_with(kit_at(how(path, words), at));
}

void close_file(struct nt_file *file)
{
    size_t i = 0;
    while (i < file_count && files[i] != file)
        i++;
    assert_true(i < file_count);
    files[i] = files[--file_count];
    ok(nt_close(file));
}

void make_file(const char *path)
{
    close_file(open_file(path, "create r w file"));
}

void make_dir(const char *path)
{
    close_file(open_file(path, "create r w dir"));
}

void make_text(const char *path, const char *text)
{
    struct nt_file *file = open_file(path, "create r w file");
    put_text(file, 0, text);
    close_file(file);
}

bool exists(const char *path)
{
    int32_t status = try_open(path, "reparse");
    if (status == LT_STATUS_OBJECT_NAME_NOT_FOUND || status == LT_STATUS_OBJECT_PATH_NOT_FOUND)
        return false;
    ok(status);
    return true;
}

/* ---- Data ------------------------------------------------------------------------------------ */

void put_text(struct nt_file *file, uint64_t offset, const char *text)
{
    size_t done = 0;
    ok(nt_write(file, text, strlen(text), offset, &done));
    assert_int_equal(done, strlen(text));
}

void put_bytes(struct nt_file *file, uint64_t offset, size_t len, unsigned char byte)
{
    size_t done = 0;
    unsigned char *buf = malloc(len);
    assert_non_null(buf);
    memset(buf, byte, len);
    ok(nt_write(file, buf, len, offset, &done));
    free(buf);
    assert_int_equal(done, len);
}

void expect_text(struct nt_file *file, uint64_t offset, const char *text)
{
    char buf[4096] = "";
    size_t done = 0;
    assert_true(strlen(text) < sizeof(buf));
    ok(nt_read(file, buf, strlen(text), offset, &done));
    assert_int_equal(done, strlen(text));
    assert_memory_equal(buf, text, done);
}

void expect_bytes(struct nt_file *file, uint64_t offset, size_t len, unsigned char byte)
{
    size_t done = 0, bad = 0;
    unsigned char *buf = malloc(len);
    assert_non_null(buf);
    memset(buf, byte + 1, len);
    int32_t status = nt_read(file, buf, len, offset, &done);
    while (bad < done && buf[bad] == byte)
        bad++;
    free(buf);
    ok(status);
    assert_int_equal(done, len);
    assert_int_equal(bad, len);
}

void expect_content(const char *path, const char *text)
{
    struct nt_file *file = open_file(path, "r");
    assert_int_equal(size_of(file), strlen(text));
    if (text[0])
        expect_text(file, 0, text);
    close_file(file);
}

/* ---- Descriptors and users ---------------------------------------------------------------------
 */

struct lt_str sd(const char *sddl)
{
    struct lt_diag diag = {""};
    char *bytes = NULL;
    size_t len = 0;
    if (lt_sddl_parse(sddl, &bytes, &len, &diag) < 0)
        fail_msg("%s: %s", sddl, diag.text);
    return lt_strn(kept(bytes), len);
}

const char *sddl_of(struct nt_file *file, uint32_t info)
{
    char buf[4096], *text = NULL;
    size_t len = 0;
    ok(nt_query_security(file, info, buf, sizeof(buf), &len));
    assert_int_equal(lt_sddl_format(lt_strn(buf, len), &text), 0);
    return kept(text);
}

int32_t set_sd(struct nt_file *file, uint32_t info, const char *sddl)
{
    return nt_set_security(file, info, sd(sddl));
}

static struct lt_sid sid_of(const char *text)
{
    struct lt_sid ret = {0};
    assert_int_equal(lt_sid_parse(lt_str(text), &ret), 0);
    return ret;
}

void become(const char *sid, uint32_t privileges)
{
    if (sid == NULL) {
        nt_impersonate(NULL);
        return;
    }
    struct lt_token *token = kept(calloc(1, sizeof(*token)));
    struct lt_token_group *groups = kept(calloc(2, sizeof(*groups)));
    groups[0] = (struct lt_token_group){sid_of("S-1-1-0"), LT_SID_ENABLED};
    groups[1] = (struct lt_token_group){sid_of("S-1-5-11"), LT_SID_ENABLED};
    token->user = token->owner = sid_of(sid);
    token->primary_group = sid_of("S-1-5-21-1-2-3-513");
    token->groups = groups;
    token->group_count = 2;
    token->privileges = privileges;
    token->pid = 4711;
    nt_impersonate(token);
}

/* ---- Threads -----------------------------------------------------------------------------------
 */

void start_thread(void (*fn)(void *arg), void *arg)
{
    assert_true(thread_count < THREADS_MAX);
    assert_int_equal(lt_thread_start(&threads[thread_count], "program", fn, arg), 0);
    thread_count++;
}

void join_threads(bool stop)
{
    if (stop)
        atomic_store(&stopping, true);
    while (thread_count > 0)
        lt_thread_join(threads[--thread_count]);
    atomic_store(&stopping, false);
}

/* ---- Running --------------------------------------------------------------------------------- */

static int set_up(void **state)
{
    struct nt_options options;
    (void)state;
    file_count = block_count = 0;
    memset(&options, 0, sizeof(options));
    lt_winfsp_options_init(&options.winfsp);
    options.winfsp.root_security = SD_OPEN;
    options.check_every = check_every;
    if (keep_all)
        options.winfsp.info_timeout_ms = UINT32_MAX;
    if (kit_source_open(source, &served) < 0)
        return -1;
    lt_fs_volume(served.fs, &volume);
    plain = !volume.has_windows;
    if (nt_mount(served.fs, &options, &vol) < 0)
        return -1;
    return lt_fs_statfs(NULL, served.fs, &at_start);
}

struct first {
    char name[LT_NAME_MAX + 1];
    size_t len;
    struct lt_node *node;
};

static int take_first(void *arg, const struct lt_dirent *entry)
{
    struct first *first = arg;
    if (first->len > 0)
        return 1;
    memcpy(first->name, entry->name.s, entry->name.len);
    first->len = entry->name.len;
    first->node = entry->node;
    return 0;
}

static void clear(struct lt_node *dir)
{
    for (;;) {
        struct first first = {.len = 0};
        assert_true(lt_node_readdir(NULL, dir, 0, LT_READDIR_PLUS, take_first, &first) >= 0);
        if (first.len == 0)
            return;
        if (first.node->type == LT_S_IFDIR)
            clear(first.node);
        lt_node_put(first.node);
        assert_int_equal(
            lt_node_remove(NULL, dir, lt_strn(first.name, first.len), LT_REMOVE_ANY, NULL), 0);
    }
}

/* All handles are closed and the volume unmounted before anything may fail, so that one failed case
 * leaves nothing to the next. */
static int tear_down(void **state)
{
    struct lt_statfs at_end;
    int32_t closed = LT_STATUS_SUCCESS;
    (void)state;
    nt_impersonate(NULL);
    join_threads(true);
    while (file_count > 0) {
        int32_t status = nt_close(files[--file_count]);
        closed = status == LT_STATUS_SUCCESS ? closed : status;
    }
    int in_work = vol ? nt_unmount(vol) : 0;
    vol = NULL;
    while (block_count > 0)
        free(blocks[--block_count]);
    clear(lt_fs_root(served.fs));
    int result = lt_fs_statfs(NULL, served.fs, &at_end);
    ok(closed);
    assert_int_equal(in_work, 0);
    assert_int_equal(result, 0);
    if (!volume.remote) {
        assert_int_equal(at_end.nodes, at_start.nodes);
        assert_int_equal(at_end.data, at_start.data);
    }
    return kit_source_close(&served);
}

void kit_add(const char *name, void (*test)(void **state))
{
    assert_true(test_count < TESTS_MAX);
    tests[test_count++] = (struct CMUnitTest){name, test, set_up, tear_down, NULL};
}

int main(int argc, char **argv)
{
    if (argc > 1)
        source = argv[1];
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "check_every") == 0)
            check_every = true;
        else if (strcmp(argv[i], "keep_all") == 0)
            keep_all = true;
        else
            cmocka_set_test_filter(argv[i]);
    }
    return _cmocka_run_group_tests(source, tests, test_count, NULL, NULL) != 0;
}
