// SPDX-License-Identifier: MIT
#include "mount_words.h"

#include "cli.h"

#include <base/options.h>
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <registry.h>
#include <stdlib.h>

static const char *const choices[] = {"off", "on", "auto", NULL};              /* enum lt_choice */
static const char *const streams_choices[] = {"xattr", "colon", "none", NULL}; /* enum lt_streams */

/*
 * X(type, name, argument, help, choices, max): our words. Each is a member of
 * struct lt_mount_request by the same name.
 */
#define MOUNT_WORDS(X)                                                                             \
    X(FLAG, ro, NULL, "Refuse all changes", NULL, 0)                                               \
    X(FLAG, allow_other, NULL,                                                                     \
      "Let other users in; the default for root's mounts. Others need user_allow_other in "        \
      "/etc/fuse.conf",                                                                            \
      NULL, 0)                                                                                     \
    X(FLAG, default_permissions, "yes|no", "Let the kernel check modes and ACLs; yes by default",  \
      NULL, 0)                                                                                     \
    X(STRING, uid, "USER", "Show every file as this user's, by name or number", NULL, 0)           \
    X(STRING, gid, "GROUP", "Show every file as this group's", NULL, 0)                            \
    X(STRING, umask, "OCTAL", "Show every file without these permission bits", NULL, 0)            \
    X(CHOICE, streams, "xattr|colon|none",                                                         \
      "How named streams show: as attributes user.NAME (the default), as paths FILE:NAME, or not " \
      "at all",                                                                                    \
      streams_choices, 0)                                                                          \
    X(CHOICE, io_uring, "auto|on|off",                                                             \
      "Talk to the kernel by FUSE-over-io_uring; auto uses it where the kernel offers it",         \
      choices, 0)                                                                                  \
    X(CHOICE, passthrough, "auto|on|off",                                                          \
      "Let the kernel read and write file data itself where the source allows it", choices, 0)     \
    X(CHOICE, writeback, "auto|on|off",                                                            \
      "Let the kernel gather writes in its cache; not together with passthrough", choices, 0)      \
    X(FLAG, blkdev, NULL,                                                                          \
      "Mount over a block device: sync(1) reaches the volume, and umount(8) waits until it is "    \
      "on disk. Root only",                                                                        \
      NULL, 0)                                                                                     \
    X(NUMBER, threads, "N",                                                                        \
      "Serve with this many threads; by the number of processors if not given", NULL, 1024)        \
    X(NUMBER, poll, "MICROSECONDS",                                                                \
      "Look for the next request this long before sleeping; adaptive if not given", NULL, 1000000) \
    X(SIZE, max_write, "SIZE", "Largest single write or read; 1m by default, 256k of an image",    \
      NULL, 16u << 20)                                                                             \
    X(STRING, timeout, "SECONDS|forever",                                                          \
      "How long the kernel may trust names and attributes that it has seen", NULL, 0)              \
    X(STRING, fsname, "NAME", "What mount(8) and df(1) show as the device; SOURCE by default",     \
      NULL, 0)                                                                                     \
    X(STRING, subtype, "NAME", "Show the type as fuse.NAME; lintel by default", NULL, 0)           \
    X(STRING, security, "SDDL",                                                                    \
      "Security descriptor of the root directory, for volumes with Windows metadata", NULL, 0)     \
    X(STRING, load, "TREE", "As --load, for /etc/fstab", NULL, 0)                                  \
    X(STRING, save, "TREE", "As --save, for /etc/fstab", NULL, 0)                                  \
    X(FLAG, nonempty, NULL,                                                                        \
      "Mount on a directory that has files in it; they are hidden meanwhile", NULL, 0)             \
    X(STRING, log, "FILE", "Append messages to a file instead of sending them to syslog(3)", NULL, \
      0)                                                                                           \
    X(FLAG, debug, NULL, "Log every request; needs log=FILE or --foreground", NULL, 0)

/* Options of the kernel. Those of one slot exclude each other: the last one counts, and is passed
 * on unless it stands for the kernel's default. */
static const struct {
    const char *name;
    unsigned slot; /* below LT_KERNEL_SLOTS */
    bool is_default;
} kernel_words[] = {
    {"noatime", 0, false},  {"strictatime", 0, false}, {"relatime", 0, true},
    {"atime", 0, true},     {"nodiratime", 1, false},  {"diratime", 1, true},
    {"noexec", 2, false},   {"exec", 2, true},         {"nosuid", 3, false},
    {"suid", 3, true},      {"nodev", 4, false},       {"dev", 4, true},
    {"sync", 5, false},     {"async", 5, true},        {"dirsync", 6, false},
    {"lazytime", 7, false}, {"nolazytime", 7, true},
};

/* For mount(8), systemd and people; beside these all that begins with x- or X-. */
static const char *const ignored_words[] = {
    "_netdev", "auto",   "comment", "defaults", "group",   "loud",   "mand",
    "noauto",  "nofail", "nogroup", "nomand",   "noowner", "nouser", "nousers",
    "owner",   "silent", "user",    "users",    NULL,
};

#define WORD(type, name, arg, help, choices, max) {#name, arg, help},
const struct lt_word lt_mount_words[] = {
    MOUNT_WORDS(WORD) /* and those of the kernel that are worth knowing */
    {"noatime", NULL, "Do not note when files are read"},
    {"noexec", NULL, "Do not run programs from the volume"},
    {"nosuid", NULL, "Ignore set-user-ID and set-group-ID bits"},
    {"nodev", NULL, "Ignore device nodes"},
    {NULL, NULL, NULL},
};
#undef WORD

/* ---- Words that are not ours ----------------------------------------------------------------- */

static bool take_kernel_word(struct lt_mount_request *r, const char *name)
{
    if (strcmp(name, "rw") == 0) {
        r->ro = false;
        return true;
    }
    for (size_t i = 0; i < sizeof(kernel_words) / sizeof(*kernel_words); i++) {
        if (strcmp(kernel_words[i].name, name) == 0) {
            r->kernel[kernel_words[i].slot] =
                kernel_words[i].is_default ? NULL : kernel_words[i].name;
            return true;
        }
    }
    return false;
}

static bool is_ignored(const char *name)
{
    if (strncmp(name, "x-", 2) == 0 || strncmp(name, "X-", 2) == 0)
        return true;
    for (size_t i = 0; ignored_words[i]; i++)
        if (strcmp(ignored_words[i], name) == 0)
            return true;
    return false;
}

static void write_escaped(struct lt_buffer *out, const char *text, int *error)
{
    for (; *text && *error == LT_OK; text++) {
        if (*text == ',' || *text == '\\')
            *error = lt_buffer_write(out, "\\", 1);
        if (*error == LT_OK)
            *error = lt_buffer_write(out, text, 1);
    }
}

static int keep_for_source(struct lt_mount_request *r, const char *name, const char *value)
{
    int error = r->source_options.len > 0 ? lt_buffer_write(&r->source_options, ",", 1) : LT_OK;
    write_escaped(&r->source_options, name, &error);
    if (value && error == LT_OK)
        error = lt_buffer_write(&r->source_options, "=", 1);
    if (value)
        write_escaped(&r->source_options, value, &error);
    return error;
}

static int take_unknown(void *arg, const char *name, const char *value)
{
    struct lt_mount_request *r = arg;
    if ((!value && take_kernel_word(r, name)) || is_ignored(name))
        return LT_OK;
    return keep_for_source(r, name, value);
}

/* ---- From words to struct lt_mount_options --------------------------------------------------- */

/* "1000" or a name that `find` knows. */
static int parse_id(const char *option, const char *text, int (*find)(const char *name), int *ret,
                    struct lt_diag *diag)
{
    char *end;
    if (!*text)
        return LT_OK;
    errno = 0;
    unsigned long number = strtoul(text, &end, 10);
    if (*end == '\0' && text[0] != '-' && errno == 0 && number <= INT_MAX) {
        *ret = (int)number;
        return LT_OK;
    }
    int id = find(text);
    if (id < 0)
        return lt_diag_set(diag, LT_EINVAL, "option '%s': there is no '%s' here", option, text);
    *ret = id;
    return LT_OK;
}

static int find_user(const char *name)
{
    const struct passwd *user = getpwnam(name);
    return user ? (int)user->pw_uid : -1;
}

static int find_group(const char *name)
{
    const struct group *group = getgrnam(name);
    return group ? (int)group->gr_gid : -1;
}

static int parse_umask(const char *text, int *ret, struct lt_diag *diag)
{
    char *end;
    if (!*text)
        return LT_OK;
    unsigned long bits = strtoul(text, &end, 8);
    if (*end || text[0] == '-' || bits > 0777)
        return lt_diag_set(diag, LT_EINVAL, "option 'umask' is octal, such as 022, not '%s'", text);
    *ret = (int)bits;
    return LT_OK;
}

static int parse_timeout(const char *text, uint64_t *ret_ms, struct lt_diag *diag)
{
    char *end;
    if (!*text)
        return LT_OK;
    if (strcmp(text, "forever") == 0) {
        *ret_ms = UINT64_MAX;
        return LT_OK;
    }
    double seconds = strtod(text, &end);
    if (*end || !(seconds >= 0 && seconds <= 1e9))
        return lt_diag_set(diag, LT_EINVAL,
                           "option 'timeout' is a number of seconds or 'forever', not '%s'", text);
    *ret_ms = (uint64_t)(seconds * 1000);
    return LT_OK;
}

static void join_kernel_options(struct lt_mount_request *r)
{
    size_t len = 0;
    for (size_t i = 0; i < LT_KERNEL_SLOTS; i++)
        if (r->kernel[i])
            len += (size_t)snprintf(r->kernel_options + len, sizeof(r->kernel_options) - len,
                                    "%s%s", len > 0 ? "," : "", r->kernel[i]);
}

static int fill_front(struct lt_mount_request *r, struct lt_diag *diag)
{
    struct lt_mount_options *front = &r->front;
    int error = parse_id("uid", r->uid, find_user, &front->uid, diag);
    if (error == LT_OK)
        error = parse_id("gid", r->gid, find_group, &front->gid, diag);
    if (error == LT_OK)
        error = parse_umask(r->umask, &front->umask, diag);
    if (error == LT_OK)
        error = parse_timeout(r->timeout, &front->timeout_ms, diag);
    if (error != LT_OK)
        return error;
    join_kernel_options(r);
    front->fs_name = r->fsname[0] ? r->fsname : NULL;
    front->subtype = r->subtype[0] ? r->subtype : NULL;
    front->kernel_options = r->kernel_options[0] ? r->kernel_options : NULL;
    front->read_only = r->ro;
    front->allow_other = r->allow_other;
    front->default_permissions = r->default_permissions;
    front->io_uring = (enum lt_choice)r->io_uring;
    front->passthrough = (enum lt_choice)r->passthrough;
    front->writeback = (enum lt_choice)r->writeback;
    front->streams = (enum lt_streams)r->streams;
    front->threads = (unsigned)r->threads;
    front->poll_us = (unsigned)r->poll;
    front->max_write = (uint32_t)r->max_write;
    front->debug = r->debug;
    front->blkdev = r->blkdev;
    return LT_OK;
}

/* What holds where the list says nothing. */
static void set_defaults(struct lt_mount_request *r)
{
    lt_mount_options_init(&r->front);
    r->allow_other = r->front.allow_other;
    r->default_permissions = r->front.default_permissions;
    r->io_uring = (int)r->front.io_uring;
    r->passthrough = (int)r->front.passthrough;
    r->writeback = (int)r->front.writeback;
    r->streams = (int)r->front.streams;
    r->threads = r->front.threads;
    r->poll = r->front.poll_us;
    r->max_write = r->front.max_write;
}

int lt_mount_request_parse(struct lt_mount_request *ret, const char *list, struct lt_diag *diag)
{
#define OPTION(kind, member, argument, help, list_of, most) \
    {.name = #member,                                       \
     .type = LT_OPTION_##kind,                              \
     .value = &ret->member,                                 \
     .capacity = sizeof(ret->member),                       \
     .choices = (list_of),                                  \
     .max = (most)},
    const struct lt_option options[] = {MOUNT_WORDS(OPTION){.name = NULL}};
#undef OPTION
    memset(ret, 0, sizeof(*ret));
    set_defaults(ret);
    int error = lt_options_parse(list, options, take_unknown, ret, diag);
    return error == LT_OK ? fill_front(ret, diag) : error;
}

void lt_mount_request_fini(struct lt_mount_request *request)
{
    free(request->source_options.text);
}

char *lt_mount_request_source(const struct lt_mount_request *request, const char *source)
{
    char *text;
    const char *more = request->source_options.text, *rest;
    const struct lt_fs_kind *kind = lt_fs_kind_of(source, &rest);
    size_t len = strlen(source);
    if (more && kind && kind->line)
        return asprintf(&text, "%s,%s%s", kind->name, more, rest) < 0 ? NULL : text;
    bool comma = more && len > 0 && source[len - 1] != ':';
    return asprintf(&text, "%s%s%s", source, comma ? "," : "", more ? more : "") < 0 ? NULL : text;
}

/* ---- Slips ----------------------------------------------------------------------------------- */

static const char *next_word(const void *arg, size_t i)
{
    (void)arg;
    return lt_mount_words[i].name;
}

const char *lt_mount_word_nearest(const char *word)
{
    return lt_word_nearest(word, next_word, NULL);
}
