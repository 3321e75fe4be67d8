// SPDX-License-Identifier: Apache-2.0
// How the child starts, whom it believes, and how it ends.
#include "token_rig.h"

#include <ctype.h>
#include <fcntl.h>
#include <p11-kit/pkcs11.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int set_up(void **state)
{
    struct rig *rig = calloc(1, sizeof(*rig));
    rig_init(rig);
    *state = rig;
    return 0;
}

static int tear_down(void **state)
{
    rig_clear(*state);
    free(*state);
    return 0;
}

static int stop(void **state)
{
    struct rig *rig = *state;
    rig_stop(rig);
    memset(rig->faults, 0, sizeof(*rig->faults));
    rig_write(rig, "pin", RIG_PIN "\n", 0600);
    return 0;
}

static bool lists(struct rig *rig)
{
    struct ha_packet question = {.op = HA_OP_LIST}, answer;
    struct ha_err err = {0};
    enum ha_code code = rig_ask(rig, rig->control, &question, &answer, &err);
    while (code == HA_OK && answer.op == HA_OP_OBJECT)
        code = ha_packet_recv(rig->control, -1, rig->buffer, &answer, NULL, NULL, &err);
    return code == HA_OK;
}

// A start that fails; the child ends by itself with that status.
static struct ha_err failed_start(struct rig *rig, const struct rig_options *options, int status)
{
    struct ha_err err = {0};
    rig_spawn(rig, options);
    assert_int_not_equal(rig_start(rig, &err), HA_OK);
    assert_int_equal(rig_wait(rig), status);
    return err;
}

static void start_serves_until_the_control_channel_closes(void **state)
{
    struct rig *rig = *state;
    rig_up(rig, &(struct rig_options){.plain_module = true});
    assert_true(lists(rig));
    assert_int_equal(rig_stop(rig), HA_TOKEN_EXIT_OK);
}

static void start_without_a_word_ends_with_the_channel(void **state)
{
    struct rig *rig = *state;
    rig_spawn(rig, &(struct rig_options){0});
    assert_int_equal(rig_stop(rig), HA_TOKEN_EXIT_OK);
}

static void module_args_reach_c_initialize(void **state)
{
    struct rig *rig = *state;
    static const char text[] = "configdir='sql:/etc/nss' flags=readOnly";
    rig_up(rig, &(struct rig_options){.module_args = text});
    assert_string_equal(rig->faults->module_args, text);
    rig_stop(rig);
    rig_up(rig, &(struct rig_options){0});
    assert_string_equal(rig->faults->module_args, "");
}

static void wrong_pin_is_tried_once(void **state)
{
    struct rig *rig = *state;
    rig_write(rig, "pin", "wrong-pin\n", 0600);
    struct ha_err err = failed_start(rig, &(struct rig_options){0}, HA_TOKEN_EXIT_PIN);
    assert_int_equal(err.code, HA_E_PIN);
    assert_int_equal(err.rv, CKR_PIN_INCORRECT);
    assert_null(strstr(err.detail, "wrong-pin"));
    assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, 1);
}

static void each_pin_error_is_final(void **state)
{
    struct rig *rig = *state;
    static const CK_RV codes[] = {CKR_PIN_INCORRECT, CKR_PIN_INVALID, CKR_PIN_LEN_RANGE, CKR_PIN_EXPIRED,
                                  CKR_PIN_LOCKED};
    for (size_t i = 0; i < HA_ARRAY_SIZE(codes); i++) {
        memset(rig->faults, 0, sizeof(*rig->faults));
        rig->faults->call[FAULT_LOGIN].rv = codes[i];
        rig->faults->call[FAULT_LOGIN].count = 1;
        struct ha_err err = failed_start(rig, &(struct rig_options){0}, HA_TOKEN_EXIT_PIN);
        assert_int_equal(err.code, HA_E_PIN);
        assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, 1);
    }
}

static void pin_is_not_tried_when_the_token_would_lock(void **state)
{
    struct rig *rig = *state;
    static const CK_FLAGS flags[] = {CKF_USER_PIN_FINAL_TRY, CKF_USER_PIN_LOCKED};
    for (size_t i = 0; i < HA_ARRAY_SIZE(flags); i++) {
        rig->faults->token_flags = flags[i];
        struct ha_err err = failed_start(rig, &(struct rig_options){0}, HA_TOKEN_EXIT_PIN);
        assert_int_equal(err.code, HA_E_PIN);
        assert_non_null(strstr(err.detail, "wasn't tried"));
    }
    assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, 0);
}

static void guard_forgets_the_right_pin_and_keeps_each_wrong_one(void **state)
{
    struct rig *rig = *state;
    static const struct rig_options guarded = {.guard = true};
    char path[128];
    rig_path(rig, "guard", path);
    rig_up(rig, &guarded);
    rig_stop(rig);
    assert_int_equal(access(path, F_OK), -1);
    static const char *const wrong[] = {"wrong-1\n", "wrong-2\n"};
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < HA_ARRAY_SIZE(wrong); i++) {
            rig_write(rig, "pin", wrong[i], 0600);
            struct ha_err err = failed_start(rig, &guarded, HA_TOKEN_EXIT_PIN);
            assert_int_equal(err.code, HA_E_PIN);
            assert_int_equal(err.rv, round == 0 ? CKR_PIN_INCORRECT : 0);
        }
        rig_write(rig, "pin", RIG_PIN "\n", 0600);
        rig_up(rig, &guarded);
        rig_stop(rig);
    }
    assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, 1 + 2 + 3);
    assert_int_equal(unlink(path), 0);
}

static void guard_counts_a_locked_pin_as_refused_and_other_errors_not(void **state)
{
    struct rig *rig = *state;
    static const struct rig_options guarded = {.guard = true};
    char path[128];
    rig_path(rig, "guard", path);
    rig->faults->call[FAULT_LOGIN].rv = CKR_DEVICE_ERROR;
    rig->faults->call[FAULT_LOGIN].count = 3;
    failed_start(rig, &guarded, HA_TOKEN_EXIT_FAILED);
    assert_int_equal(access(path, F_OK), 0);  // nobody knows
    rig->faults->token_flags = CKF_USER_PIN_COUNT_LOW;
    struct ha_err err = failed_start(rig, &guarded, HA_TOKEN_EXIT_PIN);
    assert_non_null(strstr(err.detail, "isn't known"));
    rig->faults->token_flags = 0;
    rig_up(rig, &guarded);
    rig_stop(rig);
    assert_int_equal(access(path, F_OK), -1);
    rig->faults->call[FAULT_LOGIN].rv = CKR_PIN_LOCKED;
    rig->faults->call[FAULT_LOGIN].count = 1;
    failed_start(rig, &guarded, HA_TOKEN_EXIT_PIN);
    int before = rig->faults->call[FAULT_LOGIN].calls;
    failed_start(rig, &guarded, HA_TOKEN_EXIT_PIN);
    assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, before);
    assert_int_equal(unlink(path), 0);
}

static void guard_that_is_not_understood_or_not_private_stops_the_login(void **state)
{
    struct rig *rig = *state;
    static const struct rig_options guarded = {.guard = true};
    static const char salt[] = "scrypt-16384-8-1 00112233445566778899aabbccddeeff\n";
    static const struct {
        const char *text;
        mode_t mode;
    } rows[] = {
        {"", 0600},
        {"refused 00\n", 0600},
        {"scrypt-16384-8-1 0011\n", 0600},
        {"scrypt-16384-8-1 00112233445566778899aabbccddeeff\nrefused 00\n", 0600},
        {"scrypt-16384-8-1 00112233445566778899aabbccddeeff\nwhat 00\n", 0600},
        {salt, 0644},
    };
    char path[128];
    rig_path(rig, "guard", path);
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        rig_write(rig, "guard", rows[i].text, rows[i].mode);
        struct ha_err err = failed_start(rig, &guarded, HA_TOKEN_EXIT_USAGE);
        assert_int_equal(err.code, HA_E_CONFIG);
    }
    assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, 0);
    rig_write(rig, "guard", salt, 0600);
    rig_up(rig, &guarded);
    rig_stop(rig);
    assert_int_equal(unlink(path), -1);  // it held nothing
}

static void login_of_somebody_else_is_no_proof(void **state)
{
    struct rig *rig = *state;
    rig->faults->call[FAULT_LOGIN].rv = CKR_USER_ALREADY_LOGGED_IN;
    rig->faults->call[FAULT_LOGIN].count = 1;
    struct ha_err err = failed_start(rig, &(struct rig_options){0}, HA_TOKEN_EXIT_FAILED);
    assert_int_equal(err.code, HA_E_TOKEN_ERROR);
}

static void pin_file_must_be_private_and_full(void **state)
{
    struct rig *rig = *state;
    char path[160] = "file:";
    rig_write(rig, "pin", RIG_PIN "\n", 0644);
    struct ha_err err = failed_start(rig, &(struct rig_options){0}, HA_TOKEN_EXIT_USAGE);
    assert_int_equal(err.code, HA_E_CONFIG);
    rig_write(rig, "pin", "\n", 0600);
    err = failed_start(rig, &(struct rig_options){0}, HA_TOKEN_EXIT_USAGE);
    assert_int_equal(err.code, HA_E_CONFIG);
    rig_path(rig, "absent", path + 5);
    err = failed_start(rig, &(struct rig_options){.pin = path}, HA_TOKEN_EXIT_FAILED);
    assert_int_equal(err.code, HA_E_IO);
    err = failed_start(rig, &(struct rig_options){.no_pin = true}, HA_TOKEN_EXIT_USAGE);
    assert_int_equal(err.code, HA_E_CONFIG);
    assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, 0);
}

static void prompt_without_a_terminal_says_so(void **state)
{
    struct rig *rig = *state;
    if (getenv("HA_TEST_TTY") == NULL && open("/dev/tty", O_RDWR | O_CLOEXEC) >= 0)
        skip();
    struct ha_err err = failed_start(rig, &(struct rig_options){.pin = "prompt"}, HA_TOKEN_EXIT_FAILED);
    assert_non_null(strstr(err.detail, "no terminal"));
}

static void start_gets_over_a_token_that_is_still_starting(void **state)
{
    struct rig *rig = *state;
    static const struct {
        enum fault_call call;
        CK_RV rv;
    } rows[] = {
        {FAULT_GET_SLOT_LIST, CKR_GENERAL_ERROR},    {FAULT_OPEN_SESSION, CKR_TOKEN_NOT_RECOGNIZED},
        {FAULT_LOGIN, CKR_USER_PIN_NOT_INITIALIZED}, {FAULT_LOGIN, CKR_GENERAL_ERROR},
        {FAULT_INITIALIZE, CKR_GENERAL_ERROR},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        memset(rig->faults, 0, sizeof(*rig->faults));
        rig->faults->call[rows[i].call].rv = rows[i].rv;
        rig->faults->call[rows[i].call].count = 2;
        rig_up(rig, &(struct rig_options){0});
        assert_int_equal(rig->faults->call[FAULT_INITIALIZE].calls, 3);
        assert_int_equal(rig_stop(rig), HA_TOKEN_EXIT_OK);
    }
    rig->faults->call[FAULT_OPEN_SESSION].rv = CKR_GENERAL_ERROR;
    rig->faults->call[FAULT_OPEN_SESSION].count = 1000;
    struct ha_err err = failed_start(rig, &(struct rig_options){0}, HA_TOKEN_EXIT_FAILED);
    assert_string_equal(err.function, "C_OpenSession");
}

static void token_is_found_by_uri_only(void **state)
{
    struct rig *rig = *state;
    char by_serial[128], both[192];
    snprintf(by_serial, sizeof(by_serial), "pkcs11:serial=%s", rig->serial);
    snprintf(both, sizeof(both), "pkcs11:token=" RIG_LABEL ";serial=%s;model=SoftHSM%%20v2", rig->serial);
    const char *const good[] = {by_serial, both, "pkcs11:manufacturer=SoftHSM%20project;token=" RIG_LABEL};
    for (size_t i = 0; i < HA_ARRAY_SIZE(good); i++) {
        rig_up(rig, &(struct rig_options){.uri = good[i]});
        rig_stop(rig);
    }
    static const struct {
        const char *uri;
        enum ha_code code;
        int status;
        const char *detail;
    } bad[] = {
        {"pkcs11:token=other", HA_E_TOKEN_DOWN, HA_TOKEN_EXIT_FAILED, "there are '" RIG_LABEL "' (serial number '"},
        {"pkcs11:token=" RIG_LABEL ";serial=00", HA_E_TOKEN_DOWN, HA_TOKEN_EXIT_FAILED, "no token fits"},
        {"pkcs11:slot-id=0", HA_E_CONFIG, HA_TOKEN_EXIT_USAGE, "names no token"},
        {"pkcs11:", HA_E_CONFIG, HA_TOKEN_EXIT_USAGE, "names no token"},
        {"pkcs11:token=" RIG_LABEL "?pin-value=4711", HA_E_CONFIG, HA_TOKEN_EXIT_USAGE, "PIN"},
        {"pkcs11:token=" RIG_LABEL ";colour=red", HA_E_CONFIG, HA_TOKEN_EXIT_USAGE, "attribute"},
        {"token=" RIG_LABEL, HA_E_CONFIG, HA_TOKEN_EXIT_USAGE, "not a PKCS#11 URI"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(bad); i++) {
        struct ha_err err = failed_start(rig, &(struct rig_options){.uri = bad[i].uri}, bad[i].status);
        assert_int_equal(err.code, bad[i].code);
        assert_non_null(strstr(err.detail, bad[i].detail));
        assert_null(strstr(err.detail, "4711"));
    }
    assert_int_equal(rig->faults->call[FAULT_LOGIN].calls, 3);
}

static int init_token(struct rig *rig, const char *label, const char *pin_file, char **ret_serial)
{
    char module[160], label_option[128], so_pin[128], pin[128];
    snprintf(module, sizeof(module), "--module=%s", rig_softhsm());
    snprintf(label_option, sizeof(label_option), "--label=%s", label);
    snprintf(so_pin, sizeof(so_pin), "--so-pin=file:%s/so-pin", rig->dir);
    snprintf(pin, sizeof(pin), "--pin=file:%s/%s", rig->dir, pin_file);
    const char *argv[] = {rig_program(), "--init", module, label_option, so_pin, pin, NULL};
    return rig_run(rig, argv, ret_serial);
}

static void two_tokens_that_fit_are_named(void **state)
{
    struct rig *rig = *state;
    char *second = NULL;
    assert_int_equal(init_token(rig, "second", "pin", &second), HA_TOKEN_EXIT_OK);
    second[strcspn(second, "\n")] = '\0';
    struct ha_err err =
        failed_start(rig, &(struct rig_options){.uri = "pkcs11:model=SoftHSM%20v2"}, HA_TOKEN_EXIT_FAILED);
    assert_int_equal(err.code, HA_E_AMBIGUOUS);
    assert_non_null(strstr(err.detail, "'" RIG_LABEL "'"));
    assert_non_null(strstr(err.detail, rig->serial));
    assert_non_null(strstr(err.detail, "'second'"));
    assert_non_null(strstr(err.detail, second));
    rig_up(rig, &(struct rig_options){0});
    free(second);
}

static void init_refuses_what_it_must(void **state)
{
    struct rig *rig = *state;
    rig_write(rig, "open-pin", "12345678\n", 0644);
    rig_write(rig, "empty-pin", "\n", 0600);
    assert_int_equal(init_token(rig, RIG_LABEL, "pin", NULL), HA_TOKEN_EXIT_FAILED);  // is there already
    assert_int_equal(init_token(rig, "123456789012345678901234567890123", "pin", NULL), HA_TOKEN_EXIT_FAILED);
    assert_int_equal(init_token(rig, "", "pin", NULL), HA_TOKEN_EXIT_FAILED);
    assert_int_equal(init_token(rig, "new", "open-pin", NULL), HA_TOKEN_EXIT_FAILED);
    assert_int_equal(init_token(rig, "new", "empty-pin", NULL), HA_TOKEN_EXIT_FAILED);
    assert_int_equal(init_token(rig, "new", "absent", NULL), HA_TOKEN_EXIT_FAILED);
    assert_int_equal(init_token(rig, "12345678901234567890123456789012", "pin", NULL), HA_TOKEN_EXIT_OK);
    rig_up(rig, &(struct rig_options){0});
}

static void wrong_options_are_usage_errors(void **state)
{
    struct rig *rig = *state;
    static const char *const rows[][7] = {
        {""},
        {"--name=a", "--uri=pkcs11:token=a", "--sessions=1"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=relative.so", "--sessions=1"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so", "--sessions=0"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so", "--sessions=129"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so", "--sessions=1x"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so", "--sessions=1", "--pin=1234"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so", "--sessions=1", "--pin=file:relative"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so", "--sessions=1", "--colour=red"},
        {"--name=a", "--uri=pkcs11:token=a", "--module=/m.so", "--sessions=1", "word"},
        {"--init", "--module=/m.so", "--label=l", "--so-pin=file:/p"},
        {"--init", "--module=/m.so", "--label=l", "--so-pin=prompt", "--pin=file:/p"},
        {"--init", "--module=/m.so", "--so-pin=file:/p", "--pin=file:/p"},
        {"--tool=lost", "--module=/m.so"},
        {"--tool=list"},
        {"--tool=info", "--module=/m.so"},
        {"--tool=init", "--module=/m.so", "--label=l", "--pin=prompt"},
        {"--tool=pin-change", "--module=/m.so", "--token=l", "--pin=1234", "--new-pin=prompt"},
        {"--tool=pin-change", "--module=/m.so", "--token=l", "--pin=prompt", "--new-pin=1234"},
        {"--tool=pin-reset", "--module=/m.so", "--token=l", "--pin=prompt", "--new-pin=prompt"},
        {"--tool=so-pin-change", "--module=/m.so", "--token=l", "--so-pin=prompt"},
        {"--tool=list", "--module=/m.so", "--timeout=3601"},
    };
    for (size_t i = 0; i < HA_ARRAY_SIZE(rows); i++) {
        const char *argv[9] = {rig_program()};
        for (size_t k = 0; k < 7 && rows[i][k]; k++)
            argv[k + 1] = rows[i][k];
        assert_int_equal(rig_run(rig, argv, NULL), HA_TOKEN_EXIT_USAGE);
    }
}

// --- What the process shows of itself

static char *read_proc(const struct rig *rig, const char *name, size_t *ret_n)
{
    char path[64];
    char *text = calloc(1, 65536);
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)rig->pid, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t n = read(fd, text, 65535);
    assert_true(n > 0);
    *ret_n = (size_t)n;
    close(fd);
    return text;
}

static void pin_is_not_in_arguments_or_environment(void **state)
{
    struct rig *rig = *state;
    static const char *const names[] = {"cmdline", "environ", "maps"};
    rig_up(rig, &(struct rig_options){.plain_module = true});
    for (size_t i = 0; i < HA_ARRAY_SIZE(names); i++) {
        size_t n;
        char *text = read_proc(rig, names[i], &n);
        assert_null(memmem(text, n, RIG_PIN, strlen(RIG_PIN)));
        free(text);
    }
}

static void process_is_hardened_and_ignores_the_terminal_signals(void **state)
{
    struct rig *rig = *state;
    size_t n;
    rig_up(rig, &(struct rig_options){.plain_module = true});
    char *status = read_proc(rig, "status", &n), *limits = read_proc(rig, "limits", &n);
    assert_non_null(strstr(status, "NoNewPrivs:\t1"));
    char *core = strstr(limits, "Max core file size");
    assert_non_null(core);
    core += strlen("Max core file size");
    while (isspace((unsigned char)*core))
        core++;
    assert_int_equal(*core, '0');
    free(status);
    free(limits);
    static const int signals[] = {SIGINT, SIGTERM, SIGPIPE};
    for (size_t i = 0; i < HA_ARRAY_SIZE(signals); i++)
        assert_int_equal(kill(rig->pid, signals[i]), 0);
    assert_true(lists(rig));
    assert_int_equal(rig_stop(rig), HA_TOKEN_EXIT_OK);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(start_serves_until_the_control_channel_closes, stop),
        cmocka_unit_test_teardown(start_without_a_word_ends_with_the_channel, stop),
        cmocka_unit_test_teardown(module_args_reach_c_initialize, stop),
        cmocka_unit_test_teardown(wrong_pin_is_tried_once, stop),
        cmocka_unit_test_teardown(each_pin_error_is_final, stop),
        cmocka_unit_test_teardown(pin_is_not_tried_when_the_token_would_lock, stop),
        cmocka_unit_test_teardown(guard_forgets_the_right_pin_and_keeps_each_wrong_one, stop),
        cmocka_unit_test_teardown(guard_counts_a_locked_pin_as_refused_and_other_errors_not, stop),
        cmocka_unit_test_teardown(guard_that_is_not_understood_or_not_private_stops_the_login, stop),
        cmocka_unit_test_teardown(login_of_somebody_else_is_no_proof, stop),
        cmocka_unit_test_teardown(pin_file_must_be_private_and_full, stop),
        cmocka_unit_test_teardown(prompt_without_a_terminal_says_so, stop),
        cmocka_unit_test_teardown(start_gets_over_a_token_that_is_still_starting, stop),
        cmocka_unit_test_teardown(token_is_found_by_uri_only, stop),
        cmocka_unit_test_teardown(two_tokens_that_fit_are_named, stop),
        cmocka_unit_test_teardown(init_refuses_what_it_must, stop),
        cmocka_unit_test_teardown(wrong_options_are_usage_errors, stop),
        cmocka_unit_test_teardown(pin_is_not_in_arguments_or_environment, stop),
        cmocka_unit_test_teardown(process_is_hardened_and_ignores_the_terminal_signals, stop),
    };
    return cmocka_run_group_tests_name("token_start", tests, set_up, tear_down);
}
