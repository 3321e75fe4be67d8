// SPDX-License-Identifier: Apache-2.0
// What bytes that are to be signed are: a part of a TLS handshake, the body of a certificate or of a request, or
// something else. Pure functions; nothing is believed but the bytes.
//
// A class holds all that a TLS peer would take for it, also peers that are lenient or old: these classes keep a key
// for messages from signing handshakes, so what is left out here is what somebody could have signed by it.
#pragma once

#include "config/content_class.h"

#include <stdint.h>

enum ha_content ha_content_classify(const uint8_t *bytes, size_t n);
