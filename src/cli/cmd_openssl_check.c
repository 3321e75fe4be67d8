// SPDX-License-Identifier: Apache-2.0
// `openssl-check`: the configuration's file, the agent behind it, and both together.
#include "base/text.h"
#include "cli/command.h"
#include "cli/conf_file.h"
#include "cli/conf_load.h"
#include "cli/findings.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/stat.h>

enum { STEP_MS = 20000 };

// Whether this user can use it.
static bool check_socket(struct ha_cli *cli, struct ha_findings *findings)
{
    const char *path = ha_client_socket(cli->client);
    const char *remedy =
        "Start hsm-agentd, or say 'socket = PATH' in the provider's section or in HSM_AGENT_SOCKET; see "
        "the [listen] sections of hsm-agent.conf.";
    struct stat st;
    bool usable = false;
    if (stat(path, &st) != 0)
        ha_findings_add(findings, HA_FINDING_PROBLEM, "socket", remedy, "the socket %s can't be reached: %s", path,
                        strerror(errno));
    else if (!S_ISSOCK(st.st_mode))
        ha_findings_add(findings, HA_FINDING_PROBLEM, "socket", remedy, "%s isn't a socket", path);
    else if (access(path, R_OK | W_OK) != 0)
        ha_findings_add(findings, HA_FINDING_PROBLEM, "socket",
                        "Take this user into the socket's group: 'group' and 'mode' of its "
                        "[listen] section in hsm-agent.conf.",
                        "user %u may not use the socket %s: %s", (unsigned)geteuid(), path, strerror(errno));
    else
        usable = true;
    if (usable)
        ha_findings_add(findings, HA_FINDING_OK, "socket", NULL, "this user may use the socket %s", path);
    return usable;
}

// Whether the agent answers, and takes this user for anybody's.
static bool check_agent(struct ha_cli *cli, struct ha_findings *findings)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc who = {0};
    struct ha_err reason = {0};
    if (ha_cli_call(cli, "GET", "/v1/whoami", NULL, &who, &reason) != HA_OK) {
        ha_findings_add_err(findings, "agent", &reason);
        return false;
    }
    ha_findings_add(findings, HA_FINDING_OK, "agent", NULL, "the agent answers");
    const ha_json *clients = ha_json_get(who.json, "clients");
    if (clients && ha_json_type(clients) == HA_JSON_ARRAY && ha_json_size(clients) > 0) {
        ha_findings_add(findings, HA_FINDING_OK, "rights", NULL, "%zu [client] section%s for user %u",
                        ha_json_size(clients), ha_json_size(clients) == 1 ? " is" : "s are", (unsigned)geteuid());
        return true;
    }
    ha_findings_add(findings, HA_FINDING_PROBLEM, "rights",
                    "Add a section [client NAME] with 'user = ...' and 'allow = KEY:tls' (or another operation) to "
                    "hsm-agent.conf; run this command as the user that the program runs as.",
                    "no [client] section is for user %u, so it has no rights", (unsigned)geteuid());
    return false;
}

static bool has_purpose(const ha_json *purposes, const char *wanted)
{
    for (const ha_json *item = ha_json_first(purposes); item; item = ha_json_next(item))
        if (ha_json_string(item) && strcmp(ha_json_string(item), wanted) == 0)
            return true;
    return false;
}

// What the key may sign. False when this user can't know of the key.
static bool find_trial(struct ha_cli *cli, const char *key, struct ha_findings *findings, enum ha_conf_trial *ret_trial)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    struct ha_err reason = {0};
    ha_buf_printf(&path, "/v1/keys/%s", key);
    if (ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, &reason) != HA_OK) {
        ha_findings_add_err(findings, "key", &reason);
        return false;
    }
    const ha_json *purposes = ha_json_get(doc.json, "purposes");
    if (!purposes || ha_json_type(purposes) != HA_JSON_ARRAY)
        *ret_trial = HA_CONF_NO_SIGNATURE;
    else if (has_purpose(purposes, "tls-server"))
        *ret_trial = HA_CONF_TLS_SERVER;
    else if (has_purpose(purposes, "tls-client"))
        *ret_trial = HA_CONF_TLS_CLIENT;
    else
        *ret_trial = has_purpose(purposes, "sign") ? HA_CONF_MESSAGE : HA_CONF_NO_SIGNATURE;
    return true;
}

static enum ha_code check_rest(struct ha_cli *cli, const char *path, const struct ha_conf_facts *facts,
                               struct ha_findings *findings, struct ha_err *err)
{
    const char *key = ha_opt_value(cli->opts, HA_OPT_KEY);
    struct ha_conf_load load = {.path = path, .provider = facts->name, .module = facts->module, .timeout_ms = STEP_MS};
    enum ha_code code = ha_client_new(facts->socket, cli->timeout_ms, &cli->client, err);
    if (code != HA_OK)
        return code;
    if (ha_opt_given(cli->opts, HA_OPT_TIMEOUT))
        load.timeout_ms = cli->timeout_ms;
    bool has_rights = check_socket(cli, findings) && check_agent(cli, findings);
    if (key && has_rights && find_trial(cli, key, findings, &load.trial))
        load.key = key;
    return facts->worth_loading ? ha_conf_load_check(&load, findings, err) : HA_OK;
}

enum ha_code ha_cmd_openssl_check(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_findings_clear) struct ha_findings findings = {0};
    ha_auto(ha_conf_facts_clear) struct ha_conf_facts facts = {0};
    const char *given = ha_opt_value(cli->opts, HA_OPT_CONF), *key = ha_opt_value(cli->opts, HA_OPT_KEY);
    const char *socket = ha_opt_value(cli->opts, HA_OPT_SOCKET);
    if (key && !ha_name_valid(key))
        return ha_fail(err, HA_E_USAGE, "'%s' can't be a key's name", key);
    // What is under test must not be loaded by this process itself.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL);
    ha_auto(ha_free) char *path = given ? strdup(given) : ha_conf_file_default();
    if (!path || (socket && setenv("HSM_AGENT_SOCKET", socket, 1) != 0))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the check");
    ha_findings_begin(&findings);
    enum ha_code code = ha_conf_file_check(path, &findings, &facts, err);
    if (code == HA_OK && facts.name)
        code = check_rest(cli, path, &facts, &findings, err);
    if (code != HA_OK)
        return code;
    ha_findings_end(&findings);
    ha_jw_string(&findings.json, "file", path);
    cli->exit_status = findings.n[HA_FINDING_PROBLEM] > 0;
    // A refusal is told among the findings.
    ha_buf_reset(&cli->problem);
    return ha_findings_print(&findings, ha_cli_wants_json(cli), err);
}
