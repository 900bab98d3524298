/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A name that all nodes know: two nodes in one program, of which one has the ledger, then the other.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t pence; } taking;
COP_MESSAGE(taking, pence);

typedef struct { int64_t sum; } ledger;

static void ledger_on_taking(ledger *self, const taking *t)
{
        self->sum += t->pence;
        printf("  the ledger of %s: %d\n", cop_node_here_name(), (int)self->sum);
        cop_reply(taking, .pence = self->sum);
}

COP_SERVER(ledger, COP_ON(taking, ledger_on_taking));

static cop_node *begin(const char *name, uint16_t *port)
{
        cop_node *node = NULL;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK ||
            cop_distribution_start(&(cop_distribution){ .name = cop_text_of(name), .cookie = COP_TEXT("a long secret"),
                                                        .no_epmd = true }) != COP_OK ||
            cop_distribution_port(port) != COP_OK)
                return NULL;
        return node;
}

static void visit(cop_node *node)
{
        cop_node_leave();
        cop_node_enter(node);
}

static void take(int64_t pence)
{
        printf("%s sends to whoever has the ledger\n", cop_node_here_name());
        cop_global_send("ledger", taking, .pence = pence);
        cop_message_free(cop_receive(5000, COP_KIND(taking))); /* a message is answered, too */
}

int main(void)
{
        uint16_t north_port, south_port;
        cop_node *north = begin("north@127.0.0.1", &north_port);
        if (north == NULL)
                return 1;
        cop_node_leave();
        cop_node *south = begin("south@127.0.0.1", &south_port);
        if (south == NULL)
                return 1;
        cop_node_is_at("north@127.0.0.1", NULL, north_port);
        if (cop_connect("north@127.0.0.1", 5000) != COP_OK)
                return 1;
        cop_pid first = cop_spawn_server(&ledger_server, NULL);
        printf("south registers: %s\n", cop_status_text(cop_global_register("ledger", first)));
        visit(north);
        take(900);
        cop_pid second = cop_spawn_server(&ledger_server, NULL);
        printf("north registers: %s\n", cop_status_text(cop_global_register("ledger", second)));
        printf("north takes it over: %s\n", cop_status_text(cop_global_re_register("ledger", second)));
        visit(south);
        take(100);
        cop_global_unregister("ledger");
        printf("and now %s has it\n", cop_global_whereis("ledger").bits == 0 ? "nobody" : "somebody");
        cop_node_leave();
        cop_node_stop(south);
        cop_node_stop(north);
        return 0;
}
