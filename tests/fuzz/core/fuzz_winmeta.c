// SPDX-License-Identifier: MIT
/*
 * Any bytes as each of the values that winmeta.c decodes: the first byte chooses
 * the name. What was taken is read back, and taken again.
 */
#include "../fuzz.h"

#include <lintel/lintel.h>
#include <string.h>

static const char *const names[] = {"system.ntfs_acl",
                                    "system.ntfs_attrib",
                                    "system.ntfs_attrib_be",
                                    "system.ntfs_crtime",
                                    "system.ntfs_crtime_be",
                                    "system.ntfs_ea",
                                    "system.ntfs_reparse_data",
                                    "system.ntfs_times",
                                    "system.ntfs_times_be",
                                    "user.DOSATTRIB",
                                    LT_ACL_ACCESS};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct lt_fs *fs;
    static char buf[70000];
    struct lt_create spec = {.mode = LT_S_IFREG | 0644};
    struct lt_entry entry = {.stored = NULL};
    if (!fs)
        FUZZ_CHECK(lt_open_fs("mem:size=16m", &fs, NULL) == 0);
    if (size == 0)
        return 0;
    struct lt_str name = lt_str(names[data[0] % (sizeof(names) / sizeof(names[0]))]);
    struct lt_str value = {(const char *)data + 1, size - 1};
    FUZZ_CHECK(lt_node_create(NULL, lt_fs_root(fs), lt_strn(NULL, 0), &spec, &entry) == 0);
    if (lt_winmeta_set(NULL, entry.node, name, value, 0, 0) == 0) {
        int len = lt_winmeta_get(NULL, entry.node, name, buf, sizeof(buf), 0);
        FUZZ_CHECK(len >= 0 || len == LT_ENODATA);
        FUZZ_CHECK(lt_winmeta_get(NULL, entry.node, name, NULL, 0, 0) == len);
        if (len > 0)
            FUZZ_CHECK(lt_winmeta_set(NULL, entry.node, name, lt_strn(buf, (size_t)len), 0, 0) ==
                       0);
    }
    lt_node_put(entry.node);
    return 0;
}
