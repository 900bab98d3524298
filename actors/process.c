/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* What a program may know of its actors. The looking itself is in info.c. */
#include <coppice/process.h>

#include <string.h>

#include "actors/actor.h"
#include "actors/info.h"

cop_status cop_process_info(cop_pid pid, cop_process *process)
{
        cop_node *node = cop_node_here();
        struct cop__glimpse glimpse;
        if (node == NULL)
                return COP_E_NO_NODE;
        if (pid.bits == 0 || process == NULL)
                return COP_E_BAD_ARGUMENT;
        if (!cop__glimpse_of(node, pid, &glimpse))
                return COP_E_NO_ACTOR;
        *process = (cop_process){
                .pid = pid,
                .parent = glimpse.parent,
                .server = glimpse.server,
                .isolation = glimpse.isolation,
                .os_pid = glimpse.os_pid,
                .priority = glimpse.priority,
                .trap_exit = glimpse.trap_exit,
                .status = glimpse.state,
                .unread = glimpse.unread,
                .relations = glimpse.relations,
                .mailbox_high = glimpse.marking.high,
                .mailbox_low = glimpse.marking.low,
                .mailbox_over = glimpse.marking.over,
                .handled = glimpse.handled,
                .memory = glimpse.bytes,
                .stack_bytes = glimpse.stack_bytes,
                .handling = glimpse.handling,
                .where = glimpse.where,
        };
        memcpy(process->name, glimpse.name, sizeof(process->name));
        memcpy(process->label, glimpse.label, sizeof(process->label));
        return COP_OK;
}

const char *cop_process_where(const cop_process *process, char *text, size_t size)
{
        cop_node *node = cop_node_here();
        struct cop__glimpse glimpse = { .where = process != NULL ? process->where : NULL,
                                    .server = process != NULL ? process->server : NULL };
        struct cop__place place;
        if (size == 0)
                return text;
        if (node == NULL)
                glimpse.where = NULL; /* there is nobody who knows symbols */
        cop__glimpse_where(node, &glimpse, &place);
        size_t length = strnlen(place.function, size - 1);
        memcpy(text, place.function, length);
        text[length] = '\0';
        return text;
}

size_t cop_processes(cop_pid *pids, size_t room)
{
        cop_node *node = cop_node_here();
        size_t count = 0;
        if (node == NULL)
                return 0;
        uint32_t used = cop__load_acquire(&node->slots.used);
        for (uint32_t slot = 1; slot <= used; slot++) {
                const struct cop__actor *actor = &node->slots.base[slot];
                const cop_pid pid = cop__actor_pid(actor);
                if (!cop__lives(actor, pid))
                        continue;
                if (count < room)
                        pids[count] = pid;
                count++;
        }
        return count;
}

cop_status cop_process_ask(cop_pid pid, int64_t timeout_ms, cop_term *info)
{
        if (cop_node_here() == NULL)
                return COP_E_NO_NODE;
        if (pid.bits == 0 || info == NULL)
                return COP_E_BAD_ARGUMENT;
        if (timeout_ms < 0) {
                cop__badarg("process_ask", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        return cop__info(pid, timeout_ms, info);
}
