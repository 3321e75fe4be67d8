// SPDX-License-Identifier: Apache-2.0
// What programs with OpenSSL need to use a key of the agent: a file that refers to it, and a configuration.
#include "base/text.h"
#include "cli/command.h"
#include "cli/out.h"

#include <string.h>

enum { DER_UTF8_STRING = 0x0c, DER_SEQUENCE = 0x30 };

static const char description[] = "hsm-agent key reference";

// Appends a tag and the length of what follows, in the shortest form.
static void put_der_head(struct ha_buf *out, uint8_t tag, size_t n)
{
    uint8_t digits[sizeof n];
    size_t count = 0;
    ha_buf_putc(out, (char)tag);
    if (n < 0x80) {
        ha_buf_putc(out, (char)n);
        return;
    }
    for (size_t rest = n; rest > 0; rest >>= 8)
        digits[sizeof digits - ++count] = (uint8_t)rest;
    ha_buf_putc(out, (char)(0x80 | count));
    ha_buf_append(out, digits + sizeof digits - count, count);
}

static void put_der_text(struct ha_buf *out, const char *text)
{
    put_der_head(out, DER_UTF8_STRING, strlen(text));
    ha_buf_puts(out, text);
}

// SubjectPublicKeyInfo with rsaEncryption -> the same with id-RSASSA-PSS and no parameters (RFC 4055 section 3.1).
static enum ha_code make_pss(struct ha_buf *spki, struct ha_err *err)
{
    // AlgorithmIdentifiers: rsaEncryption with NULL, and what takes its place.
    static const uint8_t rsa[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
                                  0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
    static const uint8_t pss[] = {0x30, 0x0b, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
    const size_t head = 4;  // a SEQUENCE of 256 to 65535 bytes: every RSA key that the agent has
    if (spki->len <= head + sizeof rsa || spki->data[0] != DER_SEQUENCE || spki->data[1] != 0x82 ||
        memcmp(spki->data + head, rsa, sizeof rsa) != 0) {
        ha_fail(err, HA_E_USAGE, "--pss is for RSA keys only");
        return ha_hint(err, "Leave it out, or name an RSA key.");
    }
    const uint8_t *key = spki->data + head + sizeof rsa;
    const size_t key_len = spki->len - head - sizeof rsa;
    ha_auto(ha_buf_clear) struct ha_buf changed = {0};
    put_der_head(&changed, DER_SEQUENCE, sizeof pss + key_len);
    ha_buf_append(&changed, pss, sizeof pss);
    ha_buf_append(&changed, key, key_len);
    if (!ha_buf_ok(&changed))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    ha_buf_clear(spki);
    *spki = changed;
    changed = (struct ha_buf){0};
    return HA_OK;
}

// SEQUENCE { UTF8String description, UTF8String uri, SubjectPublicKeyInfo }
static void put_reference(struct ha_buf *out, const char *key, const struct ha_buf *spki)
{
    ha_auto(ha_buf_clear) struct ha_buf uri = {0};
    ha_auto(ha_buf_clear) struct ha_buf content = {0};
    ha_auto(ha_buf_clear) struct ha_buf der = {0};
    ha_buf_printf(&uri, "hsm-agent:%s", key);
    put_der_text(&content, description);
    put_der_text(&content, ha_buf_text(&uri));
    ha_buf_append(&content, spki->data, spki->len);
    put_der_head(&der, DER_SEQUENCE, content.len);
    ha_buf_append(&der, content.data, content.len);
    ha_buf_puts(out, "-----BEGIN HSM-AGENT KEY-----\n");
    ha_b64_encode(out, der.data, der.len, 64);
    ha_buf_puts(out, "-----END HSM-AGENT KEY-----\n");
    out->failed = out->failed || !ha_buf_ok(&uri) || !ha_buf_ok(&content) || !ha_buf_ok(&der);
}

enum ha_code ha_cmd_pem(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    ha_auto(ha_buf_clear) struct ha_buf spki = {0};
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    const char *out_path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    struct ha_err reason = {0};
    if (ha_cli_version_path(cli, "", &path, err) != HA_OK ||
        ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err) != HA_OK)
        return err->code;
    if (ha_cli_wants_json(cli))
        return ha_out_json(out_path, &doc.text, HA_OUT_PUBLIC, err);
    const ha_json *public_key = ha_json_get(doc.json, "public_key");
    const char *der =
        public_key && ha_json_type(public_key) == HA_JSON_OBJECT ? ha_json_get_string(public_key, "der") : NULL;
    if (!der || ha_b64u_decode(&spki, der, strlen(der), &reason) != HA_OK || spki.len == 0)
        return ha_cli_unexpected(err, "has no public key in DER");
    if (ha_opt_given(cli->opts, HA_OPT_PSS) && make_pss(&spki, err) != HA_OK)
        return err->code;
    put_reference(&pem, cli->opts->arguments[0], &spki);
    if (!ha_buf_ok(&pem))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return ha_out_bytes(out_path, pem.data, pem.len, HA_OUT_PUBLIC, err);
}

// A value of OpenSSL's configuration can be any line, but for these characters.
static enum ha_code check_module(const char *module, struct ha_err *err)
{
    if (module[0] && strcspn(module, "\"'\\$#;\n\r`") == strlen(module) && !strchr(" \t", module[0]) &&
        !strchr(" \t", module[strlen(module) - 1]))
        return HA_OK;
    ha_fail(err, HA_E_USAGE, "--module %s can't be written into OpenSSL's configuration", module);
    return ha_hint(err, "Give a path without quotes, backslashes, $, #, ; and without spaces at its ends.");
}

static void put_conf(struct ha_buf *out, const char *module)
{
    ha_buf_puts(
        out,
        "# OpenSSL's configuration for programs that use keys of hsm-agent: name this file in the\n"
        "# environment variable OPENSSL_CONF, or merge it into the system's openssl.cnf.\n"
        "openssl_conf = openssl_init\n"
        "\n"
        "[openssl_init]\n"
        "providers = providers\n"
        "\n"
        "# \"default\" comes first, and the section of the other has a name that sorts behind it: both decide who\n"
        "# does RSA and EC when a program asks for just that, and software keys are for \"default\".\n"
        "[providers]\n"
        "default = default_provider\n"
        "zz_hsmagent = zz_hsmagent_provider\n"
        "\n"
        "# Once any provider is named, \"default\" isn't active by itself any more; nothing works without it.\n"
        "[default_provider]\n"
        "activate = 1\n"
        "\n"
        "# Don't set default_properties = provider=default elsewhere: it would lock the agent's keys out.\n"
        "[zz_hsmagent_provider]\n");
    ha_buf_printf(out, "module = %s\nactivate = 1\n", module);
}

enum ha_code ha_cmd_openssl_conf(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    const char *given = ha_opt_value(cli->opts, HA_OPT_MODULE);
    const char *module = given ? given : HA_OPENSSL_MODULESDIR "/hsmagent.so";
    if (check_module(module, err) != HA_OK)
        return err->code;
    put_conf(&text, module);
    if (!ha_buf_ok(&text))
        return ha_fail(err, HA_E_MEMORY, "out of memory for the output");
    return ha_out_bytes(ha_opt_value(cli->opts, HA_OPT_OUTPUT), text.data, text.len, HA_OUT_PUBLIC, err);
}
