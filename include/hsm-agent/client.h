/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libhsmagent: use the keys of hsm-agentd from C. Link with `pkg-config --libs hsm-agent`.
 *
 * An hsm_agent is the way to one agent: its socket's path, a time limit, and idle connections. Make one for a process
 * (or for each thing that has a life of its own, such as an OpenSSL library context) and share it between all threads.
 *
 * Threads: every function may be called by any number of threads at one time, with the same hsm_agent too; only
 *   hsm_agent_free must be the last one. There are no locks: a call waits for nothing but the agent.
 * Processes: an hsm_agent goes on working after fork, setuid and setgid. The agent knows whom it serves by who
 *   connected, so a connection is used only by the process id, effective user and effective group that opened it; one
 *   opened by others is closed, and a new one made. A process that changes only its supplementary groups keeps its
 *   connections. Descriptors are close-on-exec. One that the program closed behind the library's back
 *   (closefrom) is noticed, whatever has its number now.
 * The library starts no threads, sets no signal handlers, raises no SIGPIPE, prints nothing and never ends the process.
 * Its buffers are wiped before they are freed.
 *
 * Calls return 0, or -1 with *err filled in; err may be NULL. Output arguments are untouched by a call that
 * failed, unless it says otherwise. Strings are UTF-8. `key` is the name of a key of the agent,
 * which means its active version; NAME@2 means its version 2, and NAME@ with 64 hexadecimal digits the version whose
 * SubjectPublicKeyInfo has that SHA-256.
 */
#ifndef HSM_AGENT_CLIENT_H
#define HSM_AGENT_CLIENT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hsm_agent hsm_agent;

/* Why a call failed. A plain value, nothing to free. */
struct hsm_agent_error {
    int status;             /* HTTP's: 4xx refused, 5xx the agent's trouble; 0: no answer came, or no question went */
    unsigned retry_after_s; /* when to ask again, as the agent says; 0: unsaid */
    char code[32];          /* for programs: "no-such-key", as hsm-agent-api(7) lists them; "agent-unreachable": it
                               can't be reached or isn't one, "deadline": it took too long, "usage": wrong arguments */
    char detail[512];       /* the cause, for people */
    char hint[320];         /* the remedy, for people; "": none */
};

/*
 * Called instead of poll(2) whenever a call has to wait for its socket, for callers that have something better to do.
 * Waits until fd can be read from (or, for_write, written to) or timeout_ms have passed. Returns 1 ready, 0 time over,
 * -1 give up (the call fails with "agent-unreachable"). May return 1 too early: the library looks, and asks again. fd
 * belongs to the library and is valid during the call only. Runs on the caller's stack, with no lock held, and may
 * switch to other work of the thread, which may make calls of its own.
 */
typedef int (*hsm_agent_wait)(void *context, int fd, int for_write, int timeout_ms);

/* All zero is a good choice. */
struct hsm_agent_options {
    const char *socket_path; /* NULL: the environment variable HSM_AGENT_SOCKET (not in set-user-id programs), and
                                without that the installation's, /run/hsm-agent/agent.sock as a rule */
    unsigned timeout_ms;     /* the most that any one call may take; 0: 10000 */
    hsm_agent_wait wait;     /* NULL: poll(2) */
    void *wait_context;      /* the first argument of wait; has to live as long as the hsm_agent */
};

/* Copies what options (NULL: all zero) point to. Doesn't connect: the agent may start later. NULL: out of memory. */
hsm_agent *hsm_agent_new(const struct hsm_agent_options *options);
/* Closes the idle connections and frees agent; NULL is fine. No call may be under way. */
void hsm_agent_free(hsm_agent *agent);
/* The socket's path. Borrowed from agent. */
const char *hsm_agent_socket(const hsm_agent *agent);

/*
 * The key's public key, a DER SubjectPublicKeyInfo. *spki is malloc'ed: free(3) it.
 */
int hsm_agent_public_key(hsm_agent *agent, const char *key, uint8_t **spki, size_t *len, struct hsm_agent_error *err);

/*
 * Signatures and plaintexts are written to the caller's buffer: *_len is its size before the call, and the number of
 * bytes written after it. A buffer that is too small is "usage", and the detail has the size. An RSA signature is as
 * long as the modulus; ECDSA's is DER, 9 bytes and twice the order's length at most (73, 105, 141); Ed25519's has 64.
 */
enum {
    HSM_AGENT_DIGEST = 1 /* data is the digest already, as long as the algorithm's hash; needs the right sign-digest */
};

/* alg is a JOSE name: RS256, PS384, ES256, Ed25519, ... ECDSA signatures are DER. */
int hsm_agent_sign(hsm_agent *agent, const char *key, const char *alg, const void *data, size_t n, unsigned flags,
                   uint8_t *sig, size_t *sig_len, struct hsm_agent_error *err);

/*
 * Signs for TLS: scheme is the name of a TLS SignatureScheme (RFC 8446 section 4.2.3), content all bytes to be signed,
 * which the agent looks through: a key's purpose says what may be signed with it. spki_sha256 is the SHA-256 of the
 * SubjectPublicKeyInfo that the caller thinks is this key's; if it isn't, the call fails with "conflict".
 */
int hsm_agent_tls_sign(hsm_agent *agent, const char *key, const char *scheme, const void *content, size_t n,
                       const uint8_t spki_sha256[32], uint8_t *sig, size_t *sig_len, struct hsm_agent_error *err);

/* alg: RSA-OAEP, RSA-OAEP-256 or RSA1_5. label is OAEP's; NULL: none. The plaintext isn't longer than the modulus. */
int hsm_agent_decrypt(hsm_agent *agent, const char *key, const char *alg, const void *ciphertext, size_t n,
                      const void *label, size_t label_len, uint8_t *out, size_t *out_len, struct hsm_agent_error *err);

/*
 * ECDH. peer_spki is the other side's public key, a DER SubjectPublicKeyInfo. The secret is the x coordinate of the
 * shared point, as long as the curve's field (32, 48, 66).
 */
int hsm_agent_derive(hsm_agent *agent, const char *key, const void *peer_spki, size_t n, uint8_t *out, size_t *out_len,
                     struct hsm_agent_error *err);

/*
 * Any request of hsm-agent-api(7), for example "GET", "/v1/keys". json is the body of n bytes; NULL: none. Whenever an
 * answer came, *status is its HTTP status and *body its text, malloc'ed, with a NUL after the *body_len bytes: free(3)
 * it. That is so as well when the call returns -1 since the answer is a refusal (status 400 and above, which fills in
 * err). When none came, *status is 0 and *body NULL. body, body_len and status may each be NULL.
 */
int hsm_agent_call(hsm_agent *agent, const char *method, const char *path, const char *json, size_t n, char **body,
                   size_t *body_len, int *status, struct hsm_agent_error *err);

#ifdef __cplusplus
}
#endif
#endif
