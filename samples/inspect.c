/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A till and a clerk are looked into while they work: one is a server, the other a plain function. What they are is read and
 * replaced, they are held still and let go, and what they hear and answer is counted and kept. Neither has a line for that but the one
 * that says what its state is. The shell does the same with `sys`.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct {
        int64_t pence;
} pay;
COP_MESSAGE(pay, pence);

typedef struct {
        int64_t pence;
} paid;
COP_MESSAGE(paid, pence);

/* ---- A server --------------------------------------------------------------------- */

typedef struct {
        int64_t pence, served;
} till;
COP_MESSAGE(till, pence, served);

static void till_on_pay(till *self, const pay *p)
{
        self->pence += p->pence;
        self->served++;
        cop_reply(paid, .pence = self->pence);
}

COP_SERVER(till, COP_STATE(till), COP_ON(pay, till_on_pay));

/* ---- A plain function --------------------------------------------------------------- */

typedef struct {
        int64_t stamped;
} clerk;
COP_MESSAGE(clerk, stamped);

static void stamps(void)
{
        clerk mine = { 0 };
        cop_sys_show(clerk, &mine);
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(pay));
                mine.stamped++;
                cop_answer(message, paid, .pence = cop_read(pay, message)->pence);
        }
}

/* ---- Looking ------------------------------------------------------------------------------ */

static void show_state(const char *name)
{
        cop_term state;
        char text[64];
        if (cop_sys_get_state(name, 1000, &state) != COP_OK)
                return;
        cop_term_print(state, NULL, text, sizeof(text));
        printf("%s: %s\n", name, text);
        cop_term_free(state);
}

static void hand_over(const char *name, int64_t pence)
{
        cop_call(NULL, name, 1000, pay, .pence = pence);
}

static void replace(const char *name, cop_term state)
{
        cop_parse_error error;
        if (cop_sys_replace_state(name, 1000, state, &error) != COP_OK)
                printf("%s: not that: %s\n", name, error.text);
}

/* A call finds nobody at work; what was only sent waits. */
static void hold(const char *name)
{
        cop_sys_suspend(name, 1000);
        cop_status status = cop_call(NULL, name, 1, pay, .pence = 1);
        printf("%s, held: %s\n", name, cop_status_text(status));
        cop_send(name, pay, .pence = 5);
        cop_sys_resume(name, 1000);
        hand_over(name, 0); /* a function answers sys before the messages that wait: so that it has handled the one before */
        show_state(name);
}

static void watch(const char *name)
{
        cop_sys_statistics counts;
        cop_term events;
        char text[160];
        cop_sys_statistics_on(name, 1000, true);
        cop_sys_log(name, 1000, 10);
        hand_over(name, 20);
        if (cop_sys_get_statistics(name, 1000, &counts) == COP_OK)
                printf("%s: %d heard, %d answered\n", name, (int)counts.messages,
                       (int)counts.replies);
        if (cop_sys_get_log(name, 1000, &events) == COP_OK) {
                for (size_t i = 0; i < events.count; i++) {
                        cop_term event = events.as.items[i];
                        cop_term_print(event.as.items[1], NULL, text, sizeof(text));
                        printf("  %.*s %s\n", (int)event.as.items[0].count,
                               event.as.items[0].as.text, text);
                }
                cop_term_free(events);
        }
        cop_sys_log(name, 1000, 0);
}

/* Each thing that it hears and does, as a message to who looks. */
static void trace(const char *name)
{
        cop_sys_trace(name, 1000, true, cop_self());
        hand_over(name, 7);
        cop_sys_trace(name, 1000, false, cop_no_pid());
        printf("%s, traced:", name);
        for (;;) {
                cop_auto message = cop_receive(0, COP_KIND(cop_sys_event));
                if (message == NULL)
                        break;
                printf(" %s", cop_read(cop_sys_event, message)->what.text);
        }
        printf("\n");
}

int main(void)
{
        cop_node *node;
        static const char *const names[] = { "till", "clerk" };
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return 1;
        cop_spawn_server(&till_server, "till");
        cop_register("clerk", cop_spawn(stamps));
        for (int i = 0; i < 2; i++) {
                hand_over(names[i], 100);
                show_state(names[i]);
        }
        replace("till", COP_TUPLE(cop_atom("till"), cop_int(0), cop_int(50)));
        replace("clerk", COP_TUPLE(cop_atom("clerk"), cop_string("many")));
        for (int i = 0; i < 2; i++) {
                hold(names[i]);
                watch(names[i]);
                trace(names[i]);
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
