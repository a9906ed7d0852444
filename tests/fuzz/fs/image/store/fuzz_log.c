// SPDX-License-Identifier: MIT
/*
 * A log with any records: two batches whose headers and checks are right. Opening the store
 * replays them or says that they do not fit; what was opened works.
 */
#include <device/memory.h>
#include <fs/image/store/log.h>
#include <fs/image/store/store.h>
#include <string.h>

#include "../../../fuzz.h"

#define SIZE (UINT64_C(1) << 20)

static void put_batch(struct lt_device *dev, const struct img_super *super, uint64_t sequence,
                      uint64_t at, const uint8_t *records, size_t len)
{
    struct img_log_buffer log = {.bytes = NULL};
    struct img_batch batch = {.volume = img_super_volume(super),
                              .epoch = super->epoch,
                              .sequence = sequence,
                              .next_id = 1000,
                              .nodes = 3};
    FUZZ_CHECK(img_log_room(&log, len + super->block_size) == 0);
    log.len = sizeof(struct img_batch_header) + len;
    if (len > 0)
        memcpy(log.bytes + sizeof(struct img_batch_header), records, len);
    size_t bytes = img_log_seal(&log, &batch, super->block_size);
    FUZZ_CHECK(lt_device_put(dev, img_log_offset(super, at), log.bytes, bytes) == 0);
    free(log.bytes);
}

static void use(struct img_store *store)
{
    struct img_txn txn;
    int r = img_begin(store, IMG_GROW, &txn);
    FUZZ_CHECK(r == 0 || r == LT_ENOSPC);
    if (r == 0) {
        FUZZ_CHECK(img_put(&txn, img_key(2000, 1, 0), "value", 5) == 0);
        FUZZ_CHECK(img_end(&txn, 0) == 0);
    }
    FUZZ_CHECK(img_commit(store, true) == 0);
    FUZZ_CHECK(img_checkpoint(store) == 0);
    FUZZ_CHECK(img_store_close(store) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct img_store_format format = {.size = SIZE, .block_size = 4096};
    struct img_store_options options = {.cache = SIZE};
    struct lt_diag diag = {""};
    struct lt_device *dev;
    struct img_super super;
    struct img_store *store;
    if (size < 2 || size > 50000)
        return 0;
    /* Mostly one batch: two rarely part where a record ends. */
    size_t first = data[0] < 192 ? 0 : (size - 1) * (data[0] - 192u) / 64;
    FUZZ_CHECK(lt_device_open_memory(SIZE, &dev) == 0);
    FUZZ_CHECK(img_store_format(dev, &format, NULL) == 0);
    FUZZ_CHECK(img_super_read(dev, &super, NULL) == 0);
    put_batch(dev, &super, super.log_sequence, 0, data + 1, first);
    put_batch(dev, &super, super.log_sequence + 1, (first + 64 + 4095) / 4096, data + 1 + first,
              size - 1 - first);
    options.read_only = data[0] % 4 == 0;
    int r = img_store_open(dev, &options, &store, &diag);
    FUZZ_CHECK(r == 0 || r == LT_EUCLEAN || r == LT_ENOSPC);
    FUZZ_CHECK((r == 0) == (diag.text[0] == '\0'));
    if (r < 0)
        lt_device_close(dev);
    else if (options.read_only)
        FUZZ_CHECK(img_store_close(store) == 0);
    else
        use(store);
    return 0;
}
