// SPDX-License-Identifier: Apache-2.0
#include "agentd/tokens.h"

#include <stdlib.h>
#include <string.h>

enum phase {
    POST_NEW,       // for a configuration that isn't in force yet
    POST_SERVING,   // what requests get
    POST_NEXT,      // a changed token, not ready yet
    POST_LEFT,      // out of the snapshots; requests from before may hold it, and keys may lead to it
    POST_UNKNOWN,   // no key leads to it; requests from before may hold it
    POST_STOPPING,  // nobody holds it
};

// A token, and the section that it was made from.
struct post {
    struct ha_tokens *tokens;
    struct post *next;
    enum phase phase;
    uint64_t since;  // POST_LEFT, POST_UNKNOWN: the first snapshot whose requests can't hold it any more
    struct ha_config *config;
    const struct ha_token_config *section;
    struct ha_token *token;
};

// What serves a section of the configuration.
struct place {
    struct post *serving;
    struct post *next;  // the same section changed, being started; NULL: it isn't
};

struct ha_tokens {
    const char *program;
    const struct ha_spawner *spawner;
    struct ha_keys *keys;
    struct ha_limits *limits;
    struct ha_pairs *pairs;
    struct ha_snapshots *snapshots;
    const struct ha_log *log;
    atomic_bool stopping;
    struct post *posts;  // all of them; the list is one thread's

    pthread_mutex_t lock;  // guards what follows, and each post's phase
    struct ha_config *config;
    struct place *places;  // as many as config->n_tokens
    struct ha_config *wanted;
    struct place *wanted_places;
};

static struct place *find_place(const struct ha_config *config, struct place *places, const char *name)
{
    for (size_t i = 0; config && i < config->n_tokens; i++)
        if (strcmp(config->tokens[i].name, name) == 0)
            return &places[i];
    return NULL;
}

// A snapshot of how it is now. 0: out of memory.
static uint64_t publish(struct ha_tokens *tokens, struct ha_err *err)
{
    struct ha_snapshot *snapshot = ha_snapshot_new(tokens->config, tokens->keys, tokens->log);
    if (!snapshot) {
        ha_fail(err, HA_E_MEMORY, "out of memory");
        return 0;
    }
    snapshot->api.limits = tokens->limits;
    snapshot->api.pairs = tokens->pairs;
    for (size_t i = 0; i < tokens->config->n_tokens; i++)
        snapshot->tokens[i] = tokens->places[i].serving->token;
    return ha_snapshots_publish(tokens->snapshots, snapshot);
}

static void leave(struct post *post, uint64_t since)
{
    post->phase = POST_LEFT;
    post->since = since;
}

// The new token is ready and its keys are bound to it: it takes the old one's place.
static enum ha_code take_over(struct post *post, struct place *place, struct ha_err *err)
{
    struct post *before = place->serving;
    place->serving = post;
    uint64_t number = publish(post->tokens, err);
    if (!number) {
        place->serving = before;
        return err->code;
    }
    place->next = NULL;
    post->phase = POST_SERVING;
    leave(before, number);
    ha_log(post->tokens->log, HA_LOG_INFO, "token-changed", HA_S("token", post->section->name));
    return HA_OK;
}

// In the supervisor's thread.
static enum ha_code ready(void *context, struct ha_token *token, struct ha_err *err)
{
    struct post *post = context;
    struct ha_tokens *tokens = post->tokens;
    enum ha_code code = HA_OK;
    pthread_mutex_lock(&tokens->lock);
    // The keys of one that goes lead to another by now.
    if (!atomic_load(&tokens->stopping) && (post->phase == POST_SERVING || post->phase == POST_NEXT))
        code = ha_keys_bind(tokens->keys, token, err);
    if (code == HA_OK && post->phase == POST_NEXT && !atomic_load(&tokens->stopping))
        code = take_over(post, find_place(tokens->config, tokens->places, post->section->name), err);
    pthread_mutex_unlock(&tokens->lock);
    return code;
}

static enum ha_code post_new(struct ha_tokens *tokens, struct ha_config *config, const struct ha_token_config *section,
                             struct post **ret_post, struct ha_err *err)
{
    struct post *post = calloc(1, sizeof *post);
    if (!post)
        return ha_fail(err, HA_E_MEMORY, "out of memory for the token '%s'", section->name);
    *post = (struct post){.tokens = tokens, .phase = POST_NEW, .config = ha_config_ref(config), .section = section};
    const struct ha_token_host host = {.program = tokens->program,
                                       .spawner = tokens->spawner,
                                       .state_dir = config->agent.state_dir,
                                       .log = tokens->log,
                                       .context = post,
                                       .ready = ready};
    if (ha_token_new(section, &host, &post->token, err)) {
        ha_config_free(config);
        free(post);
        return err->code;
    }
    post->next = tokens->posts;
    tokens->posts = post;
    *ret_post = post;
    return HA_OK;
}

static enum ha_token_state state_of(const struct post *post)
{
    struct ha_token_status status;
    ha_token_status(post->token, &status);
    return status.state;
}

static enum ha_code prepare_place(struct ha_tokens *tokens, struct ha_config *config, size_t i, struct ha_err *err)
{
    const struct ha_token_config *section = &config->tokens[i];
    const struct place *before = find_place(tokens->config, tokens->places, section->name);
    struct place *place = &tokens->wanted_places[i];
    if (before && before->next && ha_config_same_token(before->next->section, section)) {
        *place = *before;
        return HA_OK;
    }
    if (before && ha_config_same_token(before->serving->section, section)) {
        place->serving = before->serving;
        return HA_OK;
    }
    struct post *post = NULL;
    if (post_new(tokens, config, section, &post, err))
        return err->code;
    // One that doesn't serve isn't worth waiting for the other.
    if (before && state_of(before->serving) == HA_TOKEN_READY)
        *place = (struct place){.serving = before->serving, .next = post};
    else
        place->serving = post;
    return HA_OK;
}

enum ha_code ha_tokens_prepare(struct ha_tokens *tokens, struct ha_config *config, struct ha_err *err)
{
    enum ha_code code = HA_OK;
    tokens->wanted_places = calloc(config->n_tokens + 1, sizeof *tokens->wanted_places);
    if (!tokens->wanted_places)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    tokens->wanted = ha_config_ref(config);
    for (size_t i = 0; i < config->n_tokens && code == HA_OK; i++)
        code = prepare_place(tokens, config, i, err);
    if (code)
        ha_tokens_revert(tokens);
    return code;
}

static bool is_placed(const struct ha_tokens *tokens, const struct post *post)
{
    for (size_t i = 0; i < tokens->config->n_tokens; i++)
        if (tokens->places[i].serving == post || tokens->places[i].next == post)
            return true;
    return false;
}

static void log_post(const struct ha_tokens *tokens, const char *event, const struct post *post)
{
    ha_log(tokens->log, HA_LOG_INFO, event, HA_S("token", post->section->name));
}

// Puts every post into the phase that its place says. number: of the snapshot that tells requests.
static void settle_phases(struct ha_tokens *tokens, const struct ha_config *before, uint64_t number)
{
    for (size_t i = 0; i < tokens->config->n_tokens; i++) {
        struct place *place = &tokens->places[i];
        if (place->next && place->next->phase == POST_NEW)
            log_post(tokens, "token-changing", place->next);
        if (place->serving->phase == POST_NEW && before)
            log_post(tokens, "token-added", place->serving);
        place->serving->phase = POST_SERVING;
        if (place->next)
            place->next->phase = POST_NEXT;
    }
    for (struct post *post = tokens->posts; post; post = post->next) {
        if ((post->phase != POST_SERVING && post->phase != POST_NEXT) || is_placed(tokens, post))
            continue;
        if (!find_place(tokens->config, tokens->places, post->section->name))
            log_post(tokens, "token-removed", post);
        leave(post, number);
    }
}

enum ha_code ha_tokens_commit(struct ha_tokens *tokens, struct ha_err *err)
{
    struct ha_config *config = tokens->config;
    struct place *places = tokens->places;
    tokens->config = tokens->wanted;
    tokens->places = tokens->wanted_places;
    // Keys first, so that a new token's keys can say why it isn't ready as soon as a request can ask.
    uint64_t number = publish(tokens, err);
    if (!number) {
        tokens->config = config;
        tokens->places = places;
        return err->code;
    }
    for (size_t i = 0; i < tokens->config->n_tokens; i++) {
        struct post *serving = tokens->places[i].serving;
        if (serving->phase == POST_NEW)
            ha_keys_attach(tokens->keys, serving->token);
        else if (state_of(serving) == HA_TOKEN_PIN_REFUSED)
            ha_token_retry(serving->token);
        if (tokens->places[i].next && state_of(tokens->places[i].next) == HA_TOKEN_PIN_REFUSED)
            ha_token_retry(tokens->places[i].next->token);
    }
    settle_phases(tokens, config, number);
    tokens->wanted = NULL;
    tokens->wanted_places = NULL;
    ha_config_free(config);
    free(places);
    return HA_OK;
}

void ha_tokens_revert(struct ha_tokens *tokens)
{
    for (struct post *post = tokens->posts; post; post = post->next) {
        if (post->phase != POST_NEW)
            continue;
        ha_token_stop(post->token);
        post->phase = POST_STOPPING;
    }
    ha_config_free(ha_take(&tokens->wanted));
    free(ha_take(&tokens->wanted_places));
}

static void post_free(struct post *post)
{
    ha_token_free(post->token);
    ha_config_free(post->config);
    free(post);
}

// Moves on one that goes. True: it is gone.
static bool post_step(struct ha_tokens *tokens, struct post *post, uint64_t oldest)
{
    struct ha_err err = {0};
    switch (post->phase) {
    case POST_NEW:
    case POST_SERVING:
    case POST_NEXT:
        return false;
    case POST_LEFT:
        if (oldest < post->since)
            return false;
        // Also those that a request has made meanwhile with the old one.
        const struct place *place = find_place(tokens->config, tokens->places, post->section->name);
        ha_keys_detach(tokens->keys, post->token, place ? place->serving->token : NULL);
        uint64_t number = publish(tokens, &err);
        if (number) {
            post->since = number;
            post->phase = POST_UNKNOWN;
        }
        return false;
    case POST_UNKNOWN:
        if (oldest >= post->since) {
            ha_token_stop(post->token);
            post->phase = POST_STOPPING;
        }
        return false;
    case POST_STOPPING:
        return state_of(post) == HA_TOKEN_STOPPED;
    }
    return false;
}

bool ha_tokens_step(struct ha_tokens *tokens)
{
    uint64_t oldest = ha_snapshots_reap(tokens->snapshots);
    bool going = !ha_snapshots_quiet(tokens->snapshots);
    for (struct post **at = &tokens->posts; *at;) {
        struct post *post = *at;
        if (post_step(tokens, post, oldest)) {
            *at = post->next;
            post_free(post);
        } else {
            going = going || post->phase != POST_SERVING;
            at = &post->next;
        }
    }
    return going;
}

bool ha_tokens_settled(struct ha_tokens *tokens)
{
    for (const struct post *post = tokens->posts; post; post = post->next)
        if ((post->phase == POST_SERVING || post->phase == POST_NEXT) && state_of(post) == HA_TOKEN_STARTING)
            return false;
    return true;
}

bool ha_tokens_lock(struct ha_tokens *tokens)
{
    return pthread_mutex_trylock(&tokens->lock) == 0;
}

void ha_tokens_unlock(struct ha_tokens *tokens)
{
    pthread_mutex_unlock(&tokens->lock);
}

enum ha_code ha_tokens_new(const char *program, const struct ha_spawner *spawner, struct ha_keys *keys,
                           struct ha_limits *limits, struct ha_pairs *pairs, struct ha_snapshots *snapshots,
                           const struct ha_log *log, struct ha_tokens **ret_tokens, struct ha_err *err)
{
    struct ha_tokens *tokens = calloc(1, sizeof *tokens);
    if (!tokens)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    *tokens = (struct ha_tokens){.program = program,
                                 .spawner = spawner,
                                 .keys = keys,
                                 .limits = limits,
                                 .pairs = pairs,
                                 .snapshots = snapshots,
                                 .log = log};
    atomic_init(&tokens->stopping, false);
    pthread_mutex_init(&tokens->lock, NULL);
    *ret_tokens = tokens;
    return HA_OK;
}

void ha_tokens_wait_first(struct ha_tokens *tokens)
{
    for (struct post *post = tokens->posts; post; post = post->next)
        ha_token_wait_first(post->token);
}

void ha_tokens_stop(struct ha_tokens *tokens)
{
    atomic_store(&tokens->stopping, true);
    for (struct post *post = tokens->posts; post; post = post->next)
        ha_token_stop(post->token);
}

void ha_tokens_free(struct ha_tokens *tokens)
{
    if (!tokens)
        return;
    ha_tokens_stop(tokens);
    while (tokens->posts) {
        struct post *post = tokens->posts;
        tokens->posts = post->next;
        post_free(post);
    }
    ha_config_free(tokens->config);
    free(tokens->places);
    ha_config_free(tokens->wanted);
    free(tokens->wanted_places);
    pthread_mutex_destroy(&tokens->lock);
    free(tokens);
}
