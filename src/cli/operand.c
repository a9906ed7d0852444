// SPDX-License-Identifier: MIT
#include "operand.h"

#include "mounts.h"

#include <base/json.h>
#include <errno.h>
#include <libgen.h>
#include <lintel/image.h>
#include <lintel/path.h>
#include <registry.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Sources --------------------------------------------------------------------------------- */

bool lt_is_image_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode));
}

char *lt_image_source(const char *path, const char *options)
{
    struct lt_buffer out = {0};
    int error = lt_buffer_write(&out, "image:", 6);
    for (const char *p = path; *p && error == LT_OK; p++) {
        if (*p == ',' || *p == '\\')
            error = lt_buffer_write(&out, "\\", 1);
        if (error == LT_OK)
            error = lt_buffer_write(&out, p, 1);
    }
    if (error == LT_OK && options && *options)
        error = lt_buffer_write(&out, ",", 1);
    if (error == LT_OK && options)
        error = lt_buffer_write(&out, options, strlen(options));
    if (error == LT_OK)
        return out.text;
    free(out.text);
    return NULL;
}

bool lt_is_source(const char *text)
{
    return lt_fs_kind_of(text, NULL) != NULL;
}

static const char *next_kind(const void *arg, size_t i)
{
    (void)arg;
    return lt_fs_kinds[i].name;
}

/* Complains of what is no source. */
static void complain_of_source(const char *source)
{
    char kind[32];
    struct stat st;
    size_t len = strcspn(source, ":");
    snprintf(kind, sizeof(kind), "%.*s", (int)len, source);
    if (source[len] == ':')
        lt_complain("there is no kind of file system '%s'%s", kind,
                    lt_did_you_mean(kind, next_kind, NULL).text);
    else if (stat(source, &st) == 0)
        lt_complain("'%s' is no source: it is no disk image, and other sources begin with their "
                    "kind and a colon, such as mem:",
                    source);
    else
        lt_complain("'%s' is no source: there is no disk image of that name, and other sources "
                    "begin with their kind and a colon, such as mem:",
                    source);
}

bool lt_source_take(const char *text, char **ret, char **ret_name)
{
    bool is_image = lt_is_image_file(text) && lt_image_probe(text) != 0;
    if (!is_image && !lt_is_source(text)) {
        complain_of_source(text);
        return false;
    }
    *ret_name = is_image ? realpath(text, NULL) : strdup(text);
    *ret = *ret_name ? is_image ? lt_image_source(*ret_name, NULL) : strdup(text) : NULL;
    if (*ret)
        return true;
    free(*ret_name);
    lt_complain("cannot use %s: %s", text, strerror(errno));
    return false;
}

/* ---- The rule -------------------------------------------------------------------------------- */

/* Where a source ends and a path may begin. */
static bool may_split(const char *colon)
{
    return *colon == ':' && (colon[1] == '/' || colon[1] == '\0');
}

/* Whether that colon belongs to a command: what follows has blanks ("fuse:sshfs host:/dir @"). */
static bool is_of_command(const char *source, const char *colon)
{
    const struct lt_fs_kind *kind = lt_fs_kind_of(source, NULL);
    return kind && kind->line && strchr(colon, ' ');
}

/*
 * The source of an operand, malloc'd, and *ret_path behind its colon. *ret is NULL for a
 * file of the host.
 */
static int split(const char *text, char **ret, const char **ret_path)
{
    size_t len = strlen(text);
    char *source = strdup(text);
    if (!source)
        return LT_ENOMEM;
    for (size_t at = len; at-- > 1;) {
        if (!may_split(text + at) || is_of_command(text, text + at))
            continue;
        source[at] = '\0';
        if (lt_is_image_file(source) || lt_is_source(source)) {
            *ret = source;
            *ret_path = text[at + 1] ? text + at + 1 : "/";
            return LT_OK;
        }
        source[at] = ':';
    }
    if (lt_is_source(text) && access(text, F_OK) != 0) {
        *ret = source;
        *ret_path = "/";
        return LT_OK;
    }
    free(source);
    *ret = NULL;
    *ret_path = text;
    return LT_OK;
}

/* Whether the directory that is to hold `path` is there. */
static bool has_parent(const char *path)
{
    char copy[LT_PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", path);
    return access(dirname(copy), F_OK) == 0;
}

/*
 * Where the colon of what looks like IMAGE:/PATH stands, though there is no such image;
 * or NULL. Where files of the host will do, it may be the name of a new one.
 */
static const char *missing_image(const char *text, bool host)
{
    const char *colon = strchr(text, ':');
    while (colon && (colon == text || !may_split(colon)))
        colon = strchr(colon + 1, ':');
    if (!colon || !host)
        return colon;
    bool is_path = text[0] == '/' || strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0;
    bool is_root = colon[1] == '\0' || colon[2] == '\0';
    bool may_be_new = is_path && !is_root && has_parent(text);
    return may_be_new || access(text, F_OK) == 0 ? NULL : colon;
}

static int complain_of_host(const char *text, bool host)
{
    const char *colon = missing_image(text, host);
    struct stat st;
    if (colon) {
        int len = (int)(colon - text);
        char name[LT_PATH_MAX];
        snprintf(name, sizeof(name), "%.*s", len, text);
        if (stat(name, &st) == 0)
            lt_complain("%s is no disk image, but a directory or the like", name);
        else
            lt_complain("there is no disk image %s; 'lintel mkfs %s --size SIZE' makes one", name,
                        name);
        return LT_EXIT_FAILED;
    }
    if (host)
        return LT_EXIT_OK;
    if (lt_is_image_file(text))
        lt_complain("'%s' is a file of the host; files in a disk image of that name are %s:/PATH",
                    text, text);
    else
        lt_complain("'%s' is a file of the host; a file in a disk image is IMAGE:/PATH", text);
    return LT_EXIT_FAILED;
}

/* ---- Opening --------------------------------------------------------------------------------- */

/* Where Lintel has an image mounted: its directory, or "". */
static void find_mount(const struct lt_opened *o, char *buf, size_t size)
{
    char path[LT_PATH_MAX];
    buf[0] = '\0';
    if (o->ino && realpath(o->name, path))
        lt_mounted_of(path, buf, size);
}

static int complain_of_open(const struct lt_opened *o, int error, const struct lt_diag *diag)
{
    char dir[LT_PATH_MAX];
    find_mount(o, dir, sizeof(dir));
    if (error == LT_EBUSY && dir[0])
        lt_complain("%s is mounted on %s: use the files there, or 'lintel umount %s' first",
                    o->name, dir, dir);
    else
        lt_complain_why("open", o->name, error, diag);
    return error == LT_EINVAL && !o->ino ? LT_EXIT_USAGE : LT_EXIT_FAILED;
}

static int open_source(struct lt_opened *o)
{
    struct lt_diag diag = {""};
    const char *image = "image:";
    bool read_only = !o->writes && strncmp(o->source, image, strlen(image)) == 0;
    char *text;
    if (asprintf(&text, "%s%s", o->source, read_only ? ",ro" : "") < 0) {
        lt_complain("%s", lt_error_text(LT_ENOMEM));
        return LT_EXIT_FAILED;
    }
    int error = lt_open_fs(text, &o->fs, &diag);
    free(text);
    if (error == LT_OK)
        return LT_EXIT_OK;
    o->fs = NULL;
    return complain_of_open(o, error, &diag);
}

/* The row for a source, which becomes the row's; a new one where it was not named before. */
static struct lt_opened *row_of(struct lt_places *p, char *source)
{
    struct stat st = {0};
    bool is_file = lt_is_image_file(source) && stat(source, &st) == 0;
    for (size_t i = 0; i < p->opened_count; i++) {
        struct lt_opened *o = &p->opened[i];
        if (is_file ? o->ino == st.st_ino && o->dev == st.st_dev : strcmp(o->name, source) == 0) {
            free(source);
            return o;
        }
    }
    struct lt_opened *o = &p->opened[p->opened_count];
    o->name = source;
    o->source = is_file ? lt_image_source(source, NULL) : strdup(source);
    o->dev = st.st_dev;
    o->ino = st.st_ino;
    p->opened_count++;
    return o->source ? o : NULL;
}

/* "disk.img:/" also where "disk.img:" was written, "mem::/" for "mem:". */
static char *shown(const char *text, const char *source)
{
    size_t len = strlen(text);
    char *copy;
    if (!source || (text[len - 1] != ':' && strcmp(text, source) != 0))
        return strdup(text);
    return asprintf(&copy, strcmp(text, source) == 0 ? "%s:/" : "%s/", text) < 0 ? NULL : copy;
}

/* Fills a place but for its file system; *ret_index: that one's row, or SIZE_MAX for the host. */
static int add_place(struct lt_places *p, const char *text, bool writes, bool host,
                     size_t *ret_index)
{
    struct lt_place *place = &p->list[p->count++];
    struct lt_opened *o = NULL;
    char *source;
    int error = split(text, &source, &place->path);
    place->text = text;
    *ret_index = SIZE_MAX;
    if (error == LT_OK) {
        place->shown = shown(text, source);
        error = place->shown ? LT_OK : LT_ENOMEM;
    }
    if (error == LT_OK && !source)
        return complain_of_host(text, host);
    if (error == LT_OK)
        o = row_of(p, source);
    if (!o) {
        lt_complain("%s", lt_error_text(LT_ENOMEM));
        return LT_EXIT_FAILED;
    }
    o->writes |= writes;
    *ret_index = (size_t)(o - p->opened);
    return LT_EXIT_OK;
}

int lt_places_open(struct lt_places *ret, char **operands, size_t count, unsigned how)
{
    *ret = (struct lt_places){.list = calloc(count + 1, sizeof(*ret->list)),
                              .opened = calloc(count + 1, sizeof(*ret->opened))};
    size_t *rows = calloc(count + 1, sizeof(*rows));
    int status = ret->list && ret->opened && rows ? LT_EXIT_OK : LT_EXIT_FAILED;
    if (status != LT_EXIT_OK)
        lt_complain("%s", lt_error_text(LT_ENOMEM));
    for (size_t i = 0; i < count && status == LT_EXIT_OK; i++) {
        bool writes = how & LT_PLACES_WRITE || (how & LT_PLACES_WRITE_LAST && i + 1 == count);
        status = add_place(ret, operands[i], writes, how & LT_PLACES_HOST, &rows[i]);
    }
    for (size_t i = 0; i < ret->opened_count && status == LT_EXIT_OK; i++)
        status = open_source(&ret->opened[i]);
    for (size_t i = 0; i < count && status == LT_EXIT_OK; i++)
        ret->list[i].fs = rows[i] == SIZE_MAX ? NULL : ret->opened[rows[i]].fs;
    free(rows);
    return status;
}

int lt_places_close(struct lt_places *places, int status)
{
    for (size_t i = 0; i < places->opened_count; i++) {
        struct lt_opened *o = &places->opened[i];
        int error = o->fs ? lt_fs_close(o->fs) : LT_OK;
        if (error != LT_OK && o->writes) {
            lt_complain("%s: not all that was written is on disk: %s", o->name,
                        lt_error_text(error));
            status = LT_EXIT_FAILED;
        }
        free(o->source);
        free((char *)o->name);
    }
    for (size_t i = 0; i < places->count; i++)
        free(places->list[i].shown);
    free(places->list);
    free(places->opened);
    *places = (struct lt_places){0};
    return status;
}

/* ---- Working with them ----------------------------------------------------------------------- */

int lt_place_complain(const struct lt_place *place, const char *verb, int error)
{
    lt_complain("cannot %s '%s': %s", verb, place->shown, lt_error_text(error));
    return LT_EXIT_FAILED;
}

const struct lt_ctx *lt_cli_ctx(void)
{
    static struct lt_ctx ctx;
    static bool known;
    if (!known) {
        mode_t mask = umask(0);
        umask(mask);
        ctx.umask = mask;
        ctx.pid = (uint32_t)getpid();
        known = true;
    }
    return &ctx;
}

int lt_cli_own(struct lt_node *node)
{
    struct lt_setattr owner = {
        .mask = LT_SET_UID | LT_SET_GID, .uid = (uint32_t)geteuid(), .gid = (uint32_t)getegid()};
    return owner.uid == 0 ? LT_OK : lt_node_setattr(lt_cli_ctx(), node, &owner, NULL);
}

int lt_place_own(const struct lt_place *place)
{
    struct lt_entry entry = {.stored = NULL};
    int error =
        lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path, LT_NOFOLLOW, &entry);
    if (error != LT_OK)
        return error;
    error = lt_cli_own(entry.node);
    lt_node_put(entry.node);
    return error;
}

struct lt_str lt_path_base(const char *path)
{
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    return lt_strn(path + start, end - start);
}

char *lt_path_join(const char *dir, struct lt_str name)
{
    size_t len = strlen(dir);
    char *path;
    const char *slash = len > 0 && dir[len - 1] != '/' ? "/" : "";
    return asprintf(&path, "%s%s%.*s", dir, slash, (int)name.len, name.s) < 0 ? NULL : path;
}
