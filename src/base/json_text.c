// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip_space(struct ha_json_walk *walk)
{
    while (walk->at < walk->end && is_space(*walk->at))
        walk->at++;
}

// Past the string that begins here.
static const char *string_end(const char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++)
        if (*at == '\\' && at + 1 < end)
            at++;
    return at < end ? at + 1 : end;
}

// Past the value that begins here: to the comma or bracket that follows it on the same level.
static const char *value_end(const char *at, const char *end)
{
    size_t depth = 0;
    while (at < end) {
        char c = *at;
        if (c == '"') {
            at = string_end(at, end);
            continue;
        }
        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    }
    return end;
}

void ha_json_walk_begin(struct ha_json_walk *walk, struct ha_json_text text)
{
    *walk = (struct ha_json_walk){.at = text.data, .end = text.data ? text.data + text.n : NULL};
    skip_space(walk);
    bool container = walk->at < walk->end && (*walk->at == '{' || *walk->at == '[');
    walk->at = container ? walk->at + 1 : walk->end;
}

bool ha_json_walk_next(struct ha_json_walk *walk, struct ha_json_text *ret_value)
{
    skip_space(walk);
    if (walk->at < walk->end && *walk->at == ',') {
        walk->at++;
        skip_space(walk);
    }
    if (walk->at >= walk->end || *walk->at == '}' || *walk->at == ']')
        return false;
    const char *start = walk->at;
    if (*start == '"') {
        // A string followed by a colon is a member's name.
        walk->at = string_end(start, walk->end);
        skip_space(walk);
        if (walk->at < walk->end && *walk->at == ':') {
            walk->at++;
            skip_space(walk);
            start = walk->at;
        } else {
            walk->at = start;
        }
    }
    walk->at = value_end(start, walk->end);
    const char *stop = walk->at;
    while (stop > start && is_space(stop[-1]))
        stop--;
    *ret_value = (struct ha_json_text){start, (size_t)(stop - start)};
    return true;
}

void ha_json_text_compact(struct ha_buf *out, struct ha_json_text text)
{
    const char *at = text.data, *end = text.data + text.n;
    while (at < end) {
        const char *start = at;
        if (*at == '"')
            at = string_end(at, end);
        else if (is_space(*at))
            start = ++at;
        else
            at++;
        ha_buf_append(out, start, (size_t)(at - start));
    }
}

struct ha_json_text ha_json_text_of(const ha_json *json, struct ha_json_text text, const ha_json *child)
{
    struct ha_json_walk walk;
    struct ha_json_text value;
    ha_json_walk_begin(&walk, text);
    for (const ha_json *at = child ? ha_json_first(json) : NULL; at; at = ha_json_next(at))
        if (ha_json_walk_next(&walk, &value) && at == child)
            return value;
    return (struct ha_json_text){0};
}
