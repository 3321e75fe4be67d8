// SPDX-License-Identifier: Apache-2.0
#include "keys/objects.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MS 60000

static void copy_text(char *out, size_t size, const struct ha_part *part)
{
    const uint8_t *bytes = part->data;
    size_t n = part->len < size - 1 ? part->len : size - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '?';
    out[n] = '\0';
}

static void collect(void *context, const struct ha_packet *packet)
{
    struct ha_objects *objects = context;
    // An id longer than any key's file holds can't belong to one of ours.
    if (objects->failed || packet->part[0].len > HA_KEY_ID_MAX)
        return;
    if (objects->n == objects->cap) {
        size_t cap = objects->cap ? objects->cap * 2 : 64;
        struct ha_object *items = reallocarray(objects->items, cap, sizeof(*items));
        if (!items) {
            objects->failed = true;
            return;
        }
        objects->items = items;
        objects->cap = cap;
    }
    struct ha_object *object = &objects->items[objects->n];
    *object = (struct ha_object){.id_len = packet->part[0].len, .flags = packet->flags};
    memcpy(object->id, packet->part[0].data, object->id_len);
    copy_text(object->label, sizeof(object->label), &packet->part[1]);
    copy_text(object->why, sizeof(object->why), &packet->part[3]);
    if (packet->part[2].len > 0) {
        object->spki = malloc(packet->part[2].len);
        if (!object->spki) {
            objects->failed = true;
            return;
        }
        memcpy(object->spki, packet->part[2].data, packet->part[2].len);
        object->spki_len = packet->part[2].len;
    }
    objects->n++;
}

static bool is_secret(const struct ha_object *object)
{
    return object->flags & HA_OBJECT_SECRET;
}

// A private key and somebody's HMAC key may have one id; they don't get in each other's way.
static int compare_to(const struct ha_object *object, const uint8_t *id, size_t id_len, bool secret)
{
    int order = memcmp(object->id, id, object->id_len < id_len ? object->id_len : id_len);
    if (!order)
        order = (object->id_len > id_len) - (object->id_len < id_len);
    return order ? order : is_secret(object) - secret;
}

static int compare(const void *a, const void *b)
{
    const struct ha_object *y = b;
    return compare_to(a, y->id, y->id_len, is_secret(y));
}

enum ha_code ha_objects_list(struct ha_token *token, const char *uri, struct ha_objects *ret_objects,
                             struct ha_err *err)
{
    ha_auto(ha_objects_clear) struct ha_objects objects = {0};
    struct ha_packet question = {.op = HA_OP_LIST, .part[0] = {.data = uri, .len = strlen(uri)}};
    if (ha_token_control(token, &question, ha_now_ms() + LIST_MS, collect, &objects, NULL, err))
        return err->code;
    if (objects.failed)
        return ha_fail(err, HA_E_MEMORY, "out of memory");
    if (objects.n > 0)
        qsort(objects.items, objects.n, sizeof(*objects.items), compare);
    *ret_objects = objects;
    objects = (struct ha_objects){0};
    return HA_OK;
}

void ha_objects_clear(struct ha_objects *objects)
{
    for (size_t i = 0; i < objects->n; i++)
        free(objects->items[i].spki);
    free(objects->items);
    *objects = (struct ha_objects){0};
}

size_t ha_objects_find(const struct ha_objects *objects, const uint8_t *id, size_t id_len, bool secret,
                       size_t *ret_first)
{
    size_t low = 0, high = objects->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_to(&objects->items[middle], id, id_len, secret) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    size_t n = 0;
    while (low + n < objects->n && compare_to(&objects->items[low + n], id, id_len, secret) == 0)
        n++;
    *ret_first = low;
    return n;
}

void ha_object_name(const struct ha_object *object, char *ret_text, size_t size)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_buf_puts(&text, "pkcs11:id=");
    for (size_t i = 0; i < object->id_len; i++)
        ha_buf_printf(&text, "%%%02x", object->id[i]);
    ha_buf_printf(&text, ";object=%s", object->label);
    snprintf(ret_text, size, "%s", ha_buf_text(&text));
}
