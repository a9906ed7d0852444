// SPDX-License-Identifier: MIT
/*
 * Mounts of the type "fuseblk" need a block device to name. Only for one does the
 * kernel pass syncfs(2) on and wait at the end of an unmount until the server has
 * answered DESTROY (Linux 6.18, fs/fuse/inode.c). What the device holds is never read: a
 * loop device over a few bytes of memory will do.
 */
#include "linux.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <os/os.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEVICE_SIZE (64 << 10)

/* Another process may take the free device first: then there is a next one. */
static int attach(int control, int memory, char path[LINUX_BLKDEV_MAX])
{
    enum { TRIES = 16 };
    const struct loop_config config = {.fd = (uint32_t)memory,
                                       .block_size = LINUX_BLKDEV_BLOCK,
                                       .info = {.lo_flags = LO_FLAGS_AUTOCLEAR}};
    for (int i = 0; i < TRIES; i++) {
        int number = ioctl(control, LOOP_CTL_GET_FREE);
        if (number < 0)
            return lt_error_last();
        snprintf(path, LINUX_BLKDEV_MAX, "/dev/loop%d", number);
        int loop = open(path, O_RDWR | O_CLOEXEC);
        if (loop < 0)
            return lt_error_last();
        if (ioctl(loop, LOOP_CONFIGURE, &config) == 0)
            return loop;
        int error = lt_error_last();
        close(loop);
        if (error != LT_EBUSY)
            return error;
    }
    return LT_EBUSY;
}

int linux_blkdev(char path[LINUX_BLKDEV_MAX])
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    if (control < 0)
        return lt_error_last();
    int memory = memfd_create("lintel", MFD_CLOEXEC);
    int r = memory < 0 || ftruncate(memory, DEVICE_SIZE) < 0 ? lt_error_last()
                                                             : attach(control, memory, path);
    if (memory >= 0)
        close(memory);
    close(control);
    return r;
}
