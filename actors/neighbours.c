/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who is around an actor. See neighbours.h. */
#include "actors/neighbours.h"

#include <stdio.h>
#include <string.h>

#include "actors/backtrace.h"

/* Its name, or what its server is called, and its pid. */
bool cop__neighbour_append(struct cop__text *text, struct cop_node *node, cop_pid pid)
{
        char name[COP_NAME_MAX + 1], shown[COP_ID_TEXT_MAX];
        struct cop__actor *actor = cop__slot_of(node, pid);
        const cop_behaviour *server = actor != NULL ? cop__load_relaxed(&actor->server) : NULL;
        bool alive = actor != NULL && cop__slot_is(actor, pid);
        if (cop__registry_name(node, pid, name))
                cop__text_printf(text, "%s ", name);
        else if (alive && server != NULL)
                cop__text_printf(text, "(%s) ", server->name);
        cop__text_printf(text, "%s%s", cop_pid_print(pid, shown), alive ? "" : " (ended)");
        return alive;
}

/* The parent of who bears that pid; nobody if that one ends under our eyes. */
static cop_pid parent_of(struct cop_node *node, cop_pid pid)
{
        struct cop__actor *actor = cop__slot_of(node, pid);
        cop_pid parent = { cop__load_relaxed(&actor->parent.bits) };
        return cop__slot_is(actor, pid) ? parent : cop_no_pid();
}

void cop__ancestors_print(struct cop_node *node, const struct cop__actor *actor, char *text,
                          size_t size)
{
        struct cop__text out;
        cop_pid pid = actor->parent;
        cop__text_init_fixed(&out, text, size);
        cop__text_append_string(&out, "");
        for (int i = 0; pid.bits != 0 && i < COP__NEIGHBOURS_SHOWN; i++) {
                cop__text_append_string(&out, i > 0 ? ", " : "");
                if (!cop__neighbour_append(&out, node, pid))
                        return;
                pid = parent_of(node, pid);
        }
        if (pid.bits != 0)
                cop__text_append_string(&out, ", ...");
}

static void print_linked(struct cop_node *node, struct cop__actor *actor, char *text, size_t size)
{
        struct cop__text out;
        unsigned count = 0;
        cop__text_init_fixed(&out, text, size);
        cop__text_append_string(&out, "");
        for (struct cop__list *at = actor->relations.next; at != &actor->relations; at = at->next) {
                struct cop__relation *relation =
                        COP__CONTAINER(at, struct cop__relation, as.tie.list);
                if (relation->as.tie.type != COP__TIE_LINK || ++count > COP__NEIGHBOURS_SHOWN)
                        continue;
                cop__text_append_string(&out, count > 1 ? ", " : "");
                cop__neighbour_append(&out, node, relation->as.tie.peer);
        }
        if (count > COP__NEIGHBOURS_SHOWN)
                cop__text_printf(&out, ", and %u more", count - COP__NEIGHBOURS_SHOWN);
}

void cop__what_runs(const struct cop__actor *actor, char text[COP__RUNS_MAX])
{
        struct cop__place place;
        const void *code = cop__start_code(actor);
        text[0] = '\0';
        if (actor->server != NULL) {
                snprintf(text, COP__RUNS_MAX, "%s", actor->server->name);
        } else if (code != NULL) {
                cop__place_of(cop__node_of(cop__thread_here())->symbols, code, false, &place);
                snprintf(text, COP__RUNS_MAX, "%s", place.function);
        }
}

void cop__neighbours_print(struct cop_node *node, struct cop__actor *actor,
                           struct cop__report *report)
{
        cop__what_runs(actor, report->started_as);
        cop__ancestors_print(node, actor, report->ancestors, sizeof(report->ancestors));
        print_linked(node, actor, report->linked, sizeof(report->linked));
}
