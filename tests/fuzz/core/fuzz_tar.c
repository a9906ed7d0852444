// SPDX-License-Identifier: MIT
/* Any bytes as a tar archive, unpacked into a small RAM disk. Checksums are put right first, or
 * hardly any input would be looked at. */
#include "../fuzz.h"

#include <core/tree_tar.h>
#include <lintel/lintel.h>
#include <string.h>

struct memory_source {
    struct tar_source source;
    const char *bytes;
    size_t left;
};

static int64_t read_memory(struct tar_source *source, void *buf, size_t len)
{
    struct memory_source *m = (struct memory_source *)source;
    if (len > m->left)
        len = m->left;
    memcpy(buf, m->bytes, len);
    m->bytes += len;
    m->left -= len;
    return (int64_t)len;
}

static void put_checksums_right(char *bytes, size_t size)
{
    for (size_t at = 0; at + TAR_BLOCK <= size; at += TAR_BLOCK) {
        struct tar_header *h = (struct tar_header *)(bytes + at);
        unsigned sum = 8 * ' ';
        if (memcmp(h->magic, "ustar", 5) != 0)
            continue;
        memset(h->checksum, 0, sizeof(h->checksum));
        for (size_t i = 0; i < TAR_BLOCK; i++)
            sum += (unsigned char)bytes[at + i];
        snprintf(h->checksum, sizeof(h->checksum), "%06o", sum);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct lt_fs *fs;
    struct tree_job job;
    struct lt_diag diag;
    if (size > 1 << 20)
        return 0;
    char *bytes = malloc(size + 1);
    FUZZ_CHECK(bytes);
    if (size)
        memcpy(bytes, data, size);
    put_checksums_right(bytes, size);
    FUZZ_CHECK(lt_open_fs("mem:size=4m", &fs, NULL) == 0);
    struct memory_source source = {{read_memory}, bytes, size};
    FUZZ_CHECK(tree_job_init(&job, NULL, NULL, &diag, "load") == 0);
    int r = tree_tar_read(&job, &source.source, lt_fs_root(fs));
    FUZZ_CHECK(r <= 0);
    FUZZ_CHECK(r == 0 || diag.text[0]);
    tree_job_fini(&job);
    FUZZ_CHECK(lt_fs_close(fs) == 0);
    free(bytes);
    return 0;
}
