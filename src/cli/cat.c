// SPDX-License-Identifier: MIT
/* lintel cat and lintel write: the content of files to stdout, and stdin into one. */
#include "operand.h"

#include <errno.h>
#include <lintel/file.h>
#include <lintel/path.h>
#include <os/os.h>
#include <stdlib.h>
#include <unistd.h>

enum { PIECE = 256 * 1024 }; /* bytes that are moved at a time */

/* The file, or with `stream` its stream of that name. */
static int open_file(const struct lt_place *place, const char *stream, uint32_t flags,
                     struct lt_file **ret)
{
    struct lt_node *node;
    if (!stream)
        return lt_file_open(lt_cli_ctx(), lt_place_root(place), place->path, flags, 0666, ret);
    int error =
        lt_path_stream_open(lt_cli_ctx(), lt_place_root(place), place->path, stream,
                            flags & LT_O_CREAT ? LT_STREAM_CREATE : 0, flags & LT_O_ACCMODE, &node);
    if (error != LT_OK)
        return error;
    error = lt_file_open_node(lt_cli_ctx(), node, flags & ~(uint32_t)LT_O_CREAT, ret);
    lt_node_put(node);
    return error;
}

/* ---- cat ------------------------------------------------------------------------------------- */

static int write_out(const char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, bytes, len);
        if (n < 0 && errno != EINTR)
            return lt_error_last();
        bytes += n > 0 ? n : 0;
        len -= n > 0 ? (size_t)n : 0;
    }
    return LT_OK;
}

static int print_file(const struct lt_place *place, const char *stream, char *buffer)
{
    struct lt_file *file;
    int error = open_file(place, stream, LT_O_RDONLY, &file);
    if (error != LT_OK)
        return lt_place_complain(place, "read", error);
    int64_t n;
    while ((n = lt_file_read(file, buffer, PIECE)) > 0 && error == LT_OK)
        error = write_out(buffer, (size_t)n);
    lt_file_close(file);
    if (n < 0)
        return lt_place_complain(place, "read", (int)n);
    if (error == LT_OK)
        return LT_EXIT_OK;
    lt_complain("cannot write to stdout: %s", lt_error_text(error));
    return LT_EXIT_FAILED;
}

static int run(const struct lt_args *args)
{
    struct lt_places places;
    char *buffer = malloc(PIECE);
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_READ);
    for (size_t i = 0; buffer && places.list && i < args->operand_count && places.list[i].fs; i++)
        if (print_file(&places.list[i], lt_args_value(args, "stream"), buffer) != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
    free(buffer);
    return lt_places_close(&places, buffer ? status : LT_EXIT_FAILED);
}

static const struct lt_cli_option cat_options[] = {
    {.name = "stream", .arg = "NAME", .help = "Print the named stream instead of the data"},
    {.name = NULL},
};

const struct lt_command lt_command_cat = {
    .name = "cat",
    .summary = "Print files",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = cat_options,
    .examples = {{"lintel cat disk.img:/etc/motd", "one file"},
                 {"lintel cat disk.img:/a.exe --stream Zone.Identifier", "a stream of it"}},
    .run = run,
    .group = LT_GROUP_FILES,
};

/* ---- write ----------------------------------------------------------------------------------- */

static int copy_stdin(const struct lt_place *place, struct lt_file *file)
{
    char *buffer = malloc(PIECE);
    ssize_t n = 0;
    int64_t written = 0;
    while (buffer && (n = read(STDIN_FILENO, buffer, PIECE)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        written = n < 0 ? 0 : lt_file_write(file, buffer, (size_t)n);
        if (n < 0 || written != n)
            break;
    }
    int error = n < 0 ? lt_error_last() : LT_OK;
    free(buffer);
    if (error != LT_OK) {
        lt_complain("cannot read stdin: %s", lt_error_text(error));
        return LT_EXIT_FAILED;
    }
    if (written >= 0 && written >= n && buffer)
        return LT_EXIT_OK;
    error = !buffer ? LT_ENOMEM : written < 0 ? (int)written : LT_ENOSPC;
    return lt_place_complain(place, "write", error);
}

static int write_place(const struct lt_place *place, const char *stream, bool append)
{
    struct lt_file *file;
    struct lt_attr attr;
    bool is_new = lt_path_stat(lt_cli_ctx(), lt_place_root(place), place->path, 0, &attr) != LT_OK;
    uint32_t flags = LT_O_WRONLY | LT_O_CREAT | (append ? LT_O_APPEND : LT_O_TRUNC);
    int error = open_file(place, stream, flags, &file);
    if (error == LT_OK && is_new && !stream) {
        error = lt_cli_own(lt_file_node(file));
        if (error != LT_OK)
            lt_file_close(file);
    }
    if (error != LT_OK)
        return lt_place_complain(place, "write", error);
    int status = copy_stdin(place, file);
    error = lt_file_close(file);
    return error == LT_OK || status != LT_EXIT_OK ? status
                                                  : lt_place_complain(place, "write", error);
}

static int run_write(const struct lt_args *args)
{
    struct lt_places places;
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_WRITE);
    if (status == LT_EXIT_OK)
        status = write_place(&places.list[0], lt_args_value(args, "stream"),
                             lt_args_flag(args, "append"));
    return lt_places_close(&places, status);
}

static const struct lt_cli_option write_options[] = {
    {.name = "append", .letter = 'a', .help = "Add to the end instead of replacing the content"},
    {.name = "stream", .arg = "NAME", .help = "Write the named stream instead of the data"},
    {.name = NULL},
};

const struct lt_command lt_command_write = {
    .name = "write",
    .summary = "Write stdin to a file",
    .operands = {{"PLACE", LT_HINT_PLACE, false}},
    .options = write_options,
    .examples = {{"date | lintel write disk.img:/date.txt", "made, or its content replaced"}},
    .run = run_write,
    .group = LT_GROUP_FILES,
};
