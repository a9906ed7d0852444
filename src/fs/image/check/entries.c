// SPDX-License-Identifier: MIT
#include "census.h"

#include <base/hash.h>
#include <base/unicode.h>
#include <fs/image/hashed.h>
#include <fs/image/store/varint.h>
#include <stdlib.h>

#define STREAM_TYPE (LT_S_STREAM >> 12)
#define TWINS_SIZE ((size_t)IMG_TWINS * (LT_NAME_MAX + 2))

/* ---- Keys ---------------------------------------------------------------------------------- */

uint64_t img_name_base(const struct img_view *view, struct lt_str name, bool fold)
{
    const struct lt_hash_key *key = &view->super.hash_key;
    uint64_t h = fold ? lt_hash_name_nocase(key, name) : lt_hash_bytes(key, name.s, name.len);
    return img_hashed_base(h, IMG_ENTRY_STEP);
}

uint64_t img_link_base(const struct img_view *view, uint64_t dir, uint64_t entry)
{
    struct lt_le64 words[2] = {lt_put_le64(dir), lt_put_le64(entry)};
    return img_hashed_base(lt_hash_bytes(&view->super.hash_key, words, sizeof(words)),
                           IMG_ENTRY_STEP);
}

uint64_t img_chunk_base(const struct img_view *view, const void *bytes, size_t len)
{
    return img_hashed_base(lt_hash_bytes(&view->super.hash_key, bytes, len), IMG_CHUNK_STEP);
}

/* ---- Decoding ------------------------------------------------------------------------------ */

int img_name_decode(const struct img_item *item, struct img_name *ret)
{
    struct img_reader r = img_reader(item->value, item->len);
    ret->child = img_take_varint(&r);
    ret->type = item->key.kind == IMG_ENTRY ? img_take_u8(&r) : STREAM_TYPE;
    ret->name = lt_strn((const char *)r.at, img_left(&r));
    return r.bad || ret->child < IMG_ID_FIRST || ret->name.len == 0 ? LT_EUCLEAN : 0;
}

int img_link_decode(const struct img_item *item, uint64_t *ret_dir, uint64_t *ret_entry)
{
    struct img_reader r = img_reader(item->value, item->len);
    *ret_dir = img_take_varint(&r);
    *ret_entry = img_take_le64(&r);
    return r.bad || img_left(&r) > 0 || *ret_dir == 0 ? LT_EUCLEAN : 0;
}

static bool known_type(unsigned type)
{
    const unsigned known = 1u << (LT_S_IFREG >> 12) | 1u << (LT_S_IFDIR >> 12) |
                           1u << (LT_S_IFLNK >> 12) | 1u << (LT_S_IFCHR >> 12) |
                           1u << (LT_S_IFBLK >> 12) | 1u << (LT_S_IFIFO >> 12) |
                           1u << (LT_S_IFSOCK >> 12);
    return type < 16 && known >> type & 1u;
}

/* What is wrong with a name, or NULL. */
static const char *bad_name(struct lt_str name, bool stream)
{
    if (name.len > LT_NAME_MAX || lt_utf8_units(name) > LT_NAME_UNITS_MAX)
        return "too long";
    if (memchr(name.s, '/', name.len) || memchr(name.s, 0, name.len))
        return "forbidden characters";
    if (stream)
        return memchr(name.s, ':', name.len) || memchr(name.s, '\\', name.len)
                   ? "forbidden characters"
                   : NULL;
    if (lt_str_equal(name, lt_str(".")) || lt_str_equal(name, lt_str("..")))
        return "a name of the directory itself";
    return NULL;
}

void img_census_name(struct img_census *census, uint64_t dir, uint64_t entry, uint64_t child,
                     unsigned type, int sign)
{
    struct lt_le64 words[4] = {lt_put_le64(dir), lt_put_le64(entry), lt_put_le64(child),
                               lt_put_le64(type)};
    uint64_t h = lt_hash_bytes(&census->sum_key, words, sizeof(words));
    census->names_sum += sign > 0 ? h : ~h + 1;
}

/* ---- Names in a directory ------------------------------------------------------------------ */

/* Whether the object has this name already: of those whose keys have the same base. Keeps it. */
static int is_twin(struct img_census *census, uint64_t base, struct lt_str name, bool fold,
                   bool *ret)
{
    struct img_object *object = &census->object;
    if (!census->twins) {
        census->twins = malloc(TWINS_SIZE);
        if (!census->twins)
            return LT_ENOMEM;
    }
    if (object->twin_base != base) {
        object->twin_base = base;
        object->twin_len = 0;
    }
    *ret = false;
    for (size_t at = 0; at < object->twin_len;) {
        struct lt_le16 len;
        memcpy(&len, census->twins + at, sizeof(len));
        struct lt_str other =
            lt_strn((const char *)census->twins + at + sizeof(len), lt_get_le16(len));
        *ret |= fold ? lt_name_equal_nocase(other, name) : lt_str_equal(other, name);
        at += sizeof(len) + other.len;
    }
    if (object->twin_len + 2 + name.len > TWINS_SIZE)
        return 0; /* cannot be: there are 256 keys */
    struct lt_le16 len = lt_put_le16((uint16_t)name.len);
    memcpy(census->twins + object->twin_len, &len, sizeof(len));
    memcpy(census->twins + object->twin_len + sizeof(len), name.s, name.len);
    object->twin_len += sizeof(len) + name.len;
    return 0;
}

/* Puts an item under the first number of its right key that is free. */
static int rekey(struct img_census *census, const struct img_item *item, uint64_t base)
{
    struct img_key key = img_key(item->key.id, item->key.kind, base);
    int r = img_view_put(census->view, key, item->value, item->len);
    return r < 0 ? r : img_census_drop(census, item->key);
}

/* What ENTRY and STREAM items have in common. *ret_keep: the item stays where it is. */
static int check_name(struct img_census *census, const struct img_item *item,
                      const struct img_name *name, bool *ret_keep)
{
    bool stream = item->key.kind == IMG_STREAM, twice;
    bool fold = stream || census->view->super.name_case;
    enum img_problem bad = stream ? IMG_P_STREAM_NAME : IMG_P_ENTRY_NAME;
    const char *why = bad_name(name->name, stream);
    *ret_keep = true;
    if (why) {
        *ret_keep = !img_census_found(census, bad, item->key.id, 0, "%s", why);
        return *ret_keep ? 0 : img_census_drop(census, item->key);
    }
    uint64_t base = img_name_base(census->view, name->name, fold);
    if ((item->key.off & ~(uint64_t)(IMG_TWINS - 1)) != base) {
        *ret_keep = !img_census_found(census, stream ? bad : IMG_P_ENTRY_KEY, item->key.id, 0,
                                      "\"%.*s\" has the key of another name", (int)name->name.len,
                                      name->name.s);
        return *ret_keep ? 0 : rekey(census, item, base);
    }
    int r = is_twin(census, base, name->name, fold, &twice);
    if (r < 0 || !twice)
        return r;
    *ret_keep = !img_census_found(census, stream ? bad : IMG_P_ENTRY_TWICE, item->key.id, 0,
                                  "\"%.*s\"", (int)name->name.len, name->name.s);
    return *ret_keep ? 0 : img_census_drop(census, item->key);
}

static int drop_damaged(struct img_census *census, const struct img_item *item, const char *what)
{
    return img_census_found(census, IMG_P_ITEM_DAMAGED, item->key.id, 0, "%s", what)
               ? img_census_drop(census, item->key)
               : 0;
}

int img_census_entry(struct img_census *census, const struct img_item *item)
{
    struct img_name name;
    bool keep;
    if (img_name_decode(item, &name) < 0 || !known_type(name.type))
        return drop_damaged(census, item, "an entry");
    int r = check_name(census, item, &name, &keep);
    if (r < 0 || !keep)
        return r;
    census->object.entries++;
    census->object.subdirs += name.type == LT_S_IFDIR >> 12;
    img_census_name(census, item->key.id, item->key.off, name.child, name.type, 1);
    return 0;
}

int img_census_stream(struct img_census *census, const struct img_item *item)
{
    struct img_name name;
    bool keep;
    if (img_name_decode(item, &name) < 0)
        return drop_damaged(census, item, "a stream");
    int r = check_name(census, item, &name, &keep);
    if (r < 0 || !keep)
        return r;
    census->object.has |= LT_HAS_STREAM;
    img_census_name(census, item->key.id, item->key.off, name.child, STREAM_TYPE, 1);
    return 0;
}

int img_census_link(struct img_census *census, const struct img_item *item)
{
    struct img_object *object = &census->object;
    uint64_t dir, entry;
    if (img_link_decode(item, &dir, &entry) < 0)
        return drop_damaged(census, item, "a link");
    uint64_t base = img_link_base(census->view, dir, entry);
    if ((item->key.off & ~(uint64_t)(IMG_TWINS - 1)) != base) {
        bool mend =
            img_census_found(census, IMG_P_LINK_KEY, object->id, 0, "entry %#llx of directory %llu",
                             (unsigned long long)entry, (unsigned long long)dir);
        return mend ? rekey(census, item, base) : 0;
    }
    object->names++;
    if (object->has_inode)
        img_census_name(census, dir, entry, object->id, object->inode.mode >> 12, -1);
    return 0;
}
