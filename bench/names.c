/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Question: what does it cost to find an actor by its name or key, and does it cost more among many?
 *
 * names_lookup_N: N actors have names; an actor looks up 1,000 of them, over and over. names_change_N: it takes a name of its
 * own and gives it up, among N others; one operation is the pair. keys_lookup_N and keys_change_N: the same in a registry with
 * unique keys, all of one actor. With two workers there are two such actors.
 *
 * The 1,000 are in the cache, so that the figures are those of finding and not of memory.
 *
 * Checked: each lookup finds somebody.
 */
#include <stdio.h>

#include "bench/harness.h"

#define BATCH 1000

typedef struct { uint64_t number, ops, among; bool changes; } errand;
COP_MESSAGE(errand, number, ops, among, changes);

/* Only bears a name. A server, so that it holds no stack. */
typedef struct { uint64_t errands; } bearer;

static void bearer_on_errand(bearer *self, const errand *e)
{
        self->errands += e->ops;
}

COP_SERVER(bearer, COP_ON(errand, bearer_on_errand));

static void name_of(uint64_t number, char name[32])
{
        snprintf(name, 32, "name_%llu", (unsigned long long)number);
}

/* As many as the name says, but for a run of few operations, which is to be quick. */
static uint64_t among_for(const struct bench_run *run, uint64_t among)
{
        return among < run->ops * 100 ? among : run->ops * 100;
}

/* Neighbours in the sequence are far apart. */
static uint64_t scatter(uint64_t i, uint64_t among)
{
        return i * UINT64_C(0x9e3779b97f4a7c15) % among;
}

static void tell(uint64_t began_ns, uint64_t ops)
{
        cop_send(cop_parent(), bench_span, .began_ns = began_ns, .ended_ns = bench_now(), .ops = ops);
}

/*
 * An actor that first makes what is to be found, and then lives on as its owner. It does so much faster than a thread of the
 * program could, which would wake a worker for each.
 */
static void settle(void (*settler)(const errand *), uint64_t among)
{
        cop_spawn_with(settler, errand, .among = among);
        bench_gather(1);
}

static void tell_and_stay(uint64_t began_ns, uint64_t among)
{
        tell(began_ns, among);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(errand)));
}

static void bench_errands(struct bench_run *run, void (*goes)(const errand *), uint64_t among,
                          bool changes)
{
        for (unsigned i = 0; i < run->workers; i++)
                cop_spawn_with(goes, errand, i, run->ops / run->workers + 1, among, changes);
        bench_found(run, bench_gather(run->workers));
}

/* ---- Plain names --------------------------------------------------------------------- */

static void use_names(const errand *e)
{
        char (*names)[32] = bench_books(BATCH * sizeof(*names)), own[32];
        snprintf(own, sizeof(own), "own_%llu", (unsigned long long)e->number);
        for (uint64_t i = 0; i < BATCH; i++)
                name_of(scatter(i, e->among), names[i]);
        uint64_t began_ns = bench_now();
        for (uint64_t i = 0; i < e->ops; i++) {
                if (!e->changes) {
                        BENCH_CHECK(cop_whereis(names[i % BATCH]).bits != 0, "a name is not found");
                        continue;
                }
                BENCH_CHECK(cop_register(own, cop_self()) == COP_OK, "a name is not taken");
                BENCH_CHECK(cop_unregister(own) == COP_OK, "a name is not given up");
        }
        tell(began_ns, e->ops);
}

static void name_many(const errand *e)
{
        char name[32];
        uint64_t began_ns = bench_now();
        for (uint64_t i = 0; i < e->among; i++) {
                name_of(i, name);
                cop_spawn_server(&bearer_server, name);
        }
        tell_and_stay(began_ns, e->among);
}

static void bench_names(struct bench_run *run, uint64_t among, bool changes)
{
        settle(name_many, among);
        bench_errands(run, use_names, among, changes);
}

/* ---- Keys ---------------------------------------------------------------------------- */

static void use_keys(const errand *e)
{
        cop_term own = COP_TUPLE(cop_atom("own"), cop_natural(e->number));
        uint64_t began_ns = bench_now();
        for (uint64_t i = 0; i < e->ops; i++) {
                cop_pid pid = cop_no_pid();
                if (!e->changes) {
                        cop_term key = cop_natural(scatter(i % BATCH, e->among));
                        BENCH_CHECK(cop_registry_whereis("keys", key, &pid) == COP_OK,
                                    "a key is not found");
                        continue;
                }
                BENCH_CHECK(cop_registry_register("keys", own, cop_nil(), NULL) == COP_OK,
                            "a key is not taken");
                BENCH_CHECK(cop_registry_unregister("keys", own) == COP_OK, "a key is not given up");
        }
        tell(began_ns, e->ops);
}

static void register_many(const errand *e)
{
        uint64_t began_ns = bench_now();
        for (uint64_t i = 0; i < e->among; i++)
                BENCH_CHECK(cop_registry_register("keys", cop_natural(i), cop_nil(), NULL) == COP_OK,
                            "a key is not taken");
        tell_and_stay(began_ns, e->among);
}

static void bench_keys(struct bench_run *run, uint64_t among, bool changes)
{
        cop_pid pid;
        cop_ref started = cop_ref_new();
        BENCH_CHECK(cop_spawn_opt(&(cop_spawn_options){ .server = &cop_registry_server, .name = "keys",
                                                        .kind = COP_KIND_OF(cop_registry),
                                                        .argument = &(cop_registry){ .keys = COP_UNIQUE },
                                                        .start_ref = started }, &pid) == COP_OK,
                    "a registry does not start");
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_started, started)));
        settle(register_many, among);
        bench_errands(run, use_keys, among, changes);
}

#define NAMES(among)                                                                 \
        BENCH(names_lookup_##among, .unit = "lookup", .ops = 1000000, .quick_ops = 1000, \
              .growth = true)                                                        \
        {                                                                            \
                bench_names(run, among_for(run, among), false);                      \
        }                                                                            \
        BENCH(names_change_##among, .unit = "pair", .ops = 1000000, .quick_ops = 1000, \
              .growth = true)                                                      \
        {                                                                            \
                bench_names(run, among_for(run, among), true);                       \
        }                                                                            \
        BENCH(keys_lookup_##among, .unit = "lookup", .ops = 1000000, .quick_ops = 1000, \
              .growth = true)                                                        \
        {                                                                            \
                bench_keys(run, among_for(run, among), false);                       \
        }                                                                            \
        BENCH(keys_change_##among, .unit = "pair", .ops = 1000000, .quick_ops = 1000, \
              .growth = true)                                                      \
        {                                                                            \
                bench_keys(run, among_for(run, among), true);                        \
        }

NAMES(10)
NAMES(1000)
NAMES(100000)
NAMES(1000000)
