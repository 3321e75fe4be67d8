// SPDX-License-Identifier: Apache-2.0
// Stands in for hsm-agent-token in tests: speaks the packets, holds its "objects" in a text file, and dies or hangs on
// demand.
//
// FAKE_DIR (from the token's environment) holds
//   objects   one private key a line: HEX-ID LABEL SPKI-HEX (or - when it isn't told)
//   mode      read at each control question: "die-after-generate", "die-before-generate", "refuse-pin", ...
// A SIGN is answered with "signed:" and the input, unless the input is
//   die               the process ends without an answer
//   die-once          the same, but only if FAKE_DIR/died isn't there yet
//   hang              no answer, for ever
//   echo-wrong        an answer to another question
//   fail              an HA_E_TOKEN_ERROR
//   66 bytes or more  answered with what could be an ECDSA signature: 64 bytes of 's'
#include "base/text.h"
#include "channel/packet.h"
#include "crypto/alg.h"
#include "token/options.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char p256_spki_hex[] =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d81"
    "2deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

static void path_of(const char *name, char *out, size_t size)
{
    snprintf(out, size, "%s/%s", getenv("FAKE_DIR"), name);
}

static bool mode_is(const char *wanted)
{
    char path[512], mode[64] = "";
    path_of("mode", path, sizeof(path));
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    if (fgets(mode, sizeof(mode), file))
        mode[strcspn(mode, "\n")] = '\0';
    fclose(file);
    return strcmp(mode, wanted) == 0;
}

static void answer(int fd, struct ha_packet *packet)
{
    struct ha_err err = {0};
    if (ha_packet_send(fd, packet, NULL, 0, &err))
        _exit(HA_TOKEN_EXIT_FAILED);
}

static bool is(const struct ha_part *part, const char *text)
{
    return part->len == strlen(text) && memcmp(part->data, text, part->len) == 0;
}

static void sign(int fd, const struct ha_packet *question)
{
    const struct ha_part *input = &question->part[2];
    if (is(input, "die"))
        _exit(9);
    if (is(input, "die-once")) {
        char path[512];
        path_of("died", path, sizeof(path));
        int flag = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
        if (flag >= 0)
            _exit(9);
    }
    while (is(input, "hang"))
        pause();
    struct ha_packet reply = {.op = question->op, .serial = question->serial};
    struct ha_err err = {0};
    struct ha_buf output = {0};
    if (is(input, "fail")) {
        ha_fail(&err, HA_E_TOKEN_ERROR, "the fake fails");
        strcpy(err.function, "C_Sign");
        err.rv = 5;
        ha_packet_fail(&reply, &err);
    } else {
        if (is(input, "echo-wrong"))
            reply.serial++;
        if (input->len >= 66) {
            for (int i = 0; i < 64; i++)
                ha_buf_putc(&output, 's');
        } else {
            ha_buf_puts(&output, "signed:");
            ha_buf_append(&output, input->data, input->len);
        }
        reply.part[0] = (struct ha_part){output.data, output.len};
    }
    answer(fd, &reply);
    ha_buf_clear(&output);
}

static void *work(void *argument)
{
    int fd = *(int *)argument;
    struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    for (;;) {
        struct ha_packet question;
        struct ha_err err = {0};
        if (ha_packet_recv(fd, -1, buffer, &question, NULL, NULL, &err))
            break;
        sign(fd, &question);
    }
    ha_packet_buffer_free(buffer);
    return NULL;
}

static void list(int fd, const struct ha_packet *question)
{
    char path[512], id[160], label[128], spki[2048];
    path_of("objects", path, sizeof(path));
    FILE *file = fopen(path, "r");
    while (file && fscanf(file, "%159s %127s %2047s", id, label, spki) == 3) {
        struct ha_buf id_bytes = {0}, spki_bytes = {0};
        struct ha_err err = {0};
        ha_hex_decode(&id_bytes, id, strlen(id), &err);
        if (strcmp(spki, "-") != 0)
            ha_hex_decode(&spki_bytes, spki, strlen(spki), &err);
        // The only URIs the tests use are "" and ones that name an id or a label.
        const char *wanted = question->part[0].data;
        bool all = question->part[0].len == 0;
        bool by_label = !all && memmem(wanted, question->part[0].len, label, strlen(label));
        bool by_id = !all && memmem(wanted, question->part[0].len, "id=", 3);
        if (all || by_label || by_id) {
            struct ha_packet object = {.op = HA_OP_OBJECT, .flags = HA_OBJECT_SIGN, .serial = question->serial};
            object.part[0] = (struct ha_part){id_bytes.data, id_bytes.len};
            object.part[1] = (struct ha_part){label, strlen(label)};
            object.part[2] = (struct ha_part){spki_bytes.data, spki_bytes.len};
            if (!spki_bytes.len)
                object.part[3] = (struct ha_part){"no public object", 16};
            answer(fd, &object);
        }
        ha_buf_clear(&id_bytes);
        ha_buf_clear(&spki_bytes);
    }
    if (file)
        fclose(file);
    struct ha_packet end = {.op = HA_OP_LIST, .serial = question->serial};
    answer(fd, &end);
}

static void generate(int fd, const struct ha_packet *question)
{
    if (mode_is("die-before-generate"))
        _exit(9);
    struct ha_buf id = {0}, spki = {0};
    struct ha_err err = {0};
    struct ha_packet reply = {.op = HA_OP_GENERATE, .serial = question->serial};
    if (mode_is("fail-generate")) {
        ha_fail(&err, HA_E_TOKEN_ERROR, "the fake makes no keys");
        ha_packet_fail(&reply, &err);
        answer(fd, &reply);
        return;
    }
    char path[512];
    path_of("objects", path, sizeof(path));
    FILE *file = fopen(path, "a");
    ha_hex_encode(&id, question->part[0].data, question->part[0].len);
    fprintf(file, "%s %.*s %s\n", ha_buf_text(&id), (int)question->part[1].len, (const char *)question->part[1].data,
            p256_spki_hex);
    fclose(file);
    if (mode_is("die-after-generate"))
        _exit(9);
    ha_hex_decode(&spki, p256_spki_hex, strlen(p256_spki_hex), &err);
    reply.part[0] = (struct ha_part){spki.data, spki.len};
    answer(fd, &reply);
    ha_buf_clear(&id);
    ha_buf_clear(&spki);
}

static void destroy(int fd, const struct ha_packet *question)
{
    if (mode_is("die-before-destroy"))
        _exit(9);
    char path[512], kept[512], line[2600];
    struct ha_buf id = {0};
    ha_hex_encode(&id, question->part[0].data, question->part[0].len);
    path_of("objects", path, sizeof(path));
    path_of("objects.new", kept, sizeof(kept));
    FILE *from = fopen(path, "r"), *to = fopen(kept, "w");
    while (from && fgets(line, sizeof(line), from))
        if (strncmp(line, ha_buf_text(&id), id.len) != 0)
            fputs(line, to);
    if (from)
        fclose(from);
    fclose(to);
    rename(kept, path);
    ha_buf_clear(&id);
    struct ha_packet reply = {.op = HA_OP_DESTROY, .serial = question->serial};
    answer(fd, &reply);
}

static void control(struct ha_packet_buffer *buffer)
{
    for (;;) {
        struct ha_packet question;
        struct ha_err err = {0};
        if (ha_packet_recv(HA_CONTROL_FD, -1, buffer, &question, NULL, NULL, &err))
            return;
        if (question.op == HA_OP_LIST)
            list(HA_CONTROL_FD, &question);
        else if (question.op == HA_OP_GENERATE)
            generate(HA_CONTROL_FD, &question);
        else if (question.op == HA_OP_DESTROY)
            destroy(HA_CONTROL_FD, &question);
    }
}

int main(void)
{
    static int fds[HA_PACKET_FDS_MAX];
    size_t n_fds = 0;
    struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    struct ha_packet start;
    struct ha_err err = {0};
    if (ha_packet_recv(HA_CONTROL_FD, -1, buffer, &start, fds, &n_fds, &err))
        _exit(HA_TOKEN_EXIT_FAILED);
    uint8_t ways[HA_ALG_COUNT];
    memset(ways, HA_WAY_DATA, sizeof(ways));
    struct ha_packet reply = {.op = HA_OP_START,
                              .part = {{"label", 5}, {"serial", 6}, {"fake model", 10}, {ways, sizeof(ways)}}};
    if (mode_is("refuse-pin")) {
        ha_fail(&err, HA_E_PIN, "the token refused the PIN");
        ha_packet_fail(&reply, &err);
        answer(HA_CONTROL_FD, &reply);
        _exit(HA_TOKEN_EXIT_PIN);
    }
    while (mode_is("hang-start"))
        pause();
    if (mode_is("fail-start"))
        _exit(HA_TOKEN_EXIT_FAILED);
    answer(HA_CONTROL_FD, &reply);
    for (size_t i = 0; i < n_fds; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, &fds[i]))
            _exit(HA_TOKEN_EXIT_FAILED);
        pthread_detach(thread);
    }
    control(buffer);
    _exit(HA_TOKEN_EXIT_OK);
}
