/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Changes of global names as they are said. See change.h. */
#include "distribution/change.h"

#include <string.h>

#include "distribution/news.h"
#include "distribution/peer.h"

/* Nobody's word has a greater version, so that there is always a next one. */
#define VERSION_MAX (INT64_MAX / 2)

/* ---- Read --------------------------------------------------------------------------------------- */

bool cop__is_global_name(cop_term term)
{
        return term.type == COP_TERM_ATOM && term.count > 0 && term.count <= COP_NAME_MAX &&
               memchr(term.as.text, '\0', term.count) == NULL;
}

int64_t cop__number_at(cop_term tuple, size_t at)
{
        return at < tuple.count && tuple.as.items[at].type == COP_TERM_INTEGER ? tuple.as.items[at].as.integer : 0;
}

int64_t cop__version_at(cop_term tuple, size_t at)
{
        int64_t version = cop__number_at(tuple, at);
        return version > 0 && version < VERSION_MAX ? version : 0;
}

enum cop__holder_state cop__state_at(cop_term tuple, size_t at)
{
        int64_t state = cop__number_at(tuple, at);
        return state == COP__HAS_ENDED || state == COP__IS_AWAY ? (enum cop__holder_state)state : COP__IS_THERE;
}

bool cop__is_change(cop_term term, const char *word, struct cop__change *change)
{
        if (term.type != COP_TERM_TUPLE || term.count < 3 || !cop_is_atom(term.as.items[0], word) ||
            !cop__is_global_name(term.as.items[1]) || term.as.items[2].type != COP_TERM_PID)
                return false;
        *change = (struct cop__change){ .name = term.as.items[1], .holder = term.as.items[2].as.pid, .number = cop__number_at(term, 3),
                                        .over = cop__number_at(term, 4), .version = cop__version_at(term, 5) };
        return true;
}

bool cop__is_removal(cop_term term, const char *word, struct cop__change *change)
{
        if (term.type != COP_TERM_TUPLE || term.count < 2 || !cop_is_atom(term.as.items[0], word) ||
            !cop__is_global_name(term.as.items[1]))
                return false;
        *change = (struct cop__change){ .name = term.as.items[1], .number = cop__number_at(term, 2), .over = cop__number_at(term, 3),
                                        .version = cop__version_at(term, 4) };
        return true;
}

bool cop__is_said(cop_term item, struct cop__change *change)
{
        if (item.type != COP_TERM_TUPLE || item.count < 2 || !cop__is_global_name(item.as.items[0]))
                return false;
        const cop_term holder = item.as.items[1];
        *change = (struct cop__change){ .name = item.as.items[0], .number = cop__number_at(item, 2), .version = cop__version_at(item, 3),
                                        .state = cop__state_at(item, 4) };
        if (holder.type == COP_TERM_PID)
                change->holder = holder.as.pid;
        return change->holder.bits != 0 || (change->version != 0 && cop_is_atom(holder, "nobody"));
}

/* ---- Said ---------------------------------------------------------------------------------------- */

cop_status cop__names_number(int64_t *number)
{
        struct cop__network *network = cop__network_here(); /* without one there is no scribe to ask either */
        uint64_t drawn = 0;
        cop_status status = network != NULL ? network->transport->chance(network, &drawn, sizeof(drawn)) : COP_OK;
        *number = (int64_t)(drawn >> 1 | 1);
        return status;
}

cop_term cop__holder_said(cop_pid holder)
{
        return holder.bits != 0 ? cop_pid_term(holder) : cop_atom("nobody");
}

cop_status cop__names_tell(cop_pid server, cop_term all)
{
        return cop__tell(cop_self(), server, COP_KIND_OF(cop_any), &(cop_any){ COP_TUPLE(cop_atom("all"), all) });
}

cop_status cop__names_tell_there(struct cop__peer *peer, cop_term all)
{
        struct cop__network *network = cop__network_here();
        cop_pid to = cop__network_name(network, peer, COP__NAMES_SERVER);
        if (to.bits == 0)
                return cop__network_names_are_full(network) ? COP_E_LIMIT : COP_E_NO_MEMORY;
        return cop__names_tell(to, all);
}

void cop__names_make_good(struct cop__peer *peer, cop_status status)
{
        if (status == COP_E_NO_MEMORY || status == COP_E_OVERLOAD)
                cop__news_owe(cop__network_here(), peer);
}

void cop__names_tell_others(const struct cop__change *change)
{
        struct cop__network *network = cop__network_here();
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                if (cop__peer_is_ours(network->peers[i]))
                        cop__names_make_good(network->peers[i], cop__names_tell_there(network->peers[i], COP__CHANGE_SAID(change)));
}
