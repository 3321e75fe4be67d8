// SPDX-License-Identifier: Apache-2.0
// The ways through libcrypto: a file with a key or with a reference to the agent's, and a key of libp11's ENGINE.
#define OPENSSL_SUPPRESS_DEPRECATED  // the ENGINE API is what that peer has
#include "callers.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <openssl/store.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifndef OPENSSL_NO_ENGINE
#include <openssl/engine.h>
#endif

static void *fail(char *why, const char *what)
{
    char words[128] = "";
    ERR_error_string_n(ERR_peek_last_error(), words, sizeof(words));
    callers_fail(why, "%s: %s", what, words);
    return NULL;
}

bool callers_sha256(const struct job *job, uint8_t ret_digest[32])
{
    return EVP_Digest(job->message, job->message_n, ret_digest, NULL, EVP_sha256(), NULL) == 1;
}

// Words: FILE. A reference needs the provider, which OPENSSL_CONF loads.
static void *load_file(const struct job *job, char *why)
{
    OSSL_STORE_CTX *store = OSSL_STORE_open(job->words[0], NULL, NULL, NULL, NULL);
    EVP_PKEY *key = NULL;
    while (store && !key && !OSSL_STORE_eof(store)) {
        OSSL_STORE_INFO *info = OSSL_STORE_load(store);
        key = info ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
        OSSL_STORE_INFO_free(info);
    }
    OSSL_STORE_close(store);
    return key ? key : fail(why, "no key is loaded");
}

// Words: ENGINE MODULE PIN-FILE URI.
#ifdef OPENSSL_NO_ENGINE
static void *load_engine_key(const struct job *job, char *why)
{
    (void)job;
    callers_fail(why, "this OpenSSL has no engines");
    return NULL;
}
#else
static void *load_engine_key(const struct job *job, char *why)
{
    ENGINE_load_dynamic();
    ENGINE *engine = ENGINE_by_id("dynamic");
    if (!engine || !ENGINE_ctrl_cmd_string(engine, "SO_PATH", job->words[0], 0) ||
        !ENGINE_ctrl_cmd_string(engine, "LOAD", NULL, 0))
        return fail(why, "the engine isn't loaded");
    char pin[128] = "";
    FILE *file = fopen(job->words[2], "re");
    if (!file || !fgets(pin, sizeof(pin), file))
        return fail(why, "no PIN");
    fclose(file);
    if (!ENGINE_ctrl_cmd_string(engine, "MODULE_PATH", job->words[1], 0) ||
        !ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) || !ENGINE_init(engine))
        return fail(why, "the engine doesn't take the module");
    EVP_PKEY *key = ENGINE_load_private_key(engine, job->words[3], NULL, NULL);
    return key ? key : fail(why, "the engine finds no key");
}
#endif

static void *same(void *key, const struct job *job, char *why)
{
    (void)job;
    (void)why;
    return key;
}

static void leave(void *key)
{
    (void)key;
}

static bool decrypt(EVP_PKEY *key, const struct job *job, struct output *out)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
    bool done = ctx && EVP_PKEY_decrypt_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
                EVP_PKEY_decrypt(ctx, out->bytes, &out->n, job->ciphertext, job->ciphertext_n) > 0;
    EVP_PKEY_CTX_free(ctx);
    return done;
}

static bool sign(EVP_PKEY *key, const struct job *job, struct output *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const EVP_MD *md = job->operation == ED25519 ? NULL : EVP_sha256();
    bool done = ctx && EVP_DigestSignInit(ctx, NULL, md, NULL, key) > 0 &&
                EVP_DigestSign(ctx, out->bytes, &out->n, job->message, job->message_n) > 0;
    EVP_MD_CTX_free(ctx);
    return done;
}

static bool ask(void *key, const struct job *job, struct output *ret_output, char *why)
{
    struct output out = {.n = OUTPUT_MAX};
    if (!(job->operation == OAEP ? decrypt : sign)(key, job, &out)) {
        fail(why, "libcrypto fails");
        return false;
    }
    if (ret_output)
        *ret_output = out;
    return true;
}

const struct way file_way = {
    .name = "file", .n_words = 1, .words = "FILE", .open = load_file, .caller = same, .ask = ask, .leave = leave};
const struct way engine_way = {.name = "engine",
                               .n_words = 4,
                               .words = "ENGINE MODULE PIN-FILE URI",
                               .open = load_engine_key,
                               .caller = same,
                               .ask = ask,
                               .leave = leave};
