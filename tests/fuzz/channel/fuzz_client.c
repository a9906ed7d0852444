// SPDX-License-Identifier: MIT
/*
 * The client of a channel, and a server that says anything. The first byte chooses packets or a
 * stream; then come records: one byte what to do, one a length, and so many bytes that the server
 * says. Every call must return, nothing may be written outside its memory, and the end
 * of the connection must be told once.
 */
#include <channel/client.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wire/fuse/ops.h>

#include "../fuzz.h"

#define CALLS 4u
#define GUARD 0x5a

/* What a record does before its bytes are said. */
enum {
    SAY = 0,
    CALL = 1,
    CANCEL = 2,
    WAIT = 3,
    ACTIONS = 4,
    REPLY = 4 /* a bit: to the last call */
};

struct fuzzed {
    struct lt_client *client;
    int server;
    bool packets;
    atomic_uint ended;
    struct one {
        struct lt_client_call call;
        struct lt_ctx ctx;
        atomic_bool cancel;
        bool sent;
        struct lt_seg out[2];
        char body[24], guard[8];
    } calls[CALLS];
    unsigned count;
};

static void on_notify(void *arg, int code, struct lt_str body)
{
    unsigned char sum = 0;
    (void)arg;
    FUZZ_CHECK(code > 0);
    for (size_t i = 0; i < body.len; i++)
        sum ^= (unsigned char)body.s[i];
    FUZZ_CHECK(body.len > 0 || sum == 0);
}

static void on_late(void *arg, uint32_t opcode, uint64_t nodeid, struct lt_str body)
{
    (void)nodeid;
    FUZZ_CHECK(opcode == LT_FUSE_GETATTR);
    on_notify(arg, 1, body);
}

static void on_ended(void *arg, int error)
{
    struct fuzzed *f = arg;
    FUZZ_CHECK(error < 0);
    f->ended++;
}

static void send_call(struct fuzzed *f)
{
    struct one *o = &f->calls[f->count];
    if (f->count == CALLS)
        return;
    memset(o->guard, GUARD, sizeof(o->guard));
    o->ctx = (struct lt_ctx){.cancel = &o->cancel};
    o->out[0] = (struct lt_seg){o->body, 7};
    o->out[1] = (struct lt_seg){o->body + 7, sizeof(o->body) - 7};
    o->call = (struct lt_client_call){.opcode = LT_FUSE_GETATTR,
                                      .nodeid = 1,
                                      .ctx = &o->ctx,
                                      .out = o->out,
                                      .out_count = 2,
                                      .out_min = f->count % 2 ? 8 : 0};
    o->sent = lt_client_send(f->client, &o->call) == 0;
    f->count++;
}

static void wait_for(struct fuzzed *f, struct one *o)
{
    if (!o->sent)
        return;
    o->sent = false;
    int r = lt_client_wait(f->client, &o->call);
    FUZZ_CHECK(r <= 0 && r > -4096);
    FUZZ_CHECK(r < 0 || (o->call.out_len >= o->call.out_min && o->call.out_len <= sizeof(o->body)));
    for (size_t i = 0; i < sizeof(o->guard); i++)
        FUZZ_CHECK(o->guard[i] == GUARD);
}

/* With REPLY, a proper header for a call goes before the bytes. */
static void say(struct fuzzed *f, bool reply, const uint8_t *data, size_t len)
{
    char buf[16 + 255];
    struct lt_fuse_out_header h = {.len = (uint32_t)(sizeof(h) + len)};
    size_t head = 0;
    if (reply && f->count > 0) {
        h.unique = f->calls[(len ? data[0] : 0) % f->count].call.unique;
        memcpy(buf, &h, sizeof(h));
        head = sizeof(h);
    }
    memcpy(buf + head, data, len);
    ssize_t n = send(f->server, buf, head + len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)n; /* the client may have had enough */
}

static void play(struct fuzzed *f, const uint8_t *data, size_t size)
{
    while (size >= 2) {
        uint8_t what = data[0];
        size_t len = data[1] < size - 2 ? data[1] : size - 2;
        if (what % ACTIONS == CALL)
            send_call(f);
        else if (what % ACTIONS == CANCEL && f->count > 0)
            f->calls[f->count - 1].cancel = true;
        say(f, what & REPLY, data + 2, len);
        if (what % ACTIONS == WAIT && f->count > 0 && f->calls[f->count - 1].call.done)
            wait_for(f, &f->calls[f->count - 1]);
        data += 2 + len;
        size -= 2 + len;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzzed f = {.packets = size > 0 && data[0] & 1};
    struct lt_client_config config = {
        .max_write = 4096, .notify = on_notify, .late = on_late, .ended = on_ended, .arg = &f};
    int pair[2], type = f.packets ? SOCK_SEQPACKET : SOCK_STREAM;
    FUZZ_CHECK(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, pair) == 0);
    f.server = pair[0];
    FUZZ_CHECK(lt_client_open(pair[1], pair[1], f.packets, &config, &f.client) == 0);
    if (size > 1)
        play(&f, data + 1, size - 1);
    shutdown(f.server, SHUT_WR); /* the server has nothing more to say */
    for (unsigned i = 0; i < f.count; i++)
        wait_for(&f, &f.calls[i]);
    lt_client_close(f.client);
    FUZZ_CHECK(f.ended <= 1);
    close(f.server);
    return 0;
}
