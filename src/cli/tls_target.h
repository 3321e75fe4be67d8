// SPDX-License-Identifier: Apache-2.0
// The server that `tls check` looks at: its name, its addresses, and connections to it that can't take for ever.
#pragma once

#include "base/err.h"

#include <netinet/in.h>
#include <stdint.h>
#include <sys/socket.h>

enum { HA_TLS_ADDRESSES_MAX = 8 };

union ha_tls_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct ha_tls_target {
    char host[256];   // without brackets
    char port[6];     // decimal
    bool is_address;  // host is an IP address
    union ha_tls_address addresses[HA_TLS_ADDRESSES_MAX];
    size_t n_addresses;
};

// text: NAME:PORT, 192.0.2.1:PORT, [2001:db8::1]:PORT. HA_E_USAGE.
enum ha_code ha_tls_target_parse(const char *text, struct ha_tls_target *ret_target, struct ha_err *err);
// Finds the addresses, in a child process since the system's look-up can't be stopped otherwise. HA_E_IO with a remedy;
// HA_E_DEADLINE.
enum ha_code ha_tls_target_resolve(struct ha_tls_target *target, int64_t deadline_ms, struct ha_err *err);
// A connected socket that doesn't block; the caller closes it. Takes the first address that answers, and only that one
// from then on. HA_E_IO with a remedy; HA_E_DEADLINE.
enum ha_code ha_tls_target_connect(struct ha_tls_target *target, int64_t deadline_ms, int *ret_fd, struct ha_err *err);
// "192.0.2.1" or "2001:db8::1" of the first address.
void ha_tls_target_address(const struct ha_tls_target *target, char ret_text[static INET6_ADDRSTRLEN]);
