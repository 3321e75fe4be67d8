// SPDX-License-Identifier: Apache-2.0
// The load program of `make bench`: callers, each of whom asks for one operation after the other, and the ways to have
// one done. main.c and run.c measure; evp.c, module.c and agent.c are the ways.
#pragma once

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTPUT_MAX = 1024, WHY_MAX = 200 };

enum operation { RS256, ES256, ED25519, OAEP };

// What is asked for. The same for all callers of a run, who only read it.
struct job {
    enum operation operation;
    const uint8_t *message;  // to be signed
    size_t message_n;
    const uint8_t *ciphertext;  // to be decrypted, OAEP with SHA-1, to the message
    size_t ciphertext_n;
    size_t batch;  // operations a request; 1: a single one
    char **words;  // of the way, from the command line
    int n_words;
};

// The output of an operation; one of each caller is looked at before a run.
struct output {
    uint8_t bytes[OUTPUT_MAX];
    size_t n;
};

// A way. Functions that return false or NULL say why in `why`, which has WHY_MAX bytes.
struct way {
    const char *name;
    int n_words;  // how many it takes
    const char *words;
    // Once in each process; what is returned belongs to the process and lives as long.
    void *(*open)(const struct job *job, char *why);
    // Of one thread that calls ask() with it.
    void *(*caller)(void *opened, const struct job *job, char *why);
    // One request; fills *ret_output if that isn't NULL.
    bool (*ask)(void *caller, const struct job *job, struct output *ret_output, char *why);
    void (*leave)(void *caller);
};

extern const struct way file_way, engine_way, module_way, agent_way;

// For the message's hash, one shot.
bool callers_sha256(const struct job *job, uint8_t ret_digest[32]);

// Puts key pairs of P-256 that nobody uses into a token: MODULE LABEL PIN-FILE COUNT.
bool callers_fill(char **words, char *why);

// printf into why, and false.
__attribute__((format(printf, 2, 3))) bool callers_fail(char *why, const char *format, ...);
