/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Who makes changes of global names, one at a time. See names.h. */
#include "distribution/scribe.h"

#include <coppice/request.h>

#include "actors/actor.h"
#include "actors/belonging.h"
#include "distribution/change.h"
#include "distribution/peer.h"

/* How long the scribe waits for servers: as for a node that is about to be down. */
#define SERVER_MS 5000

/* How often a name is taken from who gets it by the order meanwhile. */
#define TAKE_TRIES 3

/* How often a change is made whose version is less than another node's. */
#define CHANGE_TRIES 3

typedef struct scribe {
        uint64_t changes;
} scribe;

/* In its own time: who asked the scribe may have given up, and the change goes on. The caller owns *reply. */
static cop_status call_own(cop_term what, cop_message **reply)
{
        return cop__call_in_own_time(reply, cop_to_name(COP__NAMES_SERVER), SERVER_MS, COP_KIND_OF(cop_any), &(cop_any){ what });
}

/* With the version that it gets, and the change that it follows. Errors: COP_E_NAME_TAKEN; those of calls. */
static cop_status ask_own(cop_term what, struct cop__change *change)
{
        cop_message *reply = NULL;
        cop_status status = call_own(what, &reply);
        const cop_any *any = cop_read(cop_any, reply);
        if (status == COP_OK && any != NULL && cop_is_atom(any->term, "no_memory"))
                status = COP_E_NO_MEMORY;
        else if (status == COP_OK && (any == NULL || any->term.type != COP_TERM_TUPLE))
                status = COP_E_NAME_TAKEN;
        if (status == COP_OK) {
                change->over = cop__number_at(any->term, 0);
                change->version = cop__version_at(any->term, 1);
        }
        cop_message_free(reply);
        return status;
}

/* Who has the name here; *now: what others are told of it. Errors: those of calls. */
static cop_status look_own(cop_term name, cop_pid *holder, struct cop__change *now)
{
        cop_message *reply = NULL;
        cop_status status = call_own(COP_TUPLE(cop_atom("holder"), name), &reply);
        const cop_any *any = cop_read(cop_any, reply);
        if (status == COP_OK && (any == NULL || any->term.type != COP_TERM_TUPLE || any->term.count != 5))
                status = COP_E_NO_REPLY;
        if (status == COP_OK) {
                const cop_term *items = any->term.as.items;
                *holder = items[0].as.pid;
                *now = (struct cop__change){ .name = name, .holder = items[3].as.pid, .number = cop__number_at(any->term, 1),
                                             .version = cop__version_at(any->term, 2), .state = cop__state_at(any->term, 4) };
        }
        cop_message_free(reply);
        return status;
}

/* Nobody else, as far as one can tell. */
static bool has_own(cop_term name, cop_pid holder)
{
        struct cop__change now;
        cop_pid has;
        return look_own(name, &has, &now) != COP_OK || has.bits == 0 || cop_pid_equal(has, holder);
}

/* The label of each is the index of the peer. */
static void ask_others(cop_requests *set, cop_term change)
{
        struct cop__network *network = cop__network_here();
        cop_request request;
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++) {
                struct cop__peer *peer = network->peers[i];
                if (!cop__peer_is_ours(peer))
                        continue;
                cop_status status = cop_request_send_value(&request, cop_at(COP__NAMES_SERVER, peer->name), COP_KIND_OF(cop_any),
                                                           &(cop_any){ .term = change });
                if (status == COP_OK)
                        status = cop_requests_add(set, request, i);
                cop__names_make_good(peer, status);
        }
}

/* Of what its own server has made. */
static void tell_all_later(void)
{
        struct cop__network *network = cop__network_here();
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                if (cop__peer_is_ours(network->peers[i]))
                        cop__names_make_good(network->peers[i], COP_E_NO_MEMORY);
}

/* One that has found no memory for the change, or the way there has not. */
static void hear_want_of_memory(const cop_response *response)
{
        const cop_any *any = cop_read(cop_any, response->message);
        bool is_without = any != NULL && cop_is_atom(any->term, "no_memory");
        cop__names_make_good(cop__network_here()->peers[response->label], is_without ? COP_E_NO_MEMORY : response->status);
}

/* Of those who know of something later, the latest. */
static void hear_refusal(const cop_any *any, struct cop__change *refused)
{
        if (any == NULL || any->term.type != COP_TERM_TUPLE || cop__version_at(any->term, 2) <= refused->version)
                return;
        const cop_term holder = any->term.as.items[0];
        refused->holder = holder.type == COP_TERM_PID ? holder.as.pid : cop_no_pid();
        refused->number = cop__number_at(any->term, 1);
        refused->version = cop__version_at(any->term, 2);
        refused->state = cop__state_at(any->term, 3);
}

/*
 * Those all at once: however many hang, it is one wait. A node that goes down need not know; one that hangs is told, and hears of
 * it when it goes on.
 */
static cop_status tell_others(cop_term change, struct cop__change *refused)
{
        cop_requests *set = cop_requests_new();
        cop_response response;
        if (set == NULL) {
                tell_all_later();
                return COP_E_NO_MEMORY;
        }
        ask_others(set, change);
        cop_deadline deadline = cop_deadline_in(SERVER_MS);
        while (cop_requests_await_until(set, deadline, &response) == COP_OK) {
                hear_refusal(cop_read(cop_any, response.message), refused);
                hear_want_of_memory(&response);
                cop_message_free(response.message);
        }
        cop_requests_free(set);
        return COP_OK;
}

static void tell_own_again(const struct cop__change *change)
{
        cop__names_tell(cop_whereis(COP__NAMES_SERVER), COP__CHANGE_SAID(change));
}

/*
 * Somebody else has the name here meanwhile. The later of the two changes counts, here as everywhere, also if it was another scribe's
 * doing; then all others, who have been told of the one or of the other, are told of the one that it is.
 */
static cop_status settle(const struct cop__change *change)
{
        struct cop__change now;
        cop_pid has;
        tell_own_again(change);
        cop_status status = look_own(change->name, &has, &now);
        if (status != COP_OK)
                return status;
        cop__names_tell_others(&now);
        return has.bits == 0 || cop_pid_equal(has, change->holder) ? COP_OK : COP_E_NAME_TAKEN;
}

/*
 * Its own server first, in those words: who comes up meanwhile is told by that one, or is among the others. *refused: what one of them
 * knows that is later, by now its own server, too; its version is 0 if there is none.
 */
static cop_status make_everywhere(const char *word, struct cop__change *change, struct cop__change *refused)
{
        const cop_term pid = cop_pid_term(change->holder), number = cop_int(change->number);
        *refused = (struct cop__change){ .name = change->name };
        cop_status status = ask_own(COP_TUPLE(cop_atom(word), change->name, pid, number), change);
        if (status == COP_OK)
                status = tell_others(COP_TUPLE(cop_atom("set"), change->name, pid, number, cop_int(change->over), cop_int(change->version)),
                                     refused);
        if (refused->version != 0)
                tell_own_again(refused);
        return status;
}

/*
 * Who comes up meanwhile may have brought another holder, which took the name here by the order of the two, and has been told of this
 * one since.
 */
static cop_status enter_everywhere(const char *word, struct cop__change change)
{
        struct cop__change refused;
        cop_status status = make_everywhere(word, &change, &refused);
        if (status != COP_OK)
                return status;
        for (int tries = 1; tries < CHANGE_TRIES && status == COP_OK && refused.version != 0; tries++)
                status = make_everywhere(word, &change, &refused);
        bool is_made = status == COP_OK && refused.version == 0;
        return is_made && has_own(change.name, change.holder) ? COP_OK : settle(&change);
}

/* Also if another one has it: that it is taken is another one's that has come meanwhile. */
static cop_status take_everywhere(struct cop__change change)
{
        cop_status status = COP_E_NAME_TAKEN;
        for (int tries = 0; tries < TAKE_TRIES && status == COP_E_NAME_TAKEN; tries++)
                status = enter_everywhere("set", change);
        return status;
}

/* False: somebody who was met meanwhile, or refuses, knows of a later holder, by now its own server, too. */
static bool is_removed(const struct cop__change *refused)
{
        if (refused->version != 0)
                tell_own_again(refused);
        return refused->version == 0 && has_own(refused->name, cop_no_pid());
}

/* Nobody has it any more, also if another scribe has done so. What is removed again is so by a change that is nobody's. */
static cop_status remove_everywhere(struct cop__change change)
{
        for (int tries = 0; tries < CHANGE_TRIES; tries++) {
                struct cop__change refused = { .name = change.name };
                const cop_term number = cop_int(change.number);
                cop_status status = ask_own(COP_TUPLE(cop_atom("unset"), change.name, number), &change);
                if (status == COP_E_NAME_TAKEN)
                        return COP_OK;
                if (status == COP_OK)
                        status = tell_others(COP_TUPLE(cop_atom("unset"), change.name, number, cop_int(change.over),
                                                       cop_int(change.version)), &refused);
                if (status != COP_OK || is_removed(&refused))
                        return status;
                change.number = 0;
        }
        return COP_E_NO_CONNECTION;
}

static void answer(cop_status status)
{
        cop_reply(cop_any, .term = status == COP_E_NAME_TAKEN ? cop_atom("no") : cop_bool(status == COP_OK));
}

static void scribe_hears(scribe *self, cop_term term)
{
        if (term.type != COP_TERM_TUPLE || term.count < 2 || !cop__is_global_name(term.as.items[1]))
                return;
        struct cop__change change;
        self->changes++;
        if (cop__is_change(term, "register", &change))
                answer(enter_everywhere("register", change));
        else if (cop__is_change(term, "confirm", &change))
                answer(enter_everywhere("confirm", change));
        else if (cop__is_change(term, "re_register", &change))
                answer(take_everywhere(change));
        else if (cop__is_removal(term, "unregister", &change))
                answer(remove_everywhere(change));
}

static void scribe_on_any(scribe *self, const cop_any *any)
{
        scribe_hears(self, any->term);
}

/* The program may have a kind that is called as one of the changes is. */
static void scribe_otherwise(scribe *self, cop_message *message)
{
        cop_term term;
        if (cop__kind_to_term(cop_message_kind(message), cop_message_body(message), &term) != COP_OK)
                return;
        struct cop__kept *kept = cop__keep_term(cop__actor_here(), term);
        if (kept != NULL)
                scribe_hears(self, kept->term);
        cop__kept_free(kept);
}

COP_SERVER(scribe, COP_ON(cop_any, scribe_on_any), COP_OTHERWISE(scribe_otherwise));

const cop_behaviour cop__scribe_server = {
        .name = "scribe",
        .state_size = sizeof(scribe),
        .handlers = cop__scribe_handlers,
        .handler_count = COP__COUNT(cop__scribe_handlers),
};
