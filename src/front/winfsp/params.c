// SPDX-License-Identifier: MIT
/* The options, and what the driver is told of the volume. */
#include "volume.h"

#include <stdio.h>

#include <base/unicode.h>
#include <core/filetime.h>

#define SECTOR_MIN 512u
#define SECTOR_MAX 4096u
#define INFO_TIMEOUT_MS 1000u

void lt_winfsp_options_init(struct lt_winfsp_options *options)
{
    *options = (struct lt_winfsp_options){
        .posix_names = true,
        .info_timeout_ms = INFO_TIMEOUT_MS,
        .sector_size = SECTOR_MIN,
        .uid = -1,
        .gid = -1,
        .file_mask = 022,
        .dir_mask = 022,
    };
}

static int fail(struct lt_diag *diag, const char *text)
{
    if (diag)
        snprintf(diag->text, sizeof(diag->text), "%s", text);
    return LT_EINVAL;
}

/* Text into units with a NUL; false if it is too long or no UTF-8. */
static bool put_text(const char *text, uint16_t *ret, size_t max)
{
    if (!lt_utf8_valid(lt_str(text)))
        return false;
    int n = lt_utf8_to_utf16(lt_str(text), ret, max - 1);
    if (n >= 0)
        ret[n] = 0;
    return n >= 0;
}

static bool is_prefix(const char *prefix)
{
    const char *share = prefix[0] == '\\' && prefix[1] != '\\' ? strchr(prefix + 1, '\\') : NULL;
    return share && share > prefix + 1 && share[1] != 0 && share[1] != '\\';
}

static int texts(const struct lt_volume *volume, const struct lt_winfsp_options *options,
                 struct lt_fsp_volume_params *ret, struct lt_diag *diag)
{
    const char *name = options->fs_name ? options->fs_name : volume->fs_name;
    size_t name_max = sizeof(ret->fs_name) / sizeof(ret->fs_name[0]);
    size_t prefix_max = sizeof(ret->prefix) / sizeof(ret->prefix[0]);
    if (!put_text(name, ret->fs_name, name_max))
        return fail(diag, "the file-system name has more than 15 characters");
    const char *prefix = options->prefix;
    if (prefix && (!is_prefix(prefix) || !put_text(prefix, ret->prefix, prefix_max)))
        return fail(diag, "the prefix is not of the form \\Server\\Share");
    return LT_OK;
}

static uint32_t flags_of(const struct lt_volume *volume, const struct lt_winfsp_options *options)
{
    uint32_t flags =
        LT_FSP_VOLUME_CASE_PRESERVED | LT_FSP_VOLUME_UNICODE | LT_FSP_VOLUME_ACLS |
        LT_FSP_VOLUME_REPARSE | LT_FSP_VOLUME_CLEANUP_IF_MODIFIED | LT_FSP_VOLUME_PASS_NAME |
        LT_FSP_VOLUME_DEVICE_CONTROL | LT_FSP_VOLUME_FULL_CONTEXT | LT_FSP_VOLUME_ALLOW_KERNEL |
        LT_FSP_VOLUME_TRANSACT0 | LT_FSP_VOLUME_POSIX_UNLINK | LT_FSP_VOLUME_DISPOSITION_IF_NEEDED;
    if (volume->name_case == LT_CASE_SENSITIVE && !options->case_insensitive)
        flags |= LT_FSP_VOLUME_CASE_SENSITIVE;
    if (volume->has_windows)
        flags |= LT_FSP_VOLUME_STREAMS | LT_FSP_VOLUME_EAS;
    if (volume->read_only || options->read_only)
        flags |= LT_FSP_VOLUME_READ_ONLY;
    if (options->flush_and_purge)
        flags |= LT_FSP_VOLUME_FLUSH_AND_PURGE;
    return flags;
}

/* Sectors in a unit of allocation; 1 where the file system's blocks are no such thing. */
static uint16_t sectors_per_unit(struct lt_fs *fs, uint32_t sector)
{
    struct lt_statfs stat;
    if (lt_fs_statfs(NULL, fs, &stat) < 0)
        return 1;
    uint32_t block = stat.block_size;
    bool fits = block >= sector && (block & (block - 1)) == 0 && block <= LT_IO_MAX;
    return fits ? (uint16_t)(block / sector) : 1;
}

int lt_winfsp_params(struct lt_fs *fs, const struct lt_winfsp_options *options,
                     struct lt_fsp_volume_params *ret, struct lt_diag *diag)
{
    uint32_t sector = options->sector_size;
    if (sector < SECTOR_MIN || sector > SECTOR_MAX || (sector & (sector - 1)) != 0)
        return fail(diag, "the sector size is not 512, 1024, 2048 or 4096");
    struct lt_volume volume;
    lt_fs_volume(fs, &volume);
    bool remote_default = volume.remote && options->info_timeout_ms == INFO_TIMEOUT_MS;
    struct lt_fsp_volume_params params = {
        .version = sizeof(params),
        .sector_size = (uint16_t)sector,
        .sectors_per_unit = sectors_per_unit(fs, sector),
        .component_max = LT_NAME_UNITS_MAX,
        .created = filetime_from(volume.created),
        .serial = volume.serial,
        .file_info_timeout_ms = remote_default ? 0 : options->info_timeout_ms,
        .flags = flags_of(&volume, options),
    };
    int r = texts(&volume, options, &params, diag);
    if (r == LT_OK)
        *ret = params;
    return r;
}
