// SPDX-License-Identifier: Apache-2.0
// The control channel: START, then LIST, GENERATE, DESTROY, WRAPPER and UNWRAP, one after the other.
#pragma once

struct ha_p11;

// Serves until the daemon closes the channel. Returns the exit status (enum ha_token_exit). The workers' threads run
// on: the caller ends the process with _exit.
int ha_control_serve(struct ha_p11 *token, int control);
