/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Deaths of actors that had much of anything: they are dealt with in slices, between which others have their turns.
 *
 * There is one worker, no spare one beside it, and an actor that counts its turns, of which it has one between any two slices. The count is noted when the
 * death begins, and looked at again by whoever first finds that a part of it is over: the difference is the number of slices. That is
 * what is checked, and no time is.
 */
#include "base/atomic.h"
#include "tests/cue.h"
#include "tests/keepers.h"

typedef struct load {
        int64_t count;
        cop_pid pid;
} load;
COP_MESSAGE(load, count, pid);

typedef struct spin {
        int64_t unused;
} spin;
COP_MESSAGE(spin, unused);

typedef struct found {
        int64_t slices;
        bool right;
} found;
COP_MESSAGE(found, slices, right);

/* A death of so many slices, in which the counter has at least so many turns; if all went at once it would have some. */
enum { LOAD = COP__TINY ? 1000 : 90, SLICES = 45 };

static uint64_t turns, noted;

static void counts(void)
{
        cop_send(cop_self(), spin);
        for (;;) {
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(spin)));
                cop__add_relaxed(&turns, 1);
                cop_send(cop_self(), spin);
                cop_yield();
        }
}

/* One that has begun: else those who die might be through before its first turn. */
static cop_pid start_counter(void)
{
        uint64_t before = cop__load_relaxed(&turns);
        cop_pid counter = cop_spawn(counts);
        await_true(cop__load_relaxed(&turns) != before);
        return counter;
}

static void note(void)
{
        cop__store_relaxed(&noted, cop__load_relaxed(&turns));
}

static int64_t slices(void)
{
        return (int64_t)(cop__load_relaxed(&turns) - cop__load_relaxed(&noted));
}

static void expect_slices(cop_pid from)
{
        cop_auto message = await((cop_pattern){ .kind = COP_KIND_OF(found), .from = from });
        ck_assert(cop_read(found, message)->right);
        ck_assert_int_ge(cop_read(found, message)->slices, SLICES);
}

/* ---- What it held -------------------------------------------------------------------------- */

/* Holds much, says so, and ends when told. */
static void holds(const load *l)
{
        for (int64_t i = 0; i < l->count; i++)
                if (cop_registry_register("rooms", cop_int(i), cop_nil(), NULL) != COP_OK)
                        cop_exit(cop_atom("taken"));
        cop_send(l->pid, spin);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(spin)));
        note();
}

static bool is_empty(const char *registry)
{
        uint64_t count = 1;
        cop_status status = cop_registry_count(registry, &count);
        return status == COP_E_NO_NAME || count == 0;
}

/* Looks at the registry, and at the count, as soon as it hears of the end. */
static void hears_of_end(const load *l)
{
        cop_ref ref;
        cop_monitor(l->pid, &ref);
        cop_send(cop_parent(), spin);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ref)));
        cop_send(cop_parent(), found, .slices = slices(), .right = is_empty("rooms"));
}

static cop_pid spawn_witness(cop_pid of)
{
        cop_pid pid = cop_spawn_with(hears_of_end, load, .pid = of);
        await_and_drop(COP_KIND(spin));
        settle_with(of);
        return pid;
}

static cop_pid spawn_holder(int64_t count)
{
        cop_pid pid = cop_spawn_with(holds, load, .count = count, .pid = cop_self());
        await_and_drop(COP_KIND(spin));
        return pid;
}

static int64_t many_holdings(void)
{
        return LOAD * (int64_t)COP__HOLDINGS_BATCH;
}

IN_NODE_WITH(what_the_dead_held_goes_out_in_slices_and_all_of_it_before_the_news, .workers = 1, .no_spare_workers = true)
{
        NEEDS_THREADS();
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        cop_pid holder = spawn_holder(many_holdings());
        cop_pid witness = spawn_witness(holder);
        cop_pid counter = start_counter();
        cop_send(holder, spin);
        expect_slices(witness);
        put_down(counter);
}

/* Ends another one, and notes when. */
static void ends(const load *l)
{
        note();
        cop_send_exit(l->pid, cop_atom("kill"));
}

IN_NODE_WITH(a_registry_that_ends_is_emptied_in_slices, .workers = 1, .no_spare_workers = true)
{
        NEEDS_THREADS();
        cop_pid keeper = start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        cop_pid holder = spawn_holder(many_holdings());
        cop_pid witness = spawn_witness(keeper);
        cop_pid counter = start_counter();
        cop_spawn_with(ends, load, .pid = keeper);
        expect_slices(witness);
        put_down(counter);
        ck_assert(cop_is_alive(holder));
        put_down(holder);
}

/* Waits until the holder is no more, and takes all that it had, from what goes out last. */
static void inherits(const load *l)
{
        while (cop_is_alive(l->pid))
                cop_yield();
        bool right = true;
        for (int64_t i = l->count - 1; i >= 0; i--)
                right &= cop_registry_register("rooms", cop_int(i), cop_nil(), NULL) == COP_OK;
        cop_send(cop_parent(), found, .right = right);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(spin)));
}

static void keys_are_free_at_once(void)
{
        const int64_t count = COP__TINY ? 200 : 5 * (int64_t)COP__HOLDINGS_BATCH;
        uint64_t now = 0;
        cop_term entries;
        start_registry("rooms", (cop_registry){ .keys = COP_UNIQUE });
        cop_pid holder = spawn_holder(count);
        cop_ref ref = watch(holder);
        cop_pid heir = cop_spawn_with(inherits, load, .pid = holder, .count = count);
        cop_send(holder, spin);
        cop_auto message = await(COP_KIND(found));
        ck_assert(cop_read(found, message)->right);
        await_down(ref, "normal");
        ck_assert_int_eq(cop_registry_count("rooms", &now), COP_OK);
        ck_assert_uint_eq(now, (uint64_t)count);
        ck_assert_int_eq(cop_registry_lookup("rooms", cop_int(0), &entries), COP_OK);
        ck_assert_str_eq(text_and_free(entries), with_pid("[{%s, []}]", heir));
        put_down(heir);
}

IN_NODE(a_key_of_one_who_dies_in_slices_is_free_as_soon_as_he_is_not_alive)
{
        keys_are_free_at_once();
}

IN_NODE_WITH(so_it_is_on_one_worker, .workers = 1, .no_spare_workers = true)
{
        keys_are_free_at_once();
}

/* ---- What it had asked --------------------------------------------------------------------- */

/* Has many requests in flight, to one who never answers. */
static void asks(const load *l)
{
        cop_request request;
        for (int64_t i = 0; i < l->count; i++)
                if (cop_request_send(&request, l->pid, spin) != COP_OK)
                        cop_exit(cop_atom("not_sent"));
        cop_send(cop_parent(), spin);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(load)));
        note();
}

static void never_answers(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(load)));
}

/* Its call is answered when the dead's mail is refused, which comes after the requests. */
static void calls(const load *l)
{
        cop_status status = cop_call(NULL, l->pid, COP_FOREVER, spin);
        cop_send(cop_parent(), found, .slices = slices(), .right = status == COP_E_DIED);
}

IN_NODE_WITH(requests_in_flight_of_the_dead_are_dropped_in_slices, .workers = 1, .no_spare_workers = true)
{
        NEEDS_THREADS();
        cop_pid silent = cop_spawn(never_answers);
        cop_pid pid = cop_spawn_with(asks, load, .pid = silent,
                                     .count = LOAD * (int64_t)COP__DEATH_SLICE);
        await_and_drop(COP_KIND(spin));
        cop_pid witness = cop_spawn_with(calls, load, .pid = pid);
        await_true(cop__unread(cop__slot_of(node, pid)) == 1);
        cop_pid counter = start_counter();
        cop_send(pid, load);
        expect_slices(witness);
        put_down(counter);
        put_down(silent);
}

/* ---- What belonged to it ---------------------------------------------------------------------- */

struct thing {
        struct cop__belonging belonging;
        cop_pid tell;
};

static void end_thing(struct cop__belonging *belonging)
{
        free(COP__CONTAINER(belonging, struct thing, belonging));
}

/* The first one owned ends last. */
static uint64_t slices_of_things;

static void end_last_thing(struct cop__belonging *belonging)
{
        cop__store_seq(&slices_of_things, (uint64_t)slices());
        end_thing(belonging);
}

static void owns(const load *l)
{
        for (int64_t i = 0; i < l->count; i++) {
                struct thing *thing = calloc(1, sizeof(*thing));
                thing->belonging.end = i == 0 ? end_last_thing : end_thing;
                cop__own(cop__actor_here(), &thing->belonging);
        }
        note();
}

IN_NODE_WITH(belongings_of_the_dead_end_in_slices, .workers = 1, .no_spare_workers = true)
{
        NEEDS_THREADS();
        cop__store_seq(&slices_of_things, 0);
        cop_pid counter = start_counter();
        cop_spawn_with(owns, load, .count = LOAD * (int64_t)COP__DEATH_SLICE);
        await_true(cop__load_seq(&slices_of_things) != 0);
        ck_assert_uint_ge(cop__load_seq(&slices_of_things), SLICES);
        put_down(counter);
}

/* ---- In the middle of it ------------------------------------------------------------------------ */

IN_NODE_WITH(a_node_stops_in_the_middle_of_such_deaths, .workers = 2)
{
        const int64_t count = COP__TINY ? 50 : 4 * (int64_t)COP__HOLDINGS_BATCH;
        start_registry("rooms", (cop_registry){ .keys = COP_DUPLICATE });
        cop_pid silent = cop_spawn(never_answers);
        for (int i = 0; i < 4; i++) {
                cop_send(spawn_holder(count), spin);
                cop_pid pid = cop_spawn_with(asks, load, .pid = silent, .count = count);
                await_and_drop(COP_KIND(spin));
                cop_send(pid, load);
        }
}

/* ---- The moment of it ----------------------------------------------------------------------------- */

static void goes_boom(void)
{
        cop_exit(cop_atom("boom"));
}

/* He is held there. */
static cop_pid dies_up_to(const char *moment)
{
        cue_hold(moment);
        cop_pid pid = cop_spawn(goes_boom);
        cue_await(moment);
        return pid;
}

IN_NODE(who_links_to_one_whom_it_has_seen_dead_hears_noproc)
{
        static const char *const moments[] = { "exit.moves_pid", "exit.has_moved_pid" };
        NEEDS_THREADS();
        for (size_t i = 0; i < COP__COUNT(moments); i++) {
                cop_pid pid = dies_up_to(moments[i]);
                bool lived = cop_is_alive(pid);
                ck_assert_int_eq(cop_link(pid), COP_OK);
                cop_ref ref = watch(pid);
                cue_go(moments[i]);
                await_exited(pid, lived ? "boom" : "noproc");
                await_down(ref, lived ? "boom" : "noproc");
        }
}

static bool is_listed(cop_pid pid)
{
        cop_pid pids[64];
        size_t count = cop_processes(pids, COP__COUNT(pids));
        bool is = false;
        for (size_t i = 0; i < count; i++)
                is |= cop_pid_equal(pids[i], pid);
        return is;
}

IN_NODE(the_next_of_a_slot_is_not_alive_before_it_is_born)
{
        struct cop__glimpse glimpse;
        NEEDS_THREADS();
        cop_pid pid = dies_up_to("exit.has_moved_pid");
        cop_pid next = cop__pid(cop__pid_slot(pid), (uint32_t)cop__pid_generation(pid) + 1);
        ck_assert(cop__slot_is(cop__slot_of(node, next), next));
        ck_assert(!cop_is_alive(pid));
        ck_assert(!cop_is_alive(next));
        ck_assert(!is_listed(next));
        ck_assert(!cop__glimpse_of(node, next, &glimpse));
        ck_assert_int_eq(cop_register("next", next), COP_E_NO_ACTOR);
        cue_go("exit.has_moved_pid");
}
