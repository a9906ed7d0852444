// SPDX-License-Identifier: MIT
/* INIT: what we offer, and what the server makes of it. */
#include "request.h"

#include <base/options.h>
#include <limits.h>
#include <stdlib.h>

#define MINOR_MIN 12u    /* the oldest server that we speak with: FUSE 2.8 */
#define INIT_OUT_OLD 24u /* of struct lt_fuse_init_out, below 7.23 */
#define MAX_READAHEAD (1u << 20)
#define PAGES_OLD 32u   /* of one message, without LT_FUSE_MAX_PAGES (7.28) */
#define ENDING_MS 5000u /* that a server has to end after its connection did */

static uint64_t offered(void)
{
    return LT_FUSE_ASYNC_READ | LT_FUSE_ATOMIC_O_TRUNC | LT_FUSE_EXPORT_SUPPORT |
           LT_FUSE_BIG_WRITES | LT_FUSE_DONT_MASK | LT_FUSE_HAS_IOCTL_DIR |
           LT_FUSE_AUTO_INVAL_DATA | LT_FUSE_DO_READDIRPLUS | LT_FUSE_ASYNC_DIO |
           LT_FUSE_NO_OPEN_SUPPORT | LT_FUSE_PARALLEL_DIROPS | LT_FUSE_HANDLE_KILLPRIV |
           LT_FUSE_POSIX_ACL | LT_FUSE_MAX_PAGES | LT_FUSE_CACHE_SYMLINKS |
           LT_FUSE_NO_OPENDIR_SUPPORT | LT_FUSE_EXPLICIT_INVAL_DATA | LT_FUSE_HANDLE_KILLPRIV_V2 |
           LT_FUSE_SETXATTR_EXT | LT_FUSE_INIT_EXT | LT_FUSE_CREATE_SUPP_GROUP |
           LT_FUSE_HAS_EXPIRE_ONLY | LT_FUSE_HAS_RESEND;
}

static int send_init(struct fuse_fs *fs, struct lt_client *client, struct lt_fuse_init_out *out)
{
    uint64_t offer = offered();
    struct lt_fuse_init_in in = {.major = LT_FUSE_MAJOR,
                                 .minor = LT_FUSE_MINOR,
                                 .max_readahead = MAX_READAHEAD,
                                 .flags = (uint32_t)offer,
                                 .flags2 = (uint32_t)(offer >> 32)};
    struct lt_seg args = {&in, sizeof(in)}, reply = {out, sizeof(*out)};
    struct lt_client_call call = {.opcode = LT_FUSE_INIT,
                                  .in = &args,
                                  .in_count = 1,
                                  .out = &reply,
                                  .out_count = 1,
                                  .out_min = offsetof(struct lt_fuse_init_out, max_readahead)};
    (void)fs;
    memset(out, 0, sizeof(*out));
    int r = lt_client_call(client, &call);
    if (r == 0 && out->major == LT_FUSE_MAJOR && out->minor >= MINOR_MIN &&
        call.out_len < (out->minor < 23 ? INIT_OUT_OLD : sizeof(*out)))
        r = LT_EPROTO;
    return r;
}

static uint32_t message_max(const struct lt_fuse_init_out *out, uint64_t features,
                            const struct lt_client *client)
{
    uint32_t pages =
        features & LT_FUSE_MAX_PAGES && out->max_pages > 0 ? out->max_pages : PAGES_OLD;
    uint32_t most = lt_client_max_write(client);
    return pages * LT_PAGE_SIZE < most ? pages * LT_PAGE_SIZE : most;
}

static int negotiate(struct fuse_fs *fs, struct lt_client *client, struct lt_diag *diag)
{
    struct lt_fuse_init_out out;
    int r = send_init(fs, client, &out);
    if (r < 0)
        return lt_diag_set(diag, r, "the FUSE server does not answer INIT: %s", lt_error_text(r));
    if (out.major != LT_FUSE_MAJOR || out.minor < MINOR_MIN)
        return lt_diag_set(diag, LT_EPROTO,
                           "the FUSE server speaks protocol %u.%u, not 7.%u or later", out.major,
                           out.minor, MINOR_MIN);
    fs->minor = out.minor < LT_FUSE_MINOR ? out.minor : LT_FUSE_MINOR;
    fs->features = out.flags;
    if (out.flags & LT_FUSE_INIT_EXT)
        fs->features |= (uint64_t)out.flags2 << 32;
    fs->features &= offered();
    fs->max_read = message_max(&out, fs->features, client);
    fs->max_write = fs->max_read;
    if (out.max_write < fs->max_write)
        fs->max_write = out.max_write;
    if (fs->max_write < LT_PAGE_SIZE)
        fs->max_write = LT_PAGE_SIZE;
    fs->time_gran_ns = out.time_gran > 0 && out.time_gran <= 1000000000 ? out.time_gran : 1;
    if (fs->features & LT_FUSE_CREATE_SUPP_GROUP)
        lt_client_send_groups(client);
    return 0;
}

void fuse_link_free(struct fuse_link *link)
{
    if (!link)
        return;
    lt_client_close(link->client);
    lt_server_end(&link->server, ENDING_MS);
    free(link);
}

int fuse_link_new(struct fuse_fs *fs, const struct lt_server *server, struct fuse_link **ret,
                  struct lt_diag *diag)
{
    struct fuse_link *link = calloc(1, sizeof(*link));
    struct lt_server taken = *server;
    if (!link) {
        lt_server_end(&taken, ENDING_MS);
        return lt_diag_set(diag, LT_ENOMEM, "%s", lt_error_text(LT_ENOMEM));
    }
    struct lt_client_config config = {
        .max_write = fs->options.max_write,
        .poll_us = UINT_MAX,
        .timeout_ns = fs->options.timeout_ns,
        .arg = fs,
    };
    taken.in = taken.out = -1;
    link->server = taken;
    int r = lt_client_open(server->in, server->out, server->packets, &config, &link->client);
    if (r < 0)
        lt_diag_set(diag, r, "no connection to the FUSE server: %s", lt_error_text(r));
    else
        r = negotiate(fs, link->client, diag);
    if (r < 0) {
        lt_client_close(link->client);
        link->client = NULL;
        lt_server_explain(&link->server, diag);
        fuse_link_free(link);
        return r;
    }
    *ret = link;
    return 0;
}
