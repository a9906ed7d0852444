// SPDX-License-Identifier: MIT
/* lintel stat. */
#include "entry.h"
#include "operand.h"
#include "rows.h"

#include <lintel/path.h>
#include <lintel/sddl.h>
#include <stdlib.h>

static const struct lt_row rows[] = {
    {NULL, "Type", "type", LT_ROW_TEXT},
    {NULL, "Target", "target", LT_ROW_TEXT},
    {NULL, "Size", "size_text", LT_ROW_TEXT},
    {NULL, "Takes", "allocated", LT_ROW_SIZE},
    {NULL, "Mode", "mode_text", LT_ROW_TEXT},
    {NULL, "Owner", "owner_text", LT_ROW_TEXT},
    {NULL, "Links", "links", LT_ROW_COUNT},
    {NULL, "Inode", "inode", LT_ROW_COUNT},
    {NULL, "Device", "device", LT_ROW_TEXT},
    {NULL, "Changed", "mtime_text", LT_ROW_TEXT},
    {NULL, "Read", "atime_text", LT_ROW_TEXT},
    {NULL, "Metadata changed", "ctime_text", LT_ROW_TEXT},
    {NULL, "Made", "btime_text", LT_ROW_TEXT},
    {NULL, "Windows attributes", "attributes_text", LT_ROW_TEXT},
    {NULL, "Inode flags", "flags_text", LT_ROW_TEXT},
    {NULL, "Security", "security", LT_ROW_TEXT},
    {NULL, "Reparse tag", "reparse_tag", LT_ROW_TEXT},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

struct bit {
    uint32_t bit;
    const char *name;
};

static const struct bit attribute_bits[] = {
    {LT_WIN_READONLY, "readonly"},
    {LT_WIN_HIDDEN, "hidden"},
    {LT_WIN_SYSTEM, "system"},
    {LT_WIN_DIRECTORY, "directory"},
    {LT_WIN_ARCHIVE, "archive"},
    {LT_WIN_TEMPORARY, "temporary"},
    {LT_WIN_SPARSE, "sparse"},
    {LT_WIN_REPARSE_POINT, "reparse-point"},
    {LT_WIN_COMPRESSED, "compressed"},
    {LT_WIN_OFFLINE, "offline"},
    {LT_WIN_NOT_INDEXED, "not-indexed"},
    {LT_WIN_ENCRYPTED, "encrypted"},
    {0, NULL},
};

static const struct bit flag_bits[] = {
    {LT_INODE_SYNC, "sync"},     {LT_INODE_IMMUTABLE, "immutable"}, {LT_INODE_APPEND, "append"},
    {LT_INODE_NODUMP, "nodump"}, {LT_INODE_NOATIME, "noatime"},     {0, NULL},
};

/* The names of the bits as an array, and for people as one text. */
static void json_bits(struct lt_json *json, const char *key, uint32_t value, const struct bit *bits,
                      bool for_text)
{
    char text[160] = "", text_key[32];
    size_t len = 0;
    lt_json_array(json, key);
    for (; bits->name; bits++) {
        if (!(value & bits->bit))
            continue;
        lt_json_text(json, NULL, bits->name);
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%s", len > 0 ? " " : "",
                                bits->name);
    }
    lt_json_array_end(json);
    snprintf(text_key, sizeof(text_key), "%s_text", key);
    if (len > 0 && for_text)
        lt_json_text(json, text_key, text);
}

/* ---- What a file has beside its data --------------------------------------------------------- */

static int json_stream(void *arg, const struct lt_stream *stream)
{
    lt_json_object(arg, NULL);
    lt_json_str(arg, "name", stream->name);
    lt_json_u64(arg, "size", stream->size);
    lt_json_object_end(arg);
    return 0;
}

static int json_ea(void *arg, const struct lt_ea *ea)
{
    lt_json_object(arg, NULL);
    lt_json_str(arg, "name", ea->name);
    lt_json_u64(arg, "size", ea->value.len);
    lt_json_object_end(arg);
    return 0;
}

static int json_xattr(void *arg, struct lt_str name)
{
    lt_json_str(arg, NULL, name);
    return 0;
}

static void json_security(struct lt_json *json, struct lt_node *node)
{
    char *descriptor = malloc(LT_SECURITY_SIZE_MAX), *sddl = NULL;
    int len = descriptor
                  ? lt_node_security_get(lt_cli_ctx(), node, descriptor, LT_SECURITY_SIZE_MAX)
                  : LT_ENOMEM;
    if (len > 0 && lt_sddl_format(lt_strn(descriptor, (size_t)len), &sddl) >= 0)
        lt_json_text(json, "security", sddl);
    free(sddl);
    free(descriptor);
}

static void json_extras(struct lt_json *json, struct lt_node *node, const struct lt_attr *attr,
                        bool for_text)
{
    char tag[16];
    json_bits(json, "attributes", attr->win_attrs, attribute_bits, for_text);
    json_bits(json, "flags", attr->inode_flags, flag_bits, for_text);
    if (attr->reparse_tag) {
        snprintf(tag, sizeof(tag), "0x%08x", attr->reparse_tag);
        lt_json_text(json, "reparse_tag", tag);
    }
    if (attr->has & LT_HAS_SECURITY)
        json_security(json, node);
    lt_json_array(json, "xattrs");
    (void)lt_node_xattr_list(lt_cli_ctx(), node, json_xattr, json);
    lt_json_array_end(json);
    lt_json_array(json, "streams");
    (void)lt_node_stream_list(lt_cli_ctx(), node, json_stream, json);
    lt_json_array_end(json);
    lt_json_array(json, "eas");
    (void)lt_node_ea_list(lt_cli_ctx(), node, json_ea, json);
    lt_json_array_end(json);
}

/* ---- Text ------------------------------------------------------------------------------------ */

/* Members that only the text form shows. */
static void json_texts(struct lt_json *json, const struct lt_attr *attr)
{
    char text[128];
    if (attr->size < 1024)
        snprintf(text, sizeof(text), "%s", lt_text_size(attr->size).s);
    else
        snprintf(text, sizeof(text), "%s (%s bytes)", lt_text_size(attr->size).s,
                 lt_text_count(attr->size).s);
    lt_json_text(json, "size_text", text);
    snprintf(text, sizeof(text), "%s (%04o)", lt_text_mode(attr).s, attr->mode & LT_S_PERM);
    lt_json_text(json, "mode_text", text);
    snprintf(text, sizeof(text), "%s (%u), %s (%u)", lt_text_user(attr->uid, false).s, attr->uid,
             lt_text_group(attr->gid, false).s, attr->gid);
    lt_json_text(json, "owner_text", text);
    lt_json_text(json, "mtime_text", lt_text_time(attr->mtime).s);
    lt_json_text(json, "atime_text", lt_text_time(attr->atime).s);
    lt_json_text(json, "ctime_text", lt_text_time(attr->ctime).s);
    lt_json_text(json, "btime_text", lt_text_time(attr->btime).s);
}

static void print_names(const struct lt_value *entry, const char *key, const char *label)
{
    const struct lt_value *list = lt_value_at(entry, key);
    if (!list || list->type != LT_VALUE_ARRAY)
        return;
    LT_VALUE_FOR_EACH(v, list)
    {
        lt_row_label(label);
        lt_print_name(v->type == LT_VALUE_STRING ? v->text.s : lt_value_text(v, "name", "?"));
        if (v->type == LT_VALUE_OBJECT)
            printf(" (%s)", lt_text_size(lt_value_u64(v, "size", 0)).s);
        putchar('\n');
    }
}

static void print_entry(const struct lt_value *entry)
{
    lt_print_name(lt_value_text(entry, "path", "?"));
    putchar('\n');
    lt_rows_print(entry, rows);
    print_names(entry, "xattrs", "Attribute");
    print_names(entry, "streams", "Stream");
    print_names(entry, "eas", "Extended attribute");
}

/* ---- lintel stat ----------------------------------------------------------------------------- */

static void json_place(struct lt_json *json, const struct lt_place *place, struct lt_node *node,
                       const struct lt_attr *attr, bool for_text)
{
    char *target = node->type == LT_S_IFLNK ? lt_read_target(node) : NULL;
    lt_json_object(json, NULL);
    lt_json_attr(json, place->shown, attr, target);
    lt_json_u64(json, "generation", attr->generation);
    json_extras(json, node, attr, for_text);
    if (for_text)
        json_texts(json, attr);
    lt_json_object_end(json);
    free(target);
}

static int print_text(const struct lt_place *place, struct lt_node *node,
                      const struct lt_attr *attr)
{
    struct lt_buffer buffer = {0};
    struct lt_document doc;
    struct lt_json json;
    lt_json_init(&json, lt_buffer_write, &buffer, false);
    json_place(&json, place, node, attr, true);
    int error = json.error;
    if (error == LT_OK)
        error = lt_document_parse(buffer.text, &doc);
    if (error == LT_OK) {
        print_entry(doc.values);
        lt_document_free(&doc);
    }
    free(buffer.text);
    return error;
}

static int stat_place(const struct lt_place *place, bool follow, struct lt_json *json)
{
    struct lt_entry entry = {.stored = NULL};
    int error = lt_path_lookup(lt_cli_ctx(), lt_place_root(place), place->path,
                               follow ? 0 : LT_NOFOLLOW, &entry);
    if (error != LT_OK)
        return lt_place_complain(place, "find", error);
    if (json)
        json_place(json, place, entry.node, &entry.attr, false);
    else
        error = print_text(place, entry.node, &entry.attr);
    lt_node_put(entry.node);
    return error == LT_OK ? LT_EXIT_OK : lt_place_complain(place, "show", error);
}

static int run(const struct lt_args *args)
{
    bool as_json = lt_args_flag(args, "json"), follow = lt_args_flag(args, "dereference");
    struct lt_places places;
    struct lt_json json;
    int status = lt_places_open(&places, args->operands, args->operand_count, LT_PLACES_READ);
    if (status != LT_EXIT_OK)
        return lt_places_close(&places, status);
    if (as_json) {
        lt_output_begin(&json, "stat");
        lt_json_array(&json, "entries");
    }
    for (size_t i = 0; i < places.count; i++)
        if (stat_place(&places.list[i], follow, as_json ? &json : NULL) != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
    if (as_json) {
        lt_json_array_end(&json);
        if (lt_output_end(&json) != LT_EXIT_OK)
            status = LT_EXIT_FAILED;
    }
    return lt_places_close(&places, status);
}

static const struct lt_cli_option stat_options[] = {
    {.name = "dereference", .letter = 'L', .help = "Follow a symbolic link"},
    LT_WITH_JSON,
    {.name = NULL},
};

const struct lt_command lt_command_stat = {
    .name = "stat",
    .summary = "Show all that is known about files",
    .operands = {{"PLACE", LT_HINT_PLACE, .many = true}},
    .options = stat_options,
    .examples = {{"lintel stat disk.img:/a", "times, owners, attributes, streams"}},
    .run = run,
    .group = LT_GROUP_FILES,
};
