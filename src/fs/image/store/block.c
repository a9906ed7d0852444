// SPDX-License-Identifier: MIT
#include "block.h"

#include <base/hash.h>

static uint32_t check_compute(const void *bytes, size_t len)
{
    static const uint8_t zeros[IMG_CHECK_SIZE];
    const uint8_t *p = bytes;
    uint32_t crc = lt_crc32c(0, p, IMG_CHECK_AT);
    crc = lt_crc32c(crc, zeros, sizeof(zeros));
    return lt_crc32c(crc, p + IMG_CHECK_AT + IMG_CHECK_SIZE, len - IMG_CHECK_AT - IMG_CHECK_SIZE);
}

void img_check_seal(void *bytes, size_t len)
{
    uint8_t *check = (uint8_t *)bytes + IMG_CHECK_AT;
    struct lt_le32 crc = lt_put_le32(check_compute(bytes, len));
    memset(check, 0, IMG_CHECK_SIZE);
    memcpy(check, crc.b, sizeof(crc.b));
}

bool img_check_right(const void *bytes, size_t len)
{
    uint8_t check[IMG_CHECK_SIZE] = {0};
    struct lt_le32 crc = lt_put_le32(check_compute(bytes, len));
    memcpy(check, crc.b, sizeof(crc.b));
    return memcmp(check, (const uint8_t *)bytes + IMG_CHECK_AT, sizeof(check)) == 0;
}

void img_block_seal(void *page, size_t block_size, const struct img_block_id *id)
{
    struct img_block_header *header = page;
    header->magic = lt_put_le32(IMG_BLOCK_MAGIC);
    header->kind = id->kind;
    header->volume = lt_put_le64(id->volume);
    header->block = lt_put_le64(id->block);
    header->birth = lt_put_le64(id->birth);
    memset(header->reserved, 0, sizeof(header->reserved));
    img_check_seal(page, block_size);
}

int img_block_verify(const void *page, size_t block_size, const struct img_block_id *id)
{
    const struct img_block_header *header = page;
    bool valid = lt_get_le32(header->magic) == IMG_BLOCK_MAGIC && header->kind == id->kind &&
                 lt_get_le64(header->volume) == id->volume &&
                 lt_get_le64(header->block) == id->block &&
                 lt_get_le64(header->birth) == id->birth && img_check_right(page, block_size);
    return valid ? 0 : LT_EUCLEAN;
}
