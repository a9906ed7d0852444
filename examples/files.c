// SPDX-License-Identifier: MIT
/*
 * Lintel from C: a RAM disk in this process, with what POSIX has and with what
 * Windows has. Nothing is mounted, and nothing is left behind.
 *
 *     cc files.c -o files $(pkg-config --cflags --libs lintel) && ./files
 */
#include <inttypes.h>
#include <lintel/lintel.h>
#include <stdio.h>
#include <stdlib.h>

/* Ends the program if something that cannot fail here did. A negative result is an LT_E... value.
 */
static int64_t must(int64_t result, const char *what)
{
    if (result < 0) {
        fprintf(stderr, "%s: %s\n", what, lt_error_text((int)result));
        exit(1);
    }
    return result;
}

/* A directory, a file in it, and reading it back. */
static void write_and_read(struct lt_node *root)
{
    struct lt_file *file;
    char text[64];
    must(lt_path_mkdir(NULL, root, "notes", 0755), "mkdir");
    must(lt_file_open(NULL, root, "notes/today.txt", LT_O_RDWR | LT_O_CREAT, 0644, &file), "open");
    must(lt_file_write(file, "carry the load\n", 15), "write");

    /* The position is behind what was written; pread does not care about it. */
    int64_t len = must(lt_file_pread(file, text, sizeof(text), 0), "pread");
    printf("read back: %.*s", (int)len, text);

    /* Files have holes: this one is 1 GiB long and takes a few KiB. */
    must(lt_file_pwrite(file, "end", 3, (1 << 30) - 3), "pwrite");
    struct lt_attr attr;
    must(lt_file_stat(file, &attr), "stat");
    printf("size %" PRIu64 ", allocated %" PRIu64 "\n", attr.size, attr.allocated);
    printf("next data behind 1 MiB: %" PRId64 "\n", lt_file_seek(file, 1 << 20, LT_SEEK_DATA));
    lt_file_close(file);
}

static int print_entry(void *arg, const struct lt_dirent *entry)
{
    (void)arg;
    printf("  %.*s\n", (int)entry->name.len, entry->name.s);
    return 0; /* go on */
}

/* More names, other names, and looking at them. */
static void names(struct lt_node *root)
{
    char target[LT_PATH_MAX];
    must(lt_path_link(NULL, root, "notes/today.txt", 0, root, "notes/same.txt"), "link");
    must(lt_path_symlink(NULL, "notes/today.txt", root, "latest"), "symlink");
    must(lt_path_rename(NULL, root, "notes/same.txt", root, "notes/again.txt", 0), "rename");

    /* This volume was opened with case=insensitive: names keep their case and are found in any. */
    struct lt_attr attr;
    must(lt_path_stat(NULL, root, "NOTES/Again.TXT", 0, &attr), "stat");
    printf("NOTES/Again.TXT is inode %" PRIu64 " with %u names\n", attr.id, attr.nlink);
    must(lt_path_readlink(NULL, root, "latest", target, sizeof(target)), "readlink");
    printf("latest -> %s\nin notes:\n", target);
    must(lt_path_list(NULL, root, "notes", print_entry, NULL), "list");
}

/* On behalf of somebody who may not do everything. */
static void permissions(struct lt_node *root)
{
    const struct lt_ctx user = {.uid = 1000, .gid = 1000, .umask = 022};
    struct lt_file *file;
    int r = lt_file_open(&user, root, "notes/mine", LT_O_WRONLY | LT_O_CREAT, 0644, &file);
    printf("a user in root's directory: %s\n", lt_error_name(r));
    must(lt_path_chmod(NULL, root, "notes", 0777), "chmod");
    must(lt_file_open(&user, root, "notes/mine", LT_O_WRONLY | LT_O_CREAT, 0666, &file), "open");
    lt_file_close(file);
    must(lt_path_xattr_set(&user, root, "notes/mine", 0, "user.colour", lt_str("blue"), 0),
         "setxattr");
}

static int print_stream(void *arg, const struct lt_stream *stream)
{
    (void)arg;
    printf("  stream %.*s, %" PRIu64 " bytes\n", (int)stream->name.len, stream->name.s,
           stream->size);
    return 0;
}

static int print_ea(void *arg, const struct lt_ea *ea)
{
    (void)arg;
    printf("  EA %.*s = %.*s\n", (int)ea->name.len, ea->name.s, (int)ea->value.len, ea->value.s);
    return 0;
}

/* The Windows half. */
static void windows(struct lt_node *root)
{
    const char *path = "notes/today.txt";

    /* A named stream is a node like any other, and may be opened as a file. */
    struct lt_node *stream;
    struct lt_file *file;
    must(lt_path_stream_open(NULL, root, path, "Zone.Identifier", LT_STREAM_CREATE, true, &stream),
         "stream");
    must(lt_file_open_node(NULL, stream, LT_O_WRONLY, &file), "open");
    must(lt_file_write(file, "[ZoneTransfer]\r\nZoneId=3\r\n", 26), "write");
    lt_file_close(file);
    lt_node_put(stream); /* lt_path_stream_open() gave us a reference */

    const struct lt_ea ea = {.name = lt_str("AUTHOR"), .value = lt_str("me")};
    must(lt_path_ea_set(NULL, root, path, &ea, 1, false), "EA");

    const struct lt_setattr hide = {.mask = LT_SET_WIN_ATTRS, .win_attrs = LT_WIN_HIDDEN};
    must(lt_path_setattr(NULL, root, path, 0, &hide), "attributes");

    char *descriptor, *text;
    size_t len;
    struct lt_diag diag;
    if (lt_sddl_parse("O:BAG:BAD:P(A;;FA;;;SY)(A;;FR;;;WD)", &descriptor, &len, &diag) < 0) {
        fprintf(stderr, "%s\n", diag.text);
        exit(1);
    }
    must(lt_path_security_set(NULL, root, path, lt_strn(descriptor, len)), "security");
    must(lt_sddl_format(lt_strn(descriptor, len), &text), "SDDL");
    printf("%s:\n  security %s\n", path, text);
    free(descriptor);
    free(text);

    must(lt_path_stream_list(NULL, root, path, print_stream, NULL), "streams");
    must(lt_path_ea_list(NULL, root, path, print_ea, NULL), "EAs");
}

static void count_event(void *arg, const struct lt_event *event)
{
    unsigned *count = arg;
    (void)event;
    ++*count;
}

int main(void)
{
    struct lt_fs *fs;
    struct lt_diag diag;
    if (lt_open_fs("mem:size=1g,case=insensitive", &fs, &diag) < 0) {
        fprintf(stderr, "%s\n", diag.text);
        return 1;
    }
    struct lt_node *root = lt_fs_root(fs);

    /* Everybody may watch: a cache, a user interface. */
    unsigned changes = 0;
    struct lt_subscription *subscription;
    must(lt_event_subscribe(fs, count_event, &changes, &subscription), "subscribe");

    write_and_read(root);
    names(root);
    permissions(root);
    windows(root);

    lt_event_unsubscribe(subscription);
    struct lt_statfs space;
    must(lt_fs_statfs(NULL, fs, &space), "statfs");
    printf("%u changes; %" PRIu64 " bytes used of %" PRIu64 "\n", changes, space.used, space.total);
    return (int)must(lt_fs_close(fs), "close");
}
