/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Two climbers on one rope: when one falls, so does the other, since they are linked. The guide is tied to a third, but traps
 * exits: she gets a message instead, and goes on.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { cop_pid partner; } rope;
COP_MESSAGE(rope, partner);

typedef struct { bool now; } slip;
COP_MESSAGE(slip, now);

static void climber(const rope *r)
{
        if (r->partner.bits != 0)
                cop_link(r->partner);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(slip)));
        cop_exit(cop_atom("fell"));
}

static void watch_a_pair(void)
{
        cop_ref ends[2];
        cop_pid first = cop_spawn_with(climber, rope, .partner = cop_no_pid());
        cop_pid second = cop_spawn_with(climber, rope, .partner = first);
        cop_monitor(first, &ends[0]);
        cop_monitor(second, &ends[1]);
        cop_send(second, slip, .now = true);
        for (int i = 0; i < 2; i++) {
                char why[32];
                cop_auto message = cop_receive(COP_FOREVER, COP_REF(cop_down, ends[i]));
                cop_term_print(cop_read(cop_down, message)->reason, NULL, why, sizeof(why));
                printf("the %s climber: %s\n", i == 0 ? "first" : "second", why);
        }
}

static void guide(void)
{
        cop_trap_exit(true);
        cop_pid guest = cop_spawn_with(climber, rope, .partner = cop_self());
        cop_send(guest, slip, .now = true);
        cop_auto message = cop_receive(COP_FOREVER, COP_FIELD(cop_exited, pid, guest));
        if (cop_is_atom(cop_read(cop_exited, message)->reason, "fell"))
                puts("the guide: a guest fell, and I am still here");
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context, (void)level, (void)text; /* each fall is reported here, too */
}

int main(void)
{
        cop_node *node;
        cop_ref over;
        if (cop_node_start(&(cop_node_options){ .log = say_nothing }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        watch_a_pair();
        cop_monitor(cop_spawn(guide), &over);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, over)));
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
