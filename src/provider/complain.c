// SPDX-License-Identifier: Apache-2.0
#include "provider/complain.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <syslog.h>

enum { WORDS_SIZE = 1024 };

static void set_error(const struct ha_provider *provider, uint32_t reason, const char *format, ...) HA_PRINTF(3, 4);

static void set_error(const struct ha_provider *provider, uint32_t reason, const char *format, ...)
{
    va_list args;
    provider->new_error(provider->core);
    va_start(args, format);
    provider->vset_error(provider->core, reason, format, args);
    va_end(args);
}

void ha_complain(const struct ha_provider *provider, enum ha_provider_reason reason, const char *key,
                 const char *format, ...)
{
    char words[WORDS_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    if (!key)
        key = "";
    const char *colon = *key ? ": " : "";
    set_error(provider, reason, "%s%s%s", key, colon, words);
    // No openlog: the program's own settings stay as they are.
    syslog(LOG_AUTHPRIV | LOG_ERR, "hsm-agent provider: %s%s%s", key, colon, words);
}

void ha_complain_of_agent(const struct ha_provider *provider, const char *key, const char *act, const char *socket_path,
                          const struct hsm_agent_error *error)
{
    // A refusal says everything by itself. Without an answer the socket is what matters, and it is OpenSSL's
    // configuration that names it here.
    bool refused = error->status >= 400 && error->status < 500;
    if (error->status)
        ha_complain(provider, refused ? HA_REASON_REFUSED : HA_REASON_AGENT, key, "%s: %s%s%s (%s)", act, error->detail,
                    *error->hint ? "; " : "", error->hint, error->code);
    else
        ha_complain(provider, HA_REASON_AGENT, key,
                    "%s: %s; the socket is %s: start hsm-agentd, let this user to it, or name another one (socket = "
                    "PATH in the provider's section of openssl.cnf, or HSM_AGENT_SOCKET) (%s)",
                    act, error->detail, socket_path, error->code);
}
