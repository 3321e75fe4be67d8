// SPDX-License-Identifier: Apache-2.0
// What a request for a new key says besides where the key comes from.
#pragma once

#include "cli/cli.h"

// Names with commas between them as an array, into the object that is open in body; nothing for NULL.
void ha_key_body_names(struct ha_buf *body, const char *member, const char *list);
// The options --environment, --holder, --profile and --backup.
void ha_key_body_traits(const struct ha_cli *cli, struct ha_buf *body);
// The option --token.
void ha_key_body_tokens(const struct ha_cli *cli, struct ha_buf *body);
// The options --purpose and --token.
void ha_key_body_place(const struct ha_cli *cli, struct ha_buf *body);
