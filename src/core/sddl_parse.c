// SPDX-License-Identifier: MIT
/*
 * SDDL text into a security descriptor. The descriptor grows from its header on;
 * parts are appended in the order of the text and found by the offsets in the header.
 */
#include "sddl_words.h"

#include <base/options.h>
#include <lintel/sddl.h>
#include <stdlib.h>

struct parser {
    const char *text, *at;
    struct lt_diag *diag;
    char *data; /* the descriptor so far */
    size_t len, capacity;
};

static int complain(struct parser *p, const char *what)
{
    return lt_diag_set(p->diag, LT_EINVAL, "%s at character %zu of the security descriptor '%s'",
                       what, (size_t)(p->at - p->text) + 1, p->text);
}

static int append(struct parser *p, const void *bytes, size_t len)
{
    if (len > LT_SECURITY_SIZE_MAX - p->len)
        return complain(p, "too long a text");
    if (len > p->capacity - p->len) {
        size_t capacity = 2 * p->capacity + len;
        char *data = realloc(p->data, capacity);
        if (!data)
            return LT_ENOMEM;
        p->data = data;
        p->capacity = capacity;
    }
    memcpy(p->data + p->len, bytes, len);
    p->len += len;
    return 0;
}

static struct sd_header *header(struct parser *p)
{
    return (struct sd_header *)p->data;
}

static bool skip(struct parser *p, char c)
{
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

static bool skip_word(struct parser *p, const char *word)
{
    size_t len = strlen(word);
    if (strncmp(p->at, word, len) != 0)
        return false;
    p->at += len;
    return true;
}

/* Decimal, or hex behind 0x, or octal behind 0 if `octal`. */
static bool take_number(struct parser *p, uint64_t max, bool octal, uint64_t *ret)
{
    const char *start = p->at;
    char *end;
    if (*start < '0' || *start > '9')
        return false;
    bool hex = start[0] == '0' && (start[1] | 0x20) == 'x';
    int base = hex ? 16 : (octal && start[0] == '0' ? 8 : 10);
    size_t digits = strspn(start + (hex ? 2 : 0), "0123456789abcdefABCDEF");
    if (digits > 20)
        return false;
    uint64_t value = strtoull(start, &end, base);
    if (end == start || value > max)
        return false;
    p->at = end;
    *ret = value;
    return true;
}

/* The longest word of a table that the text goes on with. */
static const struct sddl_word *take_word(struct parser *p, const struct sddl_word *words)
{
    const struct sddl_word *found = NULL;
    for (; words->text[0]; words++) {
        size_t len = strlen(words->text);
        if (strncmp(p->at, words->text, len) == 0 && (!found || len > strlen(found->text)))
            found = words;
    }
    if (found)
        p->at += strlen(found->text);
    return found;
}

/* ---- SIDs ---------------------------------------------------------------------------------- */

/* The authority and sub-authorities behind "S-1-". */
static int take_sid_numbers(struct parser *p, struct sd_sid *sid, struct lt_le32 *subs)
{
    uint64_t value;
    if (!take_number(p, (UINT64_C(1) << 48) - 1, false, &value))
        return complain(p, "no authority of a SID");
    for (unsigned i = 0; i < 6; i++)
        sid->authority[i] = (uint8_t)(value >> (40 - 8 * i));
    while (*p->at == '-') {
        if (sid->count == SD_SID_SUBS_MAX)
            return complain(p, "too many parts of a SID");
        p->at++;
        if (!take_number(p, UINT32_MAX, false, &value))
            return complain(p, "no number in a SID");
        subs[sid->count++] = lt_put_le32((uint32_t)value);
    }
    return 0;
}

static int take_sid(struct parser *p)
{
    struct sd_sid sid = {.revision = 1};
    struct lt_le32 subs[SD_SID_SUBS_MAX];
    char bytes[SD_SID_SIZE_MAX];
    if (skip_word(p, "S-1-")) {
        int r = take_sid_numbers(p, &sid, subs);
        if (r == 0)
            r = append(p, &sid, sizeof(sid));
        return r < 0 ? r : append(p, subs, 4 * (size_t)sid.count);
    }
    for (const struct sddl_sid *known = sddl_sids; known->text[0]; known++) {
        if (skip_word(p, known->text))
            return append(p, bytes, sddl_sid_put(known, bytes));
    }
    return complain(p, "no SID, and no alias of one that needs no domain,");
}

/* ---- Entries ------------------------------------------------------------------------------- */

static int take_rights(struct parser *p, uint8_t type, uint32_t *ret)
{
    uint64_t number;
    if (take_number(p, UINT32_MAX, true, &number)) {
        *ret = (uint32_t)number;
        return 0;
    }
    uint32_t mask = 0;
    while (*p->at != ';') {
        const struct sddl_word *word = NULL;
        if (type == SD_ACE_LABEL)
            word = take_word(p, sddl_label_rights);
        if (!word)
            word = take_word(p, sddl_rights);
        if (!word)
            return complain(p, "an unknown right");
        mask |= word->value;
    }
    *ret = mask;
    return 0;
}

static int hex_byte(const char *s)
{
    int value = 0;
    for (int i = 0; i < 2; i++) {
        char c = s[i];
        char lower = (char)(c | 0x20);
        if (c >= '0' && c <= '9')
            value = value * 16 + c - '0';
        else if (lower >= 'a' && lower <= 'f')
            value = value * 16 + lower - 'a' + 10;
        else
            return -1;
    }
    return value;
}

/* 8-4-4-4-12 hex digits, or nothing: then *ret_has is false. */
static int take_guid(struct parser *p, struct sddl_guid *ret, bool *ret_has)
{
    static const char form[] = "00000000-0000-0000-0000-000000000000";
    uint8_t bytes[16];
    size_t count = 0;
    *ret_has = *p->at != ';';
    if (!*ret_has)
        return 0;
    for (size_t i = 0; form[i];) {
        if (form[i] == '-') {
            if (p->at[i++] != '-')
                return complain(p, "no GUID");
            continue;
        }
        int byte = p->at[i] ? hex_byte(p->at + i) : -1;
        if (byte < 0)
            return complain(p, "no GUID");
        bytes[count++] = (uint8_t)byte;
        i += 2;
    }
    p->at += sizeof(form) - 1;
    ret->data1 = lt_put_le32((uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
                             (uint32_t)bytes[2] << 8 | bytes[3]);
    ret->data2 = lt_put_le16((uint16_t)(bytes[4] << 8 | bytes[5]));
    ret->data3 = lt_put_le16((uint16_t)(bytes[6] << 8 | bytes[7]));
    memcpy(ret->data4, bytes + 8, sizeof(ret->data4));
    return 0;
}

/* The two GUID fields of an entry, and the part of an object entry that holds them. */
static int take_guids(struct parser *p, uint8_t type)
{
    struct sddl_guid guids[2];
    bool has[2];
    for (int i = 0; i < 2; i++) {
        int r = take_guid(p, &guids[i], &has[i]);
        if (r < 0)
            return r;
        if (!skip(p, ';'))
            return complain(p, "no ';'");
        if (has[i] && !sd_ace_is_object(type))
            return complain(p, "a GUID in an entry that has none");
    }
    if (!sd_ace_is_object(type))
        return 0;
    struct lt_le32 flags =
        lt_put_le32((has[0] ? SD_ACE_OBJECT_TYPE : 0u) | (has[1] ? SD_ACE_INHERITED_TYPE : 0u));
    int r = append(p, &flags, sizeof(flags));
    for (int i = 0; r == 0 && i < 2; i++) {
        if (has[i])
            r = append(p, &guids[i], sizeof(guids[i]));
    }
    return r;
}

static int take_ace_head(struct parser *p, struct sd_ace *ace)
{
    uint32_t mask = 0;
    const struct sddl_word *word = take_word(p, sddl_types);
    if (!word || !skip(p, ';'))
        return complain(p, "an unknown type of entry");
    ace->type = (uint8_t)word->value;
    while (*p->at != ';') {
        word = take_word(p, sddl_flags);
        if (!word)
            return complain(p, "an unknown flag");
        ace->flags |= (uint8_t)word->value;
    }
    p->at++;
    int r = take_rights(p, ace->type, &mask);
    if (r < 0)
        return r;
    ace->mask = lt_put_le32(mask);
    return skip(p, ';') ? 0 : complain(p, "no ';'");
}

/* One entry behind its '('. */
static int take_ace(struct parser *p, uint8_t *ret_type)
{
    struct sd_ace ace = {0};
    size_t start = p->len;
    int r = take_ace_head(p, &ace);
    if (r == 0)
        r = append(p, &ace, sizeof(ace));
    if (r == 0)
        r = take_guids(p, ace.type);
    if (r == 0)
        r = take_sid(p);
    if (r < 0)
        return r;
    if (!skip(p, ')'))
        return complain(p, "no ')'");
    /* Not more than a SID behind two GUIDs: fits. */
    ((struct sd_ace *)(p->data + start))->size = lt_put_le16((uint16_t)(p->len - start));
    *ret_type = ace.type;
    return 0;
}

/* ---- Lists --------------------------------------------------------------------------------- */

/* What differs between D: and S:. */
struct list_bits {
    uint16_t present, prot, inherit_req, inherited;
};

static const struct list_bits dacl_bits = {SD_DACL_PRESENT, SD_DACL_PROTECTED, SD_DACL_INHERIT_REQ,
                                           SD_DACL_INHERITED};
static const struct list_bits sacl_bits = {SD_SACL_PRESENT, SD_SACL_PROTECTED, SD_SACL_INHERIT_REQ,
                                           SD_SACL_INHERITED};

static uint16_t take_list_flags(struct parser *p, const struct list_bits *bits)
{
    uint16_t control = bits->present;
    for (;;) {
        if (skip_word(p, "AR"))
            control |= bits->inherit_req;
        else if (skip_word(p, "AI"))
            control |= bits->inherited;
        else if (skip(p, 'P'))
            control |= bits->prot;
        else
            return control;
    }
}

static int take_entries(struct parser *p, size_t start)
{
    struct sd_acl acl = {.revision = 2};
    unsigned count = 0;
    int r = append(p, &acl, sizeof(acl));
    while (r == 0 && skip(p, '(')) {
        uint8_t type = 0;
        r = take_ace(p, &type);
        if (sd_ace_is_object(type))
            acl.revision = 4;
        count++;
    }
    if (r < 0)
        return r;
    if (p->len - start > UINT16_MAX)
        return complain(p, "too long a list");
    acl.count = lt_put_le16((uint16_t)count);
    acl.size = lt_put_le16((uint16_t)(p->len - start));
    memcpy(p->data + start, &acl, sizeof(acl));
    return 0;
}

static int take_list(struct parser *p, const struct list_bits *bits, uint32_t *ret_offset)
{
    uint16_t control = lt_get_le16(header(p)->control) | take_list_flags(p, bits);
    header(p)->control = lt_put_le16(control);
    /* A list that is present but NULL: everybody may everything. */
    if (skip_word(p, "NO_ACCESS_CONTROL"))
        return 0;
    *ret_offset = (uint32_t)p->len;
    return take_entries(p, p->len);
}

/* ---- The whole ----------------------------------------------------------------------------- */

static int take_part(struct parser *p)
{
    uint32_t offset = (uint32_t)p->len;
    char part = *p->at;
    if (!part || p->at[1] != ':' || !strchr("OGDS", part))
        return complain(p, "none of O: G: D: S:");
    const struct sd_header *h = header(p);
    uint32_t control = lt_get_le16(h->control);
    if ((part == 'O' && lt_get_le32(h->owner)) || (part == 'G' && lt_get_le32(h->group)) ||
        (part == 'D' && (control & SD_DACL_PRESENT)) ||
        (part == 'S' && (control & SD_SACL_PRESENT)))
        return complain(p, "a second time the same part");
    p->at += 2;
    int r;
    if (part == 'O' || part == 'G') {
        r = take_sid(p);
    } else {
        offset = 0;
        r = take_list(p, part == 'D' ? &dacl_bits : &sacl_bits, &offset);
    }
    if (r < 0)
        return r;
    struct sd_header *to = header(p);
    if (part == 'O')
        to->owner = lt_put_le32(offset);
    else if (part == 'G')
        to->group = lt_put_le32(offset);
    else if (part == 'D')
        to->dacl = lt_put_le32(offset);
    else
        to->sacl = lt_put_le32(offset);
    return 0;
}

int lt_sddl_parse(const char *text, char **ret_descriptor, size_t *ret_len, struct lt_diag *diag)
{
    struct parser p = {.text = text, .at = text, .diag = diag};
    struct sd_header head = {.revision = 1, .control = lt_put_le16(SD_SELF_RELATIVE)};
    int r = append(&p, &head, sizeof(head));
    if (r == 0 && !*text)
        r = complain(&p, "nothing");
    while (r == 0 && *p.at)
        r = take_part(&p);
    if (r < 0) {
        free(p.data);
        return r;
    }
    *ret_descriptor = p.data;
    *ret_len = p.len;
    return 0;
}
