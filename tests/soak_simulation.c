/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Seeds until the time is up: the loads of workload.h on simulated nodes, calm and rough by turns.
 *
 *      soak_simulation [--seconds N] [--first SEED] [--seeds N]
 *
 * Ends with counts, and 0; or with 1, the seed that failed and how to repeat it. Not a ctest: those have a few seeds of their own.
 */
#include "tests/workload.h"

#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#include "actors/fault.h"
#include "actors/preempt.h"
#include "actors/simulation.h"

#define AGAIN "repeat it with: soak_simulation --first %" PRIu64 " --seeds 1"

struct soak {
        uint64_t first, seeds; /* from `first` on, so many; 0: until the time is up */
        int64_t seconds;
        uint64_t tried, turns, passed_ms, crashes, refusals;
};

static void log_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

static void count(struct soak *soak, cop_node *node)
{
        cop_simulation_state state;
        cop_simulation_look(node, &state);
        soak->turns += state.turns;
        soak->passed_ms += (uint64_t)state.passed_ms;
        soak->crashes += state.crashes;
        soak->refusals += state.refusals;
}

static const char *try_load(struct soak *soak, const struct workload *workload, uint64_t seed)
{
        cop_node *node;
        cop_simulation order = seed % 2 == 0 ? (cop_simulation){ 0 } : workload->rough;
        order.seed = seed;
        order.checks = seed % 8 == 7 ? 1 : 8;
        const cop_node_options options = { .simulation = &order, .max_actors = 4096, .log = log_nothing };
        if (cop_node_start(&options, &node) != COP_OK)
                return "the node does not start";
        char again[64];
        snprintf(again, sizeof(again), AGAIN, seed);
        cop__simulation_of(node)->again = again;
        if (cop_node_enter(node) != COP_OK)
                return "the node lets nobody in";
        const char *wrong = workload_run(workload, node, seed, NO_PLANT);
        count(soak, node);
        cop_node_leave();
        cop_node_stop(node);
        return wrong;
}

static bool try_seed(struct soak *soak, uint64_t seed)
{
        for (size_t i = 0; i < COP__COUNT(workloads); i++) {
                const char *wrong = try_load(soak, &workloads[i], seed);
                if (wrong == NULL)
                        continue;
                printf("seed %" PRIu64 ": %s: %s\n" AGAIN "\n", seed, workloads[i].name, wrong, seed);
                return false;
        }
        soak->tried++;
        return true;
}

static bool try_all(struct soak *soak)
{
        time_t until = time(NULL) + (time_t)soak->seconds;
        for (uint64_t seed = soak->first; soak->seeds == 0 || soak->tried < soak->seeds; seed++) {
                if (soak->seeds == 0 && time(NULL) >= until)
                        break;
                if (!try_seed(soak, seed))
                        return false;
        }
        return true;
}

static void tell(const struct soak *soak)
{
        printf("simulation: %" PRIu64 " seeds from %" PRIu64 ", five loads each: %" PRIu64
               " turns, %.2f simulated hours, %" PRIu64 " crashes, %" PRIu64 " refusals of memory\n",
               soak->tried, soak->first, soak->turns, (double)soak->passed_ms / 3.6e6, soak->crashes,
               soak->refusals);
}

static bool read_number(const char *text, uint64_t *number)
{
        char *end;
        *number = strtoull(text, &end, 10);
        return *text >= '0' && *text <= '9' && *end == '\0';
}

static bool read_options(int argc, char **argv, struct soak *soak)
{
        for (int i = 1; i < argc; i += 2) {
                uint64_t number;
                if (i + 1 == argc || !read_number(argv[i + 1], &number))
                        return false;
                if (strcmp(argv[i], "--seconds") == 0)
                        soak->seconds = (int64_t)number;
                else if (strcmp(argv[i], "--first") == 0)
                        soak->first = number;
                else if (strcmp(argv[i], "--seeds") == 0)
                        soak->seeds = number;
                else
                        return false;
        }
        return true;
}

int main(int argc, char **argv)
{
        struct soak soak = { .seconds = 60, .first = (uint64_t)time(NULL) * 1000 };
        if (!read_options(argc, argv, &soak)) {
                fprintf(stderr, "usage: soak_simulation [--seconds N] [--first SEED] [--seeds N]\n");
                return 2;
        }
        /* Held over all nodes: else each would look up all functions anew. */
        if (cop__fault_install() != COP_OK || cop__preempt_install() != COP_OK)
                return 1;
        bool good = try_all(&soak);
        cop__preempt_uninstall();
        cop__fault_uninstall();
        tell(&soak);
        return good ? 0 : 1;
}
