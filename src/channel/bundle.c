// SPDX-License-Identifier: Apache-2.0
#include "channel/bundle.h"

#define WORTH_NS   500000u      // of work that is worth the wake-up of one more session
#define LONGEST_NS 1200000u     // that a session is kept, or half as much again: others wait for their turn
#define BYTES_MAX  (64 * 1024)  // of inputs; a larger one goes alone
#define NS_MAX     4000000000u
#define FORGET     512  // of the difference, the part by which a slower one changes what is remembered

static size_t bytes_of(const struct ha_packet *question)
{
    size_t n = 0;
    for (size_t i = 0; i < HA_PACKET_PARTS; i++)
        n += question->part[i].len;
    return n;
}

// The next ones that take as long as the first, so that they tell what one of them takes, and fit.
static size_t run_of_equals(struct ha_exchange *const *items, size_t max)
{
    const struct ha_packet *first = &items[0]->question;
    size_t n = 1;
    for (size_t bytes = bytes_of(first); n < max; n++) {
        const struct ha_packet *question = &items[n]->question;
        bytes += bytes_of(question);
        if (question->op != first->op || question->alg != first->alg || bytes > BYTES_MAX)
            break;
    }
    return n;
}

size_t ha_bundle_size(const struct ha_bundle_pace *pace, struct ha_exchange *const *items, size_t n, size_t n_free)
{
    uint32_t alg = items[0]->question.alg;
    unsigned ns = n > 1 && alg < HA_ALG_COUNT ? atomic_load_explicit(&pace->ns[alg], memory_order_relaxed) : 0;
    if (ns == 0 || ns > WORTH_NS)
        return 1;
    // Equal parts: one for each session, if that is worth a wake-up.
    size_t all_ns = n * ns, parts = n_free + 1;
    if (parts > all_ns / WORTH_NS)
        parts = all_ns / WORTH_NS;
    if (parts < (all_ns + LONGEST_NS / 2) / LONGEST_NS)
        parts = (all_ns + LONGEST_NS / 2) / LONGEST_NS;
    size_t size = parts > 1 ? (n + parts - 1) / parts : n;
    return run_of_equals(items, size < HA_PACKET_ITEMS_MAX ? size : HA_PACKET_ITEMS_MAX);
}

// The fastest counts, and is forgotten by and by: the others have waited for a processor, most of all when everybody is
// busy, and that is when bundles matter. An update that another thread's overwrites does no harm.
void ha_bundle_note(struct ha_bundle_pace *pace, uint32_t alg, size_t n, int64_t us)
{
    if (alg >= HA_ALG_COUNT)
        return;
    int64_t each_us = us / (int64_t)n;
    unsigned before = atomic_load_explicit(&pace->ns[alg], memory_order_relaxed);
    unsigned now = each_us < 1 ? 1000 : each_us > NS_MAX / 1000 ? NS_MAX : (unsigned)each_us * 1000;
    if (before > 0 && now > before)
        now = before + (now - before) / FORGET;
    atomic_store_explicit(&pace->ns[alg], now, memory_order_relaxed);
}
