// SPDX-License-Identifier: Apache-2.0
// The sd_notify(3) protocol: tells whoever started us how we do, through NOTIFY_SOCKET.
#pragma once

// state: "READY=1", "STOPPING=1", "STATUS=...". Does nothing without NOTIFY_SOCKET; a failure is not an error.
void ha_notify(const char *state);
