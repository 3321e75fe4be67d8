// SPDX-License-Identifier: Apache-2.0
// Reading JSON: the text is checked first, cJSON builds the tree, then the tree is checked for what only it shows.
#include "base/json.h"

#include "base/json_check.h"
#include "base/secret.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

static_assert(HA_JSON_DEPTH_LIMIT < CJSON_NESTING_LIMIT, "cJSON takes all that the checker lets through");

// Puts "/token" before the error's pointer, with RFC 6901's escapes.
static void prefix_pointer(struct ha_err *err, const char *token)
{
    char escaped[sizeof err->pointer];
    size_t n = 0;
    for (; *token && n < sizeof escaped - 2; token++) {
        if (*token == '~' || *token == '/') {
            escaped[n++] = '~';
            escaped[n++] = *token == '~' ? '0' : '1';
        } else {
            escaped[n++] = *token;
        }
    }
    escaped[n] = '\0';
    ha_at(err, "/%s%s", escaped, err->pointer);
}

static int by_name(const void *a, const void *b)
{
    const cJSON *const *x = a;
    const cJSON *const *y = b;
    return strcmp((*x)->string, (*y)->string);
}

// Sorted, so that an object of many members costs no more than reading it.
static enum ha_code refuse_duplicates(const cJSON *object, struct ha_err *err)
{
    size_t n = ha_json_size(object);
    if (n < 2)
        return HA_OK;
    const cJSON *few[16], **members = few;
    ha_auto(ha_free) const cJSON **many = NULL;
    if (n > HA_ARRAY_SIZE(few)) {
        members = many = calloc(n, sizeof(*many));
        if (!many)
            return ha_fail(err, HA_E_MEMORY, "out of memory for reading JSON");
    }
    size_t i = 0;
    for (const cJSON *member = object->child; member; member = member->next)
        members[i++] = member;
    qsort(members, n, sizeof(*members), by_name);
    for (i = 1; i < n; i++) {
        if (strcmp(members[i - 1]->string, members[i]->string) == 0) {
            ha_fail(err, HA_E_MALFORMED, "the member \"%s\" occurs twice in its object", members[i]->string);
            ha_hint(err, "Leave one of the two members out.");
            prefix_pointer(err, members[i]->string);
            return HA_E_MALFORMED;
        }
    }
    return HA_OK;
}

// Checks for duplicates, and notes in each number's valueint whether it was a plain integer: cJSON forgets how a number
// was written. plain is the checker's list, which the walk reads in the same order.
static enum ha_code vet(cJSON *node, const uint8_t **plain, struct ha_err *err)
{
    if (cJSON_IsNumber(node))
        node->valueint = *(*plain)++;
    enum ha_code code = cJSON_IsObject(node) ? refuse_duplicates(node, err) : HA_OK;
    if (code != HA_OK)
        return code;
    size_t index = 0;
    for (cJSON *child = node->child; child; child = child->next, index++) {
        code = vet(child, plain, err);
        if (code != HA_OK) {
            char digits[24];
            snprintf(digits, sizeof digits, "%zu", index);
            prefix_pointer(err, child->string ? child->string : digits);
            return code;
        }
    }
    return HA_OK;
}

enum ha_code ha_json_parse(const char *text, size_t n, unsigned max_depth, ha_json **ret_json, struct ha_err *err)
{
    ha_auto(ha_buf_clear) struct ha_buf plain = {0};
    if (max_depth > HA_JSON_DEPTH_LIMIT)
        max_depth = HA_JSON_DEPTH_LIMIT;
    enum ha_code code = ha_json_check(text, n, max_depth, &plain, err);
    if (code != HA_OK)
        return code;
    // What the checker took, cJSON takes, unless memory runs out.
    ha_auto(ha_json_free) ha_json *json = cJSON_ParseWithLengthOpts(text, n, NULL, false);
    if (!json)
        return ha_fail(err, HA_E_MEMORY, "out of memory for reading JSON");
    const uint8_t *next_plain = plain.data;
    code = vet(json, &next_plain, err);
    if (code != HA_OK)
        return code;
    *ret_json = ha_take(&json);
    return HA_OK;
}

static void wipe_strings(const cJSON *node)
{
    if (node->valuestring)
        ha_wipe(node->valuestring, strlen(node->valuestring));
    for (const cJSON *child = node->child; child; child = child->next)
        wipe_strings(child);
}

void ha_json_free(ha_json *json)
{
    if (!json)
        return;
    wipe_strings(json);
    cJSON_Delete(json);
}

enum ha_json_type ha_json_type(const ha_json *json)
{
    if (cJSON_IsObject(json))
        return HA_JSON_OBJECT;
    if (cJSON_IsArray(json))
        return HA_JSON_ARRAY;
    if (cJSON_IsString(json))
        return HA_JSON_STRING;
    if (cJSON_IsNumber(json))
        return HA_JSON_NUMBER;
    return cJSON_IsBool(json) ? HA_JSON_BOOL : HA_JSON_NULL;
}

const char *ha_json_type_name(enum ha_json_type type)
{
    switch (type) {
    case HA_JSON_NULL:
        return "null";
    case HA_JSON_BOOL:
        return "boolean";
    case HA_JSON_NUMBER:
        return "number";
    case HA_JSON_STRING:
        return "string";
    case HA_JSON_ARRAY:
        return "array";
    case HA_JSON_OBJECT:
        return "object";
    }
    return "null";
}

const char *ha_json_string(const ha_json *json)
{
    return cJSON_GetStringValue(json);
}

bool ha_json_bool(const ha_json *json, bool *ret_value)
{
    if (!cJSON_IsBool(json))
        return false;
    *ret_value = cJSON_IsTrue(json);
    return true;
}

bool ha_json_uint(const ha_json *json, uint64_t max, uint64_t *ret_value)
{
    if (!cJSON_IsNumber(json) || !json->valueint)
        return false;
    uint64_t value = (uint64_t)json->valuedouble;
    if (value > max)
        return false;
    *ret_value = value;
    return true;
}

double ha_json_number(const ha_json *json)
{
    return json->valuedouble;
}

const ha_json *ha_json_get(const ha_json *object, const char *name)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, name) : NULL;
}

const char *ha_json_get_string(const ha_json *object, const char *name)
{
    return ha_json_string(ha_json_get(object, name));
}

const char *ha_json_name(const ha_json *member)
{
    return member->string;
}

size_t ha_json_size(const ha_json *array_or_object)
{
    return (size_t)cJSON_GetArraySize(array_or_object);
}

const ha_json *ha_json_first(const ha_json *array_or_object)
{
    return array_or_object ? array_or_object->child : NULL;
}

const ha_json *ha_json_next(const ha_json *item)
{
    return item->next;
}
