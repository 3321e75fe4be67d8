// SPDX-License-Identifier: Apache-2.0
#include "cli/audit_lines.h"

#include "audit/files.h"
#include "audit/reader.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

enum ha_code ha_cli_audit_file(struct ha_cli *cli, struct ha_doc *ret_doc, const char **ret_path, struct ha_err *err)
{
    if (cli->opts->arguments[0]) {
        *ret_path = cli->opts->arguments[0];
        return HA_OK;
    }
    if (ha_cli_call(cli, "GET", "/v1/audit/head", NULL, ret_doc, err))
        return err->code;
    return ha_cli_string(ret_doc, "file", ret_path, err);
}

// --- Filters

struct filter {
    const struct ha_opts *opts;
    uint64_t skip;  // lines that fit, before the first that is wanted
};

static bool is_text(const struct filter *filter, enum ha_opt option, const ha_json *line, const char *name)
{
    const char *wanted = ha_opt_value(filter->opts, option), *text = ha_json_get_string(line, name);
    return !wanted || (text && strcmp(text, wanted) == 0);
}

static bool is_key(const struct filter *filter, const ha_json *line)
{
    const char *wanted = ha_opt_value(filter->opts, HA_OPT_KEY), *text = ha_json_get_string(line, "key");
    return !wanted || (text && ha_glob_match(wanted, text));
}

static bool is_uid(const struct filter *filter, const ha_json *line)
{
    const char *wanted = ha_opt_value(filter->opts, HA_OPT_UID);
    uint64_t number, uid;
    return !wanted || (ha_parse_uint(wanted, 0, UINT32_MAX, &number) &&
                       ha_json_uint(ha_json_get(line, "uid"), UINT32_MAX, &uid) && uid == number);
}

// Times of one form are in order as texts; a shorter one is the beginning of what it names.
static bool is_in_time(const struct filter *filter, const struct ha_audit_line *line)
{
    const char *since = ha_opt_value(filter->opts, HA_OPT_SINCE), *until = ha_opt_value(filter->opts, HA_OPT_UNTIL);
    char time[25] = {0};
    memcpy(time, line->time, 24);
    return (!since || strcmp(time, since) >= 0) && (!until || strcmp(time, until) < 0);
}

static bool fits(const struct filter *filter, const ha_json *json)
{
    return is_text(filter, HA_OPT_EVENT, json, "event") && is_key(filter, json) &&
           is_text(filter, HA_OPT_OPERATION, json, "operation") && is_text(filter, HA_OPT_RESULT, json, "result") &&
           is_uid(filter, json) && is_text(filter, HA_OPT_REQUEST, json, "request");
}

static enum ha_code check_filters(const struct ha_cli *cli, uint64_t *ret_last, struct ha_err *err)
{
    const char *uid = ha_opt_value(cli->opts, HA_OPT_UID), *last = ha_opt_value(cli->opts, HA_OPT_LAST);
    uint64_t number;
    if (uid && !ha_parse_uint(uid, 0, UINT32_MAX, &number)) {
        ha_fail(err, HA_E_USAGE, "--uid %s is no number", uid);
        return ha_hint(err, "`id -u NAME` has a user's number.");
    }
    if (last && !ha_parse_uint(last, 1, INT64_MAX, ret_last)) {
        ha_fail(err, HA_E_USAGE, "--last %s is no number of lines", last);
        return ha_hint(err, "Give a whole number from 1 on.");
    }
    return HA_OK;
}

// --- Reading

struct walk {
    struct filter filter;
    ha_cli_audit_line *each;  // NULL: they are counted only
    void *context;
    uint64_t fitting;
};

static enum ha_code take(struct walk *walk, const struct ha_audit_text *text, struct ha_err *err)
{
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_audit_line line;
    struct ha_err ignored = {0};
    // What is no line of the log is the business of audit verify.
    if (!text->whole || !ha_audit_line_read(text->text, text->n, &line) || !is_in_time(&walk->filter, &line) ||
        ha_json_parse(text->text, text->n, 4, &json, &ignored) || !fits(&walk->filter, json))
        return HA_OK;
    if (walk->fitting++ < walk->filter.skip || !walk->each)
        return HA_OK;
    return walk->each(walk->context, json, text->text, text->n, err);
}

static enum ha_code read_all(const char *path, struct walk *walk, struct ha_err *err)
{
    ha_auto(ha_audit_files_clear) struct ha_audit_files files = {0};
    if (ha_audit_files_list(path, &files, err))
        return err->code;
    if (files.n == 0)
        return ha_fail(err, HA_E_IO, "there is no log at %s", path);
    for (size_t i = 0; i < files.n; i++) {
        ha_auto(ha_audit_reader_free) struct ha_audit_reader *reader = NULL;
        struct ha_audit_text text;
        if (ha_audit_reader_open(files.items[i].path, 0, &reader, err))
            return err->code;
        do {
            if (ha_audit_reader_next(reader, &text, err) || (text.text && take(walk, &text, err)))
                return err->code;
        } while (text.text && (text.whole || text.n == HA_AUDIT_LINE_MAX));
    }
    return HA_OK;
}

enum ha_code ha_cli_audit_lines(const struct ha_cli *cli, const char *path, ha_cli_audit_line *each, void *context,
                                struct ha_err *err)
{
    struct walk walk = {.filter.opts = cli->opts};
    uint64_t last = 0;
    if (check_filters(cli, &last, err))
        return err->code;
    if (last) {
        if (read_all(path, &walk, err))
            return err->code;
        walk.filter.skip = walk.fitting > last ? walk.fitting - last : 0;
        walk.fitting = 0;
    }
    walk.each = each;
    walk.context = context;
    return read_all(path, &walk, err);
}
