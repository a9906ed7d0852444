// SPDX-License-Identifier: MIT
/* A volume with a dispatcher of the product behind it. */
#include "driver.h"

int nt_mount(struct lt_fs *fs, const struct nt_options *options, struct nt_volume **ret)
{
    struct nt_options plain = {0};
    if (!options) {
        lt_winfsp_options_init(&plain.winfsp);
        options = &plain;
    }
    struct lt_fsp_volume_params params;
    int r = lt_winfsp_params(fs, &options->winfsp, &params, NULL);
    if (r < 0)
        return r;
    struct drv_options driver = {.check_every = options->check_every,
                                 .batch = options->batch,
                                 .fault = options->fault,
                                 .fault_arg = options->fault_arg};
    struct nt_volume *v;
    struct lt_winfsp_port *port;
    r = drv_volume_new(&params, &driver, &v, &port);
    if (r < 0)
        return r;
    v->fs = fs;
    r = lt_winfsp_start(fs, port, &options->winfsp, &v->dispatcher, NULL);
    if (r < 0) {
        drv_volume_end(v);
        drv_volume_put(v);
        return r;
    }
    *ret = v;
    return 0;
}

int nt_unmount(struct nt_volume *volume)
{
    int waiting = drv_volume_end(volume);
    lt_winfsp_end(volume->dispatcher);
    volume->dispatcher = NULL;
    volume->fs = NULL;
    drv_volume_put(volume);
    return waiting;
}
