// SPDX-License-Identifier: MIT
/* Any text as a path, on a small tree with symbolic links in circles; and what would be made of it.
 */
#include "../fuzz.h"

#include <lintel/lintel.h>
#include <string.h>

static struct lt_fs *fs;

static void make_tree(void)
{
    struct lt_node *root;
    FUZZ_CHECK(lt_open_fs("mem:size=16m", &fs, NULL) == 0);
    root = lt_fs_root(fs);
    FUZZ_CHECK(lt_path_mkdir(NULL, root, "a", 0777) == 0);
    FUZZ_CHECK(lt_path_mkdir(NULL, root, "a/b", 0777) == 0);
    FUZZ_CHECK(lt_path_mknod(NULL, root, "a/f", 0666, 0) == 0);
    FUZZ_CHECK(lt_path_symlink(NULL, "a/b/../f", root, "f") == 0);
    FUZZ_CHECK(lt_path_symlink(NULL, "/a/./", root, "d") == 0);
    FUZZ_CHECK(lt_path_symlink(NULL, "loop/x", root, "loop") == 0);
    FUZZ_CHECK(lt_path_symlink(NULL, "../d/up", root, "a/up") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[5000], back[LT_PATH_MAX];
    struct lt_entry entry = {.stored = NULL};
    struct lt_str file, stream;
    if (!fs)
        make_tree();
    if (size >= sizeof(path))
        return 0;
    if (size)
        memcpy(path, data, size);
    path[size] = 0;
    struct lt_node *root = lt_fs_root(fs);
    if (lt_path_split_stream(path, &file, &stream))
        FUZZ_CHECK(file.len + 1 + stream.len <= size);
    if (lt_path_lookup(NULL, root, path, LT_NOFOLLOW, &entry) == 0) {
        /* What is there has a path, which leads back to it. */
        struct lt_attr attr;
        FUZZ_CHECK(lt_path_of(NULL, entry.node, back, sizeof(back)) > 0);
        FUZZ_CHECK(lt_path_stat(NULL, root, back, LT_NOFOLLOW, &attr) == 0);
        FUZZ_CHECK(attr.id == entry.attr.id);
        FUZZ_CHECK(lt_path_mkdir(NULL, root, path, 0777) < 0);
        lt_node_put(entry.node);
    } else if (lt_path_mkdir(NULL, root, path, 0777) == 0) {
        FUZZ_CHECK(lt_path_rmdir(NULL, root, path) == 0);
    }
    return 0;
}
