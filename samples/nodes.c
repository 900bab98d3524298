/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Two nodes, here in two processes of one program, as they might be on two machines: the shop has a till, and the office calls
 * it, watches it, and hears that the shop is gone.
 */
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <coppice.h>

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

typedef struct { int64_t pence_each, number; } share;
COP_MESSAGE(share, pence_each, number);

typedef struct { int64_t unused; } close_up;
COP_MESSAGE(close_up, unused);

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const bill *b)
{
        cop_reply(share, .pence_each = b->pence / b->people, .number = ++self->served);
}

COP_SERVER(till, COP_ON(bill, till_on_bill));

/* A node that others know by that name and that port. */
static cop_node *begin(const char *name, uint16_t port)
{
        cop_node *node = NULL;
        if (cop_node_start(NULL, &node) != COP_OK || cop_node_enter(node) != COP_OK)
                return NULL;
        cop_status status = cop_distribution_start(&(cop_distribution){
                .name = cop_text_of(name), .cookie = COP_TEXT("a long and random secret"), .port = port, .no_epmd = true });
        if (status != COP_OK)
                fprintf(stderr, "%s: %s\n", name, cop_status_text(status));
        return status == COP_OK ? node : NULL;
}

/* Says under which port it listens, and waits until the office has had enough of it. */
static int shop(int out)
{
        uint16_t port = 0;
        cop_node *node = begin("shop@127.0.0.1", 0);
        if (node == NULL)
                return 1;
        cop_spawn_server(&till_server, "till");
        cop_register("shopkeeper", cop_self());
        if (cop_distribution_port(&port) != COP_OK || write(out, &port, sizeof(port)) != sizeof(port))
                return 1;
        cop_message_free(cop_receive(10000, COP_KIND(close_up)));
        cop_distribution_stop();
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}

static void list_nodes(void)
{
        cop_term nodes;
        char text[256];
        if (cop_nodes(&nodes) != COP_OK)
                return;
        cop_term_print(nodes, NULL, text, sizeof(text));
        printf("%s is connected to %s\n", cop_node_here_name(), text);
        cop_term_free(nodes);
}

static void split(const char *node, int64_t pence, int64_t people)
{
        cop_message *reply = NULL;
        char text[128];
        cop_status status = cop_call(&reply, cop_at("till", node), 5000, bill, .pence = pence, .people = people);
        const share *s = cop_read(share, reply);
        if (s != NULL) {
                printf("%d between %d: %d each, says the till of %s\n", (int)pence, (int)people, (int)s->pence_each,
                       cop_node_of(cop_message_from(reply)));
        } else {
                cop_term why = cop_failure();
                if (cop_is_tuple(why, "fault", 5)) /* {fault, sigfpe, Words, Place, Message} */
                        why = why.as.items[1];
                cop_term_print(why, NULL, text, sizeof(text));
                printf("%d between %d: %s: %.60s\n", (int)pence, (int)people, cop_status_text(status), text);
        }
        cop_message_free(reply);
}

static int office(const char *node, uint16_t port)
{
        cop_node *here = begin("office@127.0.0.1", 0);
        cop_ref ref;
        if (here == NULL || cop_node_is_at(node, "127.0.0.1", port) != COP_OK || cop_nodes_subscribe() != COP_OK)
                return 1;
        cop_status status = cop_connect(node, 5000);
        printf("connecting: %s\n", status == COP_OK ? "done" : cop_status_text(status));
        list_nodes();
        split(node, 900, 3);
        split(node, 900, 0); /* a fault over there, and its reason here */
        cop_monitor(cop_at("shopkeeper", node), &ref);
        cop_send(cop_at("shopkeeper", node), close_up, .unused = 0);
        cop_auto down = cop_receive(5000, COP_REF(cop_down, ref));
        printf("the shopkeeper %s\n", down != NULL ? "has gone home" : "is still there");
        cop_auto news = cop_receive(5000, COP_KIND(cop_node_down));
        if (news != NULL)
                printf("%s is down\n", cop_read(cop_node_down, news)->node.text);
        cop_nodes_unsubscribe();
        if (cop_disconnect(node) == COP_E_NOT_FOUND)
                split(node, 900, 3);
        cop_node_leave();
        cop_node_stop(here);
        return 0;
}

int main(void)
{
        int ports[2], status = 0;
        uint16_t port = 0;
        if (pipe(ports) != 0)
                return 1;
        pid_t child = fork(); /* before there are threads */
        if (child == 0)
                return shop(ports[1]);
        close(ports[1]);
        if (child < 0 || read(ports[0], &port, sizeof(port)) != sizeof(port))
                return 1;
        int result = office("shop@127.0.0.1", port);
        waitpid(child, &status, 0);
        return result;
}
