// SPDX-License-Identifier: Apache-2.0
// Stands in for hsm-agent-token in tests: speaks the packets, holds its "objects" in a text file, and dies or hangs on
// demand.
//
// FAKE_DIR (from the token's environment) holds
//   objects   one private key a line: HEX-ID LABEL SPKI-HEX (or - when it isn't told)
//   uses      gets a byte for each SIGN but the proofs
//   mode      read at each question: "die-after-generate", "die-before-generate", "refuse-pin", ...
// A SIGN is answered with "signed:" and the input, unless the input is
//   die               the process ends without an answer
//   die-once          the same, but only if FAKE_DIR/died isn't there yet
//   give-up-once      likewise an HA_E_TOKEN_DOWN, also for the rest of its datagram, and then the process ends
//   hang              no answer, for ever
//   hold              FAKE_DIR/held is made, and the answer comes once it is gone
//   echo-wrong        an answer to another question
//   unanswered        no answer, but the others of its datagram get theirs
//   twice             two answers in one datagram
//   fail              an HA_E_TOKEN_ERROR
//   a proof           answered with a true ECDSA signature, of the private key 1, whose public key is the generator; in
//   the
//                     mode "other-private" of the private key 2
//   66 bytes or more  answered with what could be an ECDSA signature: 64 bytes of 's'
// FAKE_DIR/datagrams gets a byte for each datagram with SIGNs: 'a' for one of them, 'b' for two, and so on.
// In the mode "device-error" each SIGN is answered with HA_E_TOKEN_DOWN, and the process ends; in "sign-error" with
// HA_E_TOKEN_ERROR; in "hang" not at all; in "slow" after 5 ms.
#include "base/text.h"
#include "channel/packet.h"
#include "crypto/ossl.h"
#include "crypto/sigenc.h"
#include "token/options.h"

#include <fcntl.h>
#include <openssl/core_names.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char p256_spki_hex[] =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d81"
    "2deb33a0f4a13945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";

static const char p256_spki_2g_hex[] =
    "3059301306072a8648ce3d020106082a8648ce3d030107034200047cf27b188d034f7e8a52380304b51ac3c08969e277f21b35"
    "a60b48fc4766997807775510db8ed040293d9ac69f7430dbba7dade63ce982299e04b79d227873d1";

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

static EVP_PKEY *private_key(unsigned long number, const char *spki_hex)
{
    struct ha_buf spki = {0};
    struct ha_err err = {0};
    ha_hex_decode(&spki, spki_hex, strlen(spki_hex), &err);
    BIGNUM *scalar = BN_new();
    BN_set_word(scalar, number);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0);
    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, spki.data + spki.len - 65, 65);
    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar);
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
    EVP_PKEY *key = NULL;
    if (EVP_PKEY_fromdata_init(make) <= 0 || EVP_PKEY_fromdata(make, &key, EVP_PKEY_KEYPAIR, params) <= 0)
        _exit(HA_TOKEN_EXIT_FAILED);
    EVP_PKEY_CTX_free(make);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    BN_free(scalar);
    ha_buf_clear(&spki);
    return key;
}

static void sign_truly(const struct ha_part *input, struct ha_buf *output)
{
    bool other = mode_is("other-private");
    EVP_PKEY *key = private_key(other ? 2 : 1, other ? p256_spki_2g_hex : p256_spki_hex);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char der[80];
    size_t n = sizeof(der);
    struct ha_err err = {0};
    if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) <= 0 ||
        EVP_DigestSign(ctx, der, &n, input->data, input->len) <= 0 || ha_ecdsa_der_to_raw(der, n, 32, output, &err))
        _exit(HA_TOKEN_EXIT_FAILED);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
}

static bool is_proof(const struct ha_part *input)
{
    static const char beginning[] = "hsm-agent: this signature proves";
    return input->len > sizeof(beginning) && memcmp(input->data, beginning, strlen(beginning)) == 0;
}

static void note(const char *name, char what)
{
    char path[512];
    path_of(name, path, sizeof(path));
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    if (fd < 0 || write(fd, &what, 1) != 1)
        _exit(HA_TOKEN_EXIT_FAILED);
    close(fd);
}

// Says that it is there, and goes on when the test has seen that.
static void hold(void)
{
    char path[512];
    path_of("held", path, sizeof(path));
    close(open(path, O_CREAT | O_WRONLY, 0600));
    while (access(path, F_OK) == 0)
        poll(NULL, 0, 1);
}

// Whether nobody in FAKE_DIR has asked before.
static bool is_first_time(void)
{
    char path[512];
    path_of("died", path, sizeof(path));
    int flag = open(path, O_CREAT | O_EXCL | O_WRONLY, 0600);
    if (flag >= 0)
        close(flag);
    return flag >= 0;
}

// Answers in the making, of one datagram.
struct answers {
    struct ha_packet packets[HA_PACKET_ITEMS_MAX];
    struct ha_buf outputs[HA_PACKET_ITEMS_MAX];
    struct ha_err errs[HA_PACKET_ITEMS_MAX];
    size_t n;
    bool is_last;  // the process ends after it
};

static void sign(const struct ha_packet *question, struct answers *answers)
{
    const struct ha_part *input = &question->part[2];
    if (is(input, "die"))
        _exit(9);
    if (is(input, "die-once") && is_first_time())
        _exit(9);
    while (is(input, "hang") || mode_is("hang"))
        pause();
    if (is(input, "hold"))
        hold();
    if (mode_is("slow"))
        poll(NULL, 0, 5);
    // Once it is down, nothing else of the datagram is tried.
    bool is_down = answers->is_last || mode_is("device-error") || (is(input, "give-up-once") && is_first_time());
    if (!is_proof(input))
        note("uses", 'x');
    if (is(input, "unanswered"))
        return;
    struct ha_packet *reply = &answers->packets[answers->n];
    struct ha_buf *output = &answers->outputs[answers->n];
    struct ha_err *err = &answers->errs[answers->n++];
    *reply = (struct ha_packet){.op = question->op, .serial = question->serial};
    if (is_down || mode_is("sign-error") || is(input, "fail")) {
        ha_fail(err, is_down ? HA_E_TOKEN_DOWN : HA_E_TOKEN_ERROR, "the fake fails");
        strcpy(err->function, "C_Sign");
        err->rv = 5;
        ha_packet_fail(reply, err);
        answers->is_last = is_down;
        return;
    }
    if (is(input, "echo-wrong"))
        reply->serial++;
    if (is_proof(input)) {
        sign_truly(input, output);
    } else if (input->len >= 66) {
        for (int i = 0; i < 64; i++)
            ha_buf_putc(output, 's');
    } else {
        ha_buf_puts(output, "signed:");
        ha_buf_append(output, input->data, input->len);
    }
    reply->part[0] = (struct ha_part){output->data, output->len};
    if (is(input, "twice") && answers->n < HA_PACKET_ITEMS_MAX)
        answers->packets[answers->n++] = *reply;
}

static void sign_all(int fd, const struct ha_packet *questions, size_t n)
{
    struct answers answers = {.n = 0};
    const struct ha_packet *list[HA_PACKET_ITEMS_MAX] = {NULL};
    struct ha_err err = {0};
    note("datagrams", (char)('a' + n - 1));
    for (size_t i = 0; i < n; i++)
        sign(&questions[i], &answers);
    for (size_t i = 0; i < answers.n; i++)
        list[i] = &answers.packets[i];
    if (answers.n > 0 && ha_packet_send_several(fd, list, answers.n, &err))
        _exit(HA_TOKEN_EXIT_FAILED);
    for (size_t i = 0; i < answers.n; i++)
        ha_buf_clear(&answers.outputs[i]);
    if (answers.is_last)
        _exit(HA_TOKEN_EXIT_FAILED);
}

static void *work(void *argument)
{
    int fd = *(int *)argument;
    struct ha_packet_buffer *buffer = ha_packet_buffer_new();
    for (;;) {
        struct ha_packet questions[HA_PACKET_ITEMS_MAX];
        size_t n = 0;
        struct ha_err err = {0};
        if (ha_packet_recv_several(fd, -1, buffer, questions, &n, &err))
            break;
        sign_all(fd, questions, n);
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
    if (mode_is("hold-destroy"))
        hold();
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

static void refuse(int fd, const struct ha_packet *question)
{
    struct ha_packet reply = {.op = question->op, .serial = question->serial};
    struct ha_err err = {0};
    ha_fail(&err, HA_E_KEY_CANNOT, "the fake can't do that");
    ha_packet_fail(&reply, &err);
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
        else
            refuse(HA_CONTROL_FD, &question);
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
