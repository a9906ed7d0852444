// SPDX-License-Identifier: MIT
/* Memory by the page, straight from the kernel. */
#include <os/os.h>

#include <assert.h>
#include <sys/mman.h>

static void *map(size_t size)
{
    void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return base == MAP_FAILED ? NULL : base;
}

/* mmap aligns to a page. For more, map enough to hold an aligned run and give the ends back. */
static void *map_aligned(size_t size, size_t align)
{
    size_t spare = align - LT_PAGE_SIZE, head;
    char *base;

    if (size > SIZE_MAX - spare)
        return NULL;
    base = map(size + spare);
    if (!base)
        return NULL;
    head = -(uintptr_t)base & (align - 1);
    if (head > 0)
        munmap(base, head);
    if (spare > head)
        munmap(base + head + size, spare - head);
    return base + head;
}

void *lt_pages_map(size_t size, size_t align)
{
    assert(size % LT_PAGE_SIZE == 0 && align % LT_PAGE_SIZE == 0 && (align & (align - 1)) == 0);
    return align > LT_PAGE_SIZE ? map_aligned(size, align) : map(size);
}

void lt_pages_unmap(void *base, size_t size)
{
    munmap(base, size);
}

void lt_pages_discard(void *base, size_t size)
{
    madvise(base, size, MADV_DONTNEED);
}

void lt_pages_large(void *base, size_t size)
{
    madvise(base, size, MADV_HUGEPAGE);
}
