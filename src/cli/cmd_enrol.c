// SPDX-License-Identifier: Apache-2.0
// enrol: beginning an enrolment, going on with one or all, and what is known of them.
#include "cli/command_enrol.h"
#include "cli/csr_body.h"
#include "cli/enrol_begin.h"
#include "cli/enrol_go.h"
#include "cli/enrol_session.h"
#include "cli/in.h"
#include "cli/out.h"
#include "cli/table.h"
#include "enrol/answer.h"
#include "enrol/dogtag.h"
#include "enrol/enrol.h"

#include <string.h>

enum { CSR_MAX = 64 * 1024 };

static enum ha_code usage(struct ha_err *err, const char *words, const char *remedy)
{
    ha_fail(err, HA_E_USAGE, "%s", words);
    return ha_hint(err, "%s", remedy);
}

static enum ha_code take_csr(struct ha_cli *cli, uint64_t version, struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0}, pem = {0};
    const char *path = ha_opt_value(cli->opts, HA_OPT_CSR_FILE);
    if (!path)
        return ha_csr_body(cli->opts, &text, err) ? err->code : ha_enrol_make_csr(cli, enrolment, version, &text, err);
    if (ha_in_read(path, CSR_MAX, &text, err) || ha_answer_csr_pem(ha_buf_text(&text), &pem, err))
        return err->code;
    return ha_enrolment_set(&enrolment->csr, ha_buf_text(&pem), err);
}

static enum ha_code begin(struct ha_cli *cli, const char *dir, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    ha_auto(ha_close) int lock = -1;
    const char *key = cli->opts->arguments[0];
    uint64_t chosen = 0;
    if (ha_enrol_take_options(cli->opts, &enrolment, err) || ha_enrol_version_option(cli->opts, &chosen, err))
        return err->code;
    enrolment.version = chosen;
    if (enrolment.protocol == HA_ENROL_DOGTAG && !enrolment.profile)
        return usage(err, "Dogtag has to be told which profile",
                     "Give --profile-id ID; 'hsm-agent enrol --profiles --dogtag URL' lists them.");
    if ((!enrolment.version && ha_enrol_active_version(cli, key, &enrolment.version, err)) ||
        ha_enrol_claim(dir, key, enrolment.version, ha_opt_given(cli->opts, HA_OPT_AGAIN), &lock, err) ||
        ha_enrolment_set(&enrolment.key, key, err) || take_csr(cli, chosen, &enrolment, err))
        return err->code;
    return ha_enrol_start(cli, dir, &enrolment, err);
}

// --- All of them, or those of a key

typedef enum ha_code visit(struct ha_cli *cli, const char *dir, const struct ha_enrol_name *name, struct ha_buf *out,
                           struct ha_err *err);

static enum ha_code visit_all(struct ha_cli *cli, const char *dir, visit *function, struct ha_buf *out, size_t *ret_n,
                              struct ha_err *err)
{
    ha_auto(ha_free) struct ha_enrol_name *names = NULL;
    const char *key = cli->opts->arguments[0];
    uint64_t version = 0;
    size_t n = 0;
    if (ha_enrol_version_option(cli->opts, &version, err) || ha_enrol_list(dir, &names, &n, err))
        return err->code;
    *ret_n = 0;
    for (size_t i = 0; i < n; i++) {
        if ((key && strcmp(key, names[i].key) != 0) || (version && names[i].version != version))
            continue;
        ++*ret_n;
        if (function(cli, dir, &names[i], out, err))
            return err->code;
    }
    return HA_OK;
}

// The status of one that fails isn't hidden by those that don't.
static void note_exit(struct ha_cli *cli, int status)
{
    if (status == 1 || cli->exit_status == 0)
        cli->exit_status = status;
}

static enum ha_code show_one(struct ha_cli *cli, const char *dir, const struct ha_enrol_name *name, struct ha_buf *out,
                             struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    struct ha_err cause = {0};
    bool found = false;
    if (ha_enrol_load(dir, name->key, name->version, &enrolment, &found, &cause)) {
        // One that can't be read doesn't hide the others.
        ha_out_error(&cause);
        note_exit(cli, 1);
        return HA_OK;
    }
    if (found && ha_cli_wants_json(cli))
        ha_enrol_put_json(&enrolment, out);
    else if (found)
        ha_enrol_put(&enrolment, out);
    return HA_OK;
}

static enum ha_code resume_one(struct ha_cli *cli, const char *dir, const struct ha_enrol_name *name,
                               struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    ha_auto(ha_close) int lock = -1;
    struct ha_err cause = {0};
    uint64_t wait_s = 0;
    bool found = false;
    int status = 1;
    if (ha_enrol_wait_option(cli->opts, &wait_s, err))
        return err->code;
    enum ha_code code = ha_enrol_lock(dir, name->key, name->version, &lock, &cause);
    if (code == HA_OK)
        code = ha_enrol_load(dir, name->key, name->version, &enrolment, &found, &cause);
    if (code == HA_OK && (!found || ha_enrol_is_over(enrolment.state)))
        return HA_OK;
    if (code == HA_OK)
        code = ha_enrol_take_options(cli->opts, &enrolment, &cause);
    if (code == HA_OK)
        code = ha_enrol_go(cli, dir, &enrolment, wait_s, &status, &cause);
    if (code == HA_E_USAGE || (code && cli->opts->arguments[0])) {
        *err = cause;
        return code;
    }
    // The others' turn comes all the same.
    if (code)
        ha_out_error(&cause);
    note_exit(cli, status);
    if (!found)
        return HA_OK;
    if (ha_cli_wants_json(cli))
        ha_enrol_put_json(&enrolment, out);
    else
        ha_enrol_put(&enrolment, out);
    return HA_OK;
}

static enum ha_code for_each(struct ha_cli *cli, const char *dir, visit *function, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf out = {0};
    bool json = ha_cli_wants_json(cli);
    size_t n = 0;
    if (json) {
        ha_jw_object(&out, NULL);
        ha_jw_array(&out, "enrolments");
    }
    if (visit_all(cli, dir, function, &out, &n, err))
        return err->code;
    if (n == 0 && cli->opts->arguments[0]) {
        ha_fail(err, HA_E_NO_KEY, "there is no enrolment of %s", cli->opts->arguments[0]);
        return ha_hint(err, "'hsm-agent enrol --list' lists those of %s.", dir);
    }
    if (json) {
        ha_jw_array_end(&out);
        ha_jw_object_end(&out);
        return ha_out_json(NULL, &out, HA_OUT_PUBLIC, err);
    }
    return ha_out_text(&out, err);
}

// What is over stays, unless it is named by its version: renewal and revocation know the CA by it.
static enum ha_code cancel_one(struct ha_cli *cli, const char *dir, const struct ha_enrol_name *name,
                               struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    ha_auto(ha_close) int lock = -1;
    struct ha_err ignored = {0};
    bool found = false;
    if (ha_enrol_lock(dir, name->key, name->version, &lock, err))
        return err->code;
    if (!ha_opt_given(cli->opts, HA_OPT_KEY_VERSION) &&
        ha_enrol_load(dir, name->key, name->version, &enrolment, &found, &ignored) == HA_OK && found &&
        ha_enrol_is_over(enrolment.state)) {
        ha_out_note("the enrolment of %s@%llu is %s, and stays; --key-version names it", name->key,
                    (unsigned long long)name->version, ha_enrol_state_name(enrolment.state));
        return HA_OK;
    }
    return ha_enrol_forget(dir, name->key, name->version, err);
}

static enum ha_code list_profiles(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment enrolment = {0};
    ha_auto(ha_enrol_session_clear) struct ha_enrol_session session = {0};
    ha_auto(ha_buf_clear) struct ha_buf lines = {0}, text = {0};
    ha_auto(ha_table_clear) struct ha_table table = {.n_columns = 2};
    struct ha_dogtag dogtag = {0};
    if (!ha_opt_given(cli->opts, HA_OPT_DOGTAG))
        return usage(err, "--profiles is about Dogtag", "Give --dogtag URL.");
    if (ha_enrol_take_options(cli->opts, &enrolment, err) || ha_enrol_session_open(cli, &enrolment, &session, err) ||
        ha_dogtag_open(session.http, enrolment.url, &dogtag, err) || ha_dogtag_profiles(&dogtag, &lines, err))
        return err->code;
    ha_table_cell(&table, "PROFILE-ID");
    ha_table_cell(&table, "NAME");
    for (char *line = (char *)ha_buf_text(&lines), *end; *line && (end = strchr(line, '\n')); line = end + 1) {
        char *tab = strchr(line, '\t');
        *end = '\0';
        *tab = '\0';
        ha_table_cell(&table, line);
        ha_table_cell(&table, tab + 1);
    }
    ha_table_print(&table, &text);
    return ha_out_text(&text, err);
}

enum ha_code ha_cmd_enrol(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_free) char *dir = NULL;
    const struct ha_opts *opts = cli->opts;
    const enum ha_opt acts[] = {HA_OPT_LIST, HA_OPT_RESUME, HA_OPT_CANCEL, HA_OPT_PROFILES};
    size_t n = 0;
    for (size_t i = 0; i < HA_ARRAY_SIZE(acts); i++)
        n += ha_opt_given(opts, acts[i]);
    if (n > 1)
        return usage(err, "--list, --resume, --cancel and --profiles don't go together", "Give one of them.");
    if (!opts->arguments[0] && (n == 0 || ha_opt_given(opts, HA_OPT_CANCEL)))
        return usage(err, "enrol needs NAME", "See 'hsm-agent enrol --help'.");
    if (ha_opt_given(opts, HA_OPT_PROFILES))
        return list_profiles(cli, err);
    if (ha_enrol_dir(ha_opt_value(opts, HA_OPT_STATE_DIR), &dir, err))
        return err->code;
    if (ha_opt_given(opts, HA_OPT_LIST))
        return for_each(cli, dir, show_one, err);
    if (ha_opt_given(opts, HA_OPT_RESUME))
        return for_each(cli, dir, resume_one, err);
    if (ha_opt_given(opts, HA_OPT_CANCEL))
        return for_each(cli, dir, cancel_one, err);
    return begin(cli, dir, err);
}
