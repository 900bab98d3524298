/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names: the server and the scribe. See names.h. */
#include "distribution/names.h"

#include <stdlib.h>
#include <string.h>

#include <coppice/global.h>
#include <coppice/request.h>

#include "actors/actor.h"
#include "actors/belonging.h"
#include "actors/gather.h"
#include "base/cue.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/table.h"
#include "distribution/news.h"
#include "distribution/peer.h"

/* How long the scribe waits for servers: as for a node that is about to be down. */
#define SERVER_MS 5000

/* How long who looks a name up waits for the server, which others may keep busy. */
#define LOOK_MS 60000

/* When a node is told of all names for which there was no memory. */
#define LATER_MS 100

/* How often a name is taken from who gets it by the order meanwhile. */
#define TAKE_TRIES 3

/* How often a name that is in use is waited for, and for how long. */
#define TRIES 200
#define PAUSE_MS 10

/* ---- The server's table ------------------------------------------------------------------- */

struct name {
        struct cop__table_node said;    /* by a hash of the text */
        struct cop__table_node watches; /* by the reference of the monitor */
        cop_pid holder;
        char text[COP_NAME_MAX + 1];
};

/* Ends with the server. */
struct names {
        struct cop__belonging belonging;
        struct cop__table said, watched; /* the same names */
};

typedef struct name_server {
        struct names *names;
} name_server;

static struct name *name_of(struct cop__table_node *said)
{
        return COP__CONTAINER(said, struct name, said);
}

static void end_names(struct cop__belonging *belonging)
{
        struct names *names = COP__CONTAINER(belonging, struct names, belonging);
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &names->said);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                free(name_of(node));
        cop__table_fini(&names->said);
        cop__table_fini(&names->watched);
        free(names);
}

static bool is_name(cop_term term)
{
        return term.type == COP_TERM_ATOM && term.count > 0 && term.count <= COP_NAME_MAX;
}

/* By chance as well, so that nobody over there chooses names of one chain. */
static uint64_t hash_of(cop_term text)
{
        uint64_t hash = cop__network_here()->ref_key;
        for (size_t i = 0; i < text.count; i++)
                hash = cop__mix(hash ^ (uint8_t)text.as.text[i]);
        return hash;
}

static struct name *find_name(const name_server *self, cop_term text)
{
        if (!is_name(text))
                return NULL;
        struct cop__table_node *node = cop__table_find_first(&self->names->said, hash_of(text));
        for (; node != NULL; node = cop__table_find_next(node)) {
                COP__CUE("names.looks");
                if (cop_is_atom(text, name_of(node)->text))
                        return name_of(node);
        }
        return NULL;
}

static void forget(name_server *self, struct name *name)
{
        cop_demonitor_flush((cop_ref){ name->watches.key });
        cop__table_remove(&self->names->said, &name->said);
        cop__table_remove(&self->names->watched, &name->watches);
        free(name);
}

/* Without memory it stays unset here, and who looks it up here finds nobody. */
static void set_name(name_server *self, cop_term text, cop_pid holder)
{
        struct name *name = find_name(self, text);
        cop_ref ref;
        if (name != NULL && cop_pid_equal(name->holder, holder))
                return;
        if (name != NULL)
                forget(self, name);
        name = cop__calloc(1, sizeof(*name));
        if (name == NULL)
                return;
        if (cop_monitor(holder, &ref) != COP_OK) {
                free(name);
                return;
        }
        name->holder = holder;
        memcpy(name->text, text.as.text, text.count);
        name->said.key = hash_of(text);
        name->watches.key = ref.bits;
        cop__table_insert(&self->names->said, &name->said);
        cop__table_insert(&self->names->watched, &name->watches);
}

/* ---- Meeting another node -------------------------------------------------------------------- */

static const char *home_of(cop_pid pid)
{
        const char *node = cop_node_of(pid);
        return node[0] != '\0' ? node : cop_node_here_name();
}

/* The same wherever it is asked: by their nodes, then by what they are on the wire. */
static bool is_before(cop_pid one, cop_pid other)
{
        struct cop__network *network = cop__network_here();
        struct cop__wire_pid a, b;
        int order = strcmp(home_of(one), home_of(other));
        if (order != 0 || !cop__pid_to_wire(network, one, &a) || !cop__pid_to_wire(network, other, &b))
                return order < 0;
        if (a.creation != b.creation)
                return a.creation < b.creation;
        return a.serial != b.serial ? a.serial < b.serial : a.id < b.id;
}

/* Its node has begun anew, which not all have heard: its DOWN is on its way, to whoever still believes in it. */
static bool is_of_the_past(cop_pid holder)
{
        struct cop__peer *peer = cop__network_whose(cop__network_here(), holder);
        return peer != NULL && (peer->is_own || cop__peer_has_another_life(peer, cop__pid_node(holder)));
}

/* One of theirs. */
static void merge_one(name_server *self, cop_term text, cop_pid theirs)
{
        struct name *ours = find_name(self, text);
        if (is_of_the_past(theirs))
                return;
        if (ours == NULL || is_of_the_past(ours->holder) || is_before(theirs, ours->holder))
                set_name(self, text, theirs);
}

static void merge(name_server *self, cop_term all)
{
        for (size_t i = 0; all.type == COP_TERM_LIST && i < all.count; i++) {
                cop_term item = all.as.items[i];
                if (item.type == COP_TERM_TUPLE && item.count == 2 && is_name(item.as.items[0]) &&
                    item.as.items[1].type == COP_TERM_PID && item.as.items[1].as.pid.bits != 0)
                        merge_one(self, item.as.items[0], item.as.items[1].as.pid);
        }
}

static cop_status tell_all_names(name_server *self, cop_pid to)
{
        struct cop__gather gather = { 0 };
        cop_term all;
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &self->names->said);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                cop__gather_add_pair(&gather, cop_atom(name_of(node)->text), cop_pid_term(name_of(node)->holder));
        cop_status status = cop__gather_pairs(&gather, &all);
        if (status != COP_OK)
                return status;
        status = cop__tell(cop_self(), to, COP_KIND_OF(cop_any), &(cop_any){ COP_TUPLE(cop_atom("all"), all) });
        cop_term_free(all);
        return status;
}

/* It is no new work, and is said once: without any memory later. */
static void name_server_on_up(name_server *self, const cop_node_up *up)
{
        struct cop__network *network = cop__network_here();
        struct cop__peer *peer = cop__network_find(network, up->node.text, strlen(up->node.text));
        if (peer == NULL || !cop__peer_is_ours(peer)) /* any more: nobody is connected to for this */
                return;
        cop_pid to = cop__network_name(network, peer, COP__NAMES_SERVER);
        cop_status status = to.bits != 0 ? tell_all_names(self, to) : COP_OK;
        if (status == COP_E_NO_MEMORY || status == COP_E_OVERLOAD)
                cop_send_after(NULL, LATER_MS, cop_self(), cop_node_up, .node = up->node);
}

/* ---- Hearing ------------------------------------------------------------------------------------- */

/* If not, its DOWN is on its way. */
static bool is_there(cop_pid holder)
{
        struct cop__peer *peer = cop__network_whose(cop__network_here(), holder);
        cop_pid owner;
        if (cop__pid_node(holder) == 0)
                return cop_is_alive(holder);
        return peer != NULL && cop__peer_look(peer, &owner) == COP__PEER_UP;
}

static cop_pid holder_of(const name_server *self, cop_term text)
{
        const struct name *name = find_name(self, text);
        return name != NULL && is_there(name->holder) ? name->holder : cop_no_pid();
}

/* From the scribe here, which then tells others. `again`: it may have been made by the one before, who did not say so. */
static bool enter_name(name_server *self, cop_term text, cop_pid pid, bool again)
{
        cop_pid holder = holder_of(self, text);
        if (holder.bits != 0 && !(again && cop_pid_equal(holder, pid)))
                return false;
        set_name(self, text, pid);
        return true;
}

static void unset_name(name_server *self, cop_term text)
{
        struct name *name = find_name(self, text);
        if (name != NULL)
                forget(self, name);
}

/* A word, a name and a pid. */
static bool is_change(cop_term term, const char *word)
{
        return cop_is_tuple(term, word, 3) && is_name(term.as.items[1]) && term.as.items[2].type == COP_TERM_PID;
}

static void name_server_on_any(name_server *self, const cop_any *any)
{
        cop_term term = any->term;
        bool registers = is_change(term, "register"), confirms = is_change(term, "confirm");
        if (cop_is_tuple(term, "whereis", 2)) {
                cop_reply(cop_any, .term = cop_pid_term(holder_of(self, term.as.items[1])));
        } else if (registers || confirms) {
                cop_reply(cop_any, .term = cop_bool(enter_name(self, term.as.items[1], term.as.items[2].as.pid, confirms)));
        } else if (is_change(term, "set")) {
                set_name(self, term.as.items[1], term.as.items[2].as.pid);
                cop_reply(cop_any, .term = cop_bool(true));
        } else if (cop_is_tuple(term, "unset", 2)) {
                unset_name(self, term.as.items[1]);
                cop_reply(cop_any, .term = cop_bool(true));
        } else if (cop_is_tuple(term, "all", 2)) {
                merge(self, term.as.items[1]);
        }
}

static void name_server_on_down(name_server *self, const cop_down *down)
{
        struct cop__table_node *node = cop__table_find_first(&self->names->watched, down->ref.bits);
        if (node != NULL)
                forget(self, COP__CONTAINER(node, struct name, watches));
}

static void name_server_otherwise(name_server *self, cop_message *message)
{
        (void)self;
        (void)message;
}

static void name_server_init(name_server *self)
{
        cop__set_manner(cop__actor_here(), COP__HEARS_NODES, true);
        self->names = cop__calloc(1, sizeof(*self->names));
        if (self->names == NULL)
                cop_exit(cop_atom("no_memory"));
        self->names->belonging.end = end_names;
        if (!cop__own(cop__actor_here(), &self->names->belonging)) {
                free(self->names);
                cop_exit(cop_atom("no_memory"));
        }
}

/* cop_node_up: see news.h. */
COP_SERVER(name_server, COP_INIT(name_server_init), COP_ON(cop_any, name_server_on_any), COP_ON(cop_down, name_server_on_down),
           COP_ON(cop_node_up, name_server_on_up), COP_OTHERWISE(name_server_otherwise));

/* ---- The scribe --------------------------------------------------------------------------------------- */

typedef struct scribe {
        uint64_t changes;
} scribe;

/* In its own time: who asked the scribe may have given up, and the change goes on. Errors: COP_E_NAME_TAKEN; those of calls. */
static cop_status ask_own(cop_term what)
{
        cop_message *reply = NULL;
        cop_status status = cop__call_in_own_time(&reply, cop_to_name(COP__NAMES_SERVER), SERVER_MS, COP_KIND_OF(cop_any),
                                                  &(cop_any){ what });
        const cop_any *any = cop_read(cop_any, reply);
        if (status == COP_OK && (any == NULL || !cop_is_atom(any->term, "true")))
                status = COP_E_NAME_TAKEN;
        cop_message_free(reply);
        return status;
}

static void ask_others(cop_requests *set, cop_term change)
{
        struct cop__network *network = cop__network_here();
        cop_request request;
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                if (cop__peer_is_ours(network->peers[i]) &&
                    cop_request_send_value(&request, cop_at(COP__NAMES_SERVER, network->peers[i]->name), COP_KIND_OF(cop_any),
                                           &(cop_any){ .term = change }) == COP_OK)
                        cop_requests_add(set, request, 0);
}

/*
 * Those all at once: however many hang, it is one wait. A node that goes down need not know; one that hangs is told, and hears of
 * it when it goes on.
 */
static cop_status tell_others(cop_term change)
{
        cop_requests *set = cop_requests_new();
        cop_response response;
        if (set == NULL)
                return COP_E_NO_MEMORY;
        ask_others(set, change);
        cop_deadline deadline = cop_deadline_in(SERVER_MS);
        while (cop_requests_await_until(set, deadline, &response) == COP_OK)
                cop_message_free(response.message);
        cop_requests_free(set);
        return COP_OK;
}

/* To be merged as when nodes meet. */
static void tell_again(cop_term name, cop_pid holder)
{
        struct cop__network *network = cop__network_here();
        const cop_any all = { COP_TUPLE(cop_atom("all"), COP_LIST(COP_TUPLE(name, cop_pid_term(holder)))) };
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                if (cop__peer_is_ours(network->peers[i]))
                        cop__tell(cop_self(), cop__network_name(network, network->peers[i], COP__NAMES_SERVER),
                                  COP_KIND_OF(cop_any), &all);
}

/*
 * Its own server first, in those words: who comes up meanwhile is told by that one, or is among the others. Such a one may have
 * brought another holder, which took the name here by the order of the two, and has been told of this one since: it, and all
 * others, are told of that one again.
 */
static cop_status enter_everywhere(const char *word, cop_term name, cop_term pid)
{
        cop_pid now = pid.as.pid;
        cop_status status = ask_own(COP_TUPLE(cop_atom(word), name, pid));
        if (status == COP_OK)
                status = tell_others(COP_TUPLE(cop_atom("set"), name, pid));
        if (status != COP_OK || cop__names_look(name, &now) != COP_OK || now.bits == 0 || cop_pid_equal(now, pid.as.pid))
                return status;
        tell_again(name, now);
        return COP_E_NAME_TAKEN;
}

/* Also if another one has it: that it is taken is another one's that has come meanwhile. */
static cop_status take_everywhere(cop_term name, cop_term pid)
{
        cop_status status = COP_E_NAME_TAKEN;
        for (int tries = 0; tries < TAKE_TRIES && status == COP_E_NAME_TAKEN; tries++)
                status = enter_everywhere("set", name, pid);
        return status;
}

static cop_status remove_everywhere(cop_term name)
{
        const cop_term unset = COP_TUPLE(cop_atom("unset"), name);
        cop_status status = ask_own(unset);
        return status == COP_OK ? tell_others(unset) : status;
}

static void answer(cop_status status)
{
        cop_reply(cop_any, .term = status == COP_E_NAME_TAKEN ? cop_atom("no") : cop_bool(status == COP_OK));
}

static void scribe_hears(scribe *self, cop_term term)
{
        if (term.type != COP_TERM_TUPLE || term.count < 2 || !is_name(term.as.items[1]))
                return;
        const cop_term *item = term.as.items;
        self->changes++;
        if (is_change(term, "register"))
                answer(enter_everywhere("register", item[1], item[2]));
        else if (is_change(term, "confirm"))
                answer(enter_everywhere("confirm", item[1], item[2]));
        else if (is_change(term, "re_register"))
                answer(take_everywhere(item[1], item[2]));
        else if (cop_is_tuple(term, "unregister", 2))
                answer(remove_everywhere(item[1]));
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

/* Whoever still bears the name was linked to a net_kernel that was killed, and is about to end. */
static cop_status spawn_named(const cop_behaviour *server, const char *name)
{
        const cop_spawn_options options = { .server = server, .name = name, .link = true };
        cop_pid pid;
        cop_status status = cop_spawn_opt(&options, &pid);
        for (int tries = 0; tries < TRIES && status == COP_E_NAME_TAKEN; tries++) {
                cop_sleep(PAUSE_MS);
                status = cop_spawn_opt(&options, &pid);
        }
        return status;
}

cop_status cop__names_look(cop_term name, cop_pid *pid)
{
        cop_message *reply = NULL;
        cop_status status = cop__call_in_own_time(&reply, cop_to_name(COP__NAMES_SERVER), LOOK_MS, COP_KIND_OF(cop_any),
                                                  &(cop_any){ COP_TUPLE(cop_atom("whereis"), name) });
        const cop_any *any = cop_read(cop_any, reply);
        if (status == COP_OK && any != NULL && any->term.type == COP_TERM_PID)
                *pid = any->term.as.pid;
        cop_message_free(reply);
        return status;
}

cop_status cop__names_begin(void)
{
        cop_status status = spawn_named(&name_server_server, COP__NAMES_SERVER);
        return status == COP_OK ? spawn_named(&scribe_server, COP__NAMES_SCRIBE) : status;
}

/* Along the link: that needs no memory, without which it would have the name for good. It is waited for if it can be. */
static void end_named(const char *name)
{
        cop_pid pid = cop_whereis(name);
        cop_ref ref;
        bool watched = pid.bits != 0 && cop_monitor(pid, &ref) == COP_OK;
        cop__link_break(pid, cop__reason(COP__REASON_SHUTDOWN));
        if (watched)
                cop_message_free(cop_receive(SERVER_MS, COP_REF(cop_down, ref)));
}

void cop__names_end(void)
{
        end_named(COP__NAMES_SERVER);
        end_named(COP__NAMES_SCRIBE);
}
