// SPDX-License-Identifier: MIT
#include "entry.h"

#include <base/unicode.h>
#include <grp.h>
#include <inttypes.h>
#include <lintel/fs.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* ---- Types and modes ------------------------------------------------------------------------- */

static const struct type {
    uint32_t bits;
    char letter;  /* of ls -l */
    char of_find; /* of find -type */
    const char *name;
} types[] = {
    {LT_S_IFREG, '-', 'f', "file"},         {LT_S_IFDIR, 'd', 'd', "directory"},
    {LT_S_IFLNK, 'l', 'l', "symlink"},      {LT_S_IFIFO, 'p', 'p', "fifo"},
    {LT_S_IFSOCK, 's', 's', "socket"},      {LT_S_IFCHR, 'c', 'c', "character device"},
    {LT_S_IFBLK, 'b', 'b', "block device"},
};

static const struct type *type_of(uint32_t mode)
{
    static const struct type unknown = {0, '?', '?', "unknown"};
    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
        if (types[i].bits == (mode & LT_S_IFMT))
            return &types[i];
    return &unknown;
}

const char *lt_type_name(uint32_t mode)
{
    return type_of(mode)->name;
}

char lt_type_letter(uint32_t mode)
{
    return type_of(mode)->of_find;
}

/* One of the three groups: rwx, with the bit beyond as s or t. */
static void mode_class(char *to, uint32_t bits, bool special, char letter)
{
    to[0] = bits & 4 ? 'r' : '-';
    to[1] = bits & 2 ? 'w' : '-';
    to[2] = bits & 1 ? 'x' : '-';
    if (special)
        to[2] = bits & 1 ? letter : (char)(letter - 'a' + 'A');
}

struct lt_text lt_text_mode(const struct lt_attr *attr)
{
    struct lt_text t = {""};
    uint32_t mode = attr->mode;
    t.s[0] = type_of(mode)->letter;
    mode_class(t.s + 1, mode >> 6, mode & LT_S_ISUID, 's');
    mode_class(t.s + 4, mode >> 3, mode & LT_S_ISGID, 's');
    mode_class(t.s + 7, mode, mode & LT_S_ISVTX, 't');
    t.s[10] = attr->has & (LT_HAS_ACL | LT_HAS_DEFAULT_ACL) ? '+' : '\0';
    return t;
}

struct lt_text lt_text_device(uint32_t rdev)
{
    struct lt_text t;
    snprintf(t.s, sizeof(t.s), "%u, %u", rdev >> 8 & 0xfff, (rdev & 0xff) | (rdev >> 12 & 0xfff00));
    return t;
}

/* ---- Owners ---------------------------------------------------------------------------------- */

/* The last answer: most files of a listing have one owner. */
struct known {
    bool valid;
    uint32_t id;
    struct lt_text text;
};

static struct lt_text number(uint32_t id)
{
    struct lt_text t;
    snprintf(t.s, sizeof(t.s), "%" PRIu32, id);
    return t;
}

static void keep(struct known *known, uint32_t id, const char *name)
{
    *known = (struct known){true, id, number(id)};
    if (name)
        snprintf(known->text.s, sizeof(known->text.s), "%s", name);
}

struct lt_text lt_text_user(uint32_t uid, bool numeric)
{
    static struct known last;
    if (numeric)
        return number(uid);
    if (!last.valid || last.id != uid) {
        const struct passwd *user = getpwuid(uid);
        keep(&last, uid, user ? user->pw_name : NULL);
    }
    return last.text;
}

struct lt_text lt_text_group(uint32_t gid, bool numeric)
{
    static struct known last;
    if (numeric)
        return number(gid);
    if (!last.valid || last.id != gid) {
        const struct group *group = getgrgid(gid);
        keep(&last, gid, group ? group->gr_name : NULL);
    }
    return last.text;
}

/* ---- Sizes and times ------------------------------------------------------------------------- */

struct lt_text lt_text_human(uint64_t bytes)
{
    static const char units[] = "BKMGTPE";
    struct lt_text t;
    unsigned unit = 0;
    while (unit < sizeof(units) - 2 && bytes >> 10 * unit >= 1024)
        unit++;
    uint64_t scale = UINT64_C(1) << 10 * unit, rest = bytes % scale;
    uint64_t tenths = bytes / scale * 10 + (rest * 10 + scale - 1) / scale;
    uint64_t whole = bytes / scale + (rest > 0);
    if (unit == 0)
        snprintf(t.s, sizeof(t.s), "%" PRIu64, bytes);
    else if (tenths < 100)
        snprintf(t.s, sizeof(t.s), "%" PRIu64 ".%" PRIu64 "%c", tenths / 10, tenths % 10,
                 units[unit]);
    else if (whole == 1024 && unit < sizeof(units) - 2)
        snprintf(t.s, sizeof(t.s), "1.0%c", units[unit + 1]);
    else
        snprintf(t.s, sizeof(t.s), "%" PRIu64 "%c", whole, units[unit]);
    return t;
}

struct lt_text lt_text_time(struct lt_time time)
{
    struct lt_text t = {"?"};
    char date[24], zone[8];
    time_t sec = (time_t)time.sec;
    struct tm local;
    if (!localtime_r(&sec, &local))
        return t;
    strftime(date, sizeof(date), "%F %T", &local);
    strftime(zone, sizeof(zone), "%z", &local);
    snprintf(t.s, sizeof(t.s), "%s.%09" PRIu32 " %s", date, time.nsec, zone);
    return t;
}

struct lt_text lt_text_time_short(struct lt_time time, struct lt_time now)
{
    enum { HALF_A_YEAR = 31556952 / 2 }; /* seconds, as ls(1) has it */
    struct lt_text t = {"?"};
    time_t sec = (time_t)time.sec;
    struct tm local;
    if (!localtime_r(&sec, &local))
        return t;
    bool recent = time.sec <= now.sec && time.sec > now.sec - HALF_A_YEAR;
    if (recent)
        strftime(t.s, sizeof(t.s), "%b %e %H:%M", &local);
    else
        strftime(t.s, sizeof(t.s), "%b %e  %Y", &local);
    return t;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

void lt_json_name(struct lt_json *json, const char *key, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    struct lt_buffer hex = {0};
    char hex_key[40];
    lt_json_text(json, key, text);
    if (lt_utf8_valid(lt_str(text)))
        return;
    int error = LT_OK;
    for (const unsigned char *p = (const unsigned char *)text; *p && error == LT_OK; p++)
        error = lt_buffer_write(&hex, (char[]){digits[*p >> 4], digits[*p & 15]}, 2);
    snprintf(hex_key, sizeof(hex_key), "%s_hex", key);
    if (error == LT_OK)
        lt_json_text(json, hex_key, hex.text);
    free(hex.text);
}

/* Behind the last '/'; of a root that is nothing, and its path is its name. */
static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash && slash[1] ? slash + 1 : path;
}

static void json_time(struct lt_json *json, const char *key, struct lt_time time)
{
    char nsec[16];
    snprintf(nsec, sizeof(nsec), "%s_nsec", key);
    lt_json_i64(json, key, time.sec);
    lt_json_u64(json, nsec, time.nsec);
}

void lt_json_attr(struct lt_json *json, const char *path, const struct lt_attr *attr,
                  const char *target)
{
    char mode[8];
    snprintf(mode, sizeof(mode), "%04o", attr->mode & LT_S_PERM);
    lt_json_name(json, "path", path);
    lt_json_name(json, "name", name_of(path));
    lt_json_text(json, "type", lt_type_name(attr->mode));
    if (target)
        lt_json_name(json, "target", target);
    lt_json_text(json, "mode", mode);
    lt_json_u64(json, "uid", attr->uid);
    lt_json_u64(json, "gid", attr->gid);
    lt_json_u64(json, "links", attr->nlink);
    lt_json_u64(json, "size", attr->size);
    lt_json_u64(json, "allocated", attr->allocated);
    lt_json_u64(json, "inode", attr->id);
    if ((attr->mode & LT_S_IFMT) == LT_S_IFCHR || (attr->mode & LT_S_IFMT) == LT_S_IFBLK)
        lt_json_text(json, "device", lt_text_device(attr->rdev).s);
    json_time(json, "mtime", attr->mtime);
    json_time(json, "atime", attr->atime);
    json_time(json, "ctime", attr->ctime);
    json_time(json, "btime", attr->btime);
}

void lt_json_entry(struct lt_json *json, const char *key, const char *path,
                   const struct lt_attr *attr, const char *target)
{
    lt_json_object(json, key);
    lt_json_attr(json, path, attr, target);
    lt_json_object_end(json);
}

char *lt_read_target(struct lt_node *node)
{
    char target[LT_PATH_MAX];
    int len = lt_node_readlink(NULL, node, target, sizeof(target) - 1);
    if (len < 0)
        return NULL;
    target[len] = '\0';
    return strdup(target);
}

/* ---- Names ----------------------------------------------------------------------------------- */

void lt_print_name(const char *name)
{
    if (!isatty(STDOUT_FILENO)) {
        fputs(name, stdout);
        return;
    }
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (*p < ' ' || *p == 0x7f)
            printf("\\%03o", *p);
        else
            putchar(*p);
    }
}
