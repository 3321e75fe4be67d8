// SPDX-License-Identifier: Apache-2.0
#include "audit/verify_state.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"

#include <string.h>

enum { STATE_MAX = 4096, SAVE_MS = 1000 };

static bool get(const ha_json *json, const char *name, uint64_t *ret_number)
{
    return ha_json_uint(ha_json_get(json, name), 1ull << 53, ret_number);
}

bool ha_audit_state_read(const char *path, struct ha_audit_state *ret_state)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    ha_auto(ha_json_free) ha_json *json = NULL;
    struct ha_audit_state state = {0};
    struct ha_err ignored = {0};
    if (ha_file_read(path, STATE_MAX, HA_FILE_TRUSTED, &text, &ignored) ||
        ha_json_parse(ha_buf_text(&text), text.len, 1, &json, &ignored))
        return false;
    const char *hash = ha_json_get_string(json, "hash");
    if (!get(json, "file", &state.file) || !get(json, "line", &state.offset) || !get(json, "begins", &state.begins) ||
        !get(json, "seq", &state.seq) || !get(json, "signed_to", &state.signed_to) || !hash ||
        strlen(hash) != HA_AUDIT_HEX_LEN)
        return false;
    strcpy(state.hash, hash);
    *ret_state = state;
    return true;
}

void ha_audit_state_save(const char *path, struct ha_audit_state *state, bool end)
{
    ha_auto(ha_buf_clear) struct ha_buf text = {0};
    struct ha_err ignored = {0};
    if (!path || state->seq == 0 || (!end && ha_now_ms() - state->saved_ms < SAVE_MS))
        return;
    ha_jw_object(&text, NULL);
    ha_jw_number(&text, "file", (int64_t)state->file);
    ha_jw_number(&text, "line", (int64_t)state->offset);
    ha_jw_number(&text, "begins", (int64_t)state->begins);
    ha_jw_number(&text, "seq", (int64_t)state->seq);
    ha_jw_number(&text, "signed_to", (int64_t)state->signed_to);
    ha_jw_string(&text, "hash", state->hash);
    ha_jw_object_end(&text);
    ha_buf_putc(&text, '\n');
    if (ha_buf_ok(&text))
        ha_file_write(path, text.data, text.len, 0600, &ignored);
    state->saved_ms = ha_now_ms();
}
