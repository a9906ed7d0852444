// SPDX-License-Identifier: MIT
/* A security descriptor as SDDL text. */
#include "sddl_words.h"

#include <lintel/sddl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct text {
    char *s;
    size_t len, capacity;
    int error; /* stays, and silences the rest */
};

static void put(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct text *t, const char *format, ...)
{
    char piece[64];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(piece, sizeof(piece), format, args);
    va_end(args);
    if (t->error < 0 || len < 0)
        return;
    size_t needed = t->len + (size_t)len + 1;
    if (needed > t->capacity) {
        char *s = realloc(t->s, 2 * needed);
        if (!s) {
            t->error = LT_ENOMEM;
            return;
        }
        t->s = s;
        t->capacity = 2 * needed;
    }
    memcpy(t->s + t->len, piece, (size_t)len + 1);
    t->len += (size_t)len;
}

/* ---- SIDs and GUIDs ------------------------------------------------------------------------ */

static void put_sid(struct text *t, const char *bytes, size_t size)
{
    char known[SD_SID_SIZE_MAX];
    for (const struct sddl_sid *s = sddl_sids; s->text[0]; s++) {
        if (sddl_sid_put(s, known) == size && memcmp(known, bytes, size) == 0) {
            put(t, "%s", s->text);
            return;
        }
    }
    const struct sd_sid *sid = (const struct sd_sid *)bytes;
    uint64_t authority = 0;
    for (unsigned i = 0; i < 6; i++)
        authority = authority << 8 | sid->authority[i];
    /* MS-DTYP 2.4.2.1: hexadecimal from 2^32 on, which with nothing behind it would run on into a
     * "D:". */
    if (authority > UINT32_MAX && sid->count == 0)
        t->error = LT_EINVAL;
    put(t, authority > UINT32_MAX ? "S-1-0x%llx" : "S-1-%llu", (unsigned long long)authority);
    for (unsigned i = 0; i < sid->count; i++) {
        struct lt_le32 sub;
        memcpy(&sub, bytes + sizeof(*sid) + 4 * (size_t)i, sizeof(sub));
        put(t, "-%u", (unsigned)lt_get_le32(sub));
    }
}

static void put_guid(struct text *t, const char *bytes)
{
    const struct sddl_guid *g = (const struct sddl_guid *)bytes;
    put(t, "%08x-%04x-%04x-%02x%02x-", (unsigned)lt_get_le32(g->data1), lt_get_le16(g->data2),
        lt_get_le16(g->data3), g->data4[0], g->data4[1]);
    for (unsigned i = 2; i < 8; i++)
        put(t, "%02x", g->data4[i]);
}

/* ---- Entries ------------------------------------------------------------------------------- */

static const char *word_for(const struct sddl_word *words, uint32_t value)
{
    for (; words->text[0]; words++) {
        if (words->value == value)
            return words->text;
    }
    return NULL;
}

/* One word for all, words for single bits, or a number. */
static void put_rights(struct text *t, uint8_t type, uint32_t mask)
{
    const struct sddl_word *words = type == SD_ACE_LABEL ? sddl_label_rights : sddl_rights;
    const char *word = word_for(words, mask);
    if (word) {
        put(t, "%s", word);
        return;
    }
    uint32_t left = mask;
    for (const struct sddl_word *w = words; w->text[0]; w++) {
        if ((w->value & (w->value - 1)) == 0)
            left &= ~w->value;
    }
    if (left) {
        put(t, "0x%x", (unsigned)mask);
        return;
    }
    for (const struct sddl_word *w = words; w->text[0]; w++) {
        if ((w->value & (w->value - 1)) == 0 && (w->value & mask))
            put(t, "%s", w->text);
    }
}

static int put_flags(struct text *t, uint8_t flags)
{
    for (const struct sddl_word *w = sddl_flags; w->text[0]; w++) {
        if (flags & w->value) {
            put(t, "%s", w->text);
            flags &= (uint8_t)~w->value;
        }
    }
    return flags ? LT_EINVAL : 0;
}

/* The GUIDs of an object entry; *at is where they, and then the SID, lie within the entry. */
static int put_guids(struct text *t, const char *ace, size_t size, size_t *at)
{
    struct lt_le32 wire;
    if (size - *at < sizeof(wire))
        return LT_EINVAL;
    memcpy(&wire, ace + *at, sizeof(wire));
    *at += sizeof(wire);
    uint32_t flags = lt_get_le32(wire);
    for (uint32_t bit = SD_ACE_OBJECT_TYPE; bit <= SD_ACE_INHERITED_TYPE; bit <<= 1) {
        if ((flags & bit) && size - *at < sizeof(struct sddl_guid))
            return LT_EINVAL;
        if (flags & bit) {
            put_guid(t, ace + *at);
            *at += sizeof(struct sddl_guid);
        }
        put(t, ";");
    }
    return flags & ~3u ? LT_EINVAL : 0;
}

static int put_ace(struct text *t, const char *bytes, size_t size)
{
    const struct sd_ace *ace = (const struct sd_ace *)bytes;
    const char *type = word_for(sddl_types, ace->type);
    size_t at = sizeof(*ace);
    if (!type)
        return LT_EINVAL;
    put(t, "(%s;", type);
    int r = put_flags(t, ace->flags);
    put(t, ";");
    put_rights(t, ace->type, lt_get_le32(ace->mask));
    put(t, ";");
    if (r == 0 && sd_ace_is_object(ace->type))
        r = put_guids(t, bytes, size, &at);
    else
        put(t, ";;");
    size_t sid = r == 0 ? sd_sid_size(lt_strn(bytes, size), at) : 0;
    if (sid == 0)
        return LT_EINVAL;
    put_sid(t, bytes + at, sid);
    put(t, ")");
    return 0;
}

/* ---- The whole ----------------------------------------------------------------------------- */

static int put_list(struct text *t, struct lt_str sd, uint32_t offset)
{
    if (offset == 0) {
        put(t, "NO_ACCESS_CONTROL");
        return 0;
    }
    const struct sd_acl *acl = (const struct sd_acl *)(sd.s + offset);
    const char *at = sd.s + offset + sizeof(*acl);
    int r = 0;
    for (unsigned i = lt_get_le16(acl->count); r == 0 && i > 0; i--) {
        size_t size = lt_get_le16(((const struct sd_ace *)at)->size);
        r = put_ace(t, at, size);
        at += size;
    }
    return r;
}

static int put_descriptor(struct text *t, struct lt_str sd)
{
    const struct sd_header *h = (const struct sd_header *)sd.s;
    uint32_t control = lt_get_le16(h->control);
    uint32_t owner = lt_get_le32(h->owner), group = lt_get_le32(h->group);
    int r = 0;
    put(t, "%s", owner ? "O:" : "");
    if (owner)
        put_sid(t, sd.s + owner, sd_sid_size(sd, owner));
    put(t, "%s", group ? "G:" : "");
    if (group)
        put_sid(t, sd.s + group, sd_sid_size(sd, group));
    if (control & SD_DACL_PRESENT) {
        put(t, "D:%s%s%s", control & SD_DACL_PROTECTED ? "P" : "",
            control & SD_DACL_INHERIT_REQ ? "AR" : "", control & SD_DACL_INHERITED ? "AI" : "");
        r = put_list(t, sd, lt_get_le32(h->dacl));
    }
    if (r == 0 && (control & SD_SACL_PRESENT)) {
        put(t, "S:%s%s%s", control & SD_SACL_PROTECTED ? "P" : "",
            control & SD_SACL_INHERIT_REQ ? "AR" : "", control & SD_SACL_INHERITED ? "AI" : "");
        r = put_list(t, sd, lt_get_le32(h->sacl));
    }
    return r < 0 ? r : t->error;
}

int lt_sddl_format(struct lt_str descriptor, char **ret_text)
{
    struct text t = {0};
    int r = lt_security_check(descriptor);
    if (r == 0)
        r = put_descriptor(&t, descriptor);
    if (r < 0) {
        free(t.s);
        return r;
    }
    *ret_text = t.s;
    return 0;
}
