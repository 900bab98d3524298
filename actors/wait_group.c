/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Wait groups: monitors of their owner, and a count.
 *
 * A group is no actor. Its members are found by the reference of their monitor, so a wait is a receive of any cop_down whose
 * reference is a member's. All memory is the owner's (cop_alloc): nothing is left when it ends. So the table of members is of
 * one's own, too:
 *
 *      slots: a power of two, at most half of them used; a reference is looked for from its place on to the next
 *      free slot, and taking one out moves those behind it up
 */
#include <coppice/wait_group.h>

#include "actors/actor.h"
#include "base/clock.h"
#include "base/random.h"

/* count = slots that are not zero. */
struct members {
        cop_ref *slots;
        size_t capacity, count;
};

struct cop_wait_group {
        struct members members;
        size_t well, failed;
        cop_message *first; /* the cop_down of the first failure, held */
        cop_message *last;  /* of the end that was told last, unless it is the first failure */
};

/* ---- Members ---------------------------------------------------------------------- */

/* References are numbers in a row: spread them. */
static size_t place_of(const struct members *members, cop_ref ref)
{
        return (size_t)cop__mix(ref.bits) & (members->capacity - 1);
}

/* Where it is, or the free slot where it would be. The table has a free slot. */
static size_t find(const struct members *members, cop_ref ref)
{
        size_t at = place_of(members, ref);
        while (members->slots[at].bits != 0 && !cop_ref_equal(members->slots[at], ref))
                at = (at + 1) & (members->capacity - 1);
        return at;
}

static bool reserve(struct members *members)
{
        struct members larger = { NULL, members->capacity > 0 ? 2 * members->capacity : 8, members->count };
        if (2 * (members->count + 1) <= members->capacity)
                return true;
        larger.slots = cop_alloc(larger.capacity * sizeof(larger.slots[0]));
        if (larger.slots == NULL)
                return false;
        for (size_t i = 0; i < members->capacity; i++)
                if (members->slots[i].bits != 0)
                        larger.slots[find(&larger, members->slots[i])] = members->slots[i];
        cop_release(members->slots);
        *members = larger;
        return true;
}

static void insert(struct members *members, cop_ref ref)
{
        members->slots[find(members, ref)] = ref;
        members->count++;
}

static bool has(const struct members *members, cop_ref ref)
{
        return members->count > 0 && members->slots[find(members, ref)].bits != 0;
}

/* May one that belongs at `home` and is at `at` move up to `hole`? Not if its place lies behind the hole. */
static bool may_move(const struct members *members, size_t home, size_t at, size_t hole)
{
        size_t mask = members->capacity - 1;
        return ((at - home) & mask) >= ((at - hole) & mask);
}

static void take_out(struct members *members, cop_ref ref)
{
        size_t mask = members->capacity - 1;
        size_t hole = find(members, ref);
        for (size_t at = (hole + 1) & mask; members->slots[at].bits != 0; at = (at + 1) & mask) {
                if (!may_move(members, place_of(members, members->slots[at]), at, hole))
                        continue;
                members->slots[hole] = members->slots[at];
                hole = at;
        }
        members->slots[hole].bits = 0;
        members->count--;
}

/* ---- Groups -------------------------------------------------------------------------- */

cop_wait_group *cop_wait_group_open(void)
{
        return cop_alloc(sizeof(cop_wait_group));
}

static bool is_a_members(const cop_down *down, const struct members *members)
{
        return has(members, down->ref);
}

/* Whose end has come already is taken out in the order of the mail, each found where the last one was: not by looking for each. */
static void forget_all(const struct members *members)
{
        cop_message *down;
        for (size_t i = 0; i < members->capacity; i++)
                if (members->slots[i].bits != 0)
                        cop_demonitor(members->slots[i]);
        while ((down = cop_receive(0, COP_WHERE(cop_down, is_a_members, members))) != NULL)
                cop_message_free(down);
}

void cop_wait_group_close(cop_wait_group *group)
{
        if (group == NULL)
                return;
        if (group->members.count > 0)
                forget_all(&group->members);
        cop_message_free(group->first);
        cop_message_free(group->last);
        cop_release(group->members.slots);
        cop_release(group);
}

cop_status cop_wait_spawn_opt(cop_wait_group *group, const cop_spawn_options *options, cop_pid *pid)
{
        cop_ref ref;
        if (group == NULL || options == NULL || options->monitor)
                return COP_E_BAD_ARGUMENT;
        if (!reserve(&group->members))
                return COP_E_NO_MEMORY;
        cop_spawn_options watched = *options;
        watched.monitor = true;
        watched.monitor_ref = &ref;
        cop_status status = cop_spawn_opt(&watched, pid);
        if (status == COP_OK)
                insert(&group->members, ref);
        return status;
}

cop_pid cop_wait_spawn_or_exit(cop_wait_group *group, const cop_spawn_options *options)
{
        cop_pid pid = cop_no_pid();
        cop_status status = cop_wait_spawn_opt(group, options, &pid);
        struct cop__actor *actor = cop__actor_here();
        if (status == COP_OK || actor == NULL)
                return pid;
        if (actor->task.visitor != NULL) {
                cop_log(COP_LOG_ERROR, "cop_wait_spawn: %s", cop_status_text(status));
                return pid;
        }
        cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("spawn")));
}

cop_status cop_wait_add(cop_wait_group *group, cop_pid pid)
{
        cop_ref ref;
        if (group == NULL)
                return COP_E_BAD_ARGUMENT;
        if (!reserve(&group->members))
                return COP_E_NO_MEMORY;
        cop_status status = cop_monitor(pid, &ref);
        if (status == COP_OK)
                insert(&group->members, ref);
        return status;
}

/* ---- Waiting --------------------------------------------------------------------------- */

static bool is_failure(cop_term reason)
{
        return cop__reason_is_crash(reason);
}

/* The next member's end is counted, and its message kept as long as its reason may be looked at. NULL: none in time. */
static const cop_down *next_end(cop_wait_group *group, int64_t timeout_ms)
{
        cop_message *message =
                cop_receive(timeout_ms, COP_WHERE(cop_down, is_a_members, &group->members));
        if (message == NULL)
                return NULL;
        const cop_down *down = cop_read(cop_down, message);
        take_out(&group->members, down->ref);
        bool failed = is_failure(down->reason);
        group->failed += failed;
        group->well += !failed;
        cop_message_free(group->last);
        group->last = NULL;
        if (failed && group->first == NULL)
                group->first = message;
        else
                group->last = message;
        return down;
}

static void tell(const cop_wait_group *group, cop_ends *ends)
{
        const cop_down *first = cop_read(cop_down, group->first);
        *ends = (cop_ends){
                .running = group->members.count,
                .well = group->well,
                .failed = group->failed,
                .first = first != NULL ? first->pid : cop_no_pid(),
                .reason = first != NULL ? first->reason : cop_nil(),
        };
}

static int64_t time_left(uint64_t deadline_ns)
{
        uint64_t now_ns = cop__clock_ns();
        if (deadline_ns == UINT64_MAX)
                return COP_FOREVER;
        return deadline_ns > now_ns ? (int64_t)((deadline_ns - now_ns + 999999) / 1000000) : 0;
}

static bool is_bad(const cop_wait_group *group, int64_t timeout_ms, const char *function)
{
        if (timeout_ms < 0)
                cop__badarg(function, "a time-out is 0 or more milliseconds, or COP_FOREVER");
        return timeout_ms < 0 || group == NULL;
}

cop_status cop_wait_all(cop_wait_group *group, int64_t timeout_ms, cop_ends *ends)
{
        if (is_bad(group, timeout_ms, "wait_all"))
                return COP_E_BAD_ARGUMENT;
        uint64_t deadline_ns = cop__deadline_ns(timeout_ms);
        while (group->members.count > 0 && next_end(group, time_left(deadline_ns)) != NULL)
                continue;
        if (ends != NULL)
                tell(group, ends);
        if (group->members.count > 0)
                return COP_E_TIMEOUT;
        return group->failed > 0 ? COP_E_DIED : COP_OK;
}

cop_status cop_wait_any(cop_wait_group *group, int64_t timeout_ms, cop_end *end)
{
        if (is_bad(group, timeout_ms, "wait_any") || end == NULL)
                return COP_E_BAD_ARGUMENT;
        if (group->members.count == 0)
                return COP_E_NOT_FOUND;
        const cop_down *down = next_end(group, timeout_ms);
        if (down == NULL)
                return COP_E_TIMEOUT;
        *end = (cop_end){ down->pid, down->reason, is_failure(down->reason) };
        return COP_OK;
}
