// SPDX-License-Identifier: MIT
/* Sections: a copy of the file as it was, and what having one forbids (MmCanFileBeTruncated,
 * MmFlushImageSection). */
#include "driver.h"

#include <stdlib.h>

#define MAPPED_FILE_SIZE_ZERO ((int32_t)0xc000011e) /* STATUS_... [MS-ERREF] */

struct nt_section {
    struct nt_file *file; /* the file object outlives its handle */
    bool image;
    size_t len;
    uint8_t view[];
};

bool drv_mapped_beyond(struct drv_node *node, uint64_t size)
{
    lt_mutex_lock(&node->v->table);
    bool mapped = node->sections != 0 && size < node->mapped;
    lt_mutex_unlock(&node->v->table);
    return mapped;
}

bool drv_is_image(struct drv_node *node)
{
    lt_mutex_lock(&node->v->table);
    bool image = node->images != 0;
    lt_mutex_unlock(&node->v->table);
    return image;
}

static int32_t fill(struct nt_section *s)
{
    size_t done = 0;
    while (done < s->len) {
        size_t n;
        int32_t status = nt_read(s->file, s->view + done, s->len - done, done, &n);
        if (status != LT_STATUS_SUCCESS)
            return status;
        done += n;
    }
    return LT_STATUS_SUCCESS;
}

static void count(struct nt_section *s)
{
    struct drv_node *node = s->file->node;
    lt_mutex_lock(&node->v->table);
    node->sections++;
    node->images += s->image ? 1 : 0;
    if (s->len > node->mapped)
        node->mapped = s->len;
    lt_mutex_unlock(&node->v->table);
}

int32_t nt_section_open(struct nt_file *file, bool image, struct nt_section **ret)
{
    struct lt_fsp_file_info info;
    if (file->node->is_dir)
        return LT_STATUS_INVALID_PARAMETER;
    lt_rwlock_read(&file->node->lock);
    int32_t status = drv_query_info(file, &info);
    lt_rwlock_read_unlock(&file->node->lock);
    if (status != LT_STATUS_SUCCESS)
        return status;
    if (info.file_size == 0)
        return MAPPED_FILE_SIZE_ZERO;
    struct nt_section *s = calloc(1, sizeof(*s) + info.file_size);
    if (!s)
        return LT_STATUS_INSUFFICIENT_RESOURCES;
    *s = (struct nt_section){.file = file, .image = image, .len = info.file_size};
    status = fill(s);
    if (status != LT_STATUS_SUCCESS) {
        free(s);
        return status;
    }
    atomic_fetch_add(&file->refs, 1);
    count(s);
    *ret = s;
    return status;
}

const void *nt_section_view(struct nt_section *section, size_t *ret_len)
{
    *ret_len = section->len;
    return section->view;
}

void nt_section_close(struct nt_section *section)
{
    struct nt_file *file = section->file;
    struct nt_volume *v = file->v;
    lt_mutex_lock(&v->table);
    file->node->sections--;
    file->node->images -= section->image ? 1 : 0;
    if (file->node->sections == 0)
        file->node->mapped = 0;
    lt_mutex_unlock(&v->table);
    atomic_fetch_add(&v->refs, 1);
    lt_rwlock_read(&v->names);
    drv_file_put(file);
    lt_rwlock_read_unlock(&v->names);
    drv_volume_put(v);
    free(section);
}
