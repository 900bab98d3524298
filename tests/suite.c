/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The main program of every test: runs the claims that registered themselves, each as
 * a libcheck case of its own, so that a failure is reported under the claim's name.
 *
 * Around each claim stands a fixture, in the claim's process, that notes the open
 * descriptors, the threads and Coppice's memory (ledger.h) before and compares them after.
 */
#define _GNU_SOURCE
#include "tests/suite.h"

#include <dirent.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "base/compiler.h"
#include "tests/ledger.h"

/* Entries of /proc/self/fd or /proc/self/task: small numbers, each with a name. */
#define NUMBERS_MAX 4096

/* A thread that was joined may be listed until the kernel has buried it. */
#define LEAK_POLLS 2000
#define LEAK_POLL_NS 1000000

struct numbers {
        size_t count;
        int each[NUMBERS_MAX];
};

static struct suite_claim *first_claim;
static struct suite_claim **last_claim = &first_claim;
static struct numbers descriptors_before;
static struct numbers threads_before;
static struct ledger ledger_before;

void suite_register(struct suite_claim *claim)
{
        *last_claim = claim;
        last_claim = &claim->next;
}

/* What COP_TEST_SIMULATE asks for: first_seed is -1 where it asks for nothing. */
static long first_seed = -1, last_seed = -1;
static long seed_now = -1;
static const char *claim_now = "";
static const char *program_now = "";

/* A claim under one seed. */
struct trial {
        struct trial *next;
        struct suite_claim *claim;
        long seed;
        char name[256];
};
static struct trial *first_trial;

/*
 * Where a case was when it last asserted something that held. check writes that to a file each time, for its report of a claim that
 * dies, and claims assert in loops: the linker puts __wrap__mark_point in the place of it. What a claim's process notes here the
 * suite's reads. Of two threads that assert at once the line of either may be in the file of the other.
 */
struct place {
        const char *claim;
        long seed;
        const char *file; /* atomic, as line is, relaxed; NULL: it has asserted nothing */
        int line;
};

/* Of the cases that have begun, one after the other; shared with the claims' processes. */
struct places {
        size_t taken;
        struct place each[];
};

static struct places *places; /* NULL: there is no memory for it */
static size_t places_size;
static struct place *place_now; /* the running claim's, in its process; NULL in one that it has forked */

void __wrap__mark_point(const char *file, int line);
void __wrap__mark_point(const char *file, int line)
{
        struct place *place = cop__load_relaxed(&place_now);
        if (place == NULL)
                return;
        cop__store_relaxed(&place->file, file);
        cop__store_relaxed(&place->line, line);
}

static void make_places(size_t count)
{
        places_size = sizeof(*places) + count * sizeof(places->each[0]);
        void *memory = mmap(NULL, places_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        places = memory != MAP_FAILED ? memory : NULL;
}

static void free_places(void)
{
        if (places != NULL)
                munmap(places, places_size);
}

static void take_place(const char *claim, long seed)
{
        if (places == NULL)
                return;
        struct place *place = &places->each[places->taken++];
        *place = (struct place){ .claim = claim, .seed = seed };
        cop__store_relaxed(&place_now, place);
}

long suite_seed(void)
{
        return first_seed < 0 ? -1 : seed_now;
}

void suite_trial_is(long seed, const char *claim)
{
        seed_now = seed;
        claim_now = claim;
        take_place(claim, seed);
}

const char *suite_again(unsigned long long seed)
{
        static char line[512];
        snprintf(line, sizeof line, "repeat it with: COP_TEST_SIMULATE=%llu %s %s", seed, program_now, claim_now);
        return line;
}

const char *suite_again_on(unsigned workers, unsigned long long seed)
{
        static char line[512];
        snprintf(line, sizeof line, "repeat it with: COP_TEST_SEED=%llu COP_TEST_WORKERS=%u %s %s", seed, workers, program_now,
                 claim_now);
        return line;
}

static void read_seeds(void)
{
        const char *wanted = getenv("COP_TEST_SIMULATE");
        char *end;
        if (wanted == NULL || *wanted == '\0')
                return;
        first_seed = last_seed = strtol(wanted, &end, 10);
        if (*end == '-')
                last_seed = strtol(end + 1, &end, 10);
        if (*end != '\0' || first_seed < 0 || last_seed < first_seed || last_seed >= INT_MAX) {
                fprintf(stderr, "COP_TEST_SIMULATE=%s: a seed, or first-last\n", wanted);
                exit(2);
        }
}

int suite_is_emulated(void)
{
        return getenv("COP_TEST_EMULATED") != NULL;
}

static int is_watched(void)
{
        /* Valgrind shows itself by what it preloads. */
        const char *preload = getenv("LD_PRELOAD");
        return COP__ASAN || COP__TSAN || suite_is_emulated() || getenv("COP_TEST_SLOW") != NULL ||
               (preload && strstr(preload, "vgpreload"));
}

/* check's file has no name and is open for the claim and for whoever it forks: to the latter it becomes /dev/null. */
void suite_is_forked(void)
{
        cop__store_relaxed(&place_now, NULL);
        int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
        for (int fd = 3; fd < NUMBERS_MAX; fd++) {
                struct stat file;
                if (fd != nothing && fstat(fd, &file) == 0 && S_ISREG(file.st_mode) && file.st_nlink == 0)
                        dup2(nothing, fd);
        }
        close(nothing);
}

int suite_is_watched(void)
{
        return first_seed >= 0 || is_watched();
}

int suite_is_slow(void)
{
        return suite_is_watched() || COP__CHECKED || getenv("COP_TEST_WORKERS") != NULL;
}

/* The numbers in a directory of /proc, without the descriptor that reads it. */
static void read_numbers(const char *path, struct numbers *numbers)
{
        numbers->count = 0;
        DIR *dir = opendir(path);
        ck_assert_msg(dir != NULL, "cannot open %s: %s", path, strerror(errno));
        int own = strcmp(path, "/proc/self/fd") == 0 ? dirfd(dir) : -1;
        for (struct dirent *entry = readdir(dir); entry; entry = readdir(dir)) {
                if (entry->d_name[0] == '.')
                        continue;
                int number = atoi(entry->d_name);
                if (number != own && numbers->count < NUMBERS_MAX)
                        numbers->each[numbers->count++] = number;
        }
        closedir(dir);
}

static int contains(const struct numbers *numbers, int number)
{
        for (size_t i = 0; i < numbers->count; i++)
                if (numbers->each[i] == number)
                        return 1;
        return 0;
}

/* One that is in `after` and not in `before`, or -1. */
static int added(const struct numbers *before, const struct numbers *after)
{
        for (size_t i = 0; i < after->count; i++)
                if (!contains(before, after->each[i]))
                        return after->each[i];
        return -1;
}

static void *nothing(void *unused)
{
        return unused;
}

/* ThreadSanitizer starts a thread of its own beside the first one of ours. */
static void wake_sanitizer(void)
{
        pthread_t thread;
        if (COP__TSAN && pthread_create(&thread, NULL, nothing, NULL) == 0)
                pthread_join(thread, NULL);
}

/* libunwind opens a pipe at its first walk and keeps it for the life of the process. Where it is linked, its
 * backtrace() stands for the C library's. */
static void prime_unwinder(void)
{
        void *frames[4];
        backtrace(frames, 4);
}

/* A claim that hangs does not outlive the suite whose time is up, and slow down what comes after. */
static void end_with_suite(void)
{
        pid_t suite = getppid();
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != suite)
                _exit(1);
}

static void before_claim(void)
{
        end_with_suite();
        wake_sanitizer();
        prime_unwinder();
        read_numbers("/proc/self/fd", &descriptors_before);
        read_numbers("/proc/self/task", &threads_before);
        ledger_before = ledger_now();
}

/* Waits until nothing is left that was not there before; -1, or what stays. */
static int leaked(const char *path, const struct numbers *before)
{
        static struct numbers now;
        int left = -1;
        for (int poll = 0; poll < LEAK_POLLS; poll++) {
                read_numbers(path, &now);
                left = added(before, &now);
                if (left < 0)
                        break;
                nanosleep(&(struct timespec){ .tv_nsec = LEAK_POLL_NS }, NULL);
        }
        return left;
}

static void thread_name(int thread, char *name, size_t size)
{
        char path[64];
        snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
        snprintf(name, size, "?");
        FILE *file = fopen(path, "re");
        if (!file)
                return;
        if (fgets(name, (int)size, file))
                name[strcspn(name, "\n")] = '\0';
        fclose(file);
}

/* Blocks of a pool, and bytes of address space, that Coppice has not given back. */
static void expect_memory_back(void)
{
        struct ledger now = ledger_now();
        ck_assert_msg(now.blocks == ledger_before.blocks, "left %lld blocks of messages or actors behind",
                      (long long)(now.blocks - ledger_before.blocks));
        ck_assert_msg(now.mapped == ledger_before.mapped, "left %lld bytes mapped",
                      (long long)(now.mapped - ledger_before.mapped));
}

static void after_claim(void)
{
        char what[256] = "?";
        int thread = leaked("/proc/self/task", &threads_before);
        if (thread >= 0) {
                thread_name(thread, what, sizeof what);
                ck_abort_msg("left a thread behind: %d, called %s", thread, what);
        }
        int descriptor = leaked("/proc/self/fd", &descriptors_before);
        if (descriptor >= 0) {
                char path[64];
                snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
                ssize_t size = readlink(path, what, sizeof what - 1);
                what[size > 0 ? size : 0] = '\0';
                ck_abort_msg("left a descriptor open: %d, which is %s", descriptor, what);
        }
        expect_memory_back();
}

static void add_case(Suite *suite, const char *name, struct suite_claim *claim, long seed)
{
        TCase *tcase = tcase_create(name);
        tcase_set_timeout(tcase, claim->seconds * (is_watched() ? 4 : 1));
        tcase_add_checked_fixture(tcase, before_claim, after_claim);
        tcase_add_loop_test(tcase, &claim->test, (int)seed, (int)seed + 1);
        suite_add_tcase(suite, tcase);
}

static void name_trial(char *name, size_t size, const char *claim, long seed)
{
        if (seed < 0)
                snprintf(name, size, "%s", claim);
        else
                snprintf(name, size, "%s, seed %ld", claim, seed);
}

static void add_trial(Suite *suite, struct suite_claim *claim, long seed)
{
        struct trial *trial = malloc(sizeof *trial);
        if (!trial)
                abort();
        trial->claim = claim;
        trial->seed = seed;
        trial->next = first_trial;
        name_trial(trial->name, sizeof trial->name, claim->test.name, seed);
        first_trial = trial;
        add_case(suite, trial->name, claim, seed);
}

static void free_trials(void)
{
        while (first_trial) {
                struct trial *next = first_trial->next;
                free(first_trial);
                first_trial = next;
        }
}

/* As one case, or as one for each seed; how many. */
static int add_claim(Suite *suite, struct suite_claim *claim)
{
        if (first_seed < 0) {
                add_case(suite, claim->test.name, claim, -1);
                return 1;
        }
        for (long seed = first_seed; seed <= last_seed; seed++)
                add_trial(suite, claim, seed);
        return (int)(last_seed - first_seed) + 1;
}

/* How to have it again. */
static void print_replay(const char *program, const char *name)
{
        for (const struct trial *trial = first_trial; trial; trial = trial->next)
                if (strcmp(trial->name, name) == 0)
                        printf("    repeat it with: COP_TEST_SIMULATE=%ld %s %s\n", trial->seed, program,
                               trial->claim->test.name);
}

/* Where a case that has died last was, or NULL. */
static const struct place *place_of(TestResult *result)
{
        char name[sizeof first_trial->name];
        if (places == NULL || tr_rtype(result) != CK_ERROR)
                return NULL;
        for (const struct place *place = places->each; place < &places->each[places->taken]; place++) {
                name_trial(name, sizeof name, place->claim, place->seed);
                if (strcmp(name, tr_tcname(result)) == 0)
                        return place->file != NULL ? place : NULL;
        }
        return NULL;
}

static void print_failures(SRunner *runner, const char *program, int count)
{
        TestResult **failures = srunner_failures(runner);
        for (int i = 0; i < count; i++) {
                const struct place *place = place_of(failures[i]);
                printf("%s:%d: %s: %s\n", place != NULL ? place->file : tr_lfile(failures[i]),
                       place != NULL ? place->line : tr_lno(failures[i]), tr_tcname(failures[i]), tr_msg(failures[i]));
                print_replay(program, tr_tcname(failures[i]));
        }
        free(failures);
}

/* /a/b/test_timer and test_timer.c alike are the suite "timer". */
static void suite_name(const char *program, char *name, size_t size)
{
        const char *slash = strrchr(program, '/');
        const char *base = slash ? slash + 1 : program;
        snprintf(name, size, "%s", strncmp(base, "test_", 5) == 0 ? base + 5 : base);
        name[strcspn(name, ".")] = '\0';
}

int main(int argc, char **argv)
{
        const char *wanted = argc > 1 ? argv[1] : "";
        char name[128];
        suite_name(argv[0], name, sizeof name);
        program_now = argv[0];
        read_seeds();

        int count = 0;
        Suite *suite = suite_create(name);
        for (struct suite_claim *claim = first_claim; claim; claim = claim->next) {
                if (!strstr(claim->test.name, wanted))
                        continue;
                count += add_claim(suite, claim);
        }
        SRunner *runner = srunner_create(suite);
        if (count == 0) {
                fprintf(stderr, "%s: no claim has \"%s\" in its name\n", name, wanted);
                srunner_free(runner);
                return 2;
        }
        make_places((size_t)count);
        srunner_run_all(runner, CK_SILENT);
        int failed = srunner_ntests_failed(runner);
        print_failures(runner, argv[0], failed);
        printf("%s: %d of %d claims hold\n", name, count - failed, count);
        srunner_free(runner);
        free_trials();
        free_places();
        return failed ? 1 : 0;
}
