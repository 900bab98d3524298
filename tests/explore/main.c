/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Schedules by the thousand. See explore.h.
 *
 *      explore_NOUN [SCENARIO...]        those with such a name, or all
 *              --schedules N             so many of each (default 1000)
 *              --seconds S               for so long instead, shared by the scenarios
 *              --seed N                  begins with that seed; alone, it is that one schedule
 *              --exhaust P               all schedules with at most P preemptions instead
 *              --c11                     memory is as C11 has it: history.c
 *              --trace                   prints each step
 *              --finds                   something must fail: ends with 0 if it does
 *
 * Ends with 0 when every scenario held under every schedule, 1 when one did not, 2 for a wrong option.
 */
#include "tests/explore/explore.h"

#include <inttypes.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
        const char *wanted[16];
        unsigned wanted_count;
        uint64_t schedules, seed;
        double seconds;
        int preemptions; /* -1: by seed */
        bool finds, c11;
} options = { .schedules = 1000, .seed = 1, .preemptions = -1 };

static const char *program;
static struct explore_scenario *scenarios, **last_scenario = &scenarios;

/* The schedule that runs. */
static const struct explore_scenario *scenario;
static uint64_t seed, schedule_count;

void explore_register(struct explore_scenario *one)
{
        *last_scenario = one;
        last_scenario = &one->next;
}

/* ---- Failing ---------------------------------------------------------------------------- */

void explore_say_how(void)
{
        if (options.finds) {
                printf("explore: %s: found, in schedule %" PRIu64 "\n", scenario->name, schedule_count);
                fflush(stdout);
                _exit(0);
        }
        if (options.preemptions >= 0)
                printf("explore: %s does not hold: schedule %" PRIu64 " of those with %d preemptions\n"
                       "explore: again with: %s %s --exhaust %d --trace\n",
                       scenario->name, schedule_count, options.preemptions, program, scenario->name,
                       options.preemptions);
        else
                printf("explore: %s does not hold: seed %" PRIu64 "\n"
                       "explore: again with: %s %s%s --seed %" PRIu64 " --schedules 1 --trace\n",
                       scenario->name, seed, program, scenario->name, options.c11 ? " --c11" : "", seed);
}

static void on_crash(int number)
{
        signal(number, SIG_DFL);
        explore_fail("the program got signal %d", number);
}

static void catch_crashes(void)
{
        static char stack[65536];
        sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
        struct sigaction action = { .sa_handler = on_crash, .sa_flags = SA_ONSTACK };
        const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT };
        for (unsigned i = 0; i < COP__COUNT(numbers); i++)
                sigaction(numbers[i], &action, NULL);
}

/* ---- Schedules ------------------------------------------------------------------------------ */

static double seconds_now(void)
{
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* How long it is when nobody is interrupted: what PCT's change points are spread over. */
static uint32_t measure(void)
{
        explore_strategy_begin(EXPLORE_PCT, 0, 1);
        explore_memory_begin(0);
        explore_run(scenario);
        return explore_strategy_steps();
}

static void by_seed(double seconds)
{
        uint32_t steps = measure();
        double end = seconds_now() + seconds;
        for (seed = options.seed; seconds > 0 || schedule_count < options.schedules; seed++) {
                if (seconds > 0 && schedule_count % 64 == 0 && seconds_now() >= end)
                        break;
                schedule_count++;
                explore_strategy_begin(EXPLORE_BY_SEED, seed, steps);
                explore_memory_begin(options.c11 ? 3 : explore_random(3));
                explore_run(scenario);
        }
        printf("explore: %s: holds under %" PRIu64 " schedules of some %u steps, seeds %" PRIu64
               " to %" PRIu64 "\n", scenario->name, schedule_count, steps, options.seed, seed - 1);
}

static void all_of_them(void)
{
        explore_strategy_bound((unsigned)options.preemptions);
        do {
                schedule_count++;
                explore_strategy_begin(EXPLORE_EXHAUST, 1, 0);
                explore_memory_begin(0);
                explore_run(scenario);
        } while (explore_strategy_next());
        printf("explore: %s: holds under all %" PRIu64 " schedules with at most %d preemptions\n",
               scenario->name, schedule_count, options.preemptions);
}

/* ---- The command line ------------------------------------------------------------------------- */

static bool is_wanted(const struct explore_scenario *one)
{
        for (unsigned i = 0; i < options.wanted_count; i++)
                if (strstr(one->name, options.wanted[i]) != NULL)
                        return true;
        return options.wanted_count == 0;
}

static void wrong_usage(const char *word)
{
        fprintf(stderr, "explore: '%s' is no option, or lacks its number\n", word);
        exit(2);
}

static void read_options(char **words)
{
        for (; *words != NULL; words++) {
                const char *word = *words;
                if (word[0] != '-') {
                        if (options.wanted_count < COP__COUNT(options.wanted))
                                options.wanted[options.wanted_count++] = word;
                        continue;
                }
                if (strcmp(word, "--trace") == 0) {
                        explore_traces = true;
                        continue;
                }
                if (strcmp(word, "--c11") == 0) {
                        options.c11 = true;
                        continue;
                }
                if (strcmp(word, "--finds") == 0) {
                        options.finds = true;
                        continue;
                }
                const char *value = *++words;
                if (value == NULL)
                        wrong_usage(word);
                else if (strcmp(word, "--schedules") == 0)
                        options.schedules = strtoull(value, NULL, 10);
                else if (strcmp(word, "--seconds") == 0)
                        options.seconds = strtod(value, NULL);
                else if (strcmp(word, "--seed") == 0)
                        options.seed = strtoull(value, NULL, 10);
                else if (strcmp(word, "--exhaust") == 0)
                        options.preemptions = atoi(value);
                else
                        wrong_usage(word);
        }
}

int main(int argc, char **argv)
{
        unsigned count = 0;
        (void)argc;
        program = argv[0];
        read_options(argv + 1);
        catch_crashes();
        mallopt(M_TRIM_THRESHOLD, 64 << 20); /* each schedule takes and frees the same again */
        mallopt(M_MMAP_THRESHOLD, 32 << 20);
        for (scenario = scenarios; scenario != NULL; scenario = scenario->next)
                count += is_wanted(scenario);
        if (count == 0) {
                fprintf(stderr, "explore: no scenario has such a name\n");
                return 2;
        }
        for (scenario = scenarios; scenario != NULL; scenario = scenario->next) {
                if (!is_wanted(scenario))
                        continue;
                schedule_count = 0;
                if (options.preemptions >= 0)
                        all_of_them();
                else
                        by_seed(options.seconds / count);
                fflush(stdout);
        }
        if (options.finds)
                printf("explore: a planted bug was not found\n");
        return options.finds ? 1 : 0;
}
