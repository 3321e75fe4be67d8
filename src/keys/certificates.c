// SPDX-License-Identifier: Apache-2.0
#include "keys/certificates.h"

#include "base/file.h"
#include "keys/keys_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_MAX (2 * HA_X5C_BYTES_MAX)  // bytes of PEM

void ha_key_certificate_unref(struct ha_key_certificate *certificate)
{
    if (!certificate || atomic_fetch_sub_explicit(&certificate->refs, 1, memory_order_acq_rel) != 1)
        return;
    ha_x5c_clear(&certificate->chain);
    free(certificate);
}

struct ha_key_certificate *ha_key_certificate(struct ha_key *key)
{
    pthread_mutex_lock(&key->lock);
    struct ha_key_certificate *certificate = key->certificate;
    if (certificate)
        atomic_fetch_add_explicit(&certificate->refs, 1, memory_order_relaxed);
    pthread_mutex_unlock(&key->lock);
    return certificate;
}

// Takes over the caller's reference.
static void set(struct ha_key *key, struct ha_key_certificate *certificate)
{
    pthread_mutex_lock(&key->lock);
    struct ha_key_certificate *before = key->certificate;
    key->certificate = certificate;
    pthread_mutex_unlock(&key->lock);
    ha_key_certificate_unref(before);
}

static enum ha_code make(const struct ha_key *key, const struct ha_x5c *chain,
                         struct ha_key_certificate **ret_certificate, struct ha_err *err)
{
    if (!key->public_key || !ha_pubkey_is_public(key->public_key))
        return ha_fail(err, HA_E_KEY_CANNOT, "'%s' has no public key, so no certificate can be for it", key->name);
    if (ha_x5c_check_key(chain, key->public_key, err))
        return err->code;
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *made = calloc(1, sizeof *made);
    if (!made)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    atomic_init(&made->refs, 1);
    for (size_t i = 0; i < chain->n; i++)
        if (ha_x5c_add(&made->chain, chain->der[i].data, chain->der[i].len, err))
            return err->code;
    if (ha_x5c_dates(chain, &made->not_before, &made->not_after, err) || ha_x5c_sha256(chain, made->sha256, err))
        return err->code;
    *ret_certificate = ha_take(&made);
    return HA_OK;
}

static enum ha_code path_of(const struct ha_keys *keys, const struct ha_key *key, char **ret_path, struct ha_err *err)
{
    if (asprintf(ret_path, "%s/%s@%u.pem", keys->certificates, key->name, key->version) >= 0)
        return HA_OK;
    *ret_path = NULL;
    return ha_fail(err, HA_E_MEMORY, "out of memory");
}

enum ha_code ha_certificates_open(struct ha_keys *keys, const char *state_dir, struct ha_err *err)
{
    if (asprintf(&keys->certificates, "%s/certificates", state_dir) < 0) {
        keys->certificates = NULL;
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    }
    return ha_dir_make(keys->certificates, 0700, err) ? ha_wrap(err, "the state directory can't be made") : HA_OK;
}

static enum ha_code load(const struct ha_key *key, const char *path, struct ha_key_certificate **ret_certificate,
                         struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(ha_x5c_clear) struct ha_x5c chain = {0};
    struct ha_err failure = {0};
    if (ha_file_read(path, FILE_MAX, HA_FILE_TRUSTED, &pem, &failure)) {
        if (failure.code == HA_E_IO && errno == ENOENT)
            return HA_OK;
        *err = failure;
        return err->code;
    }
    if (ha_x5c_from_pem(ha_buf_text(&pem), pem.len, &chain, err))
        return err->code;
    return make(key, &chain, ret_certificate, err);
}

void ha_certificates_load(struct ha_keys *keys, struct ha_key *key)
{
    struct ha_err err = {0};
    ha_auto(ha_free) char *path = NULL;
    struct ha_key_certificate *certificate = NULL;
    // A key whose creation or deletion was cut off has none to show.
    if (key->phase != HA_PHASE_READY)
        return;
    if (path_of(keys, key, &path, &err) || load(key, path, &certificate, &err)) {
        ha_hint(&err, "install the key's certificate again with `hsm-agent cert install`");
        ha_log_err(keys->log, HA_LOG_ERROR, "certificate-not-loaded", &err, HA_S("key", key->name), HA_S("file", path));
    }
    if (certificate)
        set(key, certificate);
}

enum ha_code ha_certificates_remove(struct ha_keys *keys, struct ha_key *key, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    if (path_of(keys, key, &path, err) || ha_file_remove(path, err))
        return err->code;
    set(key, NULL);
    return HA_OK;
}

// Under keys->changing. A key that was deleted meanwhile mustn't leave a file behind.
static enum ha_code check_present(struct ha_keys *keys, const struct ha_key *key, struct ha_err *err)
{
    bool present = false;
    pthread_rwlock_rdlock(&keys->lock);
    for (size_t i = 0; i < keys->n && !present; i++)
        present = keys->items[i] == key;
    pthread_rwlock_unlock(&keys->lock);
    return present && key->phase == HA_PHASE_READY
               ? HA_OK
               : ha_fail(err, HA_E_CONFLICT, "the key '%s' isn't there any more", key->name);
}

enum ha_code ha_keys_install(struct ha_keys *keys, struct ha_key *key, const struct ha_x5c *chain, struct ha_err *err)
{
    ha_auto(ha_free) char *path = NULL;
    ha_auto(ha_buf_clear) struct ha_buf pem = {0};
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = NULL;
    if (make(key, chain, &certificate, err) || path_of(keys, key, &path, err))
        return err->code;
    ha_x5c_to_pem(chain, &pem);
    if (!ha_buf_ok(&pem))
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    pthread_mutex_lock(&keys->changing);
    enum ha_code code = check_present(keys, key, err);
    if (code == HA_OK)
        code = ha_file_write(path, pem.data, pem.len, 0600, err);
    if (code == HA_OK)
        set(key, ha_take(&certificate));
    pthread_mutex_unlock(&keys->changing);
    return code;
}

enum ha_code ha_keys_uninstall(struct ha_keys *keys, struct ha_key *key, struct ha_err *err)
{
    pthread_mutex_lock(&keys->changing);
    ha_auto(ha_key_certificate_unref) struct ha_key_certificate *certificate = ha_key_certificate(key);
    enum ha_code code = certificate
                            ? ha_certificates_remove(keys, key, err)
                            : ha_fail(err, HA_E_NO_CERTIFICATE, "no certificate is installed for '%s'", key->name);
    pthread_mutex_unlock(&keys->changing);
    return code;
}
