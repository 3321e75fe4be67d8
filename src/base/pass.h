// SPDX-License-Identifier: Apache-2.0
// Packets over a socket pair between two of our processes, each with a descriptor or none.
#pragma once

#include <sys/types.h>

// Sends n bytes with passed, which stays the caller's; -1: without one. As sendmsg(2), without SIGPIPE.
ssize_t ha_pass_send(int fd, const void *bytes, size_t n, int passed);
// Receives as recvmsg(2); 0: the other end is gone. *ret_passed is the caller's, close-on-exec;
// -1: there was none, or more than one, which are closed.
ssize_t ha_pass_receive(int fd, void *bytes, size_t size, int *ret_passed);
