/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Who goes on. Three ways to choose:
 *
 *      random    at each step, with a probability that the schedule draws once, anybody who can
 *      PCT       each thread has a random priority, and the highest goes on; at D - 1 random steps of the schedule the
 *                one that runs becomes the lowest. A bug that takes D orderings is met with probability 1 / (N * K^(D-1)) at
 *                least, for N threads and K steps (S. Burckhardt and others, 2010).
 *      exhaust   every schedule with at most so many preemptions, in turn: a switch from a thread that could go on counts
 *                as one, a switch from one that falls asleep does not; one that spins gives way to the next.
 */
#include "tests/explore/explore.h"

#include "base/random.h"

#define DEPTH_MAX 6
#define CHOICES_MAX 4096
#define PATIENCE 2000
#define UNFOCUSED_STAY 512

static enum explore_strategy strategy;
static uint64_t random_state;
static bool focused;
static uint32_t focused_steps;
static uint32_t haste; /* a sleeper's time comes early once in so many steps */

/* random */
static uint32_t stay; /* one step in so many may switch */

/* PCT: a thread's priority; the later ones that were lowered are the lowest. */
static uint32_t priorities[EXPLORE_THREADS], lowest;
static uint32_t changes[DEPTH_MAX], change_count;
static uint32_t patience; /* steps until one that runs on and on gives way */

/* exhaust: what was chosen at each step where there was a choice. */
static struct choice {
        uint8_t taken, options;
} choices[CHOICES_MAX];
static unsigned choice_count, choice_at, preemptions, preemptions_max;

uint32_t explore_random(uint32_t bound)
{
        return cop__random_below(&random_state, bound);
}

static void begin_pct(uint32_t steps)
{
        lowest = UINT32_MAX / 2;
        patience = PATIENCE;
        change_count = 1 + explore_random(DEPTH_MAX - 1);
        for (unsigned i = 0; i < change_count; i++)
                changes[i] = explore_random(steps > 0 ? steps : 1);
}

void explore_strategy_begin(enum explore_strategy wanted, uint64_t seed, uint32_t steps)
{
        static const uint32_t stays[] = { 1, 2, 8, 32, 128 }, hastes[] = { 64, 512, 4096 };
        random_state = cop__mix(seed);
        strategy = wanted;
        if (strategy == EXPLORE_BY_SEED)
                strategy = seed % 2 == 0 ? EXPLORE_PCT : EXPLORE_RANDOM;
        stay = stays[explore_random(COP__COUNT(stays))];
        haste = hastes[explore_random(COP__COUNT(hastes))];
        begin_pct(steps);
        focused = true;
        focused_steps = 0;
        choice_at = preemptions = 0;
}

void explore_focus(bool on)
{
        focused = on;
}

uint32_t explore_strategy_steps(void)
{
        return focused_steps;
}

void explore_strategy_bound(unsigned bound)
{
        preemptions_max = bound;
        choice_count = 0;
}

void explore_strategy_thread(unsigned thread)
{
        priorities[thread] = UINT32_MAX / 2 + 1 + explore_random(UINT32_MAX / 2);
}

bool explore_strategy_hurries(void)
{
        return strategy != EXPLORE_EXHAUST && explore_random(haste) == 0;
}

bool explore_strategy_delivers(void)
{
        return strategy == EXPLORE_EXHAUST || explore_random(4) == 0;
}

/* The nth bit that is set. */
static unsigned nth(uint32_t set, unsigned n)
{
        while (n-- > 0)
                set &= set - 1;
        return (unsigned)__builtin_ctz(set);
}

static unsigned pick_random(uint32_t ready, unsigned current)
{
        if ((ready >> current & 1) && explore_random(focused ? stay : UNFOCUSED_STAY) != 0)
                return current;
        return nth(ready, explore_random((uint32_t)__builtin_popcount(ready)));
}

static unsigned pick_pct(uint32_t ready, unsigned current)
{
        unsigned best = EXPLORE_THREADS;
        for (unsigned i = 0; i < change_count; i++)
                if (focused && changes[i] == focused_steps)
                        priorities[current] = --lowest;
        for (unsigned i = 0; i < EXPLORE_THREADS; i++)
                if ((ready >> i & 1) && (best == EXPLORE_THREADS || priorities[i] > priorities[best]))
                        best = i;
        patience = best == current ? patience - 1 : PATIENCE;
        if (patience == 0)
                priorities[current] = --lowest; /* it waits for what only a lower one can do */
        return best;
}

/* The first way is to go on; what was tried before is followed up to the last choice, which is the next one. */
static unsigned pick_exhaust(uint32_t ready, unsigned current)
{
        bool is_free = !(ready >> current & 1);
        uint32_t others = ready & ~(1u << current);
        unsigned options = (unsigned)__builtin_popcount(others) + !is_free;
        if (options <= 1 || (!is_free && preemptions >= preemptions_max))
                return ready >> current & 1 ? current : nth(ready, 0);
        if (choice_at == CHOICES_MAX)
                explore_fail("more than %d choices: too much to exhaust", CHOICES_MAX);
        if (choice_at == choice_count)
                choices[choice_count++] = (struct choice){ 0, (uint8_t)options };
        unsigned taken = choices[choice_at++].taken;
        if (ready >> current & 1) {
                if (taken == 0)
                        return current;
                preemptions += !is_free;
                taken--;
        }
        return nth(others, taken);
}

bool explore_strategy_next(void)
{
        while (choice_count > 0) {
                struct choice *last = &choices[choice_count - 1];
                if (++last->taken < last->options)
                        return true;
                choice_count--;
        }
        return false;
}

unsigned explore_strategy_pick(uint32_t ready, unsigned current)
{
        focused_steps += focused;
        switch (strategy) {
        case EXPLORE_EXHAUST:
                return pick_exhaust(ready, current);
        case EXPLORE_PCT:
                return pick_pct(ready, current);
        default:
                return pick_random(ready, current);
        }
}

/* Exhausted, in turn: else two that wait for a third would wait for each other without end. */
unsigned explore_strategy_yield_to(uint32_t others, unsigned current)
{
        priorities[current] = --lowest;
        if (strategy != EXPLORE_EXHAUST)
                return explore_strategy_pick(others, current);
        uint32_t later = others & ~((UINT32_C(2) << current) - 1);
        return nth(later != 0 ? later : others, 0);
}
