// SPDX-License-Identifier: MIT
/* lintel resize and lintel defrag. */
#include "cli.h"
#include "entry.h"
#include "interrupt.h"
#include "progress.h"
#include "rows.h"

#include <base/options.h>
#include <lintel/image.h>

static int note_progress(void *arg, uint64_t done, uint64_t total)
{
    lt_progress_share(arg, done, total);
    return lt_interrupted();
}

static int complain(const char *verb, const char *path, int error, const struct lt_diag *diag)
{
    if (error == LT_EINTR)
        lt_complain("%s: cancelled", path);
    else
        lt_complain_why(verb, path, error, diag);
    return LT_EXIT_FAILED;
}

static void begin(const struct lt_args *args, struct lt_progress *progress, const char *what)
{
    bool quiet = lt_args_flag(args, "quiet");
    lt_interrupt_catch();
    lt_progress_begin(progress, quiet ? "never" : lt_args_value(args, "progress"), what);
}

/* ---- resize ---------------------------------------------------------------------------------- */

static const struct lt_row resize_rows[] = {
    {NULL, "Size", "size", LT_ROW_SIZE},
    {NULL, "Before", "size_before", LT_ROW_SIZE},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

static uint64_t size_of(const char *path)
{
    struct lt_image_info info = {0};
    return lt_image_info(path, &info, NULL) == LT_OK ? info.blocks * info.block_size : 0;
}

/* "+1G" and "-1G" count from the present size. */
static bool parse_size(const char *text, uint64_t before, uint64_t *ret)
{
    bool relative = text[0] == '+' || text[0] == '-';
    uint64_t n;
    if (lt_size_parse(text + relative, &n) != LT_OK || n == 0 || n > INT64_MAX)
        return false;
    if (text[0] == '-' && n >= before)
        return false;
    *ret = !relative ? n : text[0] == '+' ? before + n : before - n;
    return *ret <= INT64_MAX;
}

static int run_resize(const struct lt_args *args)
{
    const char *path = args->operands[0];
    struct lt_answer answer = {.command = "resize",
                               .rows = resize_rows,
                               .as_json = lt_args_flag(args, "json"),
                               .quiet = lt_args_flag(args, "quiet")};
    struct lt_progress progress;
    struct lt_diag diag = {""};
    uint64_t size, before = size_of(path);
    if (!parse_size(args->operands[1], before, &size))
        return lt_usage_error(args->command, "'%s' is no size for it", args->operands[1]);
    begin(args, &progress, "resizing");
    int error = lt_image_resize(path, size, note_progress, &progress, &diag);
    lt_progress_end(&progress, 0, 0, error == LT_OK);
    if (error != LT_OK)
        return complain("resize", path, error, &diag);
    lt_answer_begin(&answer);
    lt_json_name(&answer.json, "source", path);
    lt_json_u64(&answer.json, "size", size_of(path));
    lt_json_u64(&answer.json, "size_before", before);
    return lt_answer_end(&answer, LT_EXIT_OK);
}

static const struct lt_cli_option resize_options[] = {
    LT_WITH_QUIET, LT_WITH_JSON, LT_WITH_PROGRESS, {.name = NULL}};

const struct lt_command lt_command_resize = {
    .name = "resize",
    .summary = "Make a disk image larger or smaller",
    .details = "What lies behind the new end is moved forward first. The image must not be in use.",
    .operands = {{"IMAGE", LT_HINT_IMAGE, false}, {"SIZE", LT_HINT_NONE, false}},
    .options = resize_options,
    .examples = {{"lintel resize disk.img 20G", "to 20 GiB"},
                 {"lintel resize disk.img +5G", "by 5 GiB more"},
                 {"lintel resize disk.img -- -5G", "by 5 GiB less"}},
    .run = run_resize,
    .group = LT_GROUP_IMAGE,
};

/* ---- defrag ---------------------------------------------------------------------------------- */

static const struct lt_row defrag_rows[] = {
    {NULL, "Files", "files", LT_ROW_COUNT},
    {NULL, "Moved", "moved_files", LT_ROW_COUNT},
    {NULL, "Pieces before", "extents_before", LT_ROW_COUNT},
    {NULL, "Pieces now", "extents_after", LT_ROW_COUNT},
    {NULL, "Given to the host", "trimmed_bytes", LT_ROW_SIZE},
    {NULL, NULL, NULL, LT_ROW_TEXT},
};

static int run_defrag(const struct lt_args *args)
{
    const char *path = args->operands[0];
    struct lt_answer answer = {.command = "defrag",
                               .rows = defrag_rows,
                               .as_json = lt_args_flag(args, "json"),
                               .quiet = lt_args_flag(args, "quiet")};
    struct lt_image_defrag_result result = {0};
    struct lt_progress progress;
    struct lt_diag diag = {""};
    begin(args, &progress, "defragmenting");
    int error = lt_image_defrag(path, note_progress, &progress, &result, &diag);
    lt_progress_end(&progress, result.files, 0, error == LT_OK);
    if (error != LT_OK)
        return complain("defragment", path, error, &diag);
    lt_answer_begin(&answer);
    lt_json_name(&answer.json, "source", path);
    lt_json_u64(&answer.json, "files", result.files);
    lt_json_u64(&answer.json, "moved_files", result.moved_files);
    lt_json_u64(&answer.json, "extents_before", result.extents_before);
    lt_json_u64(&answer.json, "extents_after", result.extents_after);
    lt_json_u64(&answer.json, "trimmed_bytes", result.trimmed_bytes);
    return lt_answer_end(&answer, LT_EXIT_OK);
}

const struct lt_command lt_command_defrag = {
    .name = "defrag",
    .summary = "Lay files in one piece, and give free space back to the host",
    .operands = {{"IMAGE", LT_HINT_IMAGE, false}},
    .options = resize_options,
    .examples = {{"lintel defrag disk.img", "an image that is not in use"}},
    .run = run_defrag,
    .group = LT_GROUP_IMAGE,
};
