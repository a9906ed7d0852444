// SPDX-License-Identifier: MIT
/* lintel find: what of a tree passes all tests that are given. */
#include "entry.h"
#include "mode.h"
#include "operand.h"
#include "visit.h"

#include <base/options.h>
#include <fnmatch.h>
#include <grp.h>
#include <lintel/path.h>
#include <os/os.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>

/* "+N", "-N", "N" of find(1): more, less, exactly. */
struct range {
    bool given;
    char sign; /* '+', '-', or 0 */
    uint64_t n;
};

struct find {
    struct lt_visitor visitor; /* first */
    const char *name, *iname, *path, *type;
    struct range size, mtime, mmin, links;
    uint64_t size_unit, inode;
    bool has_inode, has_newer, has_user, has_group, has_perm, empty;
    struct lt_time newer, now;
    uint32_t uid, gid;
    struct range perm; /* '-': all of these bits, '/': any */
    unsigned min_depth, max_depth;
    bool print0, as_json;
    struct lt_json json;
    int status;
};

/* ---- Tests ----------------------------------------------------------------------------------- */

static bool in_range(const struct range *range, uint64_t value)
{
    if (range->sign == '+')
        return value > range->n;
    if (range->sign == '-')
        return value < range->n;
    return value == range->n;
}

static bool passes_names(const struct find *f, const struct lt_visit *v, const char *name)
{
    if (f->name && fnmatch(f->name, name, 0) != 0)
        return false;
    if (f->iname && fnmatch(f->iname, name, FNM_CASEFOLD) != 0)
        return false;
    return !f->path || fnmatch(f->path, v->path, 0) == 0;
}

static bool passes_perm(const struct range *perm, uint32_t mode)
{
    uint32_t bits = mode & LT_S_PERM, wanted = (uint32_t)perm->n;
    if (perm->sign == '-')
        return (bits & wanted) == wanted;
    return perm->sign == '/' ? wanted == 0 || bits & wanted : bits == wanted;
}

static bool passes_owner(const struct find *f, const struct lt_attr *a)
{
    if (f->has_user && a->uid != f->uid)
        return false;
    if (f->has_group && a->gid != f->gid)
        return false;
    if (f->links.given && !in_range(&f->links, a->nlink))
        return false;
    if (f->has_inode && a->id != f->inode)
        return false;
    return !f->has_perm || passes_perm(&f->perm, a->mode);
}

static uint64_t age(const struct find *f, const struct lt_attr *a, unsigned unit)
{
    return a->mtime.sec < f->now.sec ? (uint64_t)(f->now.sec - a->mtime.sec) / unit : 0;
}

static bool passes_data(const struct find *f, const struct lt_attr *a)
{
    enum { DAY = 86400, MINUTE = 60 };
    if (f->size.given && !in_range(&f->size, (a->size + f->size_unit - 1) / f->size_unit))
        return false;
    if (f->mtime.given && !in_range(&f->mtime, age(f, a, DAY)))
        return false;
    if (f->mmin.given && !in_range(&f->mmin, age(f, a, MINUTE)))
        return false;
    return !f->has_newer || a->mtime.sec > f->newer.sec ||
           (a->mtime.sec == f->newer.sec && a->mtime.nsec > f->newer.nsec);
}

static int stop_at_first(void *arg, const struct lt_dirent *entry)
{
    (void)entry;
    *(bool *)arg = true;
    return 1;
}

static bool is_empty(const struct lt_visit *v)
{
    bool found = false;
    if (v->node->type == LT_S_IFREG)
        return v->attr->size == 0;
    if (v->node->type != LT_S_IFDIR)
        return false;
    return lt_node_readdir(lt_cli_ctx(), v->node, 0, 0, stop_at_first, &found) >= 0 && !found;
}

static bool passes(const struct find *f, const struct lt_visit *v)
{
    char name[LT_NAME_MAX + 1];
    struct lt_str own = v->name.len > 0 ? v->name : lt_path_base(v->path);
    if (v->depth < f->min_depth)
        return false;
    if (f->type && !strchr(f->type, lt_type_letter(v->attr->mode)))
        return false;
    snprintf(name, sizeof(name), "%.*s", (int)own.len, own.s);
    return passes_names(f, v, name) && passes_owner(f, v->attr) && passes_data(f, v->attr) &&
           (!f->empty || is_empty(v));
}

/* ---- The walk -------------------------------------------------------------------------------- */

static void print_visit(struct find *f, const struct lt_visit *v)
{
    if (f->as_json) {
        char *target = v->node->type == LT_S_IFLNK ? lt_read_target(v->node) : NULL;
        lt_json_entry(&f->json, NULL, v->path, v->attr, target);
        free(target);
    } else if (f->print0) {
        fputs(v->path, stdout);
        putchar('\0');
    } else {
        lt_print_name(v->path);
        putchar('\n');
    }
}

static int enter(struct lt_visitor *visitor, const struct lt_visit *v)
{
    struct find *f = (struct find *)visitor;
    if (passes(f, v))
        print_visit(f, v);
    if (ferror(stdout))
        return LT_EIO;
    return v->depth >= f->max_depth ? LT_VISIT_SKIP : 0;
}

static void failed(struct lt_visitor *visitor, const char *path, int error)
{
    lt_complain("cannot list '%s': %s", path, lt_error_text(error));
    ((struct find *)visitor)->status = LT_EXIT_FAILED;
}

static void search(struct find *f, const struct lt_place *place)
{
    struct lt_entry entry = {.stored = NULL};
    int error =
        lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, LT_NOFOLLOW, &entry);
    if (error == LT_OK) {
        error = lt_visit_tree(&f->visitor, entry.node, place->shown);
        lt_node_put(entry.node);
    }
    if (error != LT_OK)
        f->status = lt_place_complain(place, "search", error);
}

/* ---- From options to tests ------------------------------------------------------------------- */

static bool parse_number(const char *text, uint64_t *ret)
{
    char *end;
    if (text[0] < '0' || text[0] > '9')
        return false;
    *ret = strtoull(text, &end, 10);
    return *end == '\0';
}

static bool parse_range(const char *text, struct range *ret)
{
    ret->given = text;
    if (!text)
        return true;
    ret->sign = text[0] == '+' || text[0] == '-' ? text[0] : '\0';
    return parse_number(text + (ret->sign != '\0'), &ret->n);
}

/* As find(1): blocks of 512 bytes without a unit; sizes are rounded up to units. */
static bool parse_size(const char *text, struct find *f)
{
    static const struct {
        char letter;
        uint64_t bytes;
    } units[] = {{'c', 1}, {'w', 2}, {'b', 512}, {'k', 1024}, {'M', 1 << 20}, {'G', 1 << 30}};
    char copy[32];
    f->size_unit = 512;
    if (!text)
        return true;
    size_t len = strlen(text);
    if (len == 0 || len >= sizeof(copy))
        return false;
    snprintf(copy, sizeof(copy), "%s", text);
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
        if (copy[len - 1] == units[i].letter) {
            f->size_unit = units[i].bytes;
            copy[len - 1] = '\0';
            break;
        }
    }
    return parse_range(copy, &f->size);
}

static bool parse_user(const char *text, struct find *f)
{
    const struct passwd *user = text ? getpwnam(text) : NULL;
    uint64_t number = user ? user->pw_uid : 0;
    f->has_user = text;
    bool known = !text || user || parse_number(text, &number);
    f->uid = (uint32_t)number;
    return known;
}

static bool parse_group(const char *text, struct find *f)
{
    const struct group *group = text ? getgrnam(text) : NULL;
    uint64_t number = group ? group->gr_gid : 0;
    f->has_group = text;
    bool known = !text || group || parse_number(text, &number);
    f->gid = (uint32_t)number;
    return known;
}

static bool parse_perm(const char *text, struct find *f)
{
    uint32_t mode;
    f->has_perm = text;
    if (!text)
        return true;
    f->perm.sign = text[0] == '-' || text[0] == '/' ? text[0] : '\0';
    if (!lt_mode_parse(text + (f->perm.sign != '\0'), 0, 0, &mode))
        return false;
    f->perm.n = mode;
    return true;
}

static bool parse_depth(const char *text, unsigned otherwise, unsigned *ret)
{
    uint64_t number = otherwise;
    bool ok = !text || (parse_number(text, &number) && number <= UINT32_MAX);
    *ret = (unsigned)number;
    return ok;
}

static bool parse_inode(const char *text, struct find *f)
{
    f->has_inode = text;
    return !text || parse_number(text, &f->inode);
}

static bool parse_types(const char *text, struct find *f)
{
    f->type = text;
    return !text || (text[0] && strspn(text, "fdlpscb,") == strlen(text));
}

/* The time of a file in an image or of the host. Returns an exit code. */
static int parse_newer(const char *text, struct find *f)
{
    struct lt_places places;
    struct lt_attr attr;
    struct stat st;
    char *operand[] = {(char *)text, NULL};
    f->has_newer = text;
    if (!text)
        return LT_EXIT_OK;
    int status = lt_places_open(&places, operand, 1, LT_PLACES_READ | LT_PLACES_HOST);
    if (status != LT_EXIT_OK)
        return lt_places_close(&places, status);
    const struct lt_place *place = &places.list[0];
    int error = LT_OK;
    if (place->fs)
        error = lt_path_stat(lt_cli_ctx(), lt_place_root(place), place->path, LT_NOFOLLOW, &attr);
    else if (lstat(place->path, &st) == 0)
        attr.mtime = (struct lt_time){st.st_mtim.tv_sec, (uint32_t)st.st_mtim.tv_nsec};
    else
        error = lt_error_last();
    if (error == LT_OK)
        f->newer = attr.mtime;
    else
        status = lt_place_complain(place, "find", error);
    return lt_places_close(&places, status);
}

/* Returns an exit code. */
static int parse_tests(const struct lt_args *args, struct find *f)
{
#define TEST(option, call)                                                             \
    {                                                                                  \
        const char *value = lt_args_value(args, option);                               \
        if (!(call))                                                                   \
            return lt_usage_error(args->command, "-%s cannot be '%s'", option, value); \
    }
    TEST("size", parse_size(value, f))
    TEST("mtime", parse_range(value, &f->mtime))
    TEST("mmin", parse_range(value, &f->mmin))
    TEST("links", parse_range(value, &f->links))
    TEST("inum", parse_inode(value, f))
    TEST("type", parse_types(value, f))
    TEST("user", parse_user(value, f))
    TEST("group", parse_group(value, f))
    TEST("perm", parse_perm(value, f))
    TEST("mindepth", parse_depth(value, 0, &f->min_depth))
    TEST("maxdepth", parse_depth(value, UINT32_MAX, &f->max_depth))
#undef TEST
    return parse_newer(lt_args_value(args, "newer"), f);
}

static int run(const struct lt_args *args)
{
    struct lt_places places;
    struct find f = {.visitor = {.enter = enter, .failed = failed},
                     .name = lt_args_value(args, "name"),
                     .iname = lt_args_value(args, "iname"),
                     .path = lt_args_value(args, "path"),
                     .empty = lt_args_flag(args, "empty"),
                     .print0 = lt_args_flag(args, "print0"),
                     .as_json = lt_args_flag(args, "json"),
                     .now = lt_clock_now()};
    int status = parse_tests(args, &f);
    if (status != LT_EXIT_OK)
        return status;
    status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_READ);
    if (status != LT_EXIT_OK)
        return lt_places_close(&places, status);
    if (f.as_json) {
        lt_output_begin(&f.json, "find");
        lt_json_array(&f.json, "entries");
    }
    for (size_t i = 0; i < places.count; i++)
        search(&f, &places.list[i]);
    if (f.as_json) {
        lt_json_array_end(&f.json);
        if (lt_output_end(&f.json) != LT_EXIT_OK)
            f.status = LT_EXIT_FAILED;
    }
    return lt_places_close(&places, f.status);
}

static const struct lt_cli_option find_options[] = {
    {.name = "name", .arg = "PATTERN", .help = "The name matches: * ? [...]"},
    {.name = "iname", .arg = "PATTERN", .help = "The same without regard to case"},
    {.name = "path", .arg = "PATTERN", .help = "The whole path matches, as it is printed"},
    {.name = "type", .arg = "LETTERS", .help = "One of f d l p s c b, as in find(1)"},
    {.name = "size",
     .arg = "[+-]N[cwbkMG]",
     .help = "More than, less than or N units, rounded up; blocks of 512 bytes without a letter"},
    {.name = "mtime", .arg = "[+-]N", .help = "Changed N times 24 hours ago"},
    {.name = "mmin", .arg = "[+-]N", .help = "Changed N minutes ago"},
    {.name = "newer",
     .arg = "FILE",
     .help = "Changed later than FILE, which may be in an image",
     .hint = LT_HINT_PLACE},
    {.name = "empty", .help = "Empty files and directories"},
    {.name = "perm", .arg = "[-/]MODE", .help = "Exactly these permissions; - all, / any of them"},
    {.name = "user", .arg = "USER", .help = "Owned by USER, a name or number"},
    {.name = "group", .arg = "GROUP", .help = "Of this group"},
    {.name = "links", .arg = "[+-]N", .help = "With N names"},
    {.name = "inum", .arg = "N", .help = "With this inode number"},
    {.name = "mindepth", .arg = "N", .help = "At least so many levels below PLACE"},
    {.name = "maxdepth", .arg = "N", .help = "At most so many"},
    {.name = "print0", .help = "End each path with a NUL instead of a new line"},
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_find = {
    .name = "find",
    .summary = "Find files by name, type, size and more",
    .details = "What passes all tests is printed, in a form that the other commands take.",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = find_options,
    .examples = {{"lintel find disk.img:/ -name '*.c' -size +10k", "two tests"},
                 {"lintel find disk.img: -type f -print0 | xargs -0 lintel rm", "and away"}},
    .run = run,
    .group = LT_GROUP_FILES,
    .long_only = true,
};
