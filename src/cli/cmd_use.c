// SPDX-License-Identifier: Apache-2.0
// Using a key: sign, decrypt, derive.
#include "base/text.h"
#include "cli/command.h"
#include "cli/in.h"
#include "cli/out.h"
#include "crypto/alg.h"

#include <string.h>

enum {
    BODY_MAX = 256 * 1024,          // bytes that the API takes in one request
    BINARY_MAX = BODY_MAX / 4 * 3,  // what fits as base64url, the rest of the body not counted
    PEER_MAX = 16 * 1024,
};

static const struct ha_alg_info *find_alg(const char *name)
{
    return ha_alg_info(ha_alg_by_name(name));
}

// The first of the key's algorithms that signs, appended to out.
static enum ha_code choose_alg(struct ha_cli *cli, struct ha_buf *out, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (ha_cli_version_path(cli, "", &path, err) != HA_OK ||
        ha_cli_call(cli, "GET", ha_buf_text(&path), NULL, &doc, err) != HA_OK)
        return err->code;
    const ha_json *algs = ha_json_get(doc.json, "algorithms");
    for (const ha_json *item = algs ? ha_json_first(algs) : NULL; item; item = ha_json_next(item)) {
        const char *name = ha_json_string(item);
        if (!name || ha_alg_by_name(name) == HA_ALG_NONE || find_alg(name)->use != HA_USE_SIGN)
            continue;
        ha_buf_puts(out, name);
        ha_out_note("signing with %s; --alg chooses another algorithm", name);
        return HA_OK;
    }
    ha_fail(err, HA_E_KEY_CANNOT, "key %s has no algorithm that signs", cli->opts->arguments[0]);
    return ha_hint(err, "Use a key whose purposes include sign; 'hsm-agent key list' shows them.");
}

static const char *openssl_name(enum ha_hash hash)
{
    switch (hash) {
    case HA_HASH_SHA256:
        return "sha256";
    case HA_HASH_SHA384:
        return "sha384";
    case HA_HASH_SHA512:
        return "sha512";
    case HA_HASH_NONE:
    case HA_HASH_SHA1:
    case HA_HASH_COUNT:
        break;
    }
    return NULL;
}

// The same remedy wherever the size is noticed. alg NULL: an operation without a digest to fall back on.
static enum ha_code too_large(const char *alg, struct ha_err *err)
{
    const char *hash = alg ? openssl_name(find_alg(alg)->hash) : NULL;
    ha_fail(err, HA_E_TOO_LARGE, "the input is larger than one request to the agent may be");
    if (hash)
        return ha_hint(err,
                       "Sign a digest made on this side: openssl dgst -%s -binary FILE | hsm-agent sign NAME --alg %s "
                       "--digest (the policy must grant sign-digest).",
                       hash, alg);
    return ha_hint(err, "It may have %d bytes, less some for the other members of the request.", BINARY_MAX);
}

static enum ha_code read_input(const struct ha_cli *cli, const char *alg, struct ha_buf *out, struct ha_err *err)
{
    enum ha_code code = ha_in_read(ha_opt_value(cli->opts, HA_OPT_INPUT), BINARY_MAX, out, err);
    return code == HA_E_TOO_LARGE ? too_large(alg, err) : code;
}

// POST to the key's tail.
static enum ha_code post(struct ha_cli *cli, const char *tail, const struct ha_buf *body, struct ha_doc *ret_doc,
                         struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (ha_cli_version_path(cli, tail, &path, err) != HA_OK)
        return err->code;
    return ha_cli_call(cli, "POST", ha_buf_text(&path), body, ret_doc, err);
}

// Writes the binary member, or the whole answer with --json, to where -o says.
static enum ha_code write_member(const struct ha_cli *cli, const struct ha_doc *doc, const char *member, mode_t mode,
                                 struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf bytes = {0};
    const char *path = ha_opt_value(cli->opts, HA_OPT_OUTPUT);
    if (ha_cli_wants_json(cli))
        return ha_out_json(path, &doc->text, mode, err);
    enum ha_code code = ha_cli_bytes(doc, member, &bytes, err);
    return code == HA_OK ? ha_out_bytes(path, bytes.data, bytes.len, mode, err) : code;
}

// Where the result can't go and what can't be a name is said before the key is used.
static enum ha_code check_before(const struct ha_cli *cli, bool binary, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf path = {0};
    if (ha_cli_version_path(cli, "", &path, err) != HA_OK)
        return err->code;
    return ha_out_check(ha_opt_value(cli->opts, HA_OPT_OUTPUT), binary && !ha_cli_wants_json(cli), err);
}

static enum ha_code read_format(const struct ha_opts *opts, const char **ret_format, struct ha_err *err)
{
    static const char *const formats[] = {"der", "raw", "jose"};
    const char *format = ha_opt_value(opts, HA_OPT_FORMAT);
    for (size_t i = 0; i < HA_ARRAY_SIZE(formats); i++) {
        if (!format || strcmp(format, formats[i]) == 0) {
            *ret_format = formats[i];
            return HA_OK;
        }
    }
    ha_fail(err, HA_E_USAGE, "--format %s is not known", format);
    return ha_hint(err, "Use der, raw or jose.");
}

static enum ha_code write_signature(const struct ha_cli *cli, const struct ha_doc *doc, bool jose, struct ha_err *err)
{
    const char *text = NULL;
    if (!jose || ha_cli_wants_json(cli))
        return write_member(cli, doc, "signature", HA_OUT_PUBLIC, err);
    enum ha_code code = ha_cli_string(doc, "signature", &text, err);
    if (code != HA_OK)
        return code;
    return ha_out_bytes(ha_opt_value(cli->opts, HA_OPT_OUTPUT), text, strlen(text), HA_OUT_PUBLIC, err);
}

enum ha_code ha_cmd_sign(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf alg = {0};
    ha_auto(ha_buf_clear) struct ha_buf data = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *format = NULL;
    const char *given = ha_opt_value(cli->opts, HA_OPT_ALG);
    if (read_format(cli->opts, &format, err) != HA_OK)
        return err->code;
    bool jose = strcmp(format, "jose") == 0;
    if (check_before(cli, !jose, err) != HA_OK)
        return err->code;
    if (given)
        ha_buf_puts(&alg, given);
    else if (choose_alg(cli, &alg, err) != HA_OK)
        return err->code;
    if (read_input(cli, ha_buf_text(&alg), &data, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "algorithm", ha_buf_text(&alg));
    ha_jw_string(&body, "format", format);
    ha_jw_bytes(&body, ha_opt_given(cli->opts, HA_OPT_DIGEST) ? "digest" : "data", data.data, data.len);
    ha_jw_object_end(&body);
    if (body.len > BODY_MAX)
        return too_large(ha_buf_text(&alg), err);
    if (post(cli, "/sign", &body, &doc, err) != HA_OK)
        return err->code;
    return write_signature(cli, &doc, jose, err);
}

enum ha_code ha_cmd_decrypt(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf ciphertext = {0};
    ha_auto(ha_buf_clear) struct ha_buf label = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    const char *alg = ha_opt_value(cli->opts, HA_OPT_ALG);
    const char *label_file = ha_opt_value(cli->opts, HA_OPT_LABEL_FILE);
    if (check_before(cli, true, err) != HA_OK || read_input(cli, NULL, &ciphertext, err) != HA_OK)
        return err->code;
    if (label_file && ha_in_read(label_file, BINARY_MAX, &label, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "algorithm", alg ? alg : ha_alg_info(HA_ALG_RSA_OAEP_256)->name);
    ha_jw_bytes(&body, "ciphertext", ciphertext.data, ciphertext.len);
    if (label_file)
        ha_jw_bytes(&body, "label", label.data, label.len);
    ha_jw_object_end(&body);
    if (body.len > BODY_MAX)
        return too_large(NULL, err);
    if (post(cli, "/decrypt", &body, &doc, err) != HA_OK)
        return err->code;
    return write_member(cli, &doc, "plaintext", HA_OUT_SECRET, err);
}

// Puts the peer's key into the body: a JWK as the object that it is, anything else as the text of a PEM file.
static enum ha_code put_peer(const char *path, struct ha_buf *body, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf peer = {0};
    ha_auto(ha_json_free) ha_json *jwk = NULL;
    enum ha_code code = ha_in_read(path, PEER_MAX, &peer, err);
    if (code != HA_OK)
        return code;
    const char *text = ha_buf_text(&peer);
    if (strlen(text) != peer.len || !ha_utf8_valid(text, peer.len)) {
        ha_fail(err, HA_E_MALFORMED, "%s isn't text", path);
        return ha_hint(err, "Give the public key as PEM ('openssl pkey -pubin -inform DER' converts it) or as JWK.");
    }
    if (text[strspn(text, " \t\r\n")] != '{') {
        ha_jw_string(body, "peer", text);
        return HA_OK;
    }
    if (ha_json_parse(text, peer.len, 4, &jwk, err) != HA_OK)
        return ha_wrap(err, "%s", path);
    ha_buf_printf(body, ",\"peer\":%s", text);
    return HA_OK;
}

enum ha_code ha_cmd_derive(struct ha_cli *cli, struct ha_err *err)
{
    ha_auto(ha_cli_doc_clear) struct ha_doc doc = {0};
    ha_auto(ha_buf_clear) struct ha_buf body = {0};
    if (check_before(cli, true, err) != HA_OK)
        return err->code;
    ha_jw_object(&body, NULL);
    ha_jw_string(&body, "algorithm", ha_alg_info(HA_ALG_ECDH)->name);
    if (put_peer(ha_opt_value(cli->opts, HA_OPT_PEER), &body, err) != HA_OK)
        return err->code;
    ha_jw_object_end(&body);
    if (post(cli, "/derive", &body, &doc, err) != HA_OK)
        return err->code;
    return write_member(cli, &doc, "secret", HA_OUT_SECRET, err);
}
