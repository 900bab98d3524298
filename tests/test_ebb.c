/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a burst has left goes back to the system, and nothing else does: whoever has an old pid hears what it would have heard, no pid comes
 * again, and a full node has as much room as before. What is waited for is the node's own count of what went; how long that takes is
 * nowhere looked at.
 *
 * A simulated node has no ebb, and under ThreadSanitizer slots have none: there is no fence.
 */
#include "io/signals.h"
#include "shell/console.h"
#include "shell/door.h"
#include "shell/packet.h"
#include "tests/cue.h"
#include "tests/half_sent.h"
#include "tests/node_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SWARM (COP__TINY || COP__TSAN ? 4000 : 20000)

/* Libcheck writes a line for each ck_assert that it passes, and the threads of a node would wait for each other there. */
#define REQUIRE(claim) ((claim) ? (void)0 : ck_abort_msg("not so: %s", #claim))

#define SLOTS_EBB (!COP__TSAN)
#define RSS_IS_OURS (!COP__ASAN && !COP__TSAN && !COP__TINY)

typedef struct { int64_t number; } flash;
COP_MESSAGE(flash, number);

typedef struct { int64_t unused; } dawn;
COP_MESSAGE(dawn, unused);

typedef struct { int64_t seen; } gnat;

static void gnat_on_flash(gnat *self, const flash *f)
{
        self->seen += f->number;
        cop_reply(flash, .number = self->seen);
}

static void gnat_on_dawn(gnat *self, const dawn *d)
{
        (void)self;
        (void)d;
        cop_exit(cop_atom("normal"));
}

COP_SERVER(gnat, COP_ON(flash, gnat_on_flash), COP_ON(dawn, gnat_on_dawn));

static uint64_t returned(cop_node *node)
{
        cop_memory_use use;
        cop_memory(node, &use);
        return use.returned;
}

/* The claim's own thread sleeps meanwhile: while it is awake in the node, slots do not go (scheduler/grace.h). */
#define await_ebb(condition)                                                               \
        do {                                                                               \
                uint64_t until_ns_ = cop__clock_ns() + (uint64_t)PATIENCE_MS * 1000000;    \
                while (!(condition)) {                                                     \
                        REQUIRE(cop__clock_ns() < until_ns_ && "never: " #condition);      \
                        cop_sleep(1);                                                      \
                }                                                                          \
        } while (0)

static bool is_simulated(void)
{
        return suite_seed() >= 0 || !SLOTS_EBB; /* there most of what a burst leaves stays, too */
}

/* There are many ebbs in these claims, and nothing in them depends on how far apart they are. */
static void let_ebbs_be_near(cop_node *node)
{
        cop__store_relaxed(&node->scheduler.ebb.period_ns, 20000000);
}

#define WITH_NEAR_EBBS(claim, ...)                                 \
        static void near_##claim(cop_node *node);                   \
        IN_NODE_WITH(claim, __VA_ARGS__)                            \
        {                                                           \
                let_ebbs_be_near(node);                             \
                near_##claim(node);                                 \
        }                                                           \
        static void near_##claim(__attribute__((unused)) cop_node *node)

static void hatch(cop_pid *gnats, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                gnats[i] = cop_spawn_server(&gnat_server, NULL);
                REQUIRE(gnats[i].bits != 0);
                REQUIRE(cop_send(gnats[i], flash, .number = 1) == COP_OK);
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(flash)));
        }
}

static void end_all(const cop_pid *gnats, size_t count)
{
        for (size_t i = 0; i < count; i++)
                cop_send(gnats[i], dawn, .unused = 0);
        for (size_t i = 0; i < count; i++)
                await_ebb(!cop_is_alive(gnats[i]));
}

static cop_pid *nest_for(size_t count)
{
        cop_pid *gnats = calloc(count, sizeof(*gnats));
        ck_assert_ptr_nonnull(gnats);
        return gnats;
}

/* Four fifths of the slots have gone, or, where they have no ebb, half of their states: of these what workers keep at hand may hold back
 * whole spans. */
static bool most_has_gone(cop_node *node, uint64_t before, size_t count)
{
        return returned(node) - before >= (SLOTS_EBB ? count * sizeof(struct cop__actor) / 10 * 8 : count * 64 / 2);
}

static bool is_there(struct cop__slots *slots, const struct cop__list *list)
{
        cop__lock_lock(&slots->lock);
        bool there = !cop__list_is_empty(list);
        cop__lock_unlock(&slots->lock);
        return there;
}

WITH_NEAR_EBBS(what_a_burst_of_actors_has_left_goes_back, .workers = 0)
{
        if (is_simulated())
                return;
        cop_pid *gnats = nest_for(SWARM);
        for (int round = 0; round < 2; round++) {
                uint64_t before = returned(node);
                hatch(gnats, SWARM);
                end_all(gnats, SWARM);
                await_ebb(most_has_gone(node, before, SWARM));
        }
        free(gnats);
}

WITH_NEAR_EBBS(an_old_pid_is_as_dead_as_before_when_its_slot_has_gone, .workers = 0)
{
        if (is_simulated())
                return;
        cop_pid *gnats = nest_for(SWARM);
        cop_ref ref;
        hatch(gnats, SWARM);
        end_all(gnats, SWARM);
        await_ebb(most_has_gone(node, 0, SWARM));
        for (size_t i = 0; i < SWARM; i += 97) {
                cop_message *reply = NULL;
                ck_assert(!cop_is_alive(gnats[i]));
                ck_assert_int_eq(cop_call(&reply, gnats[i], 5000, flash, .number = 1), COP_E_NO_ACTOR);
                ck_assert_int_eq(cop_monitor(gnats[i], &ref), COP_OK);
                await_and_drop(COP_REF(cop_down, ref));
                cop_send_exit(gnats[i], cop_atom("kill"));
                /* Nor is there one whom a guess would find. */
                cop_pid guess = { gnats[i].bits + 1 };
                ck_assert(!cop_is_alive(guess));
                cop_send(guess, flash, .number = 1);
        }
        free(gnats);
}

/* A slot that is free and has not gone is busy from here on, as one is to which a stale look has sent something. */
static bool keep_busy(struct cop__slots *slots, const struct cop__actor *slot)
{
        struct cop__queue *queue = (struct cop__queue *)(uintptr_t)&slot->queue;
        cop__lock_lock(&slots->lock);
        bool kept = cop__load_relaxed(&slot->pid) != 0 && cop__queue_is_asleep(queue);
        if (kept)
                cop__store_release(&queue->tail, COP__QUEUE_ASLEEP + 1);
        cop__lock_unlock(&slots->lock);
        return kept;
}

static bool is_kept_busy(const struct cop__actor *slot)
{
        return cop__load_relaxed(&slot->queue.tail) == COP__QUEUE_ASLEEP + 1;
}

/* If it was looked at before it was busy, its block goes all the same, and its pages are new ones. */
static bool is_held_back(struct cop__slots *slots, const struct cop__actor *slot)
{
        await_ebb(is_there(slots, &slots->ebb.whole) || !is_kept_busy(slot));
        return is_kept_busy(slot);
}

/* One that is busy keeps its block, and its neighbours that lie beside it: for an ebb, and not for ever. */
WITH_NEAR_EBBS(slots_that_cannot_go_in_one_ebb_go_in_another, .workers = 0)
{
        if (is_simulated())
                return;
        cop_pid *gnats = nest_for(SWARM);
        struct cop__slots *slots = &node->slots;
        struct cop__actor *slot;
        uint64_t before;
        do {
                before = returned(node);
                hatch(gnats, SWARM);
                slot = cop__slot_of(node, gnats[SWARM / 2]);
                end_all(gnats, SWARM);
        } while (!keep_busy(slots, slot) || !is_held_back(slots, slot));
        cop__store_release(&slot->queue.tail, COP__QUEUE_ASLEEP);
        await_ebb(!is_there(slots, &slots->ebb.whole));
        await_ebb(most_has_gone(node, before, SWARM));
        free(gnats);
}

/* ---- The watch falls asleep ---------------------------------------------------------------- */

static uint32_t rose, ebbs; /* atomic */

/* Something is left behind in the moment in which the watch is about to sleep. */
static bool rises_late(void *owner)
{
        if (cop__load_seq(&((struct cop_node *)owner)->scheduler.watch.asleep))
                cop__store_relaxed(&rose, 1);
        return cop__load_relaxed(&rose);
}

static void begins(void *owner)
{
        (void)owner;
        cop__store_relaxed(&ebbs, cop__load_relaxed(&ebbs) + 1);
}

static enum cop__ebb_state goes_at_once(void *owner, size_t *bytes)
{
        (void)owner;
        (void)bytes;
        cop__store_relaxed(&rose, 0);
        return COP__EBB_OVER;
}

WITH_NEAR_EBBS(what_a_worker_leaves_while_the_watch_falls_asleep_goes_too, .workers = 0)
{
        static const struct cop__ebb_hooks late = { rises_late, begins, goes_at_once };
        if (is_simulated() || COP__TSAN) /* hooks are not made to be changed */
                return;
        node->scheduler.hooks.ebb = &late;
        put_down(cop_spawn_server(&gnat_server, NULL));
        await_ebb(cop__load_relaxed(&ebbs) > 0);
        node->scheduler.hooks.ebb = &cop__slot_ebb_hooks;
}

/* ---- A spare worker that rests ------------------------------------------------------------- */

static int doors[2];
static bool is_held; /* atomic */

static void read_one_byte(void *unused)
{
        char byte;
        (void)unused;
        while (read(doors[0], &byte, 1) < 0)
                ;
}

static void blocks_without_a_word(void)
{
        cop__store_relaxed(&is_held, true);
        read_one_byte(NULL);
}

static void blocks_aside(void)
{
        char unused;
        cop_blocking_call(read_one_byte, &unused);
}

/* The only worker is held by one actor, so that a spare answers for another; then that one is not needed any more. */
static void have_a_spare_at_rest(cop_node *node)
{
        cop_pid answerer = cop_spawn_server(&gnat_server, NULL);
        cop_pid holder = cop_spawn(blocks_without_a_word);
        await_ebb(cop__load_relaxed(&is_held));
        REQUIRE(cop_send(answerer, flash, .number = 1) == COP_OK);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(flash)));
        await_ebb(cop__load_relaxed(&node->scheduler.reach) > 1);
        REQUIRE(write(doors[1], "x", 1) == 1);
        await_ebb(!cop_is_alive(holder));
        await_ebb(cop__load_seq(&node->scheduler.spares.resting) != 0);
        put_down(answerer);
}

WITH_NEAR_EBBS(a_function_that_blocks_beside_a_spare_at_rest_holds_nothing_up, .workers = 1)
{
        if (is_simulated() || COP__TINY) /* its patience with turns is its own */
                return;
        ck_assert_int_eq(pipe(doors), 0);
        have_a_spare_at_rest(node);
        cop_pid blocked = cop_spawn(blocks_aside);
        await_ebb(cop__load_seq(&node->scheduler.elsewhere) != 0);
        cop_pid *gnats = nest_for(SWARM);
        uint64_t before = returned(node);
        hatch(gnats, SWARM);
        end_all(gnats, SWARM);
        await_ebb(most_has_gone(node, before, SWARM));
        free(gnats);
        ck_assert(cop_is_alive(blocked));
        ck_assert_int_eq(write(doors[1], "x", 1), 1);
        await_ebb(!cop_is_alive(blocked));
        close(doors[0]);
        close(doors[1]);
}

/* ---- Threads that wait elsewhere ------------------------------------------------------------- */

/* A timer is armed all the while, so that it is never quiet. */
WITH_NEAR_EBBS(a_thread_that_waits_for_quiet_holds_nothing_up, .workers = 0)
{
        cop_ref timer;
        if (is_simulated())
                return;
        ck_assert_int_eq(cop_send_after(&timer, 3600000, cop_self(), flash, .number = 0), COP_OK);
        cop_pid *gnats = nest_for(SWARM);
        hatch(gnats, SWARM);
        end_all(gnats, SWARM);
        uint64_t until_ns = cop__clock_ns() + (uint64_t)PATIENCE_MS * 1000000;
        while (!most_has_gone(node, 0, SWARM)) {
                REQUIRE(cop__clock_ns() < until_ns && "never");
                ck_assert_int_eq(cop_node_await_quiet(node, 1000), COP_E_TIMEOUT);
        }
        free(gnats);
        cop_cancel(timer);
}

WITH_NEAR_EBBS(a_thread_that_waits_for_signals_holds_nothing_up, .workers = 0)
{
        sigset_t set;
        struct cop__signals *signals;
        if (is_simulated())
                return;
        sigemptyset(&set);
        sigaddset(&set, SIGUSR2);
        pthread_sigmask(SIG_BLOCK, &set, NULL);
        ck_assert_int_eq(cop__signals_start(node, &set, cop_self(), NULL, &signals), COP_OK);
        cop_pid *gnats = nest_for(SWARM);
        hatch(gnats, SWARM);
        end_all(gnats, SWARM);
        await_ebb(most_has_gone(node, 0, SWARM));
        free(gnats);
        cop__signals_stop(signals);
}

/* A shell's client, whose session has greeted it. */
static int begin_shell(cop_node *node, char folder[64], struct cop__console **console)
{
        char sentence[COP__DOOR_SENTENCE];
        struct cop__packet packet;
        int fd;
        strcpy(folder, "/tmp/coppice-test-XXXXXX");
        REQUIRE(mkdtemp(folder) != NULL);
        setenv("XDG_RUNTIME_DIR", folder, 1);
        REQUIRE(cop__console_start(node, console) == COP_OK);
        REQUIRE(cop__door_knock(cop_node_name(node), COP__DOOR_PATIENCE_MS, &fd, sentence) == COP_OK);
        REQUIRE(cop__packet_read(fd, 4096, PATIENCE_MS, &packet) == COP__PACKET_READ);
        free(packet.body);
        return fd;
}

static void end_shell(int fd, char folder[64], struct cop__console *console)
{
        char inner[80];
        close(fd);
        cop__console_stop(console);
        snprintf(inner, sizeof(inner), "%s/coppice", folder);
        rmdir(inner);
        rmdir(folder);
}

static void burst(cop_node *node)
{
        cop_pid *gnats = nest_for(SWARM);
        hatch(gnats, SWARM);
        end_all(gnats, SWARM);
        await_ebb(most_has_gone(node, 0, SWARM));
        free(gnats);
}

/* Its answers fill what lies between, and then its requests do. */
WITH_NEAR_EBBS(a_shell_whose_client_does_not_read_holds_nothing_up, .workers = 0)
{
        static const char request[] = { COP__PACKET_RUN, 0, 0, 0, 4, 'h', 'e', 'l', 'p' };
        char folder[64];
        struct cop__console *console;
        if (is_simulated())
                return;
        int fd = begin_shell(node, folder, &console);
        while (send(fd, request, sizeof(request), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(request))
                continue;
        burst(node);
        end_shell(fd, folder, console);
}

WITH_NEAR_EBBS(a_shell_that_waits_for_a_name_holds_nothing_up, .workers = 0)
{
        static const char await[] = "await nobody 86400000";
        char folder[64];
        struct cop__console *console;
        if (is_simulated())
                return;
        int fd = begin_shell(node, folder, &console);
        REQUIRE(cop__packet_write(fd, COP__PACKET_RUN, await, strlen(await)));
        burst(node);
        end_shell(fd, folder, console);
}

enum { FLOOD = 40000 };

static void flood(void)
{
        for (int64_t i = 0; i < FLOOD; i++)
                REQUIRE(cop_send(cop_self(), flash, .number = i) == COP_OK);
        for (int64_t i = 0; i < FLOOD; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(flash)));
}

static bool is_never_high(void *owner)
{
        (void)owner;
        return false;
}

static enum cop__ebb_state waits_on(void *owner, size_t *bytes)
{
        (void)owner;
        (void)bytes;
        return COP__EBB_WAITS;
}

/* The layer above waits for as long as somebody likes. */
WITH_NEAR_EBBS(messages_go_while_slots_wait, .workers = 0)
{
        static const struct cop__ebb_hooks waiting = { is_never_high, begins, waits_on };
        if (is_simulated() || COP__TSAN) /* hooks are not made to be changed */
                return;
        node->scheduler.hooks.ebb = &waiting;
        for (int round = 0; round < 3; round++) {
                uint64_t before = returned(node);
                cop_ref ref = watch(cop_spawn(flood));
                await_and_drop(COP_REF(cop_down, ref));
                await_ebb(returned(node) > before);
        }
        node->scheduler.hooks.ebb = &cop__slot_ebb_hooks;
}

/* Nobody else has anything to do when this thread gives back what it has read. */
WITH_NEAR_EBBS(what_a_thread_of_the_program_gives_back_goes, .workers = 0)
{
        if (is_simulated())
                return;
        for (int64_t i = 0; i < FLOOD; i++)
                REQUIRE(cop_send(cop_self(), flash, .number = i) == COP_OK);
        await_ebb(cop__load_seq(&node->scheduler.watch.asleep));
        uint64_t before = returned(node);
        for (int64_t i = 0; i < FLOOD; i++)
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(flash)));
        await_ebb(returned(node) > before);
}

static int by_bits(const void *left, const void *right)
{
        const cop_pid *a = left, *b = right;
        return (a->bits > b->bits) - (a->bits < b->bits);
}

WITH_NEAR_EBBS(slots_that_have_gone_come_again_with_pids_that_never_were, .workers = 0)
{
        if (is_simulated())
                return;
        cop_pid *gnats = nest_for((size_t)3 * SWARM);
        for (size_t round = 0; round < 3; round++) {
                uint64_t before = returned(node);
                hatch(&gnats[round * SWARM], SWARM);
                if (round == 2)
                        break;
                end_all(&gnats[round * SWARM], SWARM);
                await_ebb(most_has_gone(node, before, SWARM));
        }
        /* They are where the first were, but for those that lie in some thread's cache. */
        ck_assert_uint_lt(cop__load_relaxed(&node->slots.used), SWARM + SWARM / 4);
        qsort(gnats, (size_t)3 * SWARM, sizeof(*gnats), by_bits);
        for (size_t i = 1; i < (size_t)3 * SWARM; i++)
                REQUIRE(gnats[i - 1].bits != gnats[i].bits);
        free(gnats);
}

#define ROOM 3000

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

static size_t fill(cop_pid *pids)
{
        size_t count = 0;
        while (count < ROOM && cop_spawn_opt(&(cop_spawn_options){ .run = waits }, &pids[count]) == COP_OK)
                count++;
        return count;
}

static void kill_all_of(const cop_pid *pids, size_t count)
{
        for (size_t i = 0; i < count; i++)
                cop_send_exit(pids[i], cop_atom("kill"));
        for (size_t i = 0; i < count; i++)
                await_ebb(!cop_is_alive(pids[i]));
}

/* Whenever a spawner finds the table empty, hidden slots are shown again; so it is filled again and again while they ebb. */
WITH_NEAR_EBBS(a_full_node_has_as_much_room_while_slots_ebb, .max_actors = ROOM)
{
        if (is_simulated() || !SLOTS_EBB)
                return;
        cop_pid *pids = nest_for(ROOM);
        size_t most = fill(pids);
        ck_assert_uint_gt(most, ROOM / 10 * 9);
        kill_all_of(pids, most);
        uint64_t before = returned(node), goal = before + ROOM * sizeof(struct cop__actor) / 2;
        for (int round = 0; round < 20; round++) {
                size_t count = fill(pids);
                ck_assert_uint_gt(count, ROOM / 10 * 9);
                kill_all_of(pids, count);
                if (returned(node) == before)
                        await_ebb(returned(node) != before);
        }
        await_ebb(returned(node) >= goal); /* now that it is left alone */
        ck_assert_uint_gt(fill(pids), ROOM / 10 * 9);
        free(pids);
}

static void lets_them_go(void *unused)
{
        (void)unused;
        cue_go("slot_ebb.has_some_in_hand");
}

/* Nearly all slots of the node are on their way out, and nowhere to be found for that moment. */
WITH_NEAR_EBBS(who_needs_the_slots_that_are_just_given_back_waits_for_them_and_is_not_refused, .max_actors = ROOM)
{
        if (is_simulated() || !SLOTS_EBB)
                return;
        cop_pid *pids = nest_for(ROOM);
        size_t most = fill(pids);
        cue_hold("slot_ebb.has_some_in_hand");
        cue_act("slot_ebb.awaits_hand", lets_them_go, NULL);
        kill_all_of(pids, most);
        await_ebb(cue_has_come("slot_ebb.has_some_in_hand"));
        size_t count = fill(pids);
        ck_assert(cue_has_come("slot_ebb.awaits_hand"));
        ck_assert_uint_gt(count, ROOM / 10 * 9);
        free(pids);
}

/* All slots go, of which most are hidden when it returns: nobody finds them, and they wait for this thread, which is awake. */
static size_t fill_and_hide(cop_node *node, cop_pid *pids)
{
        struct cop__slots *slots = &node->slots;
        size_t most = fill(pids);
        kill_all_of(pids, most);
        while (!is_there(slots, &slots->ebb.hidden))
                sched_yield();
        return most;
}

/* They are shown again, and are as good as before. */
WITH_NEAR_EBBS(who_needs_the_slots_that_wait_to_be_given_back_gets_them, .max_actors = ROOM)
{
        if (is_simulated() || !SLOTS_EBB)
                return;
        cop_pid *pids = nest_for(ROOM);
        size_t most = fill_and_hide(node, pids);
        ck_assert_uint_gt(fill(pids), most / 10 * 9);
        ck_assert(!is_there(&node->slots, &node->slots.ebb.hidden));
        free(pids);
}

/* Of those that lie free when an ebb begins. It goes by what is left of them. */
WITH_NEAR_EBBS(slots_that_are_needed_as_an_ebb_begins_do_not_go_with_it, .max_actors = ROOM)
{
        if (is_simulated() || !SLOTS_EBB)
                return;
        cop_pid *pids = nest_for(ROOM);
        struct cop__slots *slots = &node->slots;
        size_t most = fill(pids);
        kill_all_of(pids, most);
        cue_hold("slot_ebb.settles");
        cue_await("slot_ebb.settles");
        while (slots->ebb.ebbing == 0) { /* the first goes by what lay free before them */
                cue_go_and_await("slot_ebb.settles");
                cue_hold("slot_ebb.settles");
                await_ebb(cue_has_come("slot_ebb.settles"));
        }
        size_t count = fill(pids);
        ck_assert_uint_lt(slots->free_count, slots->ebb.ebbing);
        cue_go_and_await("slot_ebb.settles");
        for (size_t i = 0; i < count; i++)
                REQUIRE(cop_is_alive(pids[i]));
        kill_all_of(pids, count);
        uint64_t before = returned(node);
        await_ebb(returned(node) > before);
        ck_assert_uint_gt(fill(pids), most / 10 * 9);
        free(pids);
}

/* One of the slots in hand: they have no pids, and are not hidden any more. */
static uint32_t slot_in_hand(struct cop__slots *slots)
{
        uint32_t found = 0;
        cop__lock_lock(&slots->lock);
        for (uint32_t slot = COP__SLOT_BLOCK; slot < slots->used && found == 0; slot++)
                if (cop__load_relaxed(&slots->base[slot].pid) == 0 && !slots->ebb.blocks[slot / COP__SLOT_BLOCK].hidden)
                        found = slot;
        cop__lock_unlock(&slots->lock);
        return found;
}

static bool has_some_in_hand(struct cop__slots *slots)
{
        cop__lock_lock(&slots->lock);
        bool has = slots->ebb.in_hand;
        cop__lock_unlock(&slots->lock);
        return has;
}

/* Who sends to one that ended long ago, and was between two looks all the time. The run is kept, and goes when that is over. */
WITH_NEAR_EBBS(slots_to_one_of_which_something_comes_as_they_go_stay_until_it_has_been_answered, .max_actors = ROOM)
{
        if (is_simulated() || !SLOTS_EBB)
                return;
        struct half_sent stray;
        struct cop__slots *slots = &node->slots;
        cop_pid *pids = nest_for(ROOM);
        size_t most = fill(pids);
        uint64_t letters = dead_letters_of(node);
        cue_hold("slot_ebb.looks_at_some");
        kill_all_of(pids, most);
        await_ebb(cue_has_come("slot_ebb.looks_at_some"));
        uint64_t before = returned(node);
        uint32_t slot = slot_in_hand(slots);
        ck_assert_uint_ne(slot, 0);
        send_half(&stray, node, cop__pid(slot, slots->ebb.generations[slot] - 1), COP_KIND_OF(flash), &(flash){ 1 });
        cue_hold("slot_ebb.has_some_in_hand");
        cue_go("slot_ebb.looks_at_some");
        cue_await("slot_ebb.has_some_in_hand");
        cue_go_and_await("slot_ebb.has_some_in_hand");
        while (has_some_in_hand(slots))
                sched_yield();
        ck_assert_uint_eq(cop__load_relaxed(&slots->base[slot].queue.tail), (uintptr_t)&stray.signal->node);
        send_rest(&stray);
        await_ebb(dead_letters_of(node) == letters + 1);
        await_ebb(returned(node) > before);
        ck_assert_uint_gt(fill(pids), most / 10 * 9);
        free(pids);
}

typedef struct { uint64_t first, count; } strays;
COP_MESSAGE(strays, first, count);

/* Calls old pids all the time: each is answered at once that nobody is there, or by who lives there. */
static void pesters(const strays *old)
{
        for (;;)
                for (uint64_t i = 0; i < old->count; i++) {
                        cop_pid pid = { old->first + (i << 32) };
                        cop_message *reply = NULL;
                        cop_status status = cop_call(&reply, pid, COP_FOREVER, flash, .number = 1);
                        REQUIRE(status == COP_OK || status == COP_E_NO_ACTOR || status == COP_E_DIED);
                        cop_message_free(reply);
                        cop_yield(); /* a call that nobody answers ends no turn */
                }
}

#define FLOCK (SWARM / 16)

WITH_NEAR_EBBS(strays_find_nobody_while_slots_come_and_go, .workers = 0)
{
        if (is_simulated())
                return;
        cop_pid *gnats = nest_for(FLOCK), pest[2];
        hatch(gnats, FLOCK);
        for (size_t i = 0; i < COP__COUNT(pest); i++)
                pest[i] = cop_spawn_with(pesters, strays, .first = gnats[0].bits, .count = FLOCK);
        end_all(gnats, FLOCK);
        for (int round = 0; round < 2; round++) {
                uint64_t before = returned(node);
                hatch(gnats, FLOCK);
                end_all(gnats, FLOCK);
                await_ebb(returned(node) > before);
        }
        for (size_t i = 0; i < COP__COUNT(pest); i++)
                ck_assert(cop_is_alive(pest[i]));
        kill_all_of(pest, COP__COUNT(pest));
        free(gnats);
}

#if RSS_IS_OURS
static size_t resident(void)
{
        unsigned long size = 0, pages = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        ck_assert_ptr_nonnull(file);
        ck_assert_int_eq(fscanf(file, "%lu %lu", &size, &pages), 2);
        fclose(file);
        return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void ticks(const dawn *d)
{
        char name[32];
        (void)d;
        cop_ref ref;
        snprintf(name, sizeof(name), "n%llu", (unsigned long long)cop_self().bits);
        REQUIRE(cop_register(name, cop_self()) == COP_OK);
        REQUIRE(cop_monitor(cop_parent(), &ref) == COP_OK);
        for (int i = 0; i < 3; i++)
                REQUIRE(cop_send_after(&ref, 100000000, cop_self(), flash, .number = i) == COP_OK);
        cop_send(cop_parent(), dawn, .unused = 0);
        cop_sleep(COP_FOREVER);
}

/* With names, timers and monitors, which have memory of their own; warmed up, since tables stay as large as they were. */
WITH_NEAR_EBBS(after_a_burst_with_names_timers_and_monitors_little_is_resident, .workers = 0)
{
        if (is_simulated())
                return;
        cop_pid *pids = nest_for(SWARM / 4);
        size_t low = 0, high = 0;
        for (int round = 0; round < 2; round++) {
                uint64_t before = returned(node);
                low = resident();
                for (size_t i = 0; i < SWARM / 4; i++)
                        pids[i] = cop_spawn_with(ticks, dawn, .unused = 0);
                for (size_t i = 0; i < SWARM / 4; i++)
                        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(dawn)));
                high = resident();
                kill_all_of(pids, SWARM / 4);
                await_ebb(returned(node) - before >= (high - low) / 20); /* most of it was stacks */
        }
        await_ebb(resident() < low + (high - low) / 4);
        free(pids);
}
#endif
