/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What a fuzz target of the shell talks to: a simulated node with a supervisor and a server below it. Simulated, so that who waits for an
 * answer or a name that never comes has waited at once.
 */
#ifndef TESTS_FUZZ_SHOP_H
#define TESTS_FUZZ_SHOP_H

#include <coppice.h>

#include "actors/actor.h"
#include "base/compiler.h"
#include "tests/fuzz/fuzz.h"
#if COP__ASAN
#include <sanitizer/lsan_interface.h>
#endif

typedef struct {
        int64_t pence, people;
} bill;
COP_MESSAGE(bill, pence, people);

typedef struct {
        int64_t served;
} till;
COP_MESSAGE(till, served);

static void till_on_bill(till *self, const bill *b)
{
        cop_reply(bill, .pence = b->pence, .people = ++self->served);
}

COP_SERVER(till, COP_ON(bill, till_on_bill), COP_STATE(till));

static cop_node *node;

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

/* What only a slot points at is no leak; slots are mapped, where the sanitizer does not look by itself. */
static void show_slots_to_the_sanitizer(void)
{
#if COP__ASAN
        const struct cop__slots *slots = &node->slots;
        __lsan_register_root_region(slots->base, (slots->limit + 2) * sizeof(slots->base[0]));
#endif
}

static void stop_node(void)
{
        cop_node_stop(node);
}

static void start_node(void)
{
        const cop_simulation order = { .seed = 1 };
        FUZZ_ASSERT(cop_node_start(&(cop_node_options){ .name = "fuzzed", .workers = 1, .max_actors = 64,
                                                        .log = say_nothing, .simulation = &order },
                                   &node) == COP_OK);
        show_slots_to_the_sanitizer();
        atexit(stop_node);
}

/* The shop is the keeper's: who types has not started it. */
static void keep_shop(void)
{
        const cop_supervisor shop = { .name = "shop", .intensity = 100,
                                      .children = COP_CHILDREN({ "till", .server = &till_server }) };
        cop_pid pid;
        FUZZ_ASSERT(cop_supervise(&shop, &pid) == COP_OK);
        cop_init_ack();
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

/* This thread's first visit starts it, and the last one ends what an input has left of it. */
static void begin_shop(void)
{
        cop_pid pid;
        if (node == NULL)
                start_node();
        FUZZ_ASSERT(cop_node_enter(node) == COP_OK);
        FUZZ_ASSERT(cop_start(&(cop_spawn_options){ .run = keep_shop, .name = "keeper", .init_ack = true }, COP_FOREVER, &pid) == COP_OK);
}

static void end_shop(void)
{
        static const char *const names[] = { "keeper", "shop", "till" };
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                if (cop_whereis(names[i]).bits != 0)
                        cop_send_exit(cop_whereis(names[i]), cop_atom("kill"));
        FUZZ_ASSERT(cop_node_await_quiet(node, COP_TIMER_MS_MAX) == COP_OK);
        FUZZ_ASSERT(cop_whereis("till").bits == 0);
        cop_node_leave();
}

/* Whatever is typed, what is said is text. */
static void look_at(const char *text, size_t size)
{
        for (size_t i = 0; i < size; i++) {
                unsigned char c = (unsigned char)text[i];
                FUZZ_ASSERT((c >= ' ' || c == '\n' || c == '\t') && c != 0x7f);
        }
}

#endif
