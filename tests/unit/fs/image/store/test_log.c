// SPDX-License-Identifier: MIT
/* Log batches: bytes, the ring, and logs that are torn, stale or hostile. */
#include <device/sim.h>
#include <fault.h>
#include <fs/image/store/block.h>
#include <fs/image/store/log.h>
#include <stdlib.h>
#include <test.h>

#define BLOCK 4096u
#define RING 16u

static const struct img_super super = {
    .block_size = BLOCK,
    .uuid = {1, 2, 3, 4, 5, 6, 7, 8},
    .generation = 3,
    .epoch = 0xabcdef,
    .blocks = 1000,
    .log_block = 4,
    .log_blocks = RING,
    .log_start = 0,
    .log_sequence = 7,
    .next_id = 16,
};

static struct img_batch batch_of(uint64_t sequence)
{
    return (struct img_batch){.volume = img_super_volume(&super),
                              .epoch = super.epoch,
                              .sequence = sequence,
                              .next_id = 20,
                              .nodes = 4};
}

/* ---- Bytes --------------------------------------------------------------------------------- */

static void fill(struct img_log_buffer *log)
{
    static const uint8_t value[300] = {9, 8, 7};
    assert_int_equal(img_log_room(log, 2000), 0);
    img_log_put(log, img_key(16, 1, 0), value, sizeof(value));
    img_log_delete(log, img_key(UINT64_MAX, 255, UINT64_MAX));
    img_log_range(log, IMG_LOG_TAKE, 100, 900);
    img_log_range(log, IMG_LOG_FREE, 30, 1);
    img_log_bytes(log, 999, 4095, "x", 1);
}

static void test_log__has_its_fields_where_the_format_says(void **state)
{
    (void)state;
    struct img_log_buffer log = {.bytes = NULL};
    struct img_batch batch = batch_of(7), found;
    assert_int_equal(img_log_room(&log, 100), 0);
    img_log_put(&log, img_key(300, 2, 1), "ab", 2);
    img_log_range(&log, IMG_LOG_TAKE, 5, 128);
    assert_int_equal(img_log_room(&log, BLOCK), 0);
    assert_int_equal(img_log_seal(&log, &batch, BLOCK), BLOCK);
    assert_memory_equal(log.bytes, "Ltlg\x4c\0\0\0", 8);
    assert_memory_equal(log.bytes + 12, "\0\0\0\0\0\0\0\0\0\0\0\0", 12);
    assert_memory_equal(log.bytes + 24, "\1\2\3\4\5\6\7\10\xef\xcd\xab\0\0\0\0\0", 16);
    assert_memory_equal(log.bytes + 40, "\7\0\0\0\0\0\0\0\x14\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0", 24);
    assert_memory_equal(log.bytes + 64, "\1\xac\2\2\1\2ab\3\5\x80\1\0\0\0", 15);
    assert_true(img_log_decode(log.bytes, BLOCK, &batch, &found));
    assert_int_equal(found.length, 76);
    free(log.bytes);
}

static void test_log__reads_back_what_was_put(void **state)
{
    (void)state;
    struct img_log_buffer log = {.bytes = NULL};
    struct img_log_record record;
    fill(&log);
    struct img_reader reader = img_reader(log.bytes + 64, log.len - 64);
    assert_int_equal(img_log_record(&reader, &super, &record), 1);
    assert_int_equal(record.op, IMG_LOG_PUT);
    assert_int_equal(img_key_compare(record.key, img_key(16, 1, 0)), 0);
    assert_int_equal(record.len, 300);
    assert_int_equal(record.bytes[2], 7);
    assert_int_equal(img_log_record(&reader, &super, &record), 1);
    assert_int_equal(record.op, IMG_LOG_DELETE);
    assert_int_equal(record.key.off, UINT64_MAX);
    assert_int_equal(img_log_record(&reader, &super, &record), 1);
    assert_int_equal(record.op, IMG_LOG_TAKE);
    assert_int_equal(record.block + record.count, 1000);
    assert_int_equal(img_log_record(&reader, &super, &record), 1);
    assert_int_equal(record.op, IMG_LOG_FREE);
    assert_int_equal(img_log_record(&reader, &super, &record), 1);
    assert_int_equal(record.op, IMG_LOG_DATA);
    assert_int_equal(record.offset, 4095);
    assert_int_equal(record.count, 1);
    assert_int_equal(img_log_record(&reader, &super, &record), 0);
    free(log.bytes);
}

static void test_log__drops_records_from_the_front(void **state)
{
    (void)state;
    struct img_log_buffer log = {.bytes = NULL};
    struct img_log_record record;
    assert_int_equal(img_log_room(&log, 100), 0);
    img_log_delete(&log, img_key(1, 2, 3));
    size_t first = log.len - 64;
    img_log_delete(&log, img_key(4, 5, 6));
    img_log_drop(&log, 0);
    img_log_drop(&log, first);
    struct img_reader reader = img_reader(log.bytes + 64, log.len - 64);
    assert_int_equal(img_log_record(&reader, &super, &record), 1);
    assert_int_equal(record.key.id, 4);
    assert_int_equal(img_log_record(&reader, &super, &record), 0);
    img_log_drop(&log, log.len - 64);
    assert_int_equal(log.len, 0);
    free(log.bytes);
}

static void test_log__nomem(void **state)
{
    (void)state;
    FAULT_EACH(n)
    {
        struct img_log_buffer log = {.bytes = NULL};
        int first = img_log_room(&log, 10), second = img_log_room(&log, 1000000);
        if (fault_disarm())
            assert_true(first == LT_ENOMEM || second == LT_ENOMEM);
        else
            assert_int_equal(first | second, 0);
        free(log.bytes);
    }
}

/* ---- Malformed records --------------------------------------------------------------------- */

static int decode(const char *bytes, size_t len)
{
    struct img_reader reader = img_reader(bytes, len);
    struct img_log_record record;
    return img_log_record(&reader, &super, &record);
}

#define DECODE(bytes) decode(bytes, sizeof(bytes) - 1)

static void test_record__malformed_is_noticed(void **state)
{
    (void)state;
    assert_int_equal(DECODE("\x02\x01\x01\x00"), 1);
    assert_int_equal(DECODE("\x00"), LT_EUCLEAN);                 /* no such record */
    assert_int_equal(DECODE("\x06\x01\x01\x01"), LT_EUCLEAN);     /* no such record */
    assert_int_equal(DECODE("\x02\x01\x01"), LT_EUCLEAN);         /* cut */
    assert_int_equal(DECODE("\x02\x81\x00\x01\x01"), LT_EUCLEAN); /* longer than needed */
    assert_int_equal(DECODE("\x02\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x01\x01"), LT_EUCLEAN);
    assert_int_equal(DECODE("\x01\x01\x01\x01\x03xy"), LT_EUCLEAN); /* value cut */
    assert_int_equal(DECODE("\x01\x00\x20\x00\x00"), LT_EUCLEAN);   /* a SPACE item */
    assert_int_equal(DECODE("\x02\x00\x20\x05"), LT_EUCLEAN);
    assert_int_equal(DECODE("\x03\x05\x00"), LT_EUCLEAN);               /* no blocks */
    assert_int_equal(DECODE("\x03\xe7\x07\x02"), LT_EUCLEAN);           /* 999 + 2 > 1000 */
    assert_int_equal(DECODE("\x04\xe8\x07\x01"), LT_EUCLEAN);           /* behind the end */
    assert_int_equal(DECODE("\x05\xe7\x07\xff\x1f\x02xy"), LT_EUCLEAN); /* runs over the end */
    assert_int_equal(DECODE("\x05\xe7\x07\x80\x20\x01x"), LT_EUCLEAN);  /* offset 4096 */
    assert_int_equal(DECODE("\x05\xe7\x07\x00\x00"), LT_EUCLEAN);       /* nothing */
    assert_int_equal(DECODE("\x05\x00\x00\x01x"), LT_EUCLEAN);          /* superblock */
    assert_int_equal(DECODE("\x05\x01\x00\x01x"), LT_EUCLEAN);          /* superblock */
    assert_int_equal(DECODE("\x05\x02\x00\x01x"), LT_EUCLEAN);          /* bitmap */
    assert_int_equal(DECODE("\x05\x13\x00\x01x"), LT_EUCLEAN);          /* log */
    assert_int_equal(DECODE("\x05\x14\x00\x01x"), 1);
}

static void test_record__value_longer_than_an_item_is_noticed(void **state)
{
    (void)state;
    static char bytes[3000] = "\x01\x01\x01\x01";
    img_put_varint((uint8_t *)bytes + 4, 1952);
    assert_int_equal(decode(bytes, sizeof(bytes)), 1);
    img_put_varint((uint8_t *)bytes + 4, 1953);
    assert_int_equal(decode(bytes, sizeof(bytes)), LT_EUCLEAN);
}

/* ---- The ring ------------------------------------------------------------------------------ */

static struct lt_device *dev;
static uint64_t head, sequence;

/* Writes a batch with one value of `len` bytes. */
static void append(size_t len)
{
    static uint8_t value[70000];
    struct img_log_buffer log = {.bytes = NULL};
    struct img_batch batch = batch_of(sequence++);
    assert_int_equal(img_log_room(&log, len + 100 + BLOCK), 0);
    memset(value, (int)batch.sequence, len);
    img_log_put(&log, img_key(batch.sequence, 1, 0), value, len);
    size_t bytes = img_log_seal(&log, &batch, BLOCK);
    for (size_t at = 0; at < bytes; at += BLOCK)
        assert_int_equal(
            lt_device_put(dev, img_log_offset(&super, head + at / BLOCK), log.bytes + at, BLOCK),
            0);
    head += bytes / BLOCK;
    free(log.bytes);
}

/* Walks from a place of the ring; returns how many batches there are. */
static unsigned walk(uint64_t start, uint64_t first)
{
    struct img_super from = super;
    struct img_log_walk w;
    struct img_batch batch;
    unsigned count = 0;
    int r;
    from.log_start = start;
    from.log_sequence = first;
    img_log_walk_init(&w, dev, &from);
    while ((r = img_log_walk_next(&w, &batch)) > 0) {
        assert_int_equal(batch.sequence, first + count++);
        assert_int_equal(batch.records[batch.length - 65], (uint8_t)batch.sequence);
    }
    assert_int_equal(r, 0);
    img_log_walk_fini(&w);
    return count;
}

static void ring_begin(void)
{
    assert_int_equal(lt_device_open_sim(1000 * BLOCK, &dev), 0);
    head = 0;
    sequence = 7;
}

static void test_walk__empty_log(void **state)
{
    (void)state;
    ring_begin();
    assert_int_equal(walk(0, 7), 0);
    lt_device_close(dev);
}

static void test_walk__follows_batches_over_the_end_of_the_ring(void **state)
{
    (void)state;
    ring_begin();
    for (unsigned i = 0; i < 5; i++)
        append(10000); /* 3 blocks each */
    assert_int_equal(walk(0, 7), 5);
    append(10000); /* 15, 0, 1: over the end, over the first */
    append(1);
    assert_int_equal(walk(3, 8), 6);
    assert_int_equal(walk(0, 7), 0);
    lt_device_close(dev);
}

static void test_walk__reads_a_batch_that_fills_the_ring(void **state)
{
    (void)state;
    ring_begin();
    head = 5;
    append(RING * BLOCK - 64 - 7);
    assert_int_equal(head, 5 + RING);
    assert_int_equal(walk(5, 7), 1);
    lt_device_close(dev);
}

static void test_walk__ends_where_the_ring_is_full(void **state)
{
    (void)state;
    ring_begin();
    for (unsigned i = 0; i < RING; i++)
        append(100);
    assert_int_equal(walk(0, 7), RING);
    append(100);
    assert_int_equal(walk(1, 8), RING);
    lt_device_close(dev);
}

static void test_walk__stale_batches_do_not_count(void **state)
{
    (void)state;
    ring_begin();
    append(100);
    append(100);
    sequence = 5; /* what is there from a round before */
    append(100);
    assert_int_equal(walk(0, 7), 2);
    sequence = 10;
    head = 2;
    append(100);
    assert_int_equal(walk(0, 7), 2);
    lt_device_close(dev);
}

static void test_walk__every_flipped_bit_ends_the_log(void **state)
{
    (void)state;
    ring_begin();
    append(100);
    append(100);
    for (unsigned bit = 0; bit < 8 * (64 + 5 + 100); bit++) {
        uint64_t at = img_log_offset(&super, 1) + bit / 8;
        uint8_t byte;
        assert_int_equal(lt_device_read(dev, at, &byte, 1), 0);
        byte ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(lt_device_put(dev, at, &byte, 1), 0);
        assert_int_equal(walk(0, 7), 1);
        byte ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(lt_device_put(dev, at, &byte, 1), 0);
    }
    assert_int_equal(walk(0, 7), 2);
    lt_device_close(dev);
}

static void test_walk__torn_batches_end_the_log(void **state)
{
    (void)state;
    ring_begin();
    append(100);
    append(9000);
    uint8_t zeros[512] = {0};
    for (uint64_t sector = 0; sector < 18; sector++) {
        uint64_t at = img_log_offset(&super, 1) + sector * sizeof(zeros);
        uint8_t keep[512];
        assert_int_equal(lt_device_read(dev, at, keep, sizeof(keep)), 0);
        assert_int_equal(lt_device_put(dev, at, zeros, sizeof(zeros)), 0);
        assert_int_equal(walk(0, 7), 1);
        assert_int_equal(lt_device_put(dev, at, keep, sizeof(keep)), 0);
    }
    assert_int_equal(walk(0, 7), 2);
    lt_device_close(dev);
}

static void test_walk__lengths_that_cannot_be_end_the_log(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {0, 1, 63, RING * BLOCK + 1, 0x7fffffff, 0xffffffff};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        ring_begin();
        append(100);
        struct lt_le32 length = lt_put_le32(lengths[i]);
        assert_int_equal(lt_device_put(dev, img_log_offset(&super, 0) + 4, &length, 4), 0);
        assert_int_equal(walk(0, 7), 0);
        lt_device_close(dev);
    }
}

static void test_walk__ioerr_is_no_end(void **state)
{
    (void)state;
    ring_begin();
    append(100);
    append(9000);
    for (uint64_t n = 1; n <= 4; n++) {
        struct img_log_walk w;
        struct img_batch batch;
        int r;
        img_log_walk_init(&w, dev, &super);
        lt_sim_fail(dev, n, LT_EIO, false);
        while ((r = img_log_walk_next(&w, &batch)) > 0) {
        }
        assert_int_equal(r, LT_EIO);
        img_log_walk_fini(&w);
    }
    lt_device_close(dev);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log__has_its_fields_where_the_format_says),
        cmocka_unit_test(test_log__reads_back_what_was_put),
        cmocka_unit_test(test_log__drops_records_from_the_front),
        cmocka_unit_test(test_log__nomem),
        cmocka_unit_test(test_record__malformed_is_noticed),
        cmocka_unit_test(test_record__value_longer_than_an_item_is_noticed),
        cmocka_unit_test(test_walk__empty_log),
        cmocka_unit_test(test_walk__follows_batches_over_the_end_of_the_ring),
        cmocka_unit_test(test_walk__reads_a_batch_that_fills_the_ring),
        cmocka_unit_test(test_walk__ends_where_the_ring_is_full),
        cmocka_unit_test(test_walk__stale_batches_do_not_count),
        cmocka_unit_test(test_walk__every_flipped_bit_ends_the_log),
        cmocka_unit_test(test_walk__torn_batches_end_the_log),
        cmocka_unit_test(test_walk__lengths_that_cannot_be_end_the_log),
        cmocka_unit_test(test_walk__ioerr_is_no_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
