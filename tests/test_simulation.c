/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Simulated nodes: the same seed does the same, time is virtual, memory and actors fail on cue. */
#include "tests/failing_malloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "actors/simulation.h"
#include "tests/family.h"
#include "tests/last_words.h"

static cop_node *begin(cop_simulation order)
{
        cop_node *node = NULL;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .simulation = &order, .max_actors = 2000,
                                                             .log = fixture_log_nothing },
                                        &node),
                         COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        return node;
}

#define IN_SIMULATION(claim, ...)                                  \
        static void in_simulation_##claim(cop_node *node);         \
        TEST(claim)                                                \
        {                                                          \
                cop_node *node = begin((cop_simulation){ __VA_ARGS__ }); \
                in_simulation_##claim(node);                       \
                node_end(node);                                    \
        }                                                          \
        static void in_simulation_##claim(__attribute__((unused)) cop_node *node)

static cop_simulation_state state_of(cop_node *node)
{
        cop_simulation_state state;
        ck_assert_int_eq(cop_simulation_look(node, &state), COP_OK);
        return state;
}

/* ---- The same seed does the same ---------------------------------------------------------- */

typedef struct token {
        int64_t left;
        cop_pid boss;
} token;
COP_MESSAGE(token, left, boss);

typedef struct {
        int64_t seen;
} player;

static const char *const players[] = { "a", "b", "c", "d" };

/* Passes it on to another one, and sets timers, sleeps and makes references on the way. */
static void player_on_token(player *self, const token *t)
{
        const char *next = players[(uint64_t)(self->seen++ + t->left) % COP__COUNT(players)];
        if (t->left % 13 == 5)
                cop_send_after(NULL, t->left % 7, t->boss, token, .left = -1);
        if (t->left % 17 == 3)
                cop_sleep(t->left % 5);
        if (t->left > 0)
                cop_send(next, token, .left = t->left - 1, .boss = t->boss);
        else
                cop_send(t->boss, token, .left = 0);
}

COP_SERVER(player, COP_ON(token, player_on_token));

static const cop_supervisor club = {
        .name = "club", .intensity = 100000, .period_ms = 1,
        .children = COP_CHILDREN({ "a", .server = &player_server }, { "b", .server = &player_server },
                                 { "c", .server = &player_server }, { "d", .server = &player_server }),
};

/* What a run of the club has come to, from its seed. */
static uint64_t play(cop_simulation order)
{
        cop_node *node = begin(order);
        cop_pid root = cop_no_pid();
        cop_status started = cop_supervise(&club, &root); /* may find no memory */
        for (int64_t i = 0; i < 6; i++)
                cop_send(players[i % 4], token, .left = 40 + i, .boss = cop_self());
        for (int i = 0; i < 10; i++)
                cop_message_free(cop_receive(20, COP_KIND(token)));
        if (started == COP_OK)
                fell(root);
        uint64_t signature = state_of(node).signature;
        node_end(node);
        return signature;
}

/* With all that can go wrong. */
#define ROUGH(number) \
        ((cop_simulation){ .seed = (number), .crashes = 60, .refusals = 400, .stalls = 50, .checks = 1 })

TEST(the_same_seed_gives_the_same_signature_a_hundred_times)
{
        for (uint64_t seed = 1; seed <= 10; seed++) {
                uint64_t signature = play(ROUGH(seed));
                for (int again = 0; again < 10; again++)
                        ck_assert_uint_eq(play(ROUGH(seed)), signature);
        }
}

TEST(another_seed_gives_another_signature)
{
        uint64_t signatures[40];
        for (uint64_t seed = 0; seed < COP__COUNT(signatures); seed++) {
                signatures[seed] = play(ROUGH(seed));
                for (uint64_t before = 0; before < seed; before++)
                        ck_assert_uint_ne(signatures[seed], signatures[before]);
        }
}

typedef struct said {
        int8_t small; /* seven bytes behind it are nobody's */
        int64_t number;
        char letters[8];
        cop_text words;
} said;
COP_MESSAGE(said, small, number, letters, words);

static void hears_it(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(said)));
}

/* One message with these contents, in memory that was filled with something before. */
static uint64_t say_it(int64_t number, const char *words, int filling)
{
        cop_node *node = begin((cop_simulation){ .seed = 6 });
        said it;
        cop_ref ref;
        cop_pid pid;
        char *copy = strdup(words); /* elsewhere each time */
        memset(&it, filling, sizeof(it));
        it.small = 3;
        it.number = number;
        memcpy(it.letters, "ab", 3);
        it.words = cop_text_of(copy);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = hears_it, .monitor = true, .monitor_ref = &ref },
                                       &pid), COP_OK);
        ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
        ck_assert_int_eq(cop_send_value(COP_TO(pid), COP_KIND_OF(said), &it), COP_OK);
        await_down(ref, "normal");
        free(copy);
        uint64_t signature = state_of(node).signature;
        node_end(node);
        return signature;
}

TEST(what_a_message_says_is_in_the_signature_and_nothing_else_of_it)
{
        uint64_t signature = say_it(1, "one", 0);
        ck_assert_uint_eq(say_it(1, "one", 0xa5), signature);
        ck_assert_uint_ne(say_it(2, "one", 0), signature);
        ck_assert_uint_ne(say_it(1, "two", 0), signature);
}

/* A child process whose addresses lie elsewhere. */
static uint64_t play_elsewhere(uint64_t seed)
{
        char command[512], line[64];
        char path[256];
        ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - 1);
        ck_assert_int_gt(size, 0);
        path[size] = '\0';
        snprintf(command, sizeof(command), "COP_TEST_PLAY=%" PRIu64 " CK_FORK=no %s plays_when_asked_to",
                 seed, path);
        FILE *output = popen(command, "re");
        ck_assert_ptr_nonnull(output);
        ck_assert_ptr_nonnull(fgets(line, sizeof(line), output));
        while (fgetc(output) != EOF)
                ;
        ck_assert_int_eq(pclose(output), 0);
        return strtoull(line, NULL, 16);
}

/* Not a claim of its own: what the next one runs in other processes. */
TEST(plays_when_asked_to)
{
        const char *seed = getenv("COP_TEST_PLAY");
        if (seed == NULL)
                return;
        printf("%" PRIx64 "\n", play(ROUGH(strtoull(seed, NULL, 10))));
        fflush(stdout);
}

TEST(the_same_seed_gives_the_same_signature_in_other_processes)
{
        for (uint64_t seed = 1; seed <= 5; seed++) {
                uint64_t signature = play(ROUGH(seed));
                for (int again = 0; again < 3; again++)
                        ck_assert_uint_eq(play_elsewhere(seed), signature);
        }
}

/* ---- Time ------------------------------------------------------------------------------------ */

IN_SIMULATION(a_day_passes_at_once, .seed = 1)
{
        const int64_t day_ms = 24 * 3600 * 1000;
        int64_t before = cop_now_ms();
        cop_sleep(day_ms);
        ck_assert_int_ge(cop_now_ms() - before, day_ms);
        ck_assert_int_lt(cop_now_ms() - before, day_ms + 10);
        ck_assert_int_ge(state_of(node).passed_ms, day_ms);
}

static void sleeps_and_tells(const go *g)
{
        cop_sleep(g->unused);
        cop_send("witness", word, .who = cop_self());
}

IN_SIMULATION(what_is_to_happen_in_a_time_has_happened_when_it_has_passed, .seed = 2)
{
        attend();
        cop_spawn_with(sleeps_and_tells, go, .unused = 999);
        cop_spawn_with(sleeps_and_tells, go, .unused = 1100);
        ck_assert_int_eq(cop_simulation_advance(node, 1000), COP_OK);
        await_and_drop(COP_KIND(word));
        ck_assert_int_lt(state_of(node).passed_ms, 1050);
        ck_assert_ptr_null(cop_receive(0, COP_KIND(word)));
        ck_assert_int_eq(cop_simulation_advance(node, 150), COP_OK);
        ck_assert_int_eq(cop_simulation_advance(node, -1), COP_E_BAD_ARGUMENT);
        await_and_drop(COP_KIND(word));
}

/* Which of two whose times are one is woken first. */
TEST(of_timers_for_the_same_time_any_may_fire_first)
{
        int firsts[2] = { 0, 0 };
        for (uint64_t seed = 0; seed < 40; seed++) {
                cop_node *node = begin((cop_simulation){ .seed = seed });
                attend();
                cop_pid one = cop_spawn_with(sleeps_and_tells, go, .unused = 50);
                cop_spawn_with(sleeps_and_tells, go, .unused = 50);
                cop_auto message = await(COP_KIND(word));
                firsts[cop_pid_equal(cop_read(word, message)->who, one)]++;
                await_and_drop(COP_KIND(word));
                cop_message_free(message);
                message = NULL;
                node_end(node);
        }
        ck_assert_int_gt(firsts[0], 5);
        ck_assert_int_gt(firsts[1], 5);
}

static bool has_mail_now(void *unused)
{
        (void)unused;
        cop__take_in_all(cop__actor_here());
        return has_mail();
}

static bool never(void *unused)
{
        (void)unused;
        return false;
}

IN_SIMULATION(one_can_run_turn_by_turn_or_until_something_holds, .seed = 1)
{
        attend();
        cop_spawn_with(sleeps_and_tells, go, .unused = 5);
        ck_assert_uint_eq(cop_simulation_run(node, 1), 1);
        ck_assert_uint_eq(state_of(node).turns, 1);
        ck_assert_int_eq(cop_simulation_await(node, has_mail_now, NULL, 1000), COP_OK);
        await_and_drop(COP_KIND(word));
        ck_assert_int_eq(cop_simulation_await(node, never, NULL, 1000), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_simulation_await(node, NULL, NULL, 1000), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_simulation_await(node, never, NULL, -1), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
        ck_assert_uint_eq(cop_simulation_run(node, 100), 0);
}

IN_SIMULATION(to_await_for_ever_what_cannot_happen_any_more_ends, .seed = 1)
{
        ck_assert_int_eq(cop_simulation_await(node, never, NULL, COP_FOREVER), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_simulation_advance(node, COP_FOREVER), COP_E_BAD_ARGUMENT);
        cop_spawn_with(sleeps_and_tells, go, .unused = 5);
        ck_assert_int_eq(cop_simulation_await(node, never, NULL, COP_FOREVER), COP_E_TIMEOUT);
        ck_assert_int_ge(state_of(node).passed_ms, 5);
}

/* ---- On cue ------------------------------------------------------------------------------------- */

static void calls_itself_a_crash(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

IN_SIMULATION(an_actor_that_waits_crashes_when_told_to, .seed = 4)
{
        cop_ref ref;
        cop_pid pid;
        cop_spawn_options options = { .run = calls_itself_a_crash, .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        while (cop_simulation_run(node, 1) > 0)
                ;
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_OK);
        await_down(ref, "{crashed, simulation}");
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_simulation_crash(node, cop_self()), COP_E_BAD_ARGUMENT);
        ck_assert_uint_eq(state_of(node).crashes, 1);
}

IN_SIMULATION(a_crash_that_is_played_again_before_the_first_has_had_its_turn_is_the_same, .seed = 4)
{
        cop_ref ref;
        cop_pid pid;
        cop_spawn_options options = { .run = calls_itself_a_crash, .monitor = true, .monitor_ref = &ref };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        while (cop_simulation_run(node, 1) > 0)
                ;
        cop_simulation_refuse(node, 1);
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_E_NO_MEMORY); /* for its reason */
        cop_simulation_refuse(node, 0);
        ck_assert_uint_eq(state_of(node).crashes, 0);
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_OK);
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_OK);
        ck_assert_uint_eq(state_of(node).crashes, 1);
        await_down(ref, "{crashed, simulation}");
}

static int begun; /* inits and functions */

typedef struct {
        int64_t unused;
} slow;

static void slow_init(slow *self)
{
        (void)self;
        begun++;
        cop_sleep(100);
        ck_abort_msg("it has crashed, and goes on");
}

static void slow_on_go(slow *self, const go *g)
{
        (void)self;
        (void)g;
}

COP_SERVER(slow, COP_INIT(slow_init), COP_ON(go, slow_on_go));

static void begins_and_waits(void)
{
        begun++;
        cop_sleep(100);
        ck_abort_msg("it has crashed, and goes on");
}

IN_SIMULATION(an_actor_in_its_init_crashes_when_told_to, .seed = 4)
{
        cop_ref ref;
        cop_pid pid;
        begun = 0;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &slow_server, .monitor = true,
                                                              .monitor_ref = &ref }, &pid), COP_OK);
        while (cop_simulation_run(node, 1) > 0)
                ;
        ck_assert_int_eq(begun, 1);
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_OK);
        await_down(ref, "{crashed, simulation}");
        ck_assert_uint_eq(state_of(node).crashes, 1);
}

/* It is told before its first turn, and crashes where it first waits. */
IN_SIMULATION(an_actor_that_has_not_begun_crashes_when_told_to, .seed = 4)
{
        cop_spawn_options options[] = {
                { .server = &slow_server, .monitor = true }, { .run = begins_and_waits, .monitor = true },
        };
        for (size_t i = 0; i < COP__COUNT(options); i++) {
                cop_ref ref;
                cop_pid pid;
                begun = 0;
                options[i].monitor_ref = &ref;
                ck_assert_int_eq(cop_spawn_opt(&options[i], &pid), COP_OK);
                ck_assert_int_eq(begun, 0);
                ck_assert_int_eq(cop_simulation_crash(node, pid), COP_OK);
                await_down(ref, "{crashed, simulation}");
                ck_assert_int_eq(begun, 1);
                ck_assert_uint_eq(state_of(node).crashes, i + 1);
        }
}

IN_SIMULATION(an_actor_that_has_not_begun_crashes_also_for_who_visits_no_node, .seed = 4)
{
        cop_pid pid;
        begun = 0;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &slow_server }, &pid), COP_OK);
        cop_node_leave();
        ck_assert_int_eq(begun, 0);
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_OK);
        ck_assert_int_eq(cop_simulation_advance(node, 10), COP_OK);
        ck_assert_uint_eq(state_of(node).crashes, 1);
        ck_assert_int_eq(cop_simulation_crash(node, pid), COP_E_NO_ACTOR);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
}

/* In the middle of a handler: between a first message and a second. */
static void says_two_words(const go *g)
{
        (void)g;
        cop_trap_exit(true);
        say("one", "", "");
        say("two", "", "");
}

static bool may_any(void *context, cop_pid pid, const char *server)
{
        (void)context;
        (void)pid;
        return strcmp(server, "actor") == 0; /* a plain function, as in cop_get_child */
}

TEST(an_actor_may_crash_between_two_sends)
{
        int halves = 0;
        for (uint64_t seed = 0; seed < 300; seed++) {
                cop_node *node = begin((cop_simulation){ .seed = seed, .crashes = 3,
                                                         .may_crash = may_any });
                attend();
                cop_ref ref = spawn_watched(RUN_WITH(says_two_words, go, .unused = 0));
                await_and_drop(COP_REF(cop_down, ref));
                cop_auto one = cop_receive(0, COP_KIND(word));
                cop_auto two = cop_receive(0, COP_KIND(word));
                halves += one != NULL && two == NULL;
                cop_message_free(one);
                cop_message_free(two);
                one = two = NULL;
                node_end(node);
        }
        ck_assert_int_gt(halves, 5);
}

/* ---- Whom the seed crashes ---- */

static int gentle_ended, gentle_begun;

typedef struct {
        int64_t unused;
} gentle;

static void gentle_init(gentle *self)
{
        (void)self;
        cop_trap_exit(true);
        for (int i = 0; i < 20; i++)
                cop_yield();
        gentle_begun++;
}

static void gentle_on_go(gentle *self, const go *g)
{
        (void)self;
        (void)g;
}

static void gentle_terminate(gentle *self, cop_term reason)
{
        (void)self;
        (void)reason;
        gentle_ended++;
}

COP_SERVER(gentle, COP_INIT(gentle_init), COP_ON(go, gentle_on_go), COP_TERMINATE(gentle_terminate));

static const cop_supervisor gentle_house = {
        .name = "gentle_house", .intensity = 1000, .period_ms = 1, .children = COP_CHILDREN({ "gentle", .server = &gentle_server }),
};

static void yields_often(void)
{
        for (int i = 0; i < 50; i++)
                cop_yield();
}

/* In each turn. Its init is over all the same, neither a trap nor its terminate is heard of, and who has no supervisor goes on. */
IN_SIMULATION(who_was_started_by_a_supervisor_crashes_at_once_after_its_init_and_nobody_else, .seed = 8, .crashes = 1, .checks = 1)
{
        gentle_begun = gentle_ended = 0;
        cop_pid root = grow(&gentle_house);
        ck_assert_int_ge(gentle_begun, 1);
        for (int i = 0; i < 5; i++) {
                cop_ref ref = watch(cop_whereis("gentle"));
                cop_send("gentle", go);
                await_down(ref, "{crashed, simulation}");
                cop_simulation_advance(node, 1);
        }
        ck_assert_int_ge(gentle_begun, 6);
        await_down(spawn_watched(.run = yields_often), "normal");
        cop__simulation_of(node)->options.crashes = 0;
        ck_assert_int_eq(gentle_ended, 0);
        fell(root);
        ck_assert_int_eq(gentle_ended, 1);
}

/* ---- A slow machine ---- */

static void yields_until_told(void)
{
        while (cop_receive(0, COP_KIND(go)) == NULL)
                cop_yield();
}

/* Nothing is waited for: somebody is runnable all the time. */
static int64_t ms_until_a_timer_of_an_hour(uint32_t stalls, uint64_t turns)
{
        cop_node *node = begin((cop_simulation){ .seed = 3, .stalls = stalls });
        cop_pid pid = cop_spawn(yields_until_told);
        cop_ref ref = watch(pid);
        cop_send_after(NULL, HOUR_MS, pid, go);
        cop_simulation_run(node, turns);
        cop_message *down = cop_receive(0, COP_REF(cop_down, ref));
        int64_t ms = down != NULL ? state_of(node).passed_ms : -1;
        cop_message_free(down);
        node_end(node);
        return ms;
}

TEST(a_slow_machine_has_timers_that_are_due_although_somebody_is_runnable)
{
        ck_assert_int_eq(ms_until_a_timer_of_an_hour(0, 2000), -1);
        ck_assert_int_ge(ms_until_a_timer_of_an_hour(1, 2000), HOUR_MS);
        ck_assert_int_ge(ms_until_a_timer_of_an_hour(50, 2000), HOUR_MS);
}

/* ---- Who may not drive ---- */

static void drives_itself(void)
{
        cop_node *node = cop_node_here();
        cop_simulation_state state;
        bool refused = cop_simulation_run(node, 1) == 0 && cop_simulation_advance(node, 1) == COP_E_BAD_ARGUMENT &&
                       cop_simulation_await(node, never, NULL, 1) == COP_E_BAD_ARGUMENT &&
                       cop_simulation_crash(node, cop_parent()) == COP_E_BAD_ARGUMENT;
        cop_exit(cop_atom(refused && cop_simulation_look(node, &state) == COP_OK ? "refused" : "driven"));
}

IN_SIMULATION(an_actor_does_not_drive_the_node_that_it_lives_in, .seed = 1)
{
        await_down(spawn_watched(.run = drives_itself), "refused");
}

/* ---- Memory ---- */

IN_SIMULATION(memory_is_refused_on_cue, .seed = 5)
{
        int refused = 0;
        for (uint64_t n = 1; n < 40; n++) {
                cop_simulation_refuse(node, n);
                for (int i = 0; i < 100; i++)
                        refused += cop_send(cop_self(), go, .unused = i) == COP_E_NO_MEMORY;
                cop_simulation_refuse(node, 0);
                for (cop_message *m; (m = cop_receive(0, COP_KIND(go))) != NULL;)
                        cop_message_free(m);
        }
        ck_assert_int_gt(refused, 0);
        ck_assert_uint_ge(state_of(node).refusals, (uint64_t)refused);
}

/* A name takes some memory of the heap: refused piece by piece, it is not borne, and then it is. */
IN_SIMULATION(memory_of_the_heap_is_refused_on_cue, .seed = 5)
{
        cop_status status = COP_E_NO_MEMORY;
        uint64_t n = 0;
        while (status == COP_E_NO_MEMORY) {
                cop_simulation_refuse(node, ++n);
                status = cop_register("heap", cop_self());
                ck_assert_int_eq(cop_whereis("heap").bits != 0, status == COP_OK);
        }
        cop_simulation_refuse(node, 0);
        ck_assert_int_eq(status, COP_OK);
        ck_assert_uint_ge(n, 2);
        ck_assert_uint_eq(state_of(node).refusals, n - 1);
}

/* ---- The end ------------------------------------------------------------------------------------------ */

static bool hoard_ended;

static void end_hoard(void *ended)
{
        *(bool *)ended = true;
}

/* What is owned ends after the memory is given back. */
static void hoards(void)
{
        ck_assert_int_eq(cop_own("hoard", end_hoard, &hoard_ended), COP_OK);
        for (int i = 0; i < 100; i++)
                ck_assert_ptr_nonnull(cop_alloc(100));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* Found by AddressSanitizer when deaths were cut into small slices: the node stopped in the middle of them, and the rest leaked. */
TEST(a_node_that_stops_gives_back_all_that_its_actors_have)
{
        for (uint64_t seed = 0; seed < 30; seed++) {
                cop_node *node = begin((cop_simulation){ .seed = seed });
                hoard_ended = false;
                cop_spawn(hoards);
                ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
                node_end(node);
                ck_assert(hoard_ended);
        }
}

/* ---- Habits ------------------------------------------------------------------------------------------- */

/* All are numbers of one type: this many. */
#define HABITS (sizeof(struct cop__habits) / sizeof(uint32_t))

static void read_habits(const struct cop__habits *habits, uint32_t *numbers)
{
        memcpy(numbers, habits, sizeof(*habits));
}

TEST(seeds_draw_how_much_a_node_does_at_a_time)
{
        uint32_t ordinary[HABITS], drawn[HABITS], others[HABITS] = { 0 };
        read_habits(&cop__habits_ordinary, ordinary);
        for (uint64_t seed = 0; seed < 60; seed++) {
                cop_node *node = begin((cop_simulation){ .seed = seed });
                const struct cop__habits *habits = &node->scheduler.habits;
                read_habits(habits, drawn);
                for (size_t i = 0; i < HABITS; i++) {
                        others[i] += drawn[i] != ordinary[i];
                        ck_assert_uint_ge(drawn[i], 1);
                        ck_assert_uint_le(drawn[i], ordinary[i]);
                }
                ck_assert_uint_eq(habits->shared_every % habits->timers_every, 0);
                ck_assert_uint_eq(node->scheduler.workers[0].ring.room, habits->ring_size);
                node_end(node);
        }
        for (size_t i = 0; i < HABITS; i++)
                ck_assert_msg(COP__TINY || (others[i] > 10 && others[i] < 60), "habit %zu: %u of 60 seeds", i,
                              others[i]);
}

TEST(a_real_node_has_the_ordinary_habits)
{
        cop_node *node = node_begin((cop_node_options){ .workers = 2 });
        ck_assert_mem_eq(&node->scheduler.habits, &cop__habits_ordinary, sizeof(cop__habits_ordinary));
        node_end(node);
}

/* ---- What ends the program ---------------------------------------------------------------------------- */

struct stop {
        cop_simulation order;
        void (*breaks)(cop_node *node);
};

static void come_to_stop(void *argument)
{
        const struct stop *stop = argument;
        cop_node *node = begin(stop->order);
        cop__simulation_of(node)->again = "how to have it again";
        stop->breaks(node);
        cop_simulation_run(node, 1);
}

/* A process of its own breaks something, and lets one turn come: it says what, with the seed. */
static void expect_stop(cop_simulation order, void (*breaks)(cop_node *node), const char *sentence)
{
        char text[LAST_WORDS], start[64];
        last_words(come_to_stop, &(struct stop){ order, breaks }, text);
        snprintf(start, sizeof(start), "simulation with seed %" PRIu64 ", after ", order.seed);
        ck_assert_msg(strstr(text, start) && strstr(text, sentence) && strstr(text, "how to have it again\n"), "said: %s", text);
}

static void waits_for_ever(cop_node *node)
{
        (void)node;
        cop_receive(COP_FOREVER, COP_ANY);
}

TEST(a_visitor_that_would_wait_for_ever_is_told_so_with_the_seed)
{
        expect_stop((cop_simulation){ .seed = 77 }, waits_for_ever, "it would wait for ever");
}

/* An actor that sleeps, with nobody about to run. */
static struct cop__actor *sleeper(cop_node *node)
{
        cop_pid pid = cop_spawn(calls_itself_a_crash);
        ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
        return cop__slot_of(node, pid);
}

/* A slot that somebody had. */
static struct cop__actor *vacancy(cop_node *node)
{
        struct cop__actor *actor = sleeper(node);
        put_down(cop__actor_pid(actor));
        ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_OK);
        ck_assert_int_eq(actor->life, COP__FREE);
        return actor;
}

static struct cop__simulated *simulated_of(cop_node *node)
{
        return cop__simulated_of(cop__simulation_of(node), &node->scheduler);
}

static void put_in_bag(cop_node *node, struct cop__actor *actor)
{
        struct cop__simulated *simulated = simulated_of(node);
        simulated->bag[simulated->count++] = &actor->task;
}

static void puts_up_a_sleeper(cop_node *node)
{
        put_in_bag(node, sleeper(node));
}

static void puts_up_one_twice(cop_node *node)
{
        struct cop__actor *actor = sleeper(node);
        ck_assert(cop__queue_rouse(&actor->queue));
        put_in_bag(node, actor);
        put_in_bag(node, actor);
}

static void forgets_to_put_up(cop_node *node)
{
        ck_assert(cop__queue_rouse(&sleeper(node)->queue));
}

/* The numbers are right: one is awake, and one is put up. */
static void puts_up_another(cop_node *node)
{
        struct cop__actor *one = sleeper(node), *two = sleeper(node);
        ck_assert(cop__queue_rouse(&one->queue));
        put_in_bag(node, two);
}

/* A visitor that is awake is nobody's excuse. */
static void forgets_one_beside_a_visitor(cop_node *node)
{
        struct cop__actor *one = sleeper(node), *two = sleeper(node);
        ck_assert(cop__queue_rouse(&one->queue));
        ck_assert(cop__queue_rouse(&two->queue));
        put_in_bag(node, one);
}

static void leaves_mail(cop_node *node)
{
        vacancy(node)->mailbox.count = 1;
}

static void leaves_a_relation(cop_node *node)
{
        vacancy(node)->relation_count = 1;
}

static void leaves_a_state(cop_node *node)
{
        vacancy(node)->bytes = 64;
}

static void leaves_a_timer(cop_node *node)
{
        struct cop__actor *actor = vacancy(node);
        node->timers.homes[0].firsts[actor - node->slots.base] = 1;
}

/* Dead for all who ask, and still called something. */
static void leaves_a_name(cop_node *node)
{
        struct cop__actor *actor = sleeper(node);
        ck_assert_int_eq(cop_register("who was", cop__actor_pid(actor)), COP_OK);
        cop__store_relaxed(&actor->pid, cop__actor_pid(actor).bits + 1);
}

/* Each of the checks sees what it is for: a fault in the runtime is told with the seed, and how to have it again. */
TEST(a_simulated_node_that_breaks_ends_the_program_with_the_seed_and_what_is_broken)
{
        static const struct {
                void (*breaks)(cop_node *node);
                const char *sentence;
        } faults[] = {
                { puts_up_a_sleeper, "an actor that is asleep is put up to be run" },
                { puts_up_one_twice, "an actor is put up to be run twice" },
                { puts_up_another, "an actor that is asleep is put up to be run" },
                { forgets_one_beside_a_visitor, "an actor has something to do and is not put up to be run" },
                { forgets_to_put_up, "an actor has something to do and is not put up to be run" },
                { leaves_mail, "a slot in which nobody lives has messages" },
                { leaves_a_relation, "the dead have relations" },
                { leaves_a_state, "the dead have memory" },
                { leaves_a_timer, "a timer is set for the dead" },
                { leaves_a_name, "a name is borne by the dead" },
        };
        for (size_t i = 0; i < COP__COUNT(faults); i++)
                expect_stop((cop_simulation){ .seed = 78, .checks = 1 }, faults[i].breaks, faults[i].sentence);
}

/* ---- Wherever a task may lie ------------------------------------------------------------------------- */

static void put_in_ring(cop_node *node, struct cop__actor *actor)
{
        ck_assert(cop__runqueue_push(&node->scheduler.workers[0].ring, &actor->task));
}

static void put_next(cop_node *node, struct cop__actor *actor)
{
        node->scheduler.workers[0].desk.next = &actor->task;
}

static void put_among_few(cop_node *node, struct cop__actor *actor)
{
        struct cop__desk *desk = &node->scheduler.workers[0].desk;
        desk->few_at = 0;
        desk->few[desk->few_count++] = &actor->task;
}

static void put_on_pile(cop_node *node, struct cop__actor *actor)
{
        cop__pile_put(&node->scheduler.workers[0].desk.pile, &actor->task);
}

static void put_in_shared(cop_node *node, struct cop__actor *actor)
{
        struct cop__task_list *list = &node->scheduler.shared[COP_PRIORITY_NORMAL];
        *list = (struct cop__task_list){ &actor->task, &actor->task, 1 };
}

static void (*const places[])(cop_node *node, struct cop__actor *actor) = {
        put_in_bag, put_in_ring, put_next, put_among_few, put_on_pile, put_in_shared,
};

/* The node is left as it is after the last of it, and so is its process. */
static void look_at_places(void *place)
{
        void (*put)(cop_node *, struct cop__actor *) = places[*(size_t *)place];
        cop_node *node = begin((cop_simulation){ .seed = 80 });
        struct cop__actor *one = sleeper(node), *two = sleeper(node);
        cop__queue_rouse(&one->queue);
        put(node, one);
        fprintf(stderr, "first: %s\n", cop__simulation_fault(node) == NULL ? "nothing" : cop__simulation_fault(node));
        put_in_bag(node, one);
        fprintf(stderr, "then: %s\n", cop__simulation_fault(node));
        simulated_of(node)->bag[simulated_of(node)->count - 1] = &two->task;
        fprintf(stderr, "at last: %s\n", cop__simulation_fault(node));
        abort();
}

TEST(a_task_is_found_wherever_it_is_put_up)
{
        char text[LAST_WORDS];
        for (size_t i = 0; i < COP__COUNT(places); i++) {
                last_words(look_at_places, &i, text);
                ck_assert_msg(strstr(text, "first: nothing\nthen: an actor is put up to be run twice\n"
                                           "at last: an actor that is asleep is put up to be run\n") != NULL,
                              "place %zu: %s", i, text);
        }
}

/* What a worker's queue has is not looked at less. */
static void look_at_ring(void *unused)
{
        cop_node *node = begin((cop_simulation){ .seed = 80 });
        struct cop__actor *one = sleeper(node), *two = sleeper(node);
        (void)unused;
        cop__queue_rouse(&one->queue);
        put_in_ring(node, two);
        fprintf(stderr, "%s\n", cop__simulation_fault(node));
        abort();
}

TEST(a_sleeper_in_a_ring_is_no_excuse_for_one_that_is_forgotten)
{
        char text[LAST_WORDS];
        last_words(look_at_ring, NULL, text);
        ck_assert_msg(strstr(text, "an actor that is asleep is put up to be run") != NULL, "said: %s", text);
}

/* A look at the queues needs a mark for each slot; one that cannot have them says nothing of anybody. */
TEST(a_look_without_memory_for_its_marks_is_left_out_and_the_next_one_finds_the_fault)
{
        if (!failing_malloc_can())
                return;
        cop_node *node = begin((cop_simulation){ .seed = 80 });
        struct cop__actor *one = sleeper(node);
        cop__queue_rouse(&one->queue);
        cop__simulation_of(node)->seen_room = 0; /* as if there were more slots than ever */
        fail_malloc_after(1);
        const char *without = cop__simulation_fault(node);
        ck_assert(stop_failing_malloc());
        ck_assert_ptr_null(without);
        ck_assert_str_eq(cop__simulation_fault(node), "an actor has something to do and is not put up to be run");
        put_in_bag(node, one);
        ck_assert_ptr_null(cop__simulation_fault(node));
        node_end(node);
}

/* Seldom looked at as a whole, but the one whose turn it was is looked at after each. */
static void breaks_who_was_last(cop_node *node)
{
        struct cop__actor *actor = vacancy(node);
        simulated_of(node)->last = &actor->task;
        actor->relation_count = 1;
}

TEST(the_slot_of_the_last_turn_is_looked_at_before_the_next)
{
        expect_stop((cop_simulation){ .seed = 79, .checks = 1000000000 }, breaks_who_was_last, "the dead have relations");
}

/* ---- A turn that is held ------------------------------------------------------------------------------- */

static uint32_t heard_of[2]; /* from its child, from its timer */

static bool both_are_heard_of(void *unused)
{
        (void)unused;
        return heard_of[0] == 1 && heard_of[1] == 1;
}

static void hears(const go *g)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
        heard_of[g->unused]++;
}

static void tells_its_like(const go *g)
{
        cop_send(g->unused == 0 ? "child's" : "timer's", go);
}

static void counts_no_turn(void)
{
        heard_of[0] += 100;
}

/* Its child lies on its desk and its timer on its wheel; then its worker does nothing for as long as it takes. */
static void has_much_and_is_held(void)
{
        struct cop__simulation *simulation = cop__simulation_of(cop_node_here());
        cop_pid timers = cop_spawn_with(hears, go, .unused = 1);
        cop_register("child's", cop_spawn_with(hears, go, .unused = 0));
        cop_spawn_with(tells_its_like, go, .unused = 0);
        cop_send_after(NULL, 5, timers, go);
        int64_t before_ms = cop_now_ms();
        bool held = cop__simulation_hold(simulation, both_are_heard_of, NULL);
        cop_spawn(counts_no_turn); /* it has its own place again */
        cop_exit(cop_atom(!held ? "in_vain" : cop_now_ms() - before_ms < 5 ? "too_soon" : cop__worker_here() == NULL ? "lost" : "held"));
}

static uint64_t hold_one(cop_simulation order)
{
        cop_node *node = NULL;
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .simulation = &order, .workers = 2, .log = fixture_log_nothing }, &node),
                         COP_OK);
        ck_assert_int_eq(cop_node_enter(node), COP_OK);
        memset(heard_of, 0, sizeof(heard_of));
        await_down(spawn_watched(.run = has_much_and_is_held), "held");
        cop_simulation_advance(node, 10);
        ck_assert_uint_eq(heard_of[0], 101);
        ck_assert_uint_eq(heard_of[1], 1);
        uint64_t signature = state_of(node).signature;
        node_end(node);
        return signature;
}

TEST(while_a_turn_is_held_others_have_what_lies_about_at_its_worker)
{
        for (uint64_t seed = 0; seed < 60; seed++) {
                cop_simulation order = { .seed = seed, .checks = 1 };
                ck_assert_uint_eq(hold_one(order), hold_one(order));
        }
}

static bool never_holds(void *unused)
{
        (void)unused;
        return false;
}

static void is_held_in_vain(void)
{
        bool held = cop__simulation_hold(cop__simulation_of(cop_node_here()), never_holds, NULL);
        cop_exit(cop_atom(held ? "held" : "in_vain"));
}

/* Nothing can happen that would make it true; and one worker cannot go on beside itself. */
TEST(a_turn_is_held_no_longer_than_something_can_happen)
{
        for (unsigned workers = 1; workers < 3; workers++) {
                cop_node *node = NULL;
                cop_simulation order = { .seed = workers, .checks = 1 };
                ck_assert_int_eq(cop_node_start(&(cop_node_options){ .simulation = &order, .workers = workers, .log = fixture_log_nothing },
                                                &node), COP_OK);
                ck_assert_int_eq(cop_node_enter(node), COP_OK);
                await_down(spawn_watched(.run = is_held_in_vain), "in_vain");
                node_end(node);
        }
}

/* ---- Whoever yields ---------------------------------------------------------------------------------- */

enum { YIELDERS = 4, YIELDS = 20 };
static uint32_t yields_of[YIELDERS];

/* Goes on until all the others have had their turns, too. */
static void yields_to_others(const go *g)
{
        uint32_t least = 0;
        while (least < YIELDS) {
                cop__add_relaxed(&yields_of[g->unused], 1);
                cop_yield();
                least = UINT32_MAX;
                for (size_t i = 0; i < YIELDERS; i++)
                        least = yields_of[i] < least ? yields_of[i] : least;
        }
}

/* Whatever the order that the seed draws, nobody is left out for ever. */
TEST(SPN_24_yielding_actors_all_get_turns_in_whatever_order)
{
        for (uint64_t seed = 0; seed < 40; seed++) {
                cop_node *node = begin((cop_simulation){ .seed = seed });
                cop_ref refs[YIELDERS];
                memset(yields_of, 0, sizeof(yields_of));
                for (int64_t i = 0; i < YIELDERS; i++)
                        refs[i] = spawn_watched(RUN_WITH(yields_to_others, go, .unused = i));
                for (size_t i = 0; i < YIELDERS; i++)
                        await_down(refs[i], "normal");
                node_end(node);
        }
}

TEST(a_node_whose_timers_go_on_is_not_quiet_when_the_time_is_over)
{
        cop_simulation order = { .seed = 1 };
        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
        cop_ref ticks;
        ck_assert_int_eq(cop_send_every(&ticks, 10, cop_self(), token, .left = 1), COP_OK);
        ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_E_TIMEOUT);
        ck_assert_int_ge(cop_cancel(ticks), 0);
        node_end(node);
}
