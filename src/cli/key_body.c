// SPDX-License-Identifier: Apache-2.0
#include "cli/key_body.h"

#include <string.h>

void ha_key_body_names(struct ha_buf *body, const char *member, const char *list)
{
    if (!list)
        return;
    ha_jw_array(body, member);
    while (*list) {
        size_t n = strcspn(list, ",");
        ha_auto(ha_buf_clear) struct ha_buf name = {0};
        ha_buf_append(&name, list, n);
        ha_jw_string(body, NULL, ha_buf_text(&name));
        list += n + (list[n] == ',');
    }
    ha_jw_array_end(body);
}

void ha_key_body_traits(const struct ha_cli *cli, struct ha_buf *body)
{
    const struct {
        enum ha_opt option;
        const char *member;
    } texts[] = {{HA_OPT_ENVIRONMENT, "environment"}, {HA_OPT_HOLDER, "holder"}, {HA_OPT_PROFILE, "profile"}};
    for (size_t i = 0; i < HA_ARRAY_SIZE(texts); i++)
        if (ha_opt_given(cli->opts, texts[i].option))
            ha_jw_string(body, texts[i].member, ha_opt_value(cli->opts, texts[i].option));
    if (ha_opt_given(cli->opts, HA_OPT_BACKUP))
        ha_jw_bool(body, "backup", true);
}

void ha_key_body_tokens(const struct ha_cli *cli, struct ha_buf *body)
{
    const char *token = ha_opt_value(cli->opts, HA_OPT_TOKEN);
    if (token && strchr(token, ','))
        ha_key_body_names(body, "tokens", token);
    else if (token)
        ha_jw_string(body, "token", token);
}

void ha_key_body_place(const struct ha_cli *cli, struct ha_buf *body)
{
    ha_key_body_names(body, "purposes", ha_opt_value(cli->opts, HA_OPT_PURPOSE));
    ha_key_body_tokens(cli, body);
}
