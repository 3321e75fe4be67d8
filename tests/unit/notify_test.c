// SPDX-License-Identifier: Apache-2.0
// The sd_notify protocol, against a socket of our own.
#include "agentd/notify.h"

#include "base/auto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

static void assert_notified(int fd, const char *expected)
{
    char text[64] = "";
    ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);
    assert_int_equal(n, strlen(expected));
    assert_string_equal(text, expected);
}

static void notify_sends_the_state_to_a_path(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "/tmp/hsm-agent-notify-%d", getpid());
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    setenv("NOTIFY_SOCKET", address.sun_path, 1);
    ha_notify("READY=1");
    assert_notified(fd, "READY=1");
    unsetenv("NOTIFY_SOCKET");
    close(fd);
    unlink(address.sun_path);
}

static void notify_sends_the_state_to_an_abstract_name(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char name[64];
    int n = snprintf(name, sizeof name, "@hsm-agent-notify-%d", getpid());
    memcpy(address.sun_path + 1, name + 1, (size_t)n - 1);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)n);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, length), 0);
    setenv("NOTIFY_SOCKET", name, 1);
    ha_notify("STOPPING=1");
    assert_notified(fd, "STOPPING=1");
    unsetenv("NOTIFY_SOCKET");
    close(fd);
}

static void notify_without_a_usable_socket_does_nothing(void **state)
{
    static const char *const names[] = {"", "/", "relative", "/nonexistent/socket", "@hsm-agent-nobody-is-here"};
    char longest[200];
    memset(longest, '/', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    unsetenv("NOTIFY_SOCKET");
    ha_notify("READY=1");
    int before = dup(0);
    close(before);
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        setenv("NOTIFY_SOCKET", names[i], 1);
        ha_notify("READY=1");
    }
    setenv("NOTIFY_SOCKET", longest, 1);
    ha_notify("READY=1");
    unsetenv("NOTIFY_SOCKET");
    int after = dup(0);
    close(after);
    assert_int_equal(after, before);  // no descriptor stays open
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notify_sends_the_state_to_a_path),
        cmocka_unit_test(notify_sends_the_state_to_an_abstract_name),
        cmocka_unit_test(notify_without_a_usable_socket_does_nothing),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
