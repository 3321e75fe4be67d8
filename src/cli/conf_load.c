// SPDX-License-Identifier: Apache-2.0
#include "cli/conf_load.h"

#include "base/clock.h"
#include "cli/ossl_types.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

// How far the child came; it is told after each step, so that the last one is known when it dies.
enum stage { STARTED, LOADED, KEY_LOADED, SIGNED };

struct progress {
    enum stage stage;
    bool failed;  // at the next one
    char reason[700];
};
static_assert(sizeof(struct progress) <= 4096, "it goes through the pipe whole");

enum { CONTENT_MAX = 200, SIGNATURE_MAX = 1024 };

static void tell(int fd, struct progress *progress)
{
    // When nobody reads, nobody wants to know.
    if (write(fd, progress, sizeof *progress) < 0)
        _exit(1);
}

// All reasons that are queued, the first one first: the loader's is the data of one of them. "": there is none.
static void take_reasons(struct progress *progress)
{
    size_t at = 0;
    const char *data;
    int flags;
    unsigned long error;
    progress->failed = true;
    progress->reason[0] = '\0';
    while ((error = ERR_get_error_all(NULL, NULL, NULL, &data, &flags)) != 0) {
        const char *reason = ERR_reason_error_string(error);
        bool has_data = data && flags & ERR_TXT_STRING && data[0];
        int n = snprintf(progress->reason + at, sizeof progress->reason - at, "%s%s%s%s", at > 0 ? "; " : "",
                         reason ? reason : "unknown error", has_data ? ": " : "", has_data ? data : "");
        at += n > 0 ? (size_t)n : 0;
        if (at >= sizeof progress->reason)
            return;
    }
}

// OpenSSL calls it a success when a provider couldn't be loaded, and forgets the reasons: loading the file by itself
// brings them back.
static bool is_available(OSSL_LIB_CTX *libctx, const char *name, const char *module, struct progress *progress)
{
    if (OSSL_PROVIDER_available(libctx, name) == 1)
        return true;
    OSSL_LIB_CTX *other = OSSL_LIB_CTX_new();
    if (module && other && !OSSL_PROVIDER_load(other, module))
        take_reasons(progress);
    progress->failed = true;
    if (!progress->reason[0])
        snprintf(progress->reason, sizeof progress->reason, "the provider %.100s isn't active after it", name);
    return false;
}

// The module's own word on what it is, whatever its file is called.
static bool is_ours(OSSL_LIB_CTX *libctx, const char *name, struct progress *progress)
{
    const char *own = NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_ptr(OSSL_PROV_PARAM_NAME, (char **)&own, 0), OSSL_PARAM_END};
    OSSL_PROVIDER *provider = OSSL_PROVIDER_load(libctx, name);
    bool is = provider && OSSL_PROVIDER_get_params(provider, params) == 1 && own && strstr(own, "hsm-agent");
    progress->failed = !is;
    if (!is)
        snprintf(progress->reason, sizeof progress->reason, "the module is another one: %.200s",
                 own ? own : "nameless");
    return is;
}

static bool load_conf(OSSL_LIB_CTX *libctx, const struct ha_conf_load *load, struct progress *progress)
{
    if (OSSL_LIB_CTX_load_config(libctx, load->path) != 1) {
        take_reasons(progress);
        return false;
    }
    return is_available(libctx, "default", NULL, progress) &&
           is_available(libctx, load->provider, load->module, progress) && is_ours(libctx, load->provider, progress);
}

static EVP_PKEY *open_key(OSSL_LIB_CTX *libctx, const char *name)
{
    char uri[128];
    snprintf(uri, sizeof uri, "hsm-agent:%s", name);
    OSSL_STORE_CTX *store = OSSL_STORE_open_ex(uri, libctx, NULL, NULL, NULL, NULL, NULL, NULL);
    OSSL_STORE_INFO *info = store && OSSL_STORE_expect(store, OSSL_STORE_INFO_PKEY) ? OSSL_STORE_load(store) : NULL;
    EVP_PKEY *key = info ? OSSL_STORE_INFO_get1_PKEY(info) : NULL;
    OSSL_STORE_INFO_free(info);
    if (store)
        OSSL_STORE_close(store);
    return key;
}

static size_t make_content(enum ha_conf_trial trial, uint8_t content[static CONTENT_MAX])
{
    static const char message[] = "hsm-agent openssl-check";
    const char *context =
        trial == HA_CONF_TLS_SERVER ? "TLS 1.3, server CertificateVerify" : "TLS 1.3, client CertificateVerify";
    if (trial == HA_CONF_MESSAGE) {
        memcpy(content, message, sizeof message - 1);
        return sizeof message - 1;
    }
    // 64 spaces, the context with its NUL, the hash of a transcript: RFC 8446, section 4.4.3.
    size_t n = strlen(context) + 1;
    memset(content, ' ', 64);
    memcpy(content + 64, context, n);
    RAND_bytes(content + 64 + n, 32);
    return 64 + n + 32;
}

static const char *digest_for(const EVP_PKEY *key)
{
    if (EVP_PKEY_is_a(key, "ED25519"))
        return NULL;
    int bits = EVP_PKEY_is_a(key, "EC") ? EVP_PKEY_get_bits(key) : 256;
    return bits > 384 ? "SHA512" : bits > 256 ? "SHA384" : "SHA256";
}

// Sets PSS as TLS 1.3 has it.
static bool set_pss(EVP_PKEY_CTX *context)
{
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

static bool sign_and_verify(OSSL_LIB_CTX *libctx, EVP_PKEY *key, const uint8_t *content, size_t n, bool pss)
{
    uint8_t signature[SIGNATURE_MAX];
    size_t len = sizeof signature;
    unsigned char *spki = NULL;
    EVP_PKEY_CTX *settings = NULL;
    const char *digest = digest_for(key);
    ha_auto(EVP_MD_CTX_free) EVP_MD_CTX *signing = EVP_MD_CTX_new();
    ha_auto(EVP_MD_CTX_free) EVP_MD_CTX *verifying = EVP_MD_CTX_new();
    if (!signing || !verifying || EVP_DigestSignInit_ex(signing, &settings, digest, libctx, NULL, key, NULL) != 1 ||
        (pss && !set_pss(settings)) || EVP_DigestSign(signing, signature, &len, content, n) != 1)
        return false;
    // Verified by OpenSSL's own code with a copy of the public key.
    int spki_len = i2d_PUBKEY(key, &spki);
    const unsigned char *at = spki;
    ha_auto(EVP_PKEY_free) EVP_PKEY *public = spki_len > 0 ? d2i_PUBKEY_ex(NULL, &at, spki_len, libctx, NULL) : NULL;
    OPENSSL_free(spki);
    return public && EVP_DigestVerifyInit_ex(verifying, &settings, digest, libctx, NULL, public, NULL) == 1 &&
           (!pss || set_pss(settings)) && EVP_DigestVerify(verifying, signature, len, content, n) == 1;
}

static bool try_signature(OSSL_LIB_CTX *libctx, EVP_PKEY *key, enum ha_conf_trial trial)
{
    uint8_t content[CONTENT_MAX];
    size_t n = make_content(trial, content);
    bool rsa = EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "RSA-PSS");
    if (trial != HA_CONF_MESSAGE)
        return sign_and_verify(libctx, key, content, n, rsa);
    // A policy may permit one of both.
    return sign_and_verify(libctx, key, content, n, false) || (rsa && sign_and_verify(libctx, key, content, n, true));
}

// All of it. Objects aren't freed: the process ends at once, and a module that is broken needn't be asked again.
static void run_child(const struct ha_conf_load *load, int fd)
{
    struct progress progress = {.stage = STARTED};
    tell(fd, &progress);
    OSSL_LIB_CTX *libctx = OSSL_LIB_CTX_new();
    if (!libctx || !load_conf(libctx, load, &progress)) {
        tell(fd, &progress);
        return;
    }
    progress.stage = LOADED;
    tell(fd, &progress);
    if (!load->key)
        return;
    EVP_PKEY *key = open_key(libctx, load->key);
    if (!key) {
        take_reasons(&progress);
        tell(fd, &progress);
        return;
    }
    progress.stage = KEY_LOADED;
    tell(fd, &progress);
    ERR_clear_error();
    if (load->trial == HA_CONF_NO_SIGNATURE)
        return;
    if (try_signature(libctx, key, load->trial))
        progress.stage = SIGNED;
    else
        take_reasons(&progress);
    tell(fd, &progress);
}

// Reads until the child has closed its end. False when the time is over before.
static bool follow(int fd, int64_t deadline_ms, struct progress *progress)
{
    for (;;) {
        struct pollfd wait = {.fd = fd, .events = POLLIN};
        struct progress next;
        int ready = poll(&wait, 1, ha_left_ms(deadline_ms));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t n = read(fd, &next, sizeof next);
        if (n == 0 || (n < 0 && errno != EINTR))
            return true;
        if (n == (ssize_t)sizeof next)
            *progress = next;
    }
}

static void report(const struct ha_conf_load *load, const struct progress *progress, const char *death,
                   struct ha_findings *findings)
{
    static const char *const checks[] = {[STARTED] = "load", [LOADED] = "key", [KEY_LOADED] = "signature"};
    static const char *const remedies[] = {
        [STARTED] = "Look at what is named; the module has to be hsm-agent's, built for this OpenSSL and this machine.",
        [LOADED] = "Check the key's name with 'hsm-agent key list' as this user, and the lines 'allow' of the [client] "
                   "sections in hsm-agent.conf.",
        [KEY_LOADED] = "Check the key's purposes with 'hsm-agent key show', and the lines 'allow' of the [client] "
                       "sections in hsm-agent.conf.",
    };
    if (progress->stage >= LOADED)
        ha_findings_add(findings, HA_FINDING_OK, "load", NULL, "OpenSSL loads it, and the provider %s is active",
                        load->provider);
    if (progress->stage >= KEY_LOADED)
        ha_findings_add(findings, HA_FINDING_OK, "key", NULL, "the key hsm-agent:%s can be loaded", load->key);
    if (progress->stage == KEY_LOADED && load->trial == HA_CONF_NO_SIGNATURE && !death)
        ha_findings_add(findings, HA_FINDING_OK, "signature", NULL, "%s isn't for signatures, so none was tried",
                        load->key);
    if (progress->stage == SIGNED)
        ha_findings_add(findings, HA_FINDING_OK, "signature", NULL, "a signature with %s verifies", load->key);
    else if (progress->failed)
        ha_findings_add(findings, HA_FINDING_PROBLEM, checks[progress->stage], remedies[progress->stage], "%s",
                        progress->reason[0] ? progress->reason : "it fails for no reason that is known");
    else if (death)
        ha_findings_add(findings, HA_FINDING_PROBLEM, checks[progress->stage], remedies[progress->stage], "%s", death);
}

enum ha_code ha_conf_load_check(const struct ha_conf_load *load, struct ha_findings *findings, struct ha_err *err)
{
    struct progress progress = {.stage = STARTED};
    char death[96] = "";
    int ends[2], status = 0;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return ha_fail_errno(err, errno, "can't make a pipe");
    pid_t child = fork();
    if (child == 0) {
        run_child(load, ends[1]);
        _exit(0);
    }
    int reason = errno;
    close(ends[1]);
    bool in_time = child > 0 && follow(ends[0], ha_now_ms() + load->timeout_ms, &progress);
    close(ends[0]);
    if (child < 0)
        return ha_fail_errno(err, reason, "can't start a process");
    if (!in_time)
        kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    if (!in_time)
        snprintf(death, sizeof death, "it takes longer than %d seconds: the module hangs", load->timeout_ms / 1000);
    else if (WIFSIGNALED(status))
        snprintf(death, sizeof death, "it crashes the program, with signal %d (%s)", WTERMSIG(status),
                 strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != 0)
        snprintf(death, sizeof death, "it ends the program, with status %d", WEXITSTATUS(status));
    report(load, &progress, death[0] ? death : NULL, findings);
    return HA_OK;
}
