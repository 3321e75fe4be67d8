// SPDX-License-Identifier: Apache-2.0
#include "api/router.h"

#include "base/text.h"

#include <string.h>

// Which of the key's versions.
#define VERSION "version=*&spki_sha256=*"

#define PATTERN(text) text, sizeof(text) - 1

static const struct ha_route routes[] = {
    {"GET", PATTERN("/v1/version"), false, false, NULL, ha_handle_version, "what is spoken here"},
    {"GET", PATTERN("/v1/whoami"), false, false, NULL, ha_handle_whoami, "who the agent takes the caller for"},
    {"GET", PATTERN("/v1/health/alive"), false, false, NULL, ha_handle_alive, "the daemon answers"},
    {"GET", PATTERN("/v1/health/ready"), false, false, NULL, ha_handle_ready, "every token is ready, or 503"},
    {"GET", PATTERN("/v1/tokens"), false, false, NULL, ha_handle_tokens, "the tokens, and why one isn't ready"},
    {"POST", PATTERN("/v1/tokens/{name}/unlock"), true, false, NULL, ha_handle_token_unlock,
     "forget that a token refused its PIN, and try again"},
    {"GET", PATTERN("/v1/inventory"), false, false, NULL, ha_handle_inventory,
     "every version of the keys, with certificate, expiry and last use"},
    {"GET", PATTERN("/metrics"), false, false, NULL, ha_handle_metrics, "figures for Prometheus"},
    {"GET", PATTERN("/v1/audit/head"), true, false, NULL, ha_handle_audit_head,
     "the end of the audit log, its last checkpoint, and the keys that sign them"},
    {"GET", PATTERN("/v1/profiles"), false, false, NULL, ha_handle_profiles,
     "the messages that can be made, and by which scheme"},
    {"GET", PATTERN("/v1/keys"), false, false, NULL, ha_handle_keys, "the keys the caller may know of"},
    {"GET", PATTERN("/v1/keys/{name}"), false, false, VERSION, ha_handle_key, "one key, with its public key"},
    {"PUT", PATTERN("/v1/keys/{name}"), true, true, NULL, ha_handle_key_put,
     "create a key, import a secret one, or adopt one that is in the token"},
    {"DELETE", PATTERN("/v1/keys/{name}"), true, false, "objects=destroy&version=*&after=*", ha_handle_key_delete,
     "delete a key"},
    {"GET", PATTERN("/v1/keys/{name}/certificate"), false, false, VERSION, ha_handle_certificate,
     "the installed certificate and its chain"},
    {"PUT", PATTERN("/v1/keys/{name}/certificate"), true, true, VERSION, ha_handle_certificate_put,
     "install a certificate"},
    {"POST", PATTERN("/v1/keys/{name}/certificate/check"), false, true, VERSION, ha_handle_certificate_check,
     "whether the certificate does what it is for"},
    {"DELETE", PATTERN("/v1/keys/{name}/certificate"), true, false, "objects=destroy&" VERSION,
     ha_handle_certificate_delete, "remove the installed certificate"},
    {"POST", PATTERN("/v1/keys/{name}/import"), true, true, NULL, ha_handle_import,
     "take a key pair from outside into the token"},
    {"POST", PATTERN("/v1/keys/{name}/backup"), true, true, VERSION, ha_handle_backup,
     "wrap a key under a key encryption key"},
    {"POST", PATTERN("/v1/keys/{name}/export"), true, true, VERSION, ha_handle_export, "seal a key for somebody else"},
    {"POST", PATTERN("/v1/keys/{name}/restore"), true, true, NULL, ha_handle_restore, "make the key of a backup"},
    {"POST", PATTERN("/v1/keys/{name}/rotate"), true, true, NULL, ha_handle_key_rotate, "make the key's next version"},
    {"POST", PATTERN("/v1/keys/{name}/activate"), true, true, "version=*", ha_handle_key_activate,
     "have a version sign from a time on"},
    {"POST", PATTERN("/v1/keys/{name}/disable"), true, true, "version=*", ha_handle_key_disable,
     "refuse every use of a key or version"},
    {"POST", PATTERN("/v1/keys/{name}/enable"), true, true, "version=*", ha_handle_key_enable, "take that back"},
    {"POST", PATTERN("/v1/keys/{name}/keep"), true, true, "version=*", ha_handle_key_keep,
     "take back a deletion whose time hasn't come"},
    {"POST", PATTERN("/v1/keys/{name}/ceremony"), true, true, NULL, ha_handle_ceremony_request,
     "ask for a key that two others have to approve"},
    {"GET", PATTERN("/v1/ceremonies"), true, false, NULL, ha_handle_ceremonies, "the ceremonies, and who has approved"},
    {"GET", PATTERN("/v1/ceremonies/{name}"), true, false, NULL, ha_handle_ceremony,
     "one ceremony, with its transcript"},
    {"POST", PATTERN("/v1/ceremonies/{name}/approve"), true, true, NULL, ha_handle_ceremony_approve,
     "approve it; the last approval makes the key"},
    {"POST", PATTERN("/v1/ceremonies/{name}/run"), true, false, NULL, ha_handle_ceremony_run,
     "go on with one that was approved and cut off"},
    {"DELETE", PATTERN("/v1/ceremonies/{name}"), true, false, NULL, ha_handle_ceremony_cancel, "call it off"},
    {"POST", PATTERN("/v1/keys/{name}/sign"), false, true, VERSION, ha_handle_sign, "sign data, a digest, or a batch"},
    {"POST", PATTERN("/v1/keys/{name}/tls"), false, true, VERSION, ha_handle_tls, "sign a TLS handshake"},
    {"POST", PATTERN("/v1/keys/{name}/decrypt"), false, true, VERSION, ha_handle_decrypt, "decrypt with RSA"},
    {"POST", PATTERN("/v1/keys/{name}/derive"), false, true, VERSION, ha_handle_derive,
     "agree on a secret with a peer's key (ECDH)"},
    {"POST", PATTERN("/v1/keys/{name}/mac"), false, true, VERSION, ha_handle_mac,
     "make a message authentication code, or a batch of them"},
    {"POST", PATTERN("/v1/keys/{name}/jwe-decrypt"), false, true, VERSION, ha_handle_jwe_decrypt,
     "decrypt a JWE, and verify what is signed inside"},
    {"POST", PATTERN("/v1/jwe-encrypt"), false, true, NULL, ha_handle_jwe_encrypt, "encrypt a JWE to a public key"},
    {"POST", PATTERN("/v1/keys/{name}/http-signature"), false, true, VERSION, ha_handle_http_signature,
     "sign an HTTP message, or a batch"},
    {"POST", PATTERN("/v1/verify/http-signature"), false, true, NULL, ha_handle_verify_http,
     "verify somebody else's HTTP message"},
    {"POST", PATTERN("/v1/keys/{name}/csr"), false, true, VERSION, ha_handle_csr, "make a certificate signing request"},
    {"POST", PATTERN("/v1/keys/{name}/self-signed"), true, true, VERSION, ha_handle_self_signed,
     "make a certificate that the key itself signs"},
    {"POST", PATTERN("/v1/keys/{name}/jws"), false, true, VERSION, ha_handle_jws,
     "make a JSON Web Signature, or a batch of them"},
    {"POST", PATTERN("/v1/keys/{name}/jwt"), false, true, VERSION, ha_handle_jwt,
     "make a JSON Web Token, or a batch of them"},
    {"GET", PATTERN("/v1/jwks"), false, false, "profile=*", ha_handle_jwks, "the public keys as a JWK Set"},
    {"POST", PATTERN("/v1/verify/jws"), false, true, NULL, ha_handle_verify_jws, "verify somebody's JWS or JWT"},
    {0},
};

const struct ha_route *ha_routes(void)
{
    return routes;
}

// Whether a path of n bytes may match at all, as most don't: by its last byte.
static bool ends_alike(const struct ha_route *route, const char *path, size_t n)
{
    const char end = route->pattern[route->pattern_len - 1];
    return end == '}' || (n > 0 && path[n - 1] == end);
}

// Compares path with pattern; what stands for {name} is copied.
static bool matches(const char *pattern, const char *path, char *ret_name)
{
    static const char placeholder[] = "{name}";
    const char *hole = strchr(pattern, '{');
    if (!hole)
        return strcmp(pattern, path) == 0;
    size_t head = (size_t)(hole - pattern);
    if (strncmp(pattern, path, head) != 0)
        return false;
    const char *name = path + head, *tail = hole + sizeof(placeholder) - 1;
    size_t n = strcspn(name, "/");
    if (n == 0 || n > HA_NAME_MAX || strcmp(name + n, tail) != 0)
        return false;
    memcpy(ret_name, name, n);
    ret_name[n] = '\0';
    return true;
}

// The methods of one path, for the Allow header. They are few enough to be constants.
static const char *allow_of(const char *pattern)
{
    if (strcmp(pattern, "/v1/keys/{name}") == 0)
        return "GET, PUT, DELETE";
    if (strcmp(pattern, "/v1/keys/{name}/certificate") == 0)
        return "GET, PUT, DELETE";
    if (strcmp(pattern, "/v1/ceremonies/{name}") == 0)
        return "GET, DELETE";
    for (const struct ha_route *route = routes; route->pattern; route++)
        if (strcmp(route->pattern, pattern) == 0)
            return route->method;
    return NULL;
}

enum ha_code ha_route_find(const char *method, const char *path, const struct ha_route **ret_route,
                           char ret_name[static HA_NAME_MAX + 1], const char **ret_allow, struct ha_err *err)
{
    const struct ha_route *other_method = NULL;
    const size_t n = strlen(path);
    for (const struct ha_route *route = routes; route->pattern; route++) {
        if (!ends_alike(route, path, n) || !matches(route->pattern, path, ret_name))
            continue;
        if (strcmp(route->method, method) == 0) {
            *ret_route = route;
            return HA_OK;
        }
        other_method = route;
    }
    if (other_method) {
        *ret_allow = allow_of(other_method->pattern);
        ha_fail(err, HA_E_METHOD, "%s is answered to %s, not to %.16s", other_method->pattern, *ret_allow, method);
        return err->code;
    }
    ha_fail(err, HA_E_NO_ROUTE, "there is nothing at '%.100s'", path);
    return ha_hint(err, "GET /v1/version, /v1/keys; hsm-agent-api(7) lists the rest");
}
