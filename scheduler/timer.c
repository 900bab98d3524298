/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The wheel of timer.h: finding the place of a tick, moving time forward.
 *
 * A timer's tick is its time rounded up, so the beginning of its tick is never early.
 * Time moves from one occupied slot to the next, not tick by tick: a jump over years
 * costs as much as there are timers in it.
 */
#include "scheduler/timer.h"

#include "base/atomic.h"
#include "base/cue.h"

/* Places that are no slot: slot s of level l is the place l * 64 + s. */
#define PLACE_DUE (COP__WHEEL_LEVELS * COP__WHEEL_SLOTS)
#define PLACE_FIRING (PLACE_DUE + 1)

_Static_assert(PLACE_FIRING < COP__WHEEL_ALIGNMENT, "a seat is a wheel and a place on it");

/* Runs of 2^i timers wait at index i while a list is sorted: enough for any memory. */
#define SORT_RUNS 48

static struct cop__timer *timer_of(struct cop__list *node)
{
        return COP__CONTAINER(node, struct cop__timer, in_list);
}

static struct cop__wheel *wheel_of(uintptr_t seat)
{
        return (struct cop__wheel *)(seat & ~(uintptr_t)(COP__WHEEL_ALIGNMENT - 1));
}

static unsigned place_of(const struct cop__timer *timer)
{
        return (unsigned)(cop__load_relaxed(&timer->seat) & (COP__WHEEL_ALIGNMENT - 1));
}

/* With the lock. The release pairs with the acquire in cancel, which then takes this wheel's lock. */
static void sit(struct cop__wheel *wheel, struct cop__timer *timer, unsigned place)
{
        cop__store_release(&timer->seat, (uintptr_t)wheel | place);
}

static uint64_t tick_of(uint64_t when_ns)
{
        return (when_ns + COP__TICK_NS - 1) >> COP__TICK_SHIFT;
}

void cop__wheel_init(struct cop__wheel *wheel, uint64_t now_ns)
{
        wheel->next_ns = COP__WHEEL_NEVER;
        wheel->armed = 0;
        cop__lock_init(&wheel->lock);
        wheel->tick = now_ns >> COP__TICK_SHIFT;
        wheel->limit = wheel->tick;
        cop__list_init(&wheel->due);
        cop__list_init(&wheel->firing);
        wheel->levels = 0;
        wheel->leave = NULL;
        for (int level = 0; level < COP__WHEEL_LEVELS; level++) {
                wheel->occupied[level] = 0;
                for (int slot = 0; slot < COP__WHEEL_SLOTS; slot++)
                        cop__list_init(&wheel->slots[level][slot]);
        }
}

/* --- places ------------------------------------------------------------------ */

/* That of the highest digit that differs from now; 0 for the current tick itself. */
static unsigned level_of(const struct cop__wheel *wheel, uint64_t tick)
{
        unsigned highest_bit = 63 - (unsigned)__builtin_clzll((tick ^ wheel->tick) | 1);
        return highest_bit / COP__WHEEL_DIGIT;
}

static unsigned digit_of(uint64_t tick, unsigned level)
{
        return (unsigned)(tick >> (level * COP__WHEEL_DIGIT)) & (COP__WHEEL_SLOTS - 1);
}

/* The first tick of a slot: higher digits as now, its own digit, then zeros. */
static uint64_t slot_tick(const struct cop__wheel *wheel, unsigned level, unsigned slot)
{
        unsigned shift = level * COP__WHEEL_DIGIT;
        uint64_t above = wheel->tick >> shift & ~(uint64_t)(COP__WHEEL_SLOTS - 1);
        return (above | slot) << shift;
}

/* For a tick that is not before the wheel's. */
static void place_in_slot(struct cop__wheel *wheel, struct cop__timer *timer, uint64_t tick)
{
        unsigned level = level_of(wheel, tick);
        unsigned slot = digit_of(tick, level);
        cop__list_push_back(&wheel->slots[level][slot], &timer->in_list);
        sit(wheel, timer, level * COP__WHEEL_SLOTS + slot);
        wheel->occupied[level] |= UINT64_C(1) << slot;
        wheel->levels |= UINT64_C(1) << level;
}

/* After a slot has become empty. */
static void mark_empty(struct cop__wheel *wheel, unsigned level, unsigned slot)
{
        wheel->occupied[level] &= ~(UINT64_C(1) << slot);
        if (wheel->occupied[level] == 0)
                wheel->levels &= ~(UINT64_C(1) << level);
}

/* Takes a timer out of whatever list it is in. */
static void displace(struct cop__wheel *wheel, struct cop__timer *timer)
{
        cop__list_remove(&timer->in_list);
        unsigned place = place_of(timer);
        if (place >= PLACE_DUE)
                return;
        unsigned level = place / COP__WHEEL_SLOTS;
        unsigned slot = place % COP__WHEEL_SLOTS;
        if (cop__list_is_empty(&wheel->slots[level][slot]))
                mark_empty(wheel, level, slot);
}

/* The first occupied slot and its first tick; false when there is none. */
static bool first_slot(const struct cop__wheel *wheel, unsigned *level, unsigned *slot,
                       uint64_t *tick)
{
        if (wheel->levels == 0)
                return false;
        *level = (unsigned)__builtin_ctzll(wheel->levels);
        *slot = (unsigned)__builtin_ctzll(wheel->occupied[*level]);
        *tick = slot_tick(wheel, *level, *slot);
        return true;
}

/* --- arm and cancel ---------------------------------------------------------- */

bool cop__timer_arm_locked(struct cop__wheel *wheel, struct cop__timer *timer, uint64_t when_ns)
{
        if (when_ns > COP__TIMER_NS_MAX)
                when_ns = COP__TIMER_NS_MAX;
        uint64_t tick = tick_of(when_ns);
        timer->when_ns = when_ns;
        if (tick <= wheel->limit) {
                cop__list_push_back(&wheel->due, &timer->in_list);
                sit(wheel, timer, PLACE_DUE);
        } else {
                place_in_slot(wheel, timer, tick);
        }
        cop__store_relaxed(&wheel->armed, wheel->armed + 1);
        uint64_t wake_ns = tick << COP__TICK_SHIFT;
        bool sooner = wake_ns < wheel->next_ns;
        if (sooner)
                cop__store_relaxed(&wheel->next_ns, wake_ns);
        return sooner;
}

bool cop__timer_arm(struct cop__wheel *wheel, struct cop__timer *timer, uint64_t when_ns)
{
        cop__lock_lock(&wheel->lock);
        bool sooner = cop__timer_arm_locked(wheel, timer, when_ns);
        cop__lock_unlock(&wheel->lock);
        return sooner;
}

/* With the lock: from armed to idle. The release is for cop__timer_armed. */
static void disarm(struct cop__wheel *wheel, struct cop__timer *timer)
{
        displace(wheel, timer);
        cop__store_relaxed(&wheel->armed, wheel->armed - 1);
        cop__store_release(&timer->seat, 0);
}

bool cop__timer_cancel_locked(struct cop__wheel *wheel, struct cop__timer *timer)
{
        if (wheel_of(cop__load_relaxed(&timer->seat)) != wheel)
                return false;
        disarm(wheel, timer);
        if (wheel->armed == 0)
                cop__store_relaxed(&wheel->next_ns, COP__WHEEL_NEVER);
        return true;
}

bool cop__timer_cancel(struct cop__timer *timer)
{
        /* The timer may fire, and be armed on another wheel, before we have the lock. */
        struct cop__wheel *wheel;
        while ((wheel = wheel_of(cop__load_acquire(&timer->seat)))) {
                COP__CUE("timer.is_found");
                cop__lock_lock(&wheel->lock);
                bool cancelled = cop__timer_cancel_locked(wheel, timer);
                cop__lock_unlock(&wheel->lock);
                if (cancelled)
                        return true;
        }
        return false;
}

bool cop__timer_armed(const struct cop__timer *timer)
{
        return cop__load_acquire(&timer->seat) != 0;
}

uint64_t cop__wheel_next(const struct cop__wheel *wheel)
{
        return cop__load_relaxed(&wheel->next_ns);
}

size_t cop__wheel_count(const struct cop__wheel *wheel)
{
        return cop__load_relaxed(&wheel->armed);
}

/* --- order within a tick ----------------------------------------------------- */

/* Chains here are linked by next alone and end in NULL. Of equals, `a` goes first. */
static struct cop__list *merge(struct cop__list *a, struct cop__list *b)
{
        struct cop__list *first = NULL;
        struct cop__list **end = &first;
        while (a && b) {
                struct cop__list **smaller = timer_of(b)->when_ns < timer_of(a)->when_ns ? &b : &a;
                *end = *smaller;
                end = &(*end)->next;
                *smaller = *end;
        }
        *end = a ? a : b;
        return first;
}

static bool is_sorted(const struct cop__list *list)
{
        uint64_t last_ns = 0;
        COP__LIST_EACH(list, node, ahead) {
                if (timer_of(node)->when_ns < last_ns)
                        return false;
                last_ns = timer_of(node)->when_ns;
        }
        return true;
}

/* Takes the nodes as one chain and leaves the list empty. */
static struct cop__list *unring(struct cop__list *list)
{
        struct cop__list *first = cop__list_first(list);
        list->prev->next = NULL;
        cop__list_init(list);
        return first;
}

/*
 * Merge sort from the bottom up, in place: like a binary counter, index i holds a sorted
 * run of 2^i or nothing. Stable, n log n; n when all have one delay and so came in order.
 */
static void sort(struct cop__list *list)
{
        if (is_sorted(list))
                return;
        struct cop__list *runs[SORT_RUNS] = { NULL };
        struct cop__list *chain = unring(list);
        while (chain) {
                struct cop__list *run = chain;
                chain = chain->next;
                run->next = NULL;
                int i = 0;
                for (; runs[i]; i++) {
                        run = merge(runs[i], run);
                        runs[i] = NULL;
                }
                runs[i] = run;
        }
        for (int i = 0; i < SORT_RUNS; i++)
                chain = merge(runs[i], chain);
        while (chain) {
                struct cop__list *next = chain->next;
                cop__list_push_back(list, chain);
                chain = next;
        }
}

/* --- expire ------------------------------------------------------------------ */

/* Sorts `list` behind what is firing. */
static void start_firing(struct cop__wheel *wheel, struct cop__list *list)
{
        sort(list);
        COP__LIST_EACH(list, node, ahead)
                sit(wheel, timer_of(node), PLACE_FIRING);
        cop__list_append(&wheel->firing, list);
}

/*
 * Moves time to the first tick of a slot, the first that is occupied, and empties it: on
 * level 0 its timers fire, on another they find their place on lower levels; those of
 * this very tick in the slot of level 0 that is first now, so the next to be turned to.
 */
static void turn_to(struct cop__wheel *wheel, unsigned level, unsigned slot, uint64_t tick)
{
        struct cop__list moving = COP__LIST_INIT(moving);
        cop__list_append(&moving, &wheel->slots[level][slot]);
        mark_empty(wheel, level, slot);
        wheel->tick = tick;

        if (level == 0) {
                start_firing(wheel, &moving);
                return;
        }
        COP__LIST_EACH(&moving, node, ahead)
                place_in_slot(wheel, timer_of(node), tick_of(timer_of(node)->when_ns));
}

/* Brings something into `firing` from the slots up to the limit; false if none is left. */
static bool turn_on(struct cop__wheel *wheel)
{
        unsigned level;
        unsigned slot;
        uint64_t tick;
        while (cop__list_is_empty(&wheel->firing)) {
                if (!first_slot(wheel, &level, &slot, &tick) || tick > wheel->limit) {
                        wheel->tick = wheel->limit;
                        return false;
                }
                turn_to(wheel, level, slot, tick);
        }
        return true;
}

/* With the lock, and nothing firing: when expire has something to do again. */
static uint64_t next_ns(const struct cop__wheel *wheel)
{
        unsigned level;
        unsigned slot;
        uint64_t tick;
        if (!cop__list_is_empty(&wheel->due))
                return wheel->tick << COP__TICK_SHIFT;
        if (!first_slot(wheel, &level, &slot, &tick))
                return COP__WHEEL_NEVER;
        return tick << COP__TICK_SHIFT;
}

/* The next timer to fire, idle already, or NULL when this expire is over. */
static struct cop__timer *pop_firing(struct cop__wheel *wheel)
{
        cop__lock_lock(&wheel->lock);
        struct cop__timer *timer = NULL;
        if (turn_on(wheel)) {
                timer = timer_of(cop__list_first(&wheel->firing));
                disarm(wheel, timer);
                if (wheel->leave)
                        wheel->leave(timer, wheel->leave_context);
        } else {
                cop__store_relaxed(&wheel->next_ns, next_ns(wheel));
        }
        cop__lock_unlock(&wheel->lock);
        return timer;
}

size_t cop__wheel_expire(struct cop__wheel *wheel, uint64_t now_ns,
                         void (*fire)(struct cop__timer *timer, void *context), void *context)
{
        /*
         * What was due when it was armed is earlier than anything in a slot. From here
         * on, whatever is armed up to `now` becomes due and waits for the next expire.
         */
        cop__lock_lock(&wheel->lock);
        uint64_t now = now_ns >> COP__TICK_SHIFT;
        if (now > wheel->limit)
                wheel->limit = now;
        start_firing(wheel, &wheel->due);
        cop__lock_unlock(&wheel->lock);

        size_t fired = 0;
        struct cop__timer *timer;
        while ((timer = pop_firing(wheel))) {
                fire(timer, context);
                fired++;
        }
        return fired;
}

/* --- for tests --------------------------------------------------------------- */

/* Each timer of a list says it is there and that it is armed here; adds their number. */
static bool list_is_valid(const struct cop__wheel *wheel, const struct cop__list *list,
                          unsigned place, size_t *armed)
{
        COP__LIST_EACH(list, node, ahead) {
                const struct cop__timer *timer = timer_of(node);
                if (timer->seat != ((uintptr_t)wheel | place) || node->next->prev != node)
                        return false;
                ++*armed;
        }
        return true;
}

static bool slot_is_valid(const struct cop__wheel *wheel, unsigned level, unsigned slot,
                          size_t *armed)
{
        const struct cop__list *list = &wheel->slots[level][slot];
        bool occupied = wheel->occupied[level] >> slot & 1;
        if (occupied == cop__list_is_empty(list))
                return false;
        COP__LIST_EACH(list, node, ahead) {
                uint64_t tick = tick_of(timer_of(node)->when_ns);
                if (tick <= wheel->limit || level_of(wheel, tick) != level ||
                    digit_of(tick, level) != slot)
                        return false;
        }
        return list_is_valid(wheel, list, level * COP__WHEEL_SLOTS + slot, armed);
}

bool cop__wheel_is_valid(struct cop__wheel *wheel)
{
        cop__lock_lock(&wheel->lock);
        size_t armed = 0;
        bool valid = wheel->limit >= wheel->tick &&
                     list_is_valid(wheel, &wheel->due, PLACE_DUE, &armed) &&
                     list_is_valid(wheel, &wheel->firing, PLACE_FIRING, &armed);
        for (unsigned level = 0; valid && level < COP__WHEEL_LEVELS; level++) {
                valid = (wheel->levels >> level & 1) == (wheel->occupied[level] != 0);
                for (unsigned slot = 0; valid && slot < COP__WHEEL_SLOTS; slot++)
                        valid = slot_is_valid(wheel, level, slot, &armed);
        }
        valid = valid && armed == wheel->armed;
        cop__lock_unlock(&wheel->lock);
        return valid;
}
