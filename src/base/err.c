// SPDX-License-Identifier: Apache-2.0
// The table of error codes, and the words of an error.
#include "base/err.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct ha_code_info codes[] = {
    [HA_OK] = {"ok", 200, "Done", "", false},
    [HA_E_MALFORMED] =
        {"malformed", 400, "The request is not well formed",
         "Correct the part that the detail names; the API's manual, hsm-agent-api(7), shows each request.", false},
    [HA_E_UNKNOWN_MEMBER] = {"unknown-member", 400, "The request has a member that nobody knows",
                             "Remove the member or correct its spelling; names are case-sensitive.", false},
    [HA_E_FORBIDDEN] = {"forbidden", 403, "The policy doesn't allow that",
                        "Ask the agent's administrator for an 'allow' line in the caller's [client] section.", false},
    [HA_E_NOT_ADMIN] =
        {"not-admin", 403, "Only administrators may do that",
         "Send the request to the administrators' socket, that of the [listen] section with 'admin = yes': --socket "
         "PATH.",
         false},
    [HA_E_CROSS_ORIGIN] = {"cross-origin", 403, "Browsers are not served",
                           "Send the request without an Origin header, from a program rather than from a web page.",
                           false},
    [HA_E_NO_ROUTE] = {"no-route", 404, "There is no such path",
                       "Check the path; it begins with /v1/ and hsm-agent-api(7) lists all of them.", false},
    [HA_E_NO_KEY] = {"no-such-key", 404, "There is no such key for this caller",
                     "List the keys that you may use with 'hsm-agent key list'; a key that the policy doesn't grant "
                     "you isn't shown.",
                     false},
    [HA_E_NO_CERTIFICATE] = {"no-certificate", 404, "No certificate is installed for the key",
                             "An administrator installs what the CA answered with `hsm-agent cert install NAME FILE`.",
                             false},
    [HA_E_METHOD] = {"method-not-allowed", 405, "The path is there, the method isn't",
                     "Use one of the methods of the Allow header.", false},
    [HA_E_REQUEST_TIMEOUT] = {"request-timeout", 408, "The request took too long to arrive",
                              "Send the header and the body without a pause, then try again.", true},
    [HA_E_CONFLICT] = {"conflict", 409, "That exists already or is in use",
                       "Choose another name, or look at what is there with 'hsm-agent key show'.", false},
    [HA_E_AMBIGUOUS] = {"ambiguous-key", 409, "Two objects fit one key",
                        "Delete or relabel one of the two objects that the detail names.", false},
    [HA_E_PRECONDITION] = {"precondition-failed", 412, "It exists already",
                           "Choose another name; a key is never overwritten.", false},
    [HA_E_SECOND] = {"second-needed", 428, "It takes a second person",
                     "Have another administrator, to whom the same is granted, make the same request in time.", false},
    [HA_E_TOO_LARGE] = {"too-large", 413, "That is over the size limit",
                        "Send less at once: split a batch, or sign a digest of large data if the policy allows it.",
                        false},
    [HA_E_TOO_MANY] = {"too-many-requests", 429, "The caller has as much under way as it may",
                       "Try again when some of it is done, or use fewer connections; an administrator can raise "
                       "'connections-per-uid' and 'requests-per-uid'.",
                       true},
    [HA_E_RATE] = {"rate-limited", 429, "The policy grants no more at present",
                   "Try again after Retry-After; an administrator can raise 'rate' of the [client] section.", true},
    [HA_E_BUDGET] = {"budget-spent", 429, "The policy grants no more today",
                     "The next day (UTC) has a budget of its own; an administrator can raise 'daily-budget' of the "
                     "[client] section.",
                     false},
    [HA_E_HEADERS_TOO_LARGE] = {"headers-too-large", 431, "The request's header is over the size limit",
                                "Send fewer or shorter header fields.", false},
    [HA_E_KEY_CANNOT] = {"key-cannot", 422, "The key can't do that",
                         "Use an algorithm and an operation that 'hsm-agent key show' lists for this key.", false},
    [HA_E_DECRYPTION] = {"decryption-failed", 422, "The ciphertext could not be decrypted",
                         "Check that it was made for this key and this algorithm; more is not told on purpose.", false},
    [HA_E_NOT_VERIFIED] = {"not-verified", 422, "The message could not be verified",
                           "Don't use the message. If its sender means well, compare keys, algorithm and clocks.",
                           false},
    [HA_E_CERTIFICATE] = {"certificate-refused", 422, "The certificate isn't accepted",
                          "Ask the CA for one that was made for this key's request.", false},
    [HA_E_KEY_INCOMPLETE] = {"key-incomplete", 409, "The key is half-made or half-deleted",
                             "An administrator finishes it with 'hsm-agent key delete NAME', then creates it anew.",
                             false},
    [HA_E_KEY_DISABLED] = {"key-disabled", 409, "The key is disabled",
                           "An administrator brings it back with 'hsm-agent key enable NAME', or 'hsm-agent key delete "
                           "NAME --cancel' while it waits for its deletion.",
                           false},
    [HA_E_INTERNAL] = {"internal", 500, "The agent made a mistake",
                       "This is a bug: please report it with the agent's log of this request.", false},
    [HA_E_MEMORY] = {"out-of-memory", 500, "Memory ran out",
                     "Try again; if it persists, give the agent more memory (MemoryMax= of its unit) or send less at "
                     "once.",
                     true},
    [HA_E_TOKEN_ERROR] = {"token-error", 502, "The token answered with an error",
                          "Look up the token's return value in its vendor's manual, and its state with 'hsm-agent "
                          "status'.",
                          false},
    [HA_E_TOKEN_DOWN] = {"token-unavailable", 503, "The token is not available",
                         "Try again in a moment; 'hsm-agent status' says why the token is down.", true},
    [HA_E_PIN] = {"pin-refused", 503, "The token refused the PIN",
                  "Put the right PIN where the token's 'pin' option points, then restart the agent, or `hsm-agent "
                  "token unlock NAME`; a PIN that was refused is not tried again.",
                  false},
    [HA_E_BUSY] = {"busy", 503, "There is no room for one more request at present",
                   "Try again in a moment; if it persists, raise 'sessions' or 'queue' in the token's section.", true},
    [HA_E_STOPPING] = {"stopping", 503, "The agent is stopping", "Try again when the agent is back.", true},
    [HA_E_CLOCK] = {"clock-not-synchronised", 503, "The system clock is not synchronised",
                    "Start chrony, ntpd or systemd-timesyncd, and wait until `timedatectl` shows a synchronised clock.",
                    true},
    [HA_E_AUDIT] = {"audit-unavailable", 503, "The audit log can't be written",
                    "Make room on the log's disk, or correct its permissions; the agent goes on by itself then.", true},
    [HA_E_DEADLINE] = {"deadline", 504, "The token didn't answer in time",
                       "Try again; if it persists, check the token and the connection to it, or raise 'deadline-ms'.",
                       true},
    [HA_E_IO] = {"io", 500, "A system call failed",
                 "Check that the path is there, that its permissions are right and that the disk isn't full.", false},
    [HA_E_CONFIG] = {"config", 500, "The configuration is wrong",
                     "Correct it, then check it with 'hsm-agentd --check'.", false},
    [HA_E_USAGE] = {"usage", 400, "The command line is wrong", "See 'hsm-agent --help'.", false},
    [HA_E_AGENT] =
        {"agent-unreachable", 502, "The agent can't be reached",
         "Check that hsm-agentd runs, and that --socket or HSM_AGENT_SOCKET names a socket that you may use.", true},
    [HA_E_CA] = {"ca-failed", 502, "The certificate authority didn't do its part",
                 "Look at 'hsm-agent enrol --list', and go on with 'hsm-agent enrol --resume'.", true},
};
static_assert(HA_ARRAY_SIZE(codes) == HA_CODE_COUNT, "each code has its row");

const struct ha_code_info *ha_code_info(enum ha_code code)
{
    return &codes[(unsigned)code < HA_CODE_COUNT ? code : HA_E_INTERNAL];
}

enum ha_code ha_code_by_name(const char *name)
{
    for (unsigned code = 0; code < HA_CODE_COUNT; code++) {
        if (strcmp(codes[code].name, name) == 0)
            return (enum ha_code)code;
    }
    return HA_E_INTERNAL;
}

// vsnprintf that doesn't leave half a UTF-8 character where it had to cut.
static void print_cut(char *out, size_t size, const char *format, va_list args) HA_PRINTF(3, 0);
static void print_cut(char *out, size_t size, const char *format, va_list args)
{
    int n = vsnprintf(out, size, format, args);
    if (n < 0)
        out[0] = '\0';
    if (n < 0 || (size_t)n < size)
        return;
    size_t end = size - 1;
    while (end > 0 && ((unsigned char)out[end - 1] & 0xc0) == 0x80)
        end--;
    if (end > 0 && ((unsigned char)out[end - 1] & 0xc0) == 0xc0)
        end--;
    else
        end = size - 1;
    out[end] = '\0';
}

static void print_words(char *out, size_t size, const char *format, ...) HA_PRINTF(3, 4);
static void print_words(char *out, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    print_cut(out, size, format, args);
    va_end(args);
}

// The words may be made from what err holds now, so they are always printed beside it first.
static enum ha_code start(struct ha_err *err, enum ha_code code, const char *detail)
{
    struct ha_err fresh = {.code = code};
    print_words(fresh.detail, sizeof fresh.detail, "%s", detail);
    print_words(fresh.hint, sizeof fresh.hint, "%s", ha_code_info(code)->hint);
    *err = fresh;
    return code;
}

enum ha_code ha_fail(struct ha_err *err, enum ha_code code, const char *format, ...)
{
    char detail[sizeof err->detail];
    va_list args;
    va_start(args, format);
    print_cut(detail, sizeof detail, format, args);
    va_end(args);
    return start(err, code, detail);
}

enum ha_code ha_fail_errno(struct ha_err *err, int errno_value, const char *format, ...)
{
    char what[sizeof err->detail];
    char detail[sizeof err->detail];
    char reason[128];
    va_list args;
    va_start(args, format);
    print_cut(what, sizeof what, format, args);
    va_end(args);
    print_words(detail, sizeof detail, "%s: %s", what, strerror_r(errno_value, reason, sizeof reason));
    start(err, HA_E_IO, detail);
    errno = errno_value;
    return HA_E_IO;
}

enum ha_code ha_wrap(struct ha_err *err, const char *format, ...)
{
    char what[sizeof err->detail];
    char detail[sizeof err->detail];
    va_list args;
    va_start(args, format);
    print_cut(what, sizeof what, format, args);
    va_end(args);
    print_words(detail, sizeof detail, "%s: %s", what, err->detail);
    memcpy(err->detail, detail, sizeof detail);
    return err->code;
}

enum ha_code ha_hint(struct ha_err *err, const char *format, ...)
{
    char hint[sizeof err->hint];
    va_list args;
    va_start(args, format);
    print_cut(hint, sizeof hint, format, args);
    va_end(args);
    memcpy(err->hint, hint, sizeof hint);
    return err->code;
}

enum ha_code ha_at(struct ha_err *err, const char *format, ...)
{
    char pointer[sizeof err->pointer];
    va_list args;
    va_start(args, format);
    print_cut(pointer, sizeof pointer, format, args);
    va_end(args);
    memcpy(err->pointer, pointer, sizeof pointer);
    return err->code;
}
