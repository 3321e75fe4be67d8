// SPDX-License-Identifier: Apache-2.0
#include "policy/tls.h"

static unsigned purpose_of(enum ha_content content)
{
    switch (content) {
    case HA_CONTENT_TLS13_SERVER:
    case HA_CONTENT_TLS12_SERVER:
        return HA_PURPOSE_TLS_SERVER;
    case HA_CONTENT_TLS13_CLIENT:
    case HA_CONTENT_TLS12_CLIENT:
        return HA_PURPOSE_TLS_CLIENT;
    case HA_CONTENT_OTHER:
    case HA_CONTENT_CSR:
    case HA_CONTENT_X509:
    case HA_CONTENT_COUNT:
        break;
    }
    return 0;
}

enum ha_code ha_tls_check(unsigned purposes, enum ha_content content, enum ha_alg alg, struct ha_err *err)
{
    const struct ha_content_info *info = ha_content_info(content);
    char own[HA_PURPOSES_TEXT_MAX];
    ha_purposes_print(purposes, own, sizeof(own));
    if (!(purposes & HA_PURPOSES_TLS)) {
        ha_fail(err, HA_E_KEY_CANNOT, "the key isn't made for TLS (the content is: %s); its purpose is %s", info->name,
                own);
        return ha_hint(err, "create a key with the purpose tls-server or tls-client; a key's purpose can't be changed");
    }
    if (!info->tls) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key with the purpose %s signs TLS handshakes only, not this content: %s", own,
                info->name);
        if (content == HA_CONTENT_CSR)
            return ha_hint(err, "`hsm-agent csr` (POST /v1/keys/NAME/csr) makes certificate requests with this key");
        return ha_hint(err, "use a key with the purpose sign for what isn't a TLS handshake");
    }
    if (!(purposes & purpose_of(content))) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key with the purpose %s doesn't sign this content: %s", own, info->name);
        return ha_hint(err, "a server's signatures take the purpose tls-server, a client's tls-client");
    }
    if ((purposes & HA_PURPOSE_TLS13_ONLY) && !info->tls13) {
        ha_fail(err, HA_E_KEY_CANNOT, "a key with the purpose %s doesn't sign this content of TLS 1.2: %s", own,
                info->name);
        return ha_hint(err, "let the program speak TLS 1.3 only, or use a key without tls13-only");
    }
    if (info->tls13 && ha_alg_info(alg)->padding == HA_PAD_PKCS1) {
        ha_fail(err, HA_E_KEY_CANNOT, "TLS 1.3 has no rsa_pkcs1 signatures of handshakes (the content is: %s)",
                info->name);
        return ha_hint(err, "use rsa_pss_rsae_sha256, rsa_pss_rsae_sha384 or rsa_pss_rsae_sha512");
    }
    return HA_OK;
}

enum ha_code ha_tls_check_message(enum ha_content content, struct ha_err *err)
{
    const struct ha_content_info *info = ha_content_info(content);
    if (!info->tls)
        return HA_OK;
    ha_fail(err, HA_E_KEY_CANNOT, "a key with the purpose sign signs nothing of TLS, and this content is: %s",
            info->name);
    return ha_hint(err, "create a key with the purpose tls-server or tls-client, and use POST /v1/keys/NAME/tls");
}
