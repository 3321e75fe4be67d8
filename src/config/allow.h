// SPDX-License-Identifier: Apache-2.0
// Reading a rule, `KEY:OP[,OP...] [ALG[,ALG...]] [content=CLASS[,CLASS...]] [profile=GLOB[,GLOB...]]`.
#pragma once

#include "config/config.h"

// Fills ret_allow, whose strings are the caller's to free. HA_E_CONFIG, HA_E_MEMORY.
enum ha_code ha_allow_parse(const char *text, unsigned line, struct ha_allow *ret_allow, struct ha_err *err);
// "OP,OP", of operations that take an admin socket, as bits. HA_E_CONFIG.
enum ha_code ha_allow_admin_operations(const char *text, unsigned *ret_operations, struct ha_err *err);
