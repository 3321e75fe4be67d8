// SPDX-License-Identifier: Apache-2.0
// key export: a key that was made for backups, as PKCS#12 for somebody else.
#include "cli/command.h"
#include "cli/out.h"
#include "cli/password.h"
#include "crypto/key_file.h"
#include "crypto/recipient.h"
#include "crypto/slow_hash.h"

#include <string.h>

enum { PASSWORD_MIN = 12 };

// The agent sees this alone of the password, and hashes it once more with a salt of its own before it remembers it.
static enum ha_code hash_password(const struct ha_buf *password, uint8_t ret_hash[static HA_SLOW_HASH_LEN],
                                  struct ha_err *err)
{
    static const char salt[] = "hsm-agent transport password";
    ha_auto(ha_secret_free) struct ha_secret *secret = NULL;
    if (ha_secret_new(password->len, &secret, err))
        return err->code;
    memcpy(ha_secret_data(secret), password->data, password->len);
    ha_secret_set_len(secret, password->len);
    return ha_slow_hash(secret, salt, sizeof(salt) - 1, ret_hash, err);
}

static enum ha_code read_password(const char *source, struct ha_buf *password, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf again = {0};
    bool typed = !source || strcmp(source, "prompt") == 0;
    if (ha_password_read(source, "New password of the file", password, err) ||
        (typed && ha_password_read(source, "The same again", &again, err)))
        return err->code;
    if (typed && strcmp(ha_buf_text(password), ha_buf_text(&again)) != 0)
        return ha_fail(err, HA_E_MALFORMED, "that wasn't the same password");
    if (password->len >= PASSWORD_MIN)
        return HA_OK;
    ha_fail(err, HA_E_MALFORMED, "the password has fewer than %d bytes", PASSWORD_MIN);
    return ha_hint(err, "Make one for this file alone: openssl rand -base64 24.");
}

static enum ha_code get_sealed(struct ha_cli *cli, const struct ha_recipient *recipient, const struct ha_buf *password,
                               struct ha_doc *doc, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0}, body = {0}, pem = {0};
    uint8_t hash[HA_SLOW_HASH_LEN];
    if (ha_cli_version_path(cli, "/export", &path, err) != HA_OK || hash_password(password, hash, err) != HA_OK)
        return err->code;
    ha_recipient_public(recipient, &pem);
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "recipient", ha_buf_text(&pem));
    ha_jw_bytes(&body, "password_hash", hash, sizeof(hash));
    ha_jw_object_end(&body);
    ha_wipe(hash, sizeof(hash));
    return ha_cli_call(cli, "POST", ha_buf_text(&path), &body, doc, err);
}

static enum ha_code open_sealed(const struct ha_recipient *recipient, const struct ha_doc *doc, struct ha_buf *pkcs8,
                                struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf sealed = {0}, spki = {0};
    ha_auto(ha_pubkey_free) struct ha_pubkey *public_key = NULL;
    if (ha_cli_bytes(doc, "sealed", &sealed, err) != HA_OK || ha_cli_bytes(doc, "public_key", &spki, err) != HA_OK ||
        ha_pubkey_from_spki(spki.data, spki.len, &public_key, err) != HA_OK)
        return err->code;
    return ha_recipient_open(recipient, sealed.data, sealed.len, public_key, pkcs8, err);
}

// The installed chain; none is no error.
static enum ha_code get_certificates(struct ha_cli *cli, struct ha_buf *pem, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (ha_cli_version_path(cli, "/certificate", &path, err) != HA_OK)
        return err->code;
    enum ha_code code = ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err);
    if (code == HA_OK) {
        const char *text = ha_json_get_string(doc.json, "pem");
        ha_buf_puts(pem, text ? text : "");
        return HA_OK;
    }
    if (code != HA_E_NO_CERTIFICATE)
        return code;
    *err = (struct ha_err){0};
    ha_out_note("the key has no installed certificate; the file has none");
    return HA_OK;
}

enum ha_code ha_cmd_key_export(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_recipient_free) struct ha_recipient *recipient = NULL;
    ha_auto(ha_buf_clear) struct ha_buf password = {0}, pkcs8 = {0}, certificates = {0}, file = {0};
    const char *path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    if (ha_out_check(path, true, err) != HA_OK || get_certificates(cli, &certificates, err) != HA_OK ||
        read_password(ha_opt_value(cli->opts, HA_OPT_PASSWORD), &password, err) != HA_OK ||
        ha_recipient_new(&recipient, err) != HA_OK || get_sealed(cli, recipient, &password, &doc, err) != HA_OK ||
        open_sealed(recipient, &doc, &pkcs8, err) != HA_OK ||
        ha_key_file_write(&pkcs8, certificates.len ? ha_buf_text(&certificates) : NULL, cli->opts->arguments[0],
                          ha_buf_text(&password), &file, err) != HA_OK)
        return err->code;
    return ha_out_bytes(path, file.data, file.len, HA_OUT_SECRET, err);
}
