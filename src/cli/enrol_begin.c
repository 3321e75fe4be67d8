// SPDX-License-Identifier: Apache-2.0
#include "cli/enrol_begin.h"

#include "base/text.h"
#include "cli/enrol_go.h"
#include "cli/enrol_session.h"
#include "cli/out.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

enum { VERSION_MAX = 1000000, WAIT_S_MAX = 30 * 24 * 3600 };

static enum ha_code usage(struct ha_err *err, const char *words, const char *remedy)
{
    ha_fail(err, HA_E_USAGE, "%s", words);
    return ha_hint(err, "%s", remedy);
}

bool ha_enrol_has_ca(const struct ha_opts *opts)
{
    return ha_opt_given(opts, HA_OPT_EST) || ha_opt_given(opts, HA_OPT_DOGTAG);
}

static enum ha_code take_url(const char *url, struct ha_enrolment *enrolment, struct ha_err *err)
{
    size_t n = strlen(url);
    while (n > 0 && url[n - 1] == '/')
        n--;
    // Where Dogtag's own paths begin.
    if (enrolment->protocol == HA_ENROL_DOGTAG && n > 3 && strncmp(url + n - 3, "/ca", 3) == 0)
        n -= 3;
    if (strncmp(url, "https://", 8) != 0 || n <= 8 || strpbrk(url, " ?#@\"\\\n\r\t"))
        return usage(err, "the CA's address isn't an https URL", "Give https://HOST or https://HOST:PORT.");
    ha_auto(ha_free) char *copy = strndup(url, n);
    if (!copy)
        return ha_fail(err, HA_E_MEMORY, "out of memory for a URL");
    return ha_enrolment_set(&enrolment->url, copy, err);
}

static enum ha_code take_ca(const struct ha_opts *opts, struct ha_enrolment *enrolment, struct ha_err *err)
{
    const char *est = ha_opt_value(opts, HA_OPT_EST), *dogtag = ha_opt_value(opts, HA_OPT_DOGTAG);
    if (est && dogtag)
        return usage(err, "--est and --dogtag are both given", "Name one CA.");
    if (!est && !dogtag)
        return HA_OK;
    enrolment->protocol = est ? HA_ENROL_EST : HA_ENROL_DOGTAG;
    return take_url(est ? est : dogtag, enrolment, err);
}

// A path that means the same for whoever goes on from another directory.
static enum ha_code take_file(const struct ha_opts *opts, enum ha_opt id, char **member, struct ha_err *err)
{
    const char *path = ha_opt_value(opts, id);
    char whole[PATH_MAX];
    if (!path)
        return HA_OK;
    if (!realpath(path, whole))
        return ha_fail_errno(err, errno, "can't find %s", path);
    return ha_enrolment_set(member, whole, err);
}

static enum ha_code take_inputs(const struct ha_opts *opts, struct ha_enrolment *enrolment, struct ha_err *err)
{
    const struct ha_opt_values *values = &opts->values[HA_OPT_PROFILE_INPUT];
    ha_auto(ha_buf_clear) struct ha_buf lines = {0};
    for (size_t i = 0; i < values->n; i++) {
        const char *item = values->items[i];
        if (item[0] == '=' || !strchr(item, '=') || strchr(item, '\n') || !ha_utf8_valid(item, strlen(item)))
            return usage(err, "--input isn't NAME=VALUE",
                         "Give one line, for example requestor_email=ops@example.com.");
        ha_buf_printf(&lines, "%s\n", item);
    }
    return values->n ? ha_enrolment_set(&enrolment->inputs, ha_buf_text(&lines), err) : HA_OK;
}

static enum ha_code check(const struct ha_enrolment *enrolment, struct ha_err *err)
{
    if (!enrolment->url)
        return usage(err, "no CA is named", "Give --est URL or --dogtag URL.");
    if (enrolment->protocol == HA_ENROL_DOGTAG && enrolment->label)
        return usage(err, "--label is EST's", "Name Dogtag's profile with --profile-id.");
    if (enrolment->protocol == HA_ENROL_EST && (enrolment->profile || enrolment->inputs || enrolment->approve))
        return usage(err, "--profile-id, --input and --approve are Dogtag's", "Name EST's profile with --label.");
    if (enrolment->label && !ha_name_valid(enrolment->label))
        return usage(err, "--label can't be part of a URL", "Give letters, digits, '.', '_' and '-'.");
    if (enrolment->client_cert && !enrolment->client_key)
        return usage(err, "a certificate and its key belong together", "Give --cert FILE with --cert-key KEY.");
    if (enrolment->client_key && !ha_name_valid(enrolment->client_key))
        return usage(err, "--cert-key can't be a key's name", "Name a key that 'hsm-agent key list' has.");
    return HA_OK;
}

enum ha_code ha_enrol_take_options(const struct ha_opts *opts, struct ha_enrolment *enrolment, struct ha_err *err)
{
    const struct {
        enum ha_opt id;
        char **member;
    } texts[] = {
        {HA_OPT_LABEL, &enrolment->label},
        {HA_OPT_PROFILE_ID, &enrolment->profile},
        {HA_OPT_CERT_KEY, &enrolment->client_key},
    };
    if (take_ca(opts, enrolment, err))
        return err->code;
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        if (ha_opt_given(opts, texts[i].id) && ha_enrolment_set(texts[i].member, ha_opt_value(opts, texts[i].id), err))
            return err->code;
    enrolment->approve = enrolment->approve || ha_opt_given(opts, HA_OPT_APPROVE);
    enrolment->store_in_token = enrolment->store_in_token || ha_opt_given(opts, HA_OPT_STORE_IN_TOKEN);
    if (take_file(opts, HA_OPT_CA, &enrolment->ca_file, err) ||
        take_file(opts, HA_OPT_USER_FILE, &enrolment->user_file, err) ||
        take_file(opts, HA_OPT_CERT, &enrolment->client_cert, err) || take_inputs(opts, enrolment, err))
        return err->code;
    return check(enrolment, err);
}

static enum ha_code read_number(const struct ha_opts *opts, enum ha_opt id, const char *name, uint64_t max,
                                uint64_t *ret_value, struct ha_err *err)
{
    const char *text = ha_opt_value(opts, id);
    *ret_value = 0;
    if (!text || ha_parse_uint(text, 1, max, ret_value))
        return HA_OK;
    ha_fail(err, HA_E_USAGE, "--%s %.40s isn't such a number", name, text);
    return ha_hint(err, "Give a whole number from 1 to %llu.", (unsigned long long)max);
}

enum ha_code ha_enrol_version_option(const struct ha_opts *opts, uint64_t *ret_version, struct ha_err *err)
{
    return read_number(opts, HA_OPT_KEY_VERSION, "key-version", VERSION_MAX, ret_version, err);
}

enum ha_code ha_enrol_wait_option(const struct ha_opts *opts, uint64_t *ret_wait_s, struct ha_err *err)
{
    return read_number(opts, HA_OPT_WAIT, "wait", WAIT_S_MAX, ret_wait_s, err);
}

enum ha_code ha_enrol_active_version(struct ha_cli *cli, const char *key, uint64_t *ret_version, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (ha_enrol_path(key, "", 0, &path, err) || ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err))
        return err->code;
    if (!ha_json_uint(ha_json_get(doc.json, "version"), VERSION_MAX, ret_version) || *ret_version == 0)
        return ha_cli_unexpected(err, "has no version of the key");
    return HA_OK;
}

enum ha_code ha_enrol_make_csr(struct ha_cli *cli, struct ha_enrolment *enrolment, uint64_t version,
                               const struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    const char *pem = NULL;
    if (ha_enrol_path(enrolment->key, "/csr", version, &path, err) ||
        ha_cli_call(cli, "POST", ha_buf_text(&path), body, &doc, err) || ha_cli_string(&doc, "csr", &pem, err))
        return err->code;
    return ha_enrolment_set(&enrolment->csr, pem, err);
}

enum ha_code ha_enrol_claim(const char *dir, const char *key, uint64_t version, bool anew, int *ret_fd,
                            struct ha_err *err)
{
    ha_auto(ha_enrolment_clear) struct ha_enrolment before = {0};
    ha_auto(ha_close) int fd = -1;
    bool found = false;
    if (ha_enrol_lock(dir, key, version, &fd, err) || ha_enrol_load(dir, key, version, &before, &found, err))
        return err->code;
    if (found && !anew && !ha_enrol_is_over(before.state)) {
        ha_fail(err, HA_E_CONFLICT, "an enrolment of %s@%llu is under way: it is %s", key, (unsigned long long)version,
                ha_enrol_state_name(before.state));
        return ha_hint(err, "Go on with 'hsm-agent enrol %s --resume', or begin anew with --again.", key);
    }
    *ret_fd = fd;
    fd = -1;
    return HA_OK;
}

enum ha_code ha_enrol_start(struct ha_cli *cli, const char *dir, struct ha_enrolment *enrolment, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    uint64_t wait_s = 0;
    if (ha_enrol_wait_option(cli->opts, &wait_s, err) || ha_enrol_save(dir, enrolment, err) ||
        ha_enrol_go(cli, dir, enrolment, wait_s, &cli->exit_status, err))
        return err->code;
    if (ha_cli_wants_json(cli)) {
        ha_enrol_put_json(enrolment, &text);
        return ha_out_json(NULL, &text, HA_OUT_PUBLIC, err);
    }
    ha_enrol_put(enrolment, &text);
    return ha_out_text(&text, err);
}
