// SPDX-License-Identifier: MIT
/*
 * A whole session of the FUSE server over a small RAM disk. The input is a script:
 * records of four bytes (opcode, node id, length of the body, who asks) and a body
 * become messages with a proper header, behind an INIT. Every message must get
 * exactly one answer, or none where the protocol has none, and the volume must close.
 */
#include <channel/channel.h>
#include <front/fuse/session.h>
#include <lintel/mount.h>

#include "../fuzz.h"

#define RECORD 4u

struct script {
    struct lt_channel channel;
    const uint8_t *data;
    size_t size, at;
    bool greeted;
    bool asked, answered; /* the message at hand wants an answer, and has got one */
    uint64_t unique;
    volatile unsigned char read; /* so that reading a reply is not optimised away */
    struct lt_fuse_in_header header;
    _Alignas(8) char body[256];
};

static struct script *script_of(struct lt_channel *channel)
{
    return (struct script *)(void *)channel;
}

static void hand_out(struct script *s, uint32_t opcode, uint64_t node, size_t len,
                     struct lt_message *ret)
{
    const struct lt_fuse_op *op = lt_fuse_op(opcode);

    s->asked = !op || !(op->follows & LT_FUSE_NO_REPLY);
    s->answered = false;
    s->header = (struct lt_fuse_in_header){.len = (uint32_t)(sizeof(s->header) + len),
                                           .opcode = opcode,
                                           .unique = s->unique += 2,
                                           .nodeid = node};
    *ret = (struct lt_message){.in = {.header = &s->header, .rest = s->body, .rest_len = len}};
}

static int script_receive(struct lt_channel *channel, unsigned worker, struct lt_message *ret)
{
    struct script *s = script_of(channel);

    (void)worker;
    FUZZ_CHECK(s->answered || !s->asked);
    if (!s->greeted) {
        struct lt_fuse_init_in in = {.major = 7, .minor = 45, .flags = UINT32_MAX};

        s->greeted = true;
        memcpy(s->body, &in, sizeof(in));
        hand_out(s, LT_FUSE_INIT, 0, sizeof(in), ret);
        return 0;
    }
    if (s->size - s->at < RECORD)
        return LT_ENODEV;

    const uint8_t *record = s->data + s->at;
    size_t len = record[2] < s->size - s->at - RECORD ? record[2] : s->size - s->at - RECORD;

    memcpy(s->body, record + RECORD, len);
    s->at += RECORD + len;
    hand_out(s, record[0], record[1], len, ret);
    s->header.uid = s->header.gid = record[3] & 1 ? 1000 : 0;
    return 0;
}

static int script_reply(struct lt_channel *channel, struct lt_message *m, int error,
                        const struct lt_seg *segs, size_t count)
{
    struct script *s = script_of(channel);
    unsigned char sum = 0;

    (void)m;
    FUZZ_CHECK(!s->answered);
    FUZZ_CHECK(error <= 0 && error > -4096 && count <= LT_CHANNEL_SEGS_MAX);
    for (size_t i = 0; i < count; i++) { /* all of it must be there to be read */
        for (size_t j = 0; j < segs[i].len; j++)
            sum ^= ((const unsigned char *)segs[i].base)[j];
    }
    s->answered = true;
    s->read = sum;
    return 0;
}

static int script_notify(struct lt_channel *channel, int code, const struct lt_seg *segs,
                         size_t count)
{
    (void)channel, (void)code, (void)segs, (void)count;
    return 0;
}

static void script_stop(struct lt_channel *channel)
{
    (void)channel; /* the script ends by itself */
}

static const struct lt_channel_ops script_ops = {
    .name = "script",
    .receive = script_receive,
    .reply = script_reply,
    .notify = script_notify,
    .stop = script_stop,
    .close = script_stop,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script script = {
        .channel = {.ops = &script_ops, .workers = 1},
        .data = data,
        .size = size,
    };
    struct lt_mount_options options;
    struct lt_channel_config config;
    struct lt_session *session;
    struct lt_fs *fs;

    lt_mount_options_init(&options);
    options.passthrough = LT_OFF;
    FUZZ_CHECK(lt_open_fs("mem:size=4m", &fs, NULL) == 0);
    lt_session_channel_config(fs, &options, &config);
    FUZZ_CHECK(lt_session_new(fs, &options, &script.channel, &config, &session) == 0);
    FUZZ_CHECK(lt_session_handshake(session) == 0);
    FUZZ_CHECK(lt_session_start(session) == 0);
    FUZZ_CHECK(lt_session_wait(session) == 0);
    lt_session_free(session);
    FUZZ_CHECK(lt_fs_close(fs) == 0);
    return 0;
}
