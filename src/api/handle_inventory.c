// SPDX-License-Identifier: Apache-2.0
// /v1/inventory: every version of the keys that the caller may know of, with what has to be renewed when.
#include "api/call.h"

#include "base/clock.h"
#include "format/certificate.h"
#include "keys/certificates.h"
#include "keys/last_use.h"

#include <stdlib.h>
#include <time.h>

static void write_time(struct ha_buf *out, const char *name, int64_t at_s)
{
    char text[25];
    ha_time_iso_at(at_s, text);
    ha_jw_string(out, name, text);
}

// What was read from the certificate once can be read again, so that there is nothing to say of a failure.
static void write_names(struct ha_buf *out, const struct ha_key_certificate *installed)
{
    ha_auto(ha_certificate_free) struct ha_certificate *certificate = NULL;
    ha_auto(ha_buf_clear) struct ha_buf subject = {0}, issuer = {0}, serial = {0};
    struct ha_err ignored = {0};
    const struct ha_buf *der = &installed->chain.der[0];
    if (ha_certificate_read(der->data, der->len, &certificate, &ignored))
        return;
    ha_certificate_subject(certificate, &subject);
    ha_certificate_issuer(certificate, &issuer);
    ha_certificate_serial(certificate, &serial);
    ha_jw_string(out, "subject", ha_buf_text(&subject));
    ha_jw_string(out, "issuer", ha_buf_text(&issuer));
    ha_jw_string(out, "serial", ha_buf_text(&serial));
}

static void write_certificate(struct ha_buf *out, struct ha_key *key)
{
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *installed = ha_key_certificate(key);
    if (!installed)
        return;
    ha_jw_object(out, "certificate");
    write_names(out, installed);
    write_time(out, "not_before", installed->not_before);
    write_time(out, "not_after", installed->not_after);
    ha_jw_hex(out, "sha256", installed->sha256, sizeof installed->sha256);
    ha_jw_number(out, "issuers", (int64_t)installed->chain.n - 1);
    ha_jw_object_end(out);
}

static void write_lists(struct ha_buf *out, const struct ha_key *key)
{
    ha_jw_array(out, "purposes");
    for (size_t i = 0; i < HA_PURPOSE_COUNT; i++)
        if (key->purposes & ha_purpose_info(i)->bit)
            ha_jw_string(out, NULL, ha_purpose_info(i)->name);
    ha_jw_array_end(out);
    ha_jw_array(out, "tokens");
    for (size_t i = 0; i < key->n_replicas; i++)
        ha_jw_string(out, NULL, key->replicas[i].token_name);
    ha_jw_array_end(out);
}

static void write_status(struct ha_buf *out, struct ha_keys *keys, const struct ha_key *key)
{
    int64_t until_s = 0, deletes_s = atomic_load(&key->deletes_s);
    ha_jw_string(out, "status", ha_key_status_name(ha_keys_status(keys, key, &until_s)));
    if (until_s)
        write_time(out, "retires", until_s);
    ha_jw_bool(out, "disabled", atomic_load(&key->disabled));
    if (deletes_s)
        write_time(out, "deletes", deletes_s);
}

static void write_version(struct ha_buf *out, struct ha_keys *keys, struct ha_key *key)
{
    ha_jw_object(out, NULL);
    ha_jw_string(out, "name", key->name);
    ha_jw_number(out, "version", key->version);
    write_status(out, keys, key);
    ha_jw_string(out, "state", ha_key_state_name(ha_key_state(key)));
    ha_jw_string(out, "type", ha_key_type_info(key->type)->name);
    if (key->public_key)
        ha_jw_number(out, "bits", ha_pubkey_bits(key->public_key));
    write_lists(out, key);
    if (key->environment)
        ha_jw_string(out, "environment", key->environment);
    if (key->holder)
        ha_jw_string(out, "holder", key->holder);
    if (key->profile)
        ha_jw_string(out, "profile", key->profile);
    ha_jw_bool(out, "backup", key->backup);
    ha_jw_string(out, "origin", key->adopted ? "adopted" : key->imported ? "imported" : "created");
    ha_jw_string(out, "created", key->created);
    if (ha_last_use(key))
        write_time(out, "last_use", ha_last_use(key));
    if (key->public_key && ha_pubkey_is_public(key->public_key))
        ha_jw_hex(out, "spki_sha256", ha_pubkey_spki_sha256(key->public_key), HA_SPKI_HASH_LEN);
    write_certificate(out, key);
    ha_jw_object_end(out);
}

enum ha_code ha_handle_inventory(struct ha_call_context *call, struct ha_err *err)
{
    const struct ha_days *days = &call->api->config->agent.expiry_days;
    size_t n;
    struct ha_key **keys = ha_keys_all(call->api->keys, &n);
    ha_jw_object(call->out, NULL);
    write_time(call->out, "at", time(NULL));
    ha_jw_array(call->out, "expiry_days");
    for (size_t i = 0; i < days->n; i++)
        ha_jw_number(call->out, NULL, days->items[i]);
    ha_jw_array_end(call->out);
    ha_jw_array(call->out, "keys");
    for (size_t i = 0; i < n; i++) {
        if (ha_policy_operations(call->api->config, call->request->principal, keys[i]->name))
            write_version(call->out, call->api->keys, keys[i]);
    }
    ha_keys_list_free(keys, n);
    ha_jw_array_end(call->out);
    ha_jw_object_end(call->out);
    return HA_OK;
}
