// SPDX-License-Identifier: MIT
/* lintel mount, and mount.lintel for mount(8). */
#include "cli.h"
#include "daemon.h"
#include "mounts.h"
#include "operand.h"
#include "serve.h"

#include <base/options.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <libgen.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Can it work? ---------------------------------------------------------------------------- */

static bool is_empty(const char *dir)
{
    const struct dirent *entry;
    bool empty = true;
    DIR *d = opendir(dir);
    if (!d)
        return true; /* then mounting says what is wrong with it */
    while (empty && (entry = readdir(d)))
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    closedir(d);
    return empty;
}

static bool complain_of_dir(const char *dir, int error)
{
    if (error == ENOENT)
        lt_complain("there is no directory %s; make it with 'mkdir -p %s'", dir, dir);
    else if (error == ENOTCONN)
        lt_complain("%s has a mount whose process has died; 'lintel umount %s' clears it", dir,
                    dir);
    else
        lt_complain("cannot mount on %s: %s", dir, strerror(error));
    return false;
}

/* The kernel may go on to answer for a dead mount's root; asking its process tells. */
static bool complain_of_mounted(const struct lt_mounted *mounted)
{
    char *info;
    int error = lt_control_get(mounted->dir, "info", &info);
    if (error == LT_ENOTCONN)
        return complain_of_dir(mounted->dir, ENOTCONN);
    if (error == LT_OK)
        free(info);
    lt_complain("%s is mounted on %s already; 'lintel umount %s' ends it", mounted->source,
                mounted->dir, mounted->dir);
    return false;
}

/* Whether something is to be mounted at `dir`. *ret: its absolute path. */
static bool check_dir(const char *dir, bool may_have_files, char ret[LT_PATH_MAX])
{
    struct stat st;
    struct lt_mounted mounted;
    if (stat(dir, &st) != 0)
        return complain_of_dir(dir, errno);
    if (!S_ISDIR(st.st_mode))
        return complain_of_dir(dir, ENOTDIR);
    int error = lt_path_absolute(dir, ret);
    if (error != LT_OK) {
        lt_complain("cannot mount on %s: %s", dir, lt_error_text(error));
        return false;
    }
    if (lt_mounted_at(ret, &mounted) == LT_OK && lt_mounted_is_ours(&mounted))
        return complain_of_mounted(&mounted);
    if (!may_have_files && !is_empty(ret)) {
        lt_complain("%s has files in it, which the mount would hide; '-o nonempty' mounts anyway",
                    dir);
        return false;
    }
    return true;
}

/* *ret: an absolute path for one that need not exist yet, but whose directory must. */
static bool absolute_target(const char *path, char ret[LT_PATH_MAX])
{
    char parent[LT_PATH_MAX], copy[LT_PATH_MAX];
    snprintf(copy, sizeof(copy), "%s", path);
    if (!realpath(dirname(copy), parent)) {
        lt_complain("cannot use %s: %s", path, strerror(errno));
        return false;
    }
    snprintf(copy, sizeof(copy), "%s", path);
    int len =
        snprintf(ret, LT_PATH_MAX, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, basename(copy));
    return len < (int)LT_PATH_MAX;
}

/* Whether a tree could be written to `path`, as far as that can be known before. */
static bool check_save(const char *path, const char *dir)
{
    char parent[LT_PATH_MAX];
    size_t len = strlen(dir);
    snprintf(parent, sizeof(parent), "%s", path);
    dirname(parent);
    if (strncmp(path, dir, len) == 0 && (path[len] == '/' || path[len] == '\0')) {
        lt_complain("cannot save to %s: it lies in the volume itself", path);
        return false;
    }
    if (access(parent, W_OK | X_OK) != 0) {
        lt_complain("cannot save to %s: %s: %s", path, parent, strerror(errno));
        return false;
    }
    return true;
}

/* ---- Both ways to call us -------------------------------------------------------------------- */

struct call {
    const char *source, *dir, *options; /* options: NULL for none */
    const char *load, *save, *progress;
    bool foreground, nonempty;
    bool fake; /* all but the mounting itself */
};

struct paths {
    char dir[LT_PATH_MAX], load[LT_PATH_MAX], save[LT_PATH_MAX], log[LT_PATH_MAX];
};

/* Fills what->load and what->save. The first time there is nothing to load from where it is saved
 * to. */
static bool prepare_trees(const struct call *call, struct paths *paths, struct lt_serve *what)
{
    const struct lt_mount_request *r = what->request;
    const char *load = call->load ? call->load : r->load[0] ? r->load : NULL;
    const char *save = call->save ? call->save : r->save[0] ? r->save : NULL;
    if (load && !absolute_target(load, paths->load))
        return false;
    if (save && (!absolute_target(save, paths->save) || !check_save(paths->save, what->dir)))
        return false;
    what->load = load ? paths->load : NULL;
    what->save = save ? paths->save : NULL;
    if (!load || access(paths->load, F_OK) == 0)
        return true;
    if (save && strcmp(paths->load, paths->save) == 0) {
        lt_complain("%s is not there yet: starting empty", load);
        what->load = NULL;
        return true;
    }
    lt_complain("cannot load %s: %s", load, strerror(errno));
    return false;
}

static bool prepare_log(const struct call *call, struct paths *paths,
                        const struct lt_mount_request *r)
{
    if (r->debug && !call->foreground && !r->log[0]) {
        lt_complain("option 'debug' needs log=FILE or --foreground");
        return false;
    }
    if (r->log[0] && !absolute_target(r->log, paths->log))
        return false;
    if (lt_log_open(r->log[0] ? paths->log : NULL, call->foreground))
        return true;
    lt_complain("cannot write the log %s: %s", paths->log, strerror(errno));
    return false;
}

/* The source with all that -o says of it. An image that is mounted read-only is not opened for
 * writing either: others may read it then, and its file need not be writable. */
static char *request_source(const struct lt_mount_request *request, const char *own)
{
    char *source = lt_mount_request_source(request, own), *with_ro;
    const char *image = "image:";
    if (!source || !request->ro || strncmp(source, image, strlen(image)) != 0)
        return source;
    int len = asprintf(&with_ro, "%s,ro", source);
    free(source);
    return len < 0 ? NULL : with_ro;
}

static int serve_request(const struct call *call, struct lt_mount_request *request,
                         const char *own_source, const char *name)
{
    struct paths *paths = calloc(1, sizeof(*paths));
    char *source = request_source(request, own_source);
    struct lt_serve what = {.name = name,
                            .source = source,
                            .dir = paths ? paths->dir : NULL,
                            .progress = call->progress,
                            .foreground = call->foreground,
                            .request = request};
    int status = LT_EXIT_FAILED;
    if (!paths || !source)
        lt_complain("%s", lt_error_text(LT_ENOMEM));
    else if (check_dir(call->dir, call->nonempty || request->nonempty, paths->dir) &&
             prepare_trees(call, paths, &what) && prepare_log(call, paths, request))
        status = call->fake ? LT_EXIT_OK : lt_serve(&what);
    free(source);
    free(paths);
    return status;
}

static int mount_call(const struct call *call)
{
    struct lt_mount_request *request = malloc(sizeof(*request));
    char *source, *name;
    struct lt_diag diag;
    int status;
    if (!request) {
        lt_complain("%s", lt_error_text(LT_ENOMEM));
        return LT_EXIT_FAILED;
    }
    int error = lt_mount_request_parse(request, call->options, &diag);
    if (error != LT_OK) {
        lt_complain("%s", diag.text);
        status = LT_EXIT_USAGE;
    } else if (!lt_source_take(call->source, &source, &name)) {
        status = LT_EXIT_USAGE;
    } else {
        status = serve_request(call, request, source, name);
        free(source);
        free(name);
    }
    lt_mount_request_fini(request);
    free(request);
    return status;
}

static int run(const struct lt_args *args)
{
    return mount_call(&(struct call){
        .source = args->operands[0],
        .dir = args->operands[1],
        .options = lt_args_value(args, "options"),
        .load = lt_args_value(args, "load"),
        .save = lt_args_value(args, "save"),
        .progress = lt_args_value(args, "progress"),
        .foreground = lt_args_flag(args, "foreground"),
    });
}

static const struct lt_cli_option mount_options[] = {
    {.name = "options",
     .letter = 'o',
     .arg = "LIST",
     .words = lt_mount_words,
     .help = "Comma-separated mount options; words that are not listed below go to SOURCE"},
    {.name = "foreground",
     .letter = 'f',
     .help = "Stay in the foreground until the volume is unmounted; messages go to stderr"},
    {.name = "load",
     .arg = "TREE",
     .hint = LT_HINT_FILE,
     .help = "Fill the volume from a directory, a tar file or a disk image before it is mounted"},
    {.name = "save",
     .arg = "TREE",
     .hint = LT_HINT_FILE,
     .help = "Save the volume to a directory, or to a file if TREE ends in .tar or .img, when it "
             "is unmounted and on 'lintel save'"},
    LT_WITH_PROGRESS,
    {.name = NULL},
};

const struct lt_command lt_command_mount = {
    .name = "mount",
    .summary = "Mount a file system at a directory",
    .details = "Returns when the volume answers, and leaves a process behind that serves it.",
    .operands = {{"SOURCE", LT_HINT_SOURCE, false}, {"DIR", LT_HINT_DIR, false}},
    .options = mount_options,
    .examples = {{"lintel mount disk.img /mnt", "a disk image"},
                 {"lintel mount mem: /mnt", "a RAM disk that grows and shrinks with its files"},
                 {"lintel mount mem:size=4g /mnt", "one that never takes more than 4 GiB"},
                 {"lintel mount mem:case=insensitive /mnt", "one where README and readme are one"},
                 {"lintel mount mem: /mnt --load t.tar --save t.tar",
                  "one that is kept in a tar file"}},
    .group = LT_GROUP_MOUNT,
    .run = run,
};

/* ---- mount.lintel ---------------------------------------------------------------------------- */

/* Exit codes of mount(8). */
enum { HELPER_OK = 0, HELPER_USAGE = 1, HELPER_SYSTEM = 2, HELPER_FAILED = 32 };

static int helper_usage(void)
{
    fprintf(stderr, "usage: %s SPEC DIR [-sfnv] [-N NAMESPACE] [-o OPTIONS] [-t TYPE]\n",
            lt_talk_name());
    return HELPER_USAGE;
}

/* -N: the mount is to be made in another mount namespace, given as a process or a file. */
static bool enter_namespace(const char *name)
{
    char path[LT_PATH_MAX];
    bool is_pid = name[0] != '\0' && strspn(name, "0123456789") == strlen(name);
    snprintf(path, sizeof(path), is_pid ? "/proc/%s/ns/mnt" : "%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && setns(fd, CLONE_NEWNS) == 0;
    if (!ok)
        lt_complain("cannot enter the namespace %s: %s", name, strerror(errno));
    if (fd >= 0)
        close(fd);
    return ok;
}

/*
 * Called by mount(8), whose letters differ from ours: -f is "fake", -n "no mtab",
 * -s "tolerate unknown options" (we cannot know which of them a source takes, so
 * that they stay mistakes).
 */
int lt_mount_helper(int argc, char **argv)
{
    struct call call = {.nonempty = true};
    bool verbose = false;
    int c;
    lt_talk_as(basename(argv[0]));
    optind = 0;
    while ((c = getopt(argc, argv, "sfnvN:o:t:")) != -1) {
        if (c == 'f')
            call.fake = true;
        else if (c == 'v')
            verbose = true;
        else if (c == 'o')
            call.options = optarg;
        else if (c == 'N' && !enter_namespace(optarg))
            return HELPER_SYSTEM;
        else if (c == '?')
            return helper_usage();
    }
    if (argc - optind != 2)
        return helper_usage();
    call.source = argv[optind];
    call.dir = argv[optind + 1];
    int status = mount_call(&call);
    if (status == LT_EXIT_OK && verbose)
        printf("%s mounted on %s\n", call.source, call.dir);
    return status == LT_EXIT_OK      ? HELPER_OK
           : status == LT_EXIT_USAGE ? HELPER_USAGE
                                     : HELPER_FAILED;
}
