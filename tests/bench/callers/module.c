// SPDX-License-Identifier: Apache-2.0
// The way through a PKCS#11 module in this process, a session for each caller, the key's handle kept: SoftHSM2 itself,
// or p11-kit's client of a remote one.
#include "callers.h"

#include <dlfcn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef CKM_EDDSA
#define CKM_EDDSA 0x00001057ul
#endif

struct module {
    CK_FUNCTION_LIST *f;
    CK_SLOT_ID slot;
    CK_SESSION_HANDLE login;  // stays open, or the login is lost
};

struct session {
    CK_FUNCTION_LIST *f;
    CK_SESSION_HANDLE handle;
    CK_OBJECT_HANDLE key;
};

static bool good(CK_RV rv, const char *function, char *why)
{
    return rv == CKR_OK || callers_fail(why, "%s: 0x%lx", function, (unsigned long)rv);
}

static bool find_slot(struct module *module, const char *label, char *why)
{
    CK_SLOT_ID slots[64];
    CK_ULONG n = sizeof(slots) / sizeof(*slots);
    if (!good(module->f->C_GetSlotList(CK_TRUE, slots, &n), "C_GetSlotList", why))
        return false;
    for (CK_ULONG i = 0; i < n; i++) {
        CK_TOKEN_INFO info;
        if (module->f->C_GetTokenInfo(slots[i], &info) == CKR_OK &&
            strncmp((const char *)info.label, label, strlen(label)) == 0) {
            module->slot = slots[i];
            return true;
        }
    }
    return callers_fail(why, "no token %s", label);
}

static bool log_in(struct module *module, const char *pin_file, CK_FLAGS flags, char *why)
{
    char pin[128] = "";
    FILE *file = fopen(pin_file, "re");
    bool read = file && fgets(pin, sizeof(pin), file);
    if (file)
        fclose(file);
    if (!read)
        return callers_fail(why, "no PIN in %s", pin_file);
    return good(module->f->C_OpenSession(module->slot, flags, NULL, NULL, &module->login), "C_OpenSession", why) &&
           good(module->f->C_Login(module->login, CKU_USER, (CK_UTF8CHAR *)pin, strlen(pin)), "C_Login", why);
}

// Words: MODULE LABEL PIN-FILE.
static struct module *open_module(char **words, CK_FLAGS flags, char *why)
{
    void *library = dlopen(words[0], RTLD_NOW | RTLD_LOCAL);
    CK_C_GetFunctionList get = library ? (CK_C_GetFunctionList)dlsym(library, "C_GetFunctionList") : NULL;
    struct module *module = calloc(1, sizeof(*module));
    CK_C_INITIALIZE_ARGS args = {.flags = CKF_OS_LOCKING_OK};
    if (!module || !get) {
        callers_fail(why, "%s isn't loaded", words[0]);
    } else if (good(get(&module->f), "C_GetFunctionList", why) &&
               good(module->f->C_Initialize(&args), "C_Initialize", why) && find_slot(module, words[1], why) &&
               log_in(module, words[2], flags, why)) {
        return module;
    }
    free(module);
    return NULL;
}

static void *open_way(const struct job *job, char *why)
{
    return open_module(job->words, CKF_SERIAL_SESSION, why);
}

static size_t unhex(const char *text, uint8_t *bytes, size_t size)
{
    size_t n = 0;
    for (unsigned value = 0; n < size && sscanf(text + 2 * n, "%2x", &value) == 1; n++)
        bytes[n] = (uint8_t)value;
    return n;
}

// Words: ... ID, hexadecimal.
static void *open_session(void *opened, const struct job *job, char *why)
{
    const struct module *module = opened;
    struct session *session = calloc(1, sizeof(*session));
    uint8_t id[64];
    CK_OBJECT_CLASS private_key = CKO_PRIVATE_KEY;
    CK_ATTRIBUTE wanted[] = {
        {CKA_CLASS, &private_key, sizeof(private_key)},
        {CKA_ID, id, unhex(job->words[3], id, sizeof(id))},
    };
    CK_ULONG n = 0;
    if (!session)
        return NULL;
    session->f = module->f;
    if (good(module->f->C_OpenSession(module->slot, CKF_SERIAL_SESSION, NULL, NULL, &session->handle), "C_OpenSession",
             why) &&
        good(module->f->C_FindObjectsInit(session->handle, wanted, 2), "C_FindObjectsInit", why) &&
        good(module->f->C_FindObjects(session->handle, &session->key, 1, &n), "C_FindObjects", why) &&
        good(module->f->C_FindObjectsFinal(session->handle), "C_FindObjectsFinal", why) &&
        (n == 1 || callers_fail(why, "no key with id %s", job->words[3])))
        return session;
    free(session);
    return NULL;
}

static bool decrypt(struct session *session, const struct job *job, struct output *out, char *why)
{
    CK_RSA_PKCS_OAEP_PARAMS oaep = {.hashAlg = CKM_SHA_1, .mgf = CKG_MGF1_SHA1, .source = CKZ_DATA_SPECIFIED};
    CK_MECHANISM mechanism = {CKM_RSA_PKCS_OAEP, &oaep, sizeof(oaep)};
    CK_ULONG n = OUTPUT_MAX;
    if (!good(session->f->C_DecryptInit(session->handle, &mechanism, session->key), "C_DecryptInit", why) ||
        !good(session->f->C_Decrypt(session->handle, (CK_BYTE *)job->ciphertext, job->ciphertext_n, out->bytes, &n),
              "C_Decrypt", why))
        return false;
    out->n = n;
    return true;
}

// What the token gets is what libcrypto or the agent would give it: a digest, for RSA with its DigestInfo.
static bool sign(struct session *session, const struct job *job, struct output *out, char *why)
{
    static const uint8_t digest_info[] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                          0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};
    static const CK_MECHANISM_TYPE types[] = {[RS256] = CKM_RSA_PKCS, [ES256] = CKM_ECDSA, [ED25519] = CKM_EDDSA};
    CK_MECHANISM mechanism = {types[job->operation], NULL, 0};
    uint8_t input[sizeof(digest_info) + 32];
    const uint8_t *data = input;
    size_t data_n = sizeof(input);
    memcpy(input, digest_info, sizeof(digest_info));
    if (!callers_sha256(job, input + sizeof(digest_info)))
        return callers_fail(why, "no digest");
    if (job->operation == ES256) {
        data = input + sizeof(digest_info);
        data_n = 32;
    } else if (job->operation == ED25519) {
        data = job->message;
        data_n = job->message_n;
    }
    CK_ULONG n = OUTPUT_MAX;
    if (!good(session->f->C_SignInit(session->handle, &mechanism, session->key), "C_SignInit", why) ||
        !good(session->f->C_Sign(session->handle, (CK_BYTE *)data, data_n, out->bytes, &n), "C_Sign", why))
        return false;
    out->n = n;
    return true;
}

// ECDSA as others give it, r and s in DER.
static bool to_der(struct output *out)
{
    ECDSA_SIG *sig = ECDSA_SIG_new();
    int half = (int)out->n / 2;
    BIGNUM *r = BN_bin2bn(out->bytes, half, NULL), *s = BN_bin2bn(out->bytes + half, half, NULL);
    unsigned char *at = out->bytes;
    int n = sig && ECDSA_SIG_set0(sig, r, s) ? i2d_ECDSA_SIG(sig, &at) : -1;
    ECDSA_SIG_free(sig);
    out->n = n > 0 ? (size_t)n : 0;
    return n > 0;
}

static bool ask(void *caller, const struct job *job, struct output *ret_output, char *why)
{
    struct output out;
    if (!(job->operation == OAEP ? decrypt : sign)(caller, job, &out, why))
        return false;
    if (ret_output) {
        if (job->operation == ES256 && !to_der(&out))
            return callers_fail(why, "no DER");
        *ret_output = out;
    }
    return true;
}

static void leave(void *caller)
{
    struct session *session = caller;
    session->f->C_CloseSession(session->handle);
    free(session);
}

const struct way module_way = {.name = "module",
                               .n_words = 4,
                               .words = "MODULE LABEL PIN-FILE ID",
                               .open = open_way,
                               .caller = open_session,
                               .ask = ask,
                               .leave = leave};

bool callers_fill(char **words, char *why)
{
    static const uint8_t p256[] = {0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07};
    struct module *module = open_module(words, CKF_SERIAL_SESSION | CKF_RW_SESSION, why);
    if (!module)
        return false;
    CK_BBOOL yes = CK_TRUE;
    CK_MECHANISM generate = {CKM_EC_KEY_PAIR_GEN, NULL, 0};
    bool done = true;
    for (long i = 0; done && i < atol(words[3]); i++) {
        char name[32];
        snprintf(name, sizeof(name), "fill-%ld", i);
        CK_ATTRIBUTE public[] = {{CKA_TOKEN, &yes, sizeof(yes)},
                                 {CKA_EC_PARAMS, (void *)p256, sizeof(p256)},
                                 {CKA_ID, name, strlen(name)},
                                 {CKA_LABEL, name, strlen(name)}};
        CK_ATTRIBUTE private[] = {{CKA_TOKEN, &yes, sizeof(yes)},     {CKA_PRIVATE, &yes, sizeof(yes)},
                                  {CKA_SENSITIVE, &yes, sizeof(yes)}, {CKA_SIGN, &yes, sizeof(yes)},
                                  {CKA_ID, name, strlen(name)},       {CKA_LABEL, name, strlen(name)}};
        CK_OBJECT_HANDLE public_key, private_key;
        done = good(
            module->f->C_GenerateKeyPair(module->login, &generate, public, 4, private, 6, &public_key, &private_key),
            "C_GenerateKeyPair", why);
        uint8_t point[256];
        CK_ATTRIBUTE attribute = {CKA_EC_POINT, point, sizeof(point)};
        done = done && good(module->f->C_GetAttributeValue(module->login, public_key, &attribute, 1),
                            "C_GetAttributeValue", why);
        printf("%s ", name);
        for (CK_ULONG at = 0; done && at < attribute.ulValueLen; at++)
            printf("%02x", point[at]);
        putchar('\n');
    }
    module->f->C_Finalize(NULL);
    free(module);
    return done;
}
