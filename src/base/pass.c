// SPDX-License-Identifier: Apache-2.0
#include "base/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// Room for one descriptor; by its alignment also for a second.
union ancillary {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr aligned;
};

ssize_t ha_pass_send(int fd, const void *bytes, size_t n, int passed)
{
    union ancillary ancillary = {0};
    struct iovec iov = {.iov_base = (void *)bytes, .iov_len = n};
    struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};
    if (passed >= 0) {
        ancillary.aligned =
            (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
        memcpy(CMSG_DATA(&ancillary.aligned), &passed, sizeof passed);
        message.msg_control = ancillary.bytes;
        message.msg_controllen = sizeof ancillary.bytes;
    }
    return TEMP_FAILURE_RETRY(sendmsg(fd, &message, MSG_NOSIGNAL));
}

ssize_t ha_pass_receive(int fd, void *bytes, size_t size, int *ret_passed)
{
    union ancillary ancillary;
    struct iovec iov = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = ancillary.bytes, .msg_controllen = sizeof ancillary.bytes};
    ssize_t n = TEMP_FAILURE_RETRY(recvmsg(fd, &message, MSG_CMSG_CLOEXEC));
    const struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    int passed[2] = {-1, -1};
    if (header && header->cmsg_type == SCM_RIGHTS && header->cmsg_len <= CMSG_LEN(sizeof passed))
        memcpy(passed, CMSG_DATA(header), header->cmsg_len - CMSG_LEN(0));
    if (passed[1] >= 0) {
        close(passed[0]);
        close(passed[1]);
        passed[0] = -1;
    }
    *ret_passed = passed[0];
    return n;
}
