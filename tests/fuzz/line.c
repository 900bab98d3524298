/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A line typed in the shell (shell/shell.c, words.c, command.c, complete.c), on a node with one server to talk to. Whatever is
 * typed, the shell says something printable, and the node goes on.
 */
#include <string.h>

#include <coppice.h>

#include "actors/actor.h"
#include "base/compiler.h"
#include "shell/shell.h"
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

static void till_on_bill(till *self, const bill *b)
{
        cop_reply(bill, .pence = b->pence, .people = ++self->served);
}

COP_SERVER(till, COP_ON(bill, till_on_bill));

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

static void end(void)
{
        cop_node_leave();
        cop_node_stop(node);
}

static void begin(void)
{
        FUZZ_ASSERT(cop_node_start(&(cop_node_options){ .name = "fuzzed", .workers = 1,
                                                        .max_actors = 64, .log = say_nothing },
                                   &node) == COP_OK);
        show_slots_to_the_sanitizer();
        FUZZ_ASSERT(cop_node_enter(node) == COP_OK);
        atexit(end);
}

/* Neither what takes its time nor what asks this user's other nodes. */
static bool is_left_out(const char *line, size_t size)
{
        static const char *const words[] = { "await", "nodes", "call", "sys" };
        while (size > 0 && strchr(" \t\r\n", *line) && *line) {
                line++;
                size--;
        }
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
                size_t length = strlen(words[i]);
                if (size >= length && memcmp(line, words[i], length) == 0)
                        return true;
        }
        return false;
}

static void look_at(const struct cop__text *text)
{
        for (size_t i = 0; i < text->size; i++) {
                unsigned char c = (unsigned char)text->data[i];
                FUZZ_ASSERT((c >= ' ' || c == '\n' || c == '\t') && c != 0x7f);
        }
}

/* The same line for a program: one line of JSON, either way. */
static void run_for_a_program(struct cop__shell *shell, const char *line, size_t size)
{
        shell->wants_json = true;
        bool done = cop__shell_run(shell, line, size);
        const struct cop__text *said = done ? &shell->out : &shell->err;
        FUZZ_ASSERT(said->size > 0 && memchr(said->data, '\n', said->size) == said->data + said->size - 1);
        FUZZ_ASSERT(strchr("{[\"", said->data[0]) != NULL || !done || said->size < 32);
        look_at(said);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
        const char *line = (const char *)bytes;
        struct cop__shell shell;
        struct cop__text candidates;
        size_t from = 0;
        if (node == NULL)
                begin();
        if (is_left_out(line, size))
                return 0;
        if (cop_whereis("till").bits == 0)
                cop_spawn_server(&till_server, "till");
        cop__shell_init(&shell, node);
        cop__shell_run(&shell, line, size);
        look_at(&shell.out);
        look_at(&shell.err);
        run_for_a_program(&shell, line, size);
        cop__text_init(&candidates);
        cop__shell_complete(&shell, line, size, &from, &candidates);
        FUZZ_ASSERT(from <= size);
        look_at(&candidates);
        cop__text_fini(&candidates);
        cop__shell_fini(&shell);
        return 0;
}
