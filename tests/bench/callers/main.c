// SPDX-License-Identifier: Apache-2.0
// Has callers ask for the same operation over and over, and measures them:
//
//   callers [OPTION]... -a ALGORITHM -P PUBLIC-KEY WAY WORD...
//   callers fill MODULE LABEL PIN-FILE COUNT
//
//   -a ALGORITHM   RS256, ES256, Ed25519 (signatures), RSA-OAEP (decryptions)
//   -P FILE        the public key in PEM: the first output of each caller is checked
//   -n N           callers (1)
//   -f             each is a process, instead of a thread
//   -b N           operations a request (1)
//   -r RATE        requests begin at random moments, so many a second, whether or not earlier ones are done; their
//                  times count from there. Without it each caller begins when its last request is done.
//   -w S, -t S     for so long nothing is counted (0.2), and for so long it is (1)
//   -p SIDE=PID[+] a process whose use of the processors is measured, and those of its children with +
//
// Ways: `file FILE`, `engine ENGINE MODULE PIN-FILE URI`, `module MODULE LABEL PIN-FILE ID`, `agent SOCKET KEY`.
//
// Prints a JSON object: operations a second, the times of requests in microseconds, and microseconds of processor time
// an operation by side, "client" for this program. A request that isn't within the time as a whole counts with the
// share that is. Ends with 3 when the way can't do what is asked for, and says why.
#include "run.h"

#include <math.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_UNABLE = 3 };

static const char *const algorithms[] = {
    [RS256] = "RS256", [ES256] = "ES256", [ED25519] = "Ed25519", [OAEP] = "RSA-OAEP"};
static const struct way *const ways[] = {&file_way, &engine_way, &module_way, &agent_way};

bool callers_fail(char *why, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(why, WHY_MAX, format, args);
    va_end(args);
    return false;
}

static void *live_as_thread(void *me)
{
    run_live(me);
    return NULL;
}

// --- All of them

// One after the other, since modules don't like to be started by many at once. False: it isn't able.
static bool start(struct run *run, struct caller *me)
{
    struct timespec limit;
    me->run = run;
    if (!run->processes) {
        if (pthread_create(&me->thread, NULL, live_as_thread, me) != 0)
            return callers_fail(me->why, "no thread");
    } else {
        // Not into *me at once, which the child shares.
        pid_t pid = fork();
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            run_live(me);
            _exit(0);
        }
        me->pid = pid;
        if (pid < 0)
            return callers_fail(me->why, "no process");
    }
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec += PATIENCE_S;
    if (sem_timedwait(&run->ready, &limit) != 0)
        callers_fail(me->why, "nothing comes");
    return me->why[0] == '\0';
}

// Gaps as of independent users; the same in each run.
static bool plan_arrivals(struct run *run, int64_t start_ns)
{
    double span = run->warm_s + run->seconds, at = 0;
    unsigned short seed[3] = {1, 2, 3};
    size_t n = 0, room = (size_t)(2 * span * run->rate) + 1000;
    run->arrivals =
        mmap(NULL, room * sizeof(*run->arrivals), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run->arrivals == MAP_FAILED)
        return false;
    for (; n < room && at < span; n++) {
        at += -log(1 - erand48(seed)) / run->rate;
        run->arrivals[n] = start_ns + (int64_t)(at * 1e9);
    }
    run->n_arrivals = n;
    return true;
}

static void measure_cpu(struct run *run)
{
    run->read_ns = run_now_ns() - run->read_ns;
    for (int i = 0; i < run->n_sides; i++)
        run->sides[i].ns = cpu_used(&run->sides[i]) - run->sides[i].ns;
}

static bool let_go(struct run *run)
{
    struct side *client = &run->sides[run->n_sides++];
    *client = (struct side){.name = "client"};
    for (int i = 0; i < run->n_callers; i++)
        if (run->processes)
            client->pid[client->n_pids++] = run->caller[i].pid;
    if (!run->processes)
        client->pid[client->n_pids++] = getpid();
    for (int i = 0; i < run->n_sides; i++)
        cpu_find_children(&run->sides[i]);
    int64_t start_ns = run_now_ns() + 1000000;
    run->from_ns = start_ns + (int64_t)(run->warm_s * 1e9);
    run->to_ns = run->from_ns + (int64_t)(run->seconds * 1e9);
    if (run->rate > 0 && !plan_arrivals(run, start_ns))
        return false;
    for (int i = 0; i < run->n_callers; i++)
        sem_post(&run->go);
    run_sleep_until(run->from_ns);
    measure_cpu(run);
    run_sleep_until(run->to_ns);
    measure_cpu(run);
    for (int i = 0; i < run->n_callers; i++)
        sem_post(&run->leave);
    for (int i = 0; i < run->n_callers; i++) {
        if (run->processes)
            waitpid(run->caller[i].pid, NULL, 0);
        else
            pthread_join(run->caller[i].thread, NULL);
    }
    return true;
}

// None began in the time: null.
static void print_time(const char *name, double us)
{
    if (isnan(us))
        printf(",\"%s\":null", name);
    else
        printf(",\"%s\":%.2f", name, us);
}

static int print(struct run *run)
{
    struct times *all = calloc(1, sizeof(*all));
    double done = 0;
    for (int i = 0; all && i < run->n_callers; i++) {
        const struct caller *caller = &run->caller[i];
        if (caller->failed > 0) {
            fprintf(stderr, "an operation failed: %s\n", caller->why);
            return 1;
        }
        done += caller->done;
        times_merge(all, &caller->times);
    }
    if (!all || done <= 0) {
        fprintf(stderr, "nothing was done in time\n");
        return EXIT_UNABLE;
    }
    printf("{\"ops_per_s\":%.2f", done / run->seconds);
    print_time("p50", times_quantile(all, 0.5));
    print_time("p99", times_quantile(all, 0.99));
    print_time("p999", times_quantile(all, 0.999));
    // The processors' time is of the moments at which it was read, which may be late on a busy machine.
    double read_s = (double)run->read_ns / 1e9;
    for (int i = 0; i < run->n_sides; i++)
        printf("%s\"%s\":%.3f", i > 0 ? "," : ",\"cpu\":{", run->sides[i].name,
               (double)run->sides[i].ns / 1000 / read_s / (done / run->seconds));
    printf("}}\n");
    free(all);
    return 0;
}

static int measure(struct run *run)
{
    char why[WHY_MAX] = "";
    if (!run->processes && !(run->opened = run->way->open(&run->job, why))) {
        fprintf(stderr, "%s\n", why);
        return EXIT_UNABLE;
    }
    for (int i = 0; i < run->n_callers; i++)
        if (!start(run, &run->caller[i])) {
            fprintf(stderr, "%s\n", run->caller[i].why);
            return EXIT_UNABLE;
        }
    return let_go(run) ? print(run) : 1;
}

// --- The command line

static bool encrypt(struct run *run)
{
    static uint8_t ciphertext[OUTPUT_MAX];
    size_t n = sizeof(ciphertext);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(run->public_key, NULL);
    bool done = ctx && EVP_PKEY_encrypt_init(ctx) > 0 &&
                EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) > 0 &&
                EVP_PKEY_encrypt(ctx, ciphertext, &n, run->job.message, run->job.message_n) > 0;
    EVP_PKEY_CTX_free(ctx);
    run->job.ciphertext = ciphertext;
    run->job.ciphertext_n = n;
    return done;
}

static bool read_public_key(struct run *run, const char *path)
{
    FILE *file = fopen(path, "re");
    run->public_key = file ? PEM_read_PUBKEY(file, NULL, NULL, NULL) : NULL;
    if (file)
        fclose(file);
    return run->public_key;
}

static bool read_option(struct run *run, int option, char *value, bool *known_algorithm)
{
    switch (option) {
    case 'a':
        for (size_t i = 0; i < sizeof(algorithms) / sizeof(*algorithms); i++)
            if (strcmp(value, algorithms[i]) == 0) {
                run->job.operation = (enum operation)i;
                *known_algorithm = true;
            }
        return *known_algorithm;
    case 'P':
        return read_public_key(run, value);
    case 'n':
        run->n_callers = atoi(value);
        return run->n_callers > 0 && run->n_callers <= CALLERS_MAX;
    case 'f':
        run->processes = true;
        return true;
    case 'b':
        run->job.batch = strtoul(value, NULL, 10);
        return run->job.batch > 0;
    case 'r':
        run->rate = strtod(value, NULL);
        return run->rate > 0;
    case 'w':
        run->warm_s = strtod(value, NULL);
        return run->warm_s >= 0;
    case 't':
        run->seconds = strtod(value, NULL);
        return run->seconds > 0;
    case 'p':
        run->n_sides = cpu_add(run->sides, run->n_sides, value);
        return run->n_sides >= 0 && run->n_sides < SIDES_MAX;  // one is kept for the client
    default:
        return false;
    }
}

static bool read_way(struct run *run, int n, char **words)
{
    for (size_t i = 0; n > 0 && i < sizeof(ways) / sizeof(*ways); i++)
        if (strcmp(words[0], ways[i]->name) == 0 && n - 1 == ways[i]->n_words) {
            run->way = ways[i];
            run->job.words = words + 1;
            return true;
        }
    return false;
}

static bool read_command_line(struct run *run, int argc, char **argv)
{
    static const uint8_t message[] = "what everybody has to sign, or gets when it is decrypted";
    bool known = false;
    int option;
    run->job = (struct job){.message = message, .message_n = sizeof(message) - 1, .batch = 1};
    run->n_callers = 1;
    run->warm_s = 0.2;
    run->seconds = 1;
    while ((option = getopt(argc, argv, "a:P:n:fb:r:w:t:p:")) != -1)
        if (!read_option(run, option, optarg, &known))
            return false;
    return known && run->public_key && read_way(run, argc - optind, argv + optind) &&
           (run->job.operation != OAEP || encrypt(run));
}

int main(int argc, char **argv)
{
    char why[WHY_MAX] = "";
    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        if (callers_fill(argv + 2, why))
            return 0;
        fprintf(stderr, "%s\n", why);
        return 1;
    }
    struct run *run = mmap(NULL, sizeof(*run), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (run == MAP_FAILED)
        return 1;
    if (!read_command_line(run, argc, argv)) {
        fprintf(stderr, "usage: callers [-n N] [-f] [-b N] [-r RATE] [-w S] [-t S] [-p SIDE=PID[+]]... -a ALGORITHM "
                        "-P PUBLIC-KEY WAY WORD...\n       callers fill MODULE LABEL PIN-FILE COUNT\n");
        return 2;
    }
    sem_init(&run->ready, 1, 0);
    sem_init(&run->go, 1, 0);
    sem_init(&run->leave, 1, 0);
    prctl(PR_SET_TIMERSLACK, 1);
    int code = measure(run);
    fflush(NULL);
    // Modules and engines end badly when threads of theirs are still about; the processes go with their parent.
    _exit(code);
}
