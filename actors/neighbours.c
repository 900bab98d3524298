/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who is around an actor. See neighbours.h. */
#include "actors/neighbours.h"

#include <stdio.h>
#include <string.h>

#include "actors/backtrace.h"

bool cop__neighbour_name(struct cop_node *node, cop_pid pid, char name[COP__NEIGHBOUR_NAME])
{
        struct cop__actor *actor = cop__slot_of(node, pid);
        const cop_behaviour *server = actor != NULL ? cop__load_relaxed(&actor->server) : NULL;
        bool alive = actor != NULL && cop__slot_is(actor, pid);
        name[0] = '\0';
        if (!cop__registry_name(node, pid, name) && alive && server != NULL) {
                size_t length = strnlen(server->name, COP_NAME_MAX);
                name[0] = '(';
                memcpy(name + 1, server->name, length);
                memcpy(name + 1 + length, ")", 2);
        }
        return alive;
}

void cop__neighbour_print(struct cop__text *text, cop_pid pid, const char *name, bool alive)
{
        char shown[COP_ID_TEXT_MAX];
        size_t from = text->size;
        const char *where = cop__pid_node(pid) != 0 ? " (on another node)" : " (ended)"; /* of which nothing is known here */
        cop__text_printf(text, "%s%s%s%s", name, name[0] != '\0' ? " " : "", cop_pid_print(pid, shown), alive ? "" : where);
        cop__text_make_harmless(text, from);
}

bool cop__neighbour_append(struct cop__text *text, struct cop_node *node, cop_pid pid)
{
        char name[COP__NEIGHBOUR_NAME];
        bool alive = cop__neighbour_name(node, pid, name);
        cop__neighbour_print(text, pid, name, alive);
        return alive;
}

cop_pid cop__neighbour_parent(struct cop_node *node, cop_pid pid)
{
        struct cop__actor *actor = cop__slot_of(node, pid);
        cop_pid parent = { cop__load_relaxed(&actor->parent.bits) };
        return cop__slot_is(actor, pid) ? parent : cop_no_pid();
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
