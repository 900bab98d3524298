/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The memory between the threads: stores that others do not see yet.
 *
 * A processor keeps its stores in a buffer for a while: it sees them itself, others read the old value, and a later load
 * may so be done before an earlier store. Here a store is written at once, and noted with the value that was there before; until it
 * settles, others who load get the old one. Stores settle at random, at the latest when their thread changes something by
 * a read-modify-write in release order or comes to a fence, a sleep or its end.
 *
 *      weakness 0   all is seen at once
 *               1   as x86-64: in the order of the stores
 *               2   weaker, as on aarch64: relaxed stores to different objects in any order; a release store after all before it
 *               3   as C11 has it, loads too: history.c, and nothing of what follows here
 *
 * A store to where another thread's is not settled settles that one first. Plain accesses are not seen here; the sanitizer for
 * threads looks at those.
 */
#include "tests/explore/explore.h"

#include <string.h>

#define PENDING_MAX 24

struct pending {
        const void *object;
        uint64_t before;
        uint8_t size;
        uint8_t thread;
        bool release;
};

static struct pending pending[PENDING_MAX]; /* the oldest first */
static unsigned pending_count;
static unsigned weakness;

#define BY_HISTORY 3

void explore_memory_begin(unsigned wanted)
{
        weakness = wanted;
        pending_count = 0;
        if (weakness == BY_HISTORY)
                explore_history_begin();
}

/* ---- Settling -------------------------------------------------------------------------- */

static void drop(unsigned i)
{
        pending_count--;
        memmove(&pending[i], &pending[i + 1], (pending_count - i) * sizeof(pending[0]));
}

/* Must that one come after an earlier one of its thread? */
static bool comes_after(unsigned later, unsigned earlier)
{
        if (pending[earlier].thread != pending[later].thread)
                return false;
        return weakness < 2 || pending[later].release ||
               pending[earlier].object == pending[later].object;
}

/* It is seen, and all that must be seen before it. */
static void settle(unsigned i)
{
        for (unsigned earlier = 0; earlier < i;)
                if (comes_after(i, earlier)) {
                        unsigned before = pending_count;
                        settle(earlier);
                        i -= before - pending_count;
                        earlier = 0;
                } else {
                        earlier++;
                }
        drop(i);
}

static void settle_if(bool (*wanted)(const struct pending *one, const void *object),
                      const void *object)
{
        for (unsigned i = 0; i < pending_count;)
                if (wanted(&pending[i], object)) {
                        settle(i);
                        i = 0;
                } else {
                        i++;
                }
}

static bool is_own(const struct pending *one, const void *unused)
{
        (void)unused;
        return one->thread == explore_running;
}

static bool is_of_object(const struct pending *one, const void *object)
{
        return one->object == object;
}

static bool is_of_others(const struct pending *one, const void *object)
{
        return one->object == object && one->thread != explore_running;
}

void explore_settle(void)
{
        if (weakness == BY_HISTORY)
                explore_history_fence();
        else if (pending_count > 0)
                settle_if(is_own, NULL);
}

void explore_settle_all(void)
{
        pending_count = 0;
        if (weakness == BY_HISTORY)
                explore_history_fence_all();
}

void explore_settle_waking(bool anybody)
{
        if (anybody || weakness != BY_HISTORY)
                explore_settle();
}

void explore_meet(void)
{
        if (weakness == BY_HISTORY)
                explore_history_fence();
}

void explore_catch_up(void)
{
        pending_count = 0;
        if (weakness == BY_HISTORY)
                explore_history_catch_up();
}

void explore_forget(const void *memory, size_t size)
{
        if (weakness == BY_HISTORY)
                explore_history_forget(memory, size);
        else
                explore_settle();
}

void explore_memory_thread(unsigned thread)
{
        if (weakness == BY_HISTORY)
                explore_history_thread(thread);
}

void explore_memory_step(void)
{
        if (pending_count > 0 && explore_random(8) == 0)
                settle(explore_random(pending_count));
}

/* ---- Accesses ----------------------------------------------------------------------------- */

static uint64_t read_now(const void *object, size_t size)
{
        uint64_t value = 0;
        memcpy(&value, object, size);
        return value;
}

/* Nothing that is alive is full of what machine.c overwrites freed memory with. */
static void refuse_freed(uint64_t value, size_t size, const char *where, unsigned line)
{
        if (size >= 4 && value == (UINT64_MAX / 0xff * 0xdd & (UINT64_MAX >> (64 - 8 * size))))
                explore_fail("memory that was freed is used at %s:%u", where, line);
}

static void write_now(void *object, size_t size, uint64_t value)
{
        memcpy(object, &value, size);
}

uint64_t explore_load(const void *object, size_t size, enum explore_order order, const char *where, unsigned line)
{
        explore_step(where, line);
        if (weakness == BY_HISTORY) {
                refuse_freed(read_now(object, size), size, where, line);
                return explore_history_load(object, size, order);
        }
        for (unsigned i = 0; i < pending_count; i++)
                if (is_of_others(&pending[i], object))
                        return pending[i].before;
        refuse_freed(read_now(object, size), size, where, line);
        return read_now(object, size);
}

void explore_store(void *object, size_t size, uint64_t value, enum explore_order order,
                   const char *where, unsigned line)
{
        explore_step(where, line);
        if (weakness == BY_HISTORY) {
                explore_history_store(object, size, value, order);
                return;
        }
        settle_if(is_of_others, object);
        if (order == EXPLORE_SEQ) {
                explore_settle();
        } else if (weakness > 0) {
                if (pending_count == PENDING_MAX)
                        settle(0);
                pending[pending_count++] = (struct pending){
                        object, read_now(object, size), (uint8_t)size, (uint8_t)explore_running,
                        order == EXPLORE_RELEASE,
                };
        }
        write_now(object, size, value);
}

/* Before a read-modify-write: it works on what all see. */
static void settle_for(const void *object, enum explore_order order)
{
        settle_if(is_of_object, object);
        if (weakness < 2 || order >= EXPLORE_RELEASE)
                explore_settle();
}

uint64_t explore_change(void *object, size_t size, enum explore_change change, uint64_t operand,
                        enum explore_order order, const char *where, unsigned line)
{
        explore_step(where, line);
        if (weakness != BY_HISTORY)
                settle_for(object, order);
        uint64_t before = read_now(object, size);
        refuse_freed(before, size, where, line);
        uint64_t after = change == EXPLORE_EXCHANGE ? operand
                         : change == EXPLORE_ADD    ? before + operand
                         : change == EXPLORE_OR     ? before | operand
                         : change == EXPLORE_AND    ? before & operand
                                                    : before ^ operand;
        if (weakness == BY_HISTORY)
                explore_history_replace(object, size, after, order);
        else
                write_now(object, size, after);
        return before;
}

bool explore_cas(void *object, void *expected, size_t size, uint64_t desired,
                 enum explore_order order, const char *where, unsigned line)
{
        explore_step(where, line);
        if (weakness != BY_HISTORY)
                settle_for(object, order);
        uint64_t before = read_now(object, size);
        if (before == read_now(expected, size)) {
                if (weakness == BY_HISTORY)
                        explore_history_replace(object, size, desired, order);
                else
                        write_now(object, size, desired);
                return true;
        }
        if (weakness == BY_HISTORY)
                explore_history_fail(object, size, order);
        write_now(expected, size, before);
        return false;
}

bool explore_cas_pair(void *object, const void *expected, const void *desired, void *found,
                      const char *where, unsigned line)
{
        explore_step(where, line);
        settle_if(is_of_object, object);
        settle_if(is_of_object, (const char *)object + 8);
        explore_settle();
        bool fits = memcmp(object, expected, 16) == 0;
        if (found != NULL)
                memcpy(found, object, 16);
        if (!fits)
                return false;
        if (weakness == BY_HISTORY) {
                explore_history_replace(object, 8, read_now(desired, 8), EXPLORE_FULL);
                explore_history_replace((char *)object + 8, 8, read_now((const char *)desired + 8, 8), EXPLORE_FULL);
        } else {
                memcpy(object, desired, 16);
        }
        return true;
}

void explore_fence(const char *where, unsigned line)
{
        explore_step(where, line);
        explore_settle();
}
