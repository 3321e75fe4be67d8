// SPDX-License-Identifier: Apache-2.0
// A copy of each line for syslog or journald (RFC 3164, as /dev/log takes it). What that has no room for is left out:
// the log itself is the record.
#include "audit/audit_internal.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>

static void send_line(const struct ha_audit *audit, const char *text, size_t n)
{
    char head[64];
    int len = snprintf(head, sizeof head, "<%d>hsm-agent-audit[%d]: ", LOG_AUTHPRIV | LOG_INFO, (int)getpid());
    struct iovec parts[] = {{head, (size_t)len}, {(char *)text, n}};
    const struct msghdr message = {
        .msg_name = (void *)&audit->syslog, .msg_namelen = sizeof audit->syslog, .msg_iov = parts, .msg_iovlen = 2};
    sendmsg(audit->syslog_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void ha_audit_copy(struct ha_audit *audit)
{
    if (audit->syslog_fd < 0)
        return;
    const char *at = ha_buf_text(&audit->out), *end = at + audit->out.len;
    for (const char *newline; at < end && (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1)
        send_line(audit, at, (size_t)(newline - at));
}
