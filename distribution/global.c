/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names: the public operations. See coppice/global.h and names.h. */
#include <coppice/global.h>

#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "distribution/names.h"
#include "distribution/peer.h"

/* A change waits for those before it, each of which may wait for a node that is about to be down. */
#define CHANGE_MS 60000

/* Who does not answer for so long is taken to hang: twice what a scribe waits for servers that hang. */
#define HANG_MS 10000

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

/* The least of the nodes that are connected, of those whose names are greater than that one; NULL: of all. Else this one. */
static const char *least_node(const struct cop__network *network, const char *than)
{
        const char *least = network->name;
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++) {
                const char *name = network->peers[i]->name;
                if ((than == NULL || strcmp(name, than) > 0) && strcmp(name, least) < 0 && cop__peer_is_ours(network->peers[i]))
                        least = name;
        }
        return least;
}

/* Worth another try: a scribe that has gone down, or that says neither yes nor no. */
static bool is_no_answer(cop_status status)
{
        return status != COP_OK && status != COP_E_NO_MEMORY && status != COP_E_OVERLOAD && status != COP_E_TIMEOUT;
}

/* In its own time: whoever the caller works for may have given up. */
static cop_status ask_scribe(struct cop__network *network, const char *node, int64_t ms, cop_term what)
{
        cop_message *reply = NULL;
        cop_address scribe = node == network->name ? cop_to_name(COP__NAMES_SCRIBE) : cop_at(COP__NAMES_SCRIBE, node);
        cop_status status = cop__call_in_own_time(&reply, scribe, ms, COP_KIND_OF(cop_any), &(cop_any){ what });
        const cop_any *any = cop_read(cop_any, reply);
        if (any != NULL && cop_is_atom(any->term, "no"))
                status = COP_E_NAME_TAKEN;
        else if (is_no_answer(status) || (status == COP_OK && (any == NULL || !cop_is_atom(any->term, "true"))))
                status = COP_E_NO_CONNECTION;
        cop_message_free(reply);
        return status;
}

/*
 * `again`: what a scribe is asked that is not the first; the one before may have made the change, and not lived to say so, or hangs. One
 * that hangs is passed over; the own one is not, for that has all the time that is left.
 */
static cop_status change(cop_term what, cop_term again)
{
        struct cop__network *network = cop__network_here();
        const uint64_t deadline_ns = cop__deadline_ns(CHANGE_MS);
        const char *hangs = NULL;
        for (int tries = 0;;) {
                const char *node = least_node(network, hangs);
                uint64_t now_ns = cop__clock_ns();
                int64_t left_ms = now_ns < deadline_ns ? (int64_t)((deadline_ns - now_ns) / COP__NS_PER_MS) : 0;
                bool is_last = node == network->name || left_ms < HANG_MS;
                cop_status status = ask_scribe(network, node, is_last ? left_ms : HANG_MS, what);
                if (status == COP_E_TIMEOUT && !is_last)
                        hangs = node;
                else if (status != COP_E_NO_CONNECTION || ++tries == TRIES)
                        return status;
                what = again;
        }
}

static cop_status give(const char *name, cop_pid pid, const char *word, const char *again)
{
        int64_t number = 0;
        cop_status status = check(name);
        if (status == COP_OK && (pid.bits == 0 || cop__pid_node(pid) == COP__NODE_OF_NAMES))
                status = COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = cop__names_number(&number);
        if (status != COP_OK)
                return status;
        return change(COP_TUPLE(cop_atom(word), cop_atom(name), cop_pid_term(pid), cop_int(number)),
                      COP_TUPLE(cop_atom(again), cop_atom(name), cop_pid_term(pid), cop_int(number)));
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
        int64_t number = 0;
        cop_status status = check(name);
        if (status == COP_OK)
                status = cop__names_number(&number);
        if (status != COP_OK)
                return status;
        const cop_term what = COP_TUPLE(cop_atom("unregister"), cop_atom(name), cop_int(number));
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
