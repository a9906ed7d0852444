// SPDX-License-Identifier: MIT
/* A superblock of any bytes; with an even first byte its magic and check are made right. */
#include <fs/image/store/block.h>
#include <fs/image/store/super.h>
#include <string.h>

#include "../../../fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t bytes[IMG_SUPER_SIZE] = {0}, again[IMG_SUPER_SIZE];
    struct lt_diag diag = {""};
    struct img_super super, other;
    if (size == 0)
        return 0;
    memcpy(bytes, data + 1, size - 1 < sizeof(bytes) ? size - 1 : sizeof(bytes));
    if (data[0] % 2 == 0) {
        memcpy(bytes, IMG_MAGIC, 8);
        img_check_seal(bytes, sizeof(bytes));
    }
    int r = img_super_decode(bytes, 0, &super, &diag);
    FUZZ_CHECK(r == 0 || r == LT_EINVAL || r == LT_EUCLEAN || r == LT_EOPNOTSUPP);
    FUZZ_CHECK((r == 0) == (diag.text[0] == '\0'));
    if (r < 0)
        return 0;
    /* What was accepted is the same when it is written, and read again. */
    memset(bytes + offsetof(struct img_super_disk, reserved), 0,
           sizeof(bytes) - offsetof(struct img_super_disk, reserved));
    img_check_seal(bytes, sizeof(bytes));
    img_super_encode(&super, again);
    FUZZ_CHECK(memcmp(bytes, again, sizeof(bytes)) == 0);
    FUZZ_CHECK(img_super_decode(again, 0, &other, NULL) == 0);
    FUZZ_CHECK(super.log_block + super.log_blocks <= super.blocks);
    FUZZ_CHECK(super.root.block < super.blocks);
    r = img_super_decode(again, 4096, &other, NULL);
    FUZZ_CHECK(r == LT_EUCLEAN); /* no image is that small */
    return 0;
}
