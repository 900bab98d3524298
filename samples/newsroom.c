/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * One source of events, and handlers that come and go while it runs: one prints, one counts. Who counts can be asked in between, and
 * hands over its count when it is taken away. A handler that crashes is gone by itself; the others have heard everything.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_text text; } report;
COP_MESSAGE(report, text);

typedef struct { int64_t reports; } tally;
COP_MESSAGE(tally, reports);

typedef struct { int64_t unused; } printer;
typedef struct { int64_t reports; } counter;
typedef struct { int64_t unused; } squeamish;

static void printer_on_report(printer *self, const report *r)
{
        (void)self;
        printf("  printed: %s\n", r->text.data);
}
COP_SERVER(printer, COP_ON(report, printer_on_report));

static void counter_on_report(counter *self, const report *r)
{
        (void)r;
        self->reports++;
}

static void counter_on_tally(counter *self, const tally *t)
{
        (void)t;
        cop_reply(tally, .reports = self->reports);
}

static void counter_on_delete(counter *self, const cop_handler_delete *d)
{
        (void)d;
        cop_reply(tally, .reports = self->reports);
}
COP_SERVER(counter, COP_ON(report, counter_on_report), COP_ON(tally, counter_on_tally),
           COP_ON(cop_handler_delete, counter_on_delete));

static void squeamish_on_report(squeamish *self, const report *r)
{
        (void)self;
        if (strstr(r->text.data, "mouse") != NULL)
                cop_exit(cop_atom("a_mouse"));
}
COP_SERVER(squeamish, COP_ON(report, squeamish_on_report));

static void show(const char *what, cop_term term)
{
        char text[128];
        cop_term_print(term, NULL, text, sizeof(text));
        printf("%s %s\n", what, text);
        cop_term_free(term);
}

static void run(void)
{
        cop_pid desk = cop_spawn_server(&cop_event_manager, "desk");
        cop_term term;
        cop_message *answer = NULL;
        cop_add_handler(desk, .id = "print", .server = &printer_server);
        cop_add_handler(desk, .id = "count", .server = &counter_server);
        cop_add_handler(desk, .id = "cook", .server = &squeamish_server);
        cop_handlers(desk, &term);
        show("handlers, newest first:", term);
        cop_notify(desk, report, .text = COP_TEXT("it rains"));
        cop_sync_notify(desk, COP_FOREVER, report, .text = COP_TEXT("a mouse in the kitchen"));
        cop_handlers(desk, &term);
        show("the cook has left:", term);
        if (cop_call_handler(&answer, desk, "count", COP_FOREVER, tally) == COP_OK)
                printf("counted so far: %d\n", (int)cop_read(tally, answer)->reports);
        cop_message_free(answer);
        cop_delete_handler(desk, "count", cop_nil(), &term);
        show("the counter hands over", term);
        printf("and is gone: %s\n", cop_status_text(cop_delete_handler(desk, "count", cop_nil(), NULL)));
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        run();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
