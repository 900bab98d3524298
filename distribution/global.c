/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names: the public operations. See coppice/global.h and names.h. */
#include <coppice/global.h>

#include <string.h>

#include "base/utf8.h"
#include "distribution/names.h"
#include "distribution/peer.h"

/* A change waits for those before it, each of which may wait for a node that is about to be down. */
#define CHANGE_MS 60000

/* Scribes that are asked, if one goes down while it is. */
#define TRIES 3

static cop_status check(const char *name)
{
        if (cop_node_here() == NULL || cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (!cop__network_is_open(cop__network_here()))
                return COP_E_NO_DISTRIBUTION;
        bool fits = name != NULL && name[0] != '\0' && strlen(name) <= COP_NAME_MAX && cop__utf8_valid(name, strlen(name));
        return fits ? COP_OK : COP_E_BAD_ARGUMENT;
}

/* The least of the nodes that are connected. */
static cop_address scribe_of(struct cop__network *network)
{
        const char *least = network->name;
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                if (strcmp(network->peers[i]->name, least) < 0 && cop__peer_is_ours(network->peers[i]))
                        least = network->peers[i]->name;
        return least == network->name ? cop_to_name(COP__NAMES_SCRIBE) : cop_at(COP__NAMES_SCRIBE, least);
}

/* Worth another try: a scribe that has gone down, or that says neither yes nor no. */
static bool is_no_answer(cop_status status)
{
        return status != COP_OK && status != COP_E_NO_MEMORY && status != COP_E_OVERLOAD && status != COP_E_TIMEOUT;
}

/* In its own time: whoever the caller works for may have given up. */
static cop_status ask_scribe(struct cop__network *network, cop_term what)
{
        cop_message *reply = NULL;
        cop_status status = cop__call_in_own_time(&reply, scribe_of(network), CHANGE_MS, COP_KIND_OF(cop_any),
                                                  &(cop_any){ what });
        const cop_any *any = cop_read(cop_any, reply);
        if (any != NULL && cop_is_atom(any->term, "no"))
                status = COP_E_NAME_TAKEN;
        else if (is_no_answer(status) || (status == COP_OK && (any == NULL || !cop_is_atom(any->term, "true"))))
                status = COP_E_NO_CONNECTION;
        cop_message_free(reply);
        return status;
}

/* `again`: what a scribe is asked that is not the first; the one before may have made the change, and not lived to say so. */
static cop_status change(cop_term what, cop_term again)
{
        struct cop__network *network = cop__network_here();
        cop_status status = ask_scribe(network, what);
        for (int tries = 1; tries < TRIES && status == COP_E_NO_CONNECTION; tries++)
                status = ask_scribe(network, again);
        return status;
}

static cop_status give(const char *name, cop_pid pid, const char *word, const char *again)
{
        cop_status status = check(name);
        if (status == COP_OK && pid.bits == 0)
                status = COP_E_BAD_ARGUMENT;
        if (status != COP_OK)
                return status;
        return change(COP_TUPLE(cop_atom(word), cop_atom(name), cop_pid_term(pid)),
                      COP_TUPLE(cop_atom(again), cop_atom(name), cop_pid_term(pid)));
}

cop_status cop_global_register(const char *name, cop_pid pid)
{
        return give(name, pid, "register", "confirm");
}

cop_status cop_global_re_register(const char *name, cop_pid pid)
{
        return give(name, pid, "re_register", "re_register");
}

cop_status cop_global_unregister(const char *name)
{
        cop_status status = check(name);
        if (status != COP_OK)
                return status;
        const cop_term what = COP_TUPLE(cop_atom("unregister"), cop_atom(name));
        return change(what, what);
}

cop_pid cop_global_whereis(const char *name)
{
        cop_pid pid = cop_no_pid();
        if (check(name) == COP_OK)
                cop__names_look(cop_atom(name), &pid);
        return pid;
}

/* Of one that could not be asked for nobody knows whose it is. */
cop_status cop_global_send_value(const char *name, const cop_kind *kind, const void *value)
{
        cop_pid pid = cop_no_pid();
        cop_status status = check(name);
        if (status == COP_OK)
                status = cop__names_look(cop_atom(name), &pid);
        if (status != COP_OK)
                return status;
        if (pid.bits != 0)
                return cop_send_value(cop_to_pid(pid), kind, value);
        cop__badarg("global_send", "nobody has this name");
        return COP_E_NO_NAME;
}
