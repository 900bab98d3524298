/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names: the server and the scribe. See names.h. */
#include "distribution/names.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

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

/* Changes that are over are remembered as long as there are no more than so many after them. */
#define OVER_MAX 65536u

/* How often a name that is in use is waited for, and for how long. */
#define TRIES 200
#define PAUSE_MS 10

/* ---- The server's table ------------------------------------------------------------------- */

struct name {
        struct cop__table_node said;    /* by a hash of the text */
        struct cop__table_node watches; /* by the reference of the monitor */
        cop_pid holder;
        int64_t change; /* the one that made it so; 0: it is not known which */
        char text[COP_NAME_MAX + 1];
};

/* A change that another one has followed. */
struct past {
        struct cop__table_node node; /* by its number */
        struct cop__list list;
};

/* Ends with the server. */
struct names {
        struct cop__belonging belonging;
        struct cop__table said, watched; /* the same names */
        struct cop__table over;          /* changes */
        struct cop__list over_order;     /* the same, the oldest first */
};

/* A change of a name as it is said: what is left out is 0. */
struct change {
        cop_term name;
        cop_pid holder;
        int64_t number;
        int64_t over; /* the one that it follows; 0: none */
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
        struct cop__list *first;
        while ((first = cop__list_pop_front(&names->over_order)) != NULL)
                free(COP__CONTAINER(first, struct past, list));
        cop__table_fini(&names->over);
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
static void set_name(name_server *self, cop_term text, cop_pid holder, int64_t change)
{
        struct name *name = find_name(self, text);
        cop_ref ref;
        if (name != NULL && cop_pid_equal(name->holder, holder)) {
                name->change = change;
                return;
        }
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
        name->change = change;
        memcpy(name->text, text.as.text, text.count);
        name->said.key = hash_of(text);
        name->watches.key = ref.bits;
        cop__table_insert(&self->names->said, &name->said);
        cop__table_insert(&self->names->watched, &name->watches);
}

/* ---- Changes that are over ------------------------------------------------------------------- */

static bool is_over(const name_server *self, int64_t change)
{
        return change != 0 && cop__table_find_first(&self->names->over, (uint64_t)change) != NULL;
}

static void forget_oldest(struct names *names)
{
        struct past *past = COP__CONTAINER(cop__list_pop_front(&names->over_order), struct past, list);
        cop__table_remove(&names->over, &past->node);
        free(past);
}

/* Without memory for it whoever has not heard of that may bring it back. */
static void end_change(name_server *self, int64_t change)
{
        struct names *names = self->names;
        struct past *past = change != 0 && !is_over(self, change) ? cop__malloc(sizeof(*past)) : NULL;
        if (past == NULL)
                return;
        past->node.key = (uint64_t)change;
        cop__table_insert(&names->over, &past->node);
        cop__list_push_back(&names->over_order, &past->list);
        if (names->over.count > OVER_MAX)
                forget_oldest(names);
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

/* One of theirs. Of two changes that gave it to the same actor both sides keep the same one. */
static void merge_one(name_server *self, cop_term text, cop_pid theirs, int64_t change)
{
        struct name *ours = find_name(self, text);
        if (is_of_the_past(theirs) || is_over(self, change))
                return;
        if (ours != NULL && cop_pid_equal(ours->holder, theirs))
                ours->change = change > ours->change ? change : ours->change;
        else if (ours == NULL || is_of_the_past(ours->holder) || is_before(theirs, ours->holder))
                set_name(self, text, theirs, change);
}

static int64_t number_at(cop_term tuple, size_t at)
{
        return at < tuple.count && tuple.as.items[at].type == COP_TERM_INTEGER ? tuple.as.items[at].as.integer : 0;
}

static void merge(name_server *self, cop_term all)
{
        for (size_t i = 0; all.type == COP_TERM_LIST && i < all.count; i++) {
                cop_term item = all.as.items[i];
                if (item.type == COP_TERM_TUPLE && item.count >= 2 && is_name(item.as.items[0]) &&
                    item.as.items[1].type == COP_TERM_PID && item.as.items[1].as.pid.bits != 0)
                        merge_one(self, item.as.items[0], item.as.items[1].as.pid, number_at(item, 2));
        }
}

static cop_status tell_all_names(name_server *self, cop_pid to)
{
        struct cop__gather gather = { 0 };
        cop_term all;
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &self->names->said);
        while ((node = cop__table_walk_next(&walk)) != NULL) {
                cop__gather_add_pair(&gather, cop_atom(name_of(node)->text), cop_pid_term(name_of(node)->holder));
                cop__gather_add(&gather, cop_int(name_of(node)->change));
        }
        cop_status status = cop__gather_tuples(&gather, 3, &all);
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

/* From the scribe here, who is told what is over, and tells others. */
static bool is_own(void)
{
        return cop__pid_node(cop__actor_here()->current->from) == 0;
}

/* What a server answers to a change: which one it follows, 0 for none; or false, it is over already, or the name is taken. */
static cop_term make_change(name_server *self, const struct change *change)
{
        const struct name *name = find_name(self, change->name);
        int64_t before = name != NULL && name->change != change->number ? name->change : 0;
        if (is_over(self, change->number))
                return cop_bool(false);
        end_change(self, is_own() ? before : change->over);
        set_name(self, change->name, change->holder, change->number);
        return cop_int(before);
}

/* From the scribe here, which then tells others. `again`: it may have been made by the one before, who did not say so. */
static cop_term enter_name(name_server *self, const struct change *change, bool again)
{
        cop_pid holder = holder_of(self, change->name);
        bool is_free = holder.bits == 0 || (again && cop_pid_equal(holder, change->holder));
        return is_free ? make_change(self, change) : cop_bool(false);
}

/* A change, too, and over as soon as it is made. */
static cop_term unset_name(name_server *self, const struct change *change)
{
        struct name *name = find_name(self, change->name);
        int64_t before = name != NULL ? name->change : 0;
        if (is_over(self, change->number))
                return cop_bool(false);
        end_change(self, is_own() ? before : change->over);
        end_change(self, change->number);
        if (name != NULL)
                forget(self, name);
        return cop_int(before);
}

/* A word, a name and a pid; then, perhaps, numbers. */
static bool is_change(cop_term term, const char *word, struct change *change)
{
        if (term.type != COP_TERM_TUPLE || term.count < 3 || !cop_is_atom(term.as.items[0], word) || !is_name(term.as.items[1]) ||
            term.as.items[2].type != COP_TERM_PID)
                return false;
        *change = (struct change){ term.as.items[1], term.as.items[2].as.pid, number_at(term, 3), number_at(term, 4) };
        return true;
}

/* A word and a name; then, perhaps, the same numbers. */
static bool is_removal(cop_term term, const char *word, struct change *change)
{
        if (term.type != COP_TERM_TUPLE || term.count < 2 || !cop_is_atom(term.as.items[0], word) || !is_name(term.as.items[1]))
                return false;
        *change = (struct change){ term.as.items[1], cop_no_pid(), number_at(term, 2), number_at(term, 3) };
        return true;
}

static cop_term holder_term(const name_server *self, cop_term text, cop_term items[2])
{
        const struct name *name = find_name(self, text);
        items[0] = cop_pid_term(holder_of(self, text));
        items[1] = cop_int(name != NULL ? name->change : 0);
        return cop_tuple_of(items, 2);
}

static void name_server_on_any(name_server *self, const cop_any *any)
{
        cop_term term = any->term, items[2];
        struct change change;
        bool confirms = is_change(term, "confirm", &change);
        if (cop_is_tuple(term, "whereis", 2))
                cop_reply(cop_any, .term = cop_pid_term(holder_of(self, term.as.items[1])));
        else if (cop_is_tuple(term, "holder", 2))
                cop_reply(cop_any, .term = holder_term(self, term.as.items[1], items));
        else if (confirms || is_change(term, "register", &change))
                cop_reply(cop_any, .term = enter_name(self, &change, confirms));
        else if (is_change(term, "set", &change))
                cop_reply(cop_any, .term = make_change(self, &change));
        else if (is_removal(term, "unset", &change))
                cop_reply(cop_any, .term = unset_name(self, &change));
        else if (cop_is_tuple(term, "all", 2))
                merge(self, term.as.items[1]);
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
        cop__list_init(&self->names->over_order);
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

/* In its own time: who asked the scribe may have given up, and the change goes on. The caller owns *reply. */
static cop_status call_own(cop_term what, cop_message **reply)
{
        return cop__call_in_own_time(reply, cop_to_name(COP__NAMES_SERVER), SERVER_MS, COP_KIND_OF(cop_any), &(cop_any){ what });
}

/* *before: the change that this one follows. Errors: COP_E_NAME_TAKEN; those of calls. */
static cop_status ask_own(cop_term what, int64_t *before)
{
        cop_message *reply = NULL;
        cop_status status = call_own(what, &reply);
        const cop_any *any = cop_read(cop_any, reply);
        if (status == COP_OK && (any == NULL || any->term.type != COP_TERM_INTEGER))
                status = COP_E_NAME_TAKEN;
        if (status == COP_OK)
                *before = any->term.as.integer;
        cop_message_free(reply);
        return status;
}

/* Who has the name here, and by which change. */
static cop_status look_own(cop_term name, struct change *now)
{
        cop_message *reply = NULL;
        cop_status status = call_own(COP_TUPLE(cop_atom("holder"), name), &reply);
        const cop_any *any = cop_read(cop_any, reply);
        if (any != NULL && any->term.type == COP_TERM_TUPLE && any->term.count == 2 && any->term.as.items[0].type == COP_TERM_PID)
                *now = (struct change){ name, any->term.as.items[0].as.pid, number_at(any->term, 1), 0 };
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
static void tell_again(const struct change *change, cop_pid server)
{
        const cop_term one = COP_TUPLE(change->name, cop_pid_term(change->holder), cop_int(change->number));
        const cop_any all = { COP_TUPLE(cop_atom("all"), COP_LIST(one)) };
        cop__tell(cop_self(), server, COP_KIND_OF(cop_any), &all);
}

static void tell_others_again(const struct change *change)
{
        struct cop__network *network = cop__network_here();
        for (uint32_t i = 0; i < cop__load_acquire(&network->peer_count); i++)
                if (cop__peer_is_ours(network->peers[i]))
                        tell_again(change, cop__network_name(network, network->peers[i], COP__NAMES_SERVER));
}

/*
 * Somebody else has the name here meanwhile. The order of the two decides, here as everywhere, also if it was another scribe's doing; then
 * all others, who have been told of the one or of the other, are told of the one that it is.
 */
static cop_status settle(const struct change *change)
{
        struct change now = { change->name, cop_no_pid(), 0, 0 };
        tell_again(change, cop_whereis(COP__NAMES_SERVER));
        cop_status status = look_own(change->name, &now);
        if (status != COP_OK || now.holder.bits == 0)
                return COP_OK;
        tell_others_again(&now);
        return cop_pid_equal(now.holder, change->holder) ? COP_OK : COP_E_NAME_TAKEN;
}

cop_status cop__names_number(int64_t *number)
{
        uint64_t drawn;
        if (getrandom(&drawn, sizeof(drawn), 0) != (ssize_t)sizeof(drawn))
                return COP_E_SYSTEM;
        *number = (int64_t)(drawn >> 1 | 1);
        return COP_OK;
}

/*
 * Its own server first, in those words: who comes up meanwhile is told by that one, or is among the others. Such a one may have
 * brought another holder, which took the name here by the order of the two, and has been told of this one since.
 */
static cop_status enter_everywhere(const char *word, struct change change)
{
        const cop_term pid = cop_pid_term(change.holder), number = cop_int(change.number);
        struct change now = change;
        cop_status status = ask_own(COP_TUPLE(cop_atom(word), change.name, pid, number), &change.over);
        if (status == COP_OK)
                status = tell_others(COP_TUPLE(cop_atom("set"), change.name, pid, number, cop_int(change.over)));
        if (status != COP_OK || look_own(change.name, &now) != COP_OK || now.holder.bits == 0 ||
            cop_pid_equal(now.holder, change.holder))
                return status;
        return settle(&change);
}

/* Also if another one has it: that it is taken is another one's that has come meanwhile. */
static cop_status take_everywhere(struct change change)
{
        cop_status status = COP_E_NAME_TAKEN;
        for (int tries = 0; tries < TAKE_TRIES && status == COP_E_NAME_TAKEN; tries++)
                status = enter_everywhere("set", change);
        return status;
}

/* Nobody has it any more, also if another scribe has done so. */
static cop_status remove_everywhere(struct change change)
{
        const cop_term number = cop_int(change.number);
        cop_status status = ask_own(COP_TUPLE(cop_atom("unset"), change.name, number), &change.over);
        if (status == COP_E_NAME_TAKEN)
                return COP_OK;
        return status == COP_OK ? tell_others(COP_TUPLE(cop_atom("unset"), change.name, number, cop_int(change.over))) : status;
}

static void answer(cop_status status)
{
        cop_reply(cop_any, .term = status == COP_E_NAME_TAKEN ? cop_atom("no") : cop_bool(status == COP_OK));
}

static void scribe_hears(scribe *self, cop_term term)
{
        if (term.type != COP_TERM_TUPLE || term.count < 2 || !is_name(term.as.items[1]))
                return;
        struct change change;
        self->changes++;
        if (is_change(term, "register", &change))
                answer(enter_everywhere("register", change));
        else if (is_change(term, "confirm", &change))
                answer(enter_everywhere("confirm", change));
        else if (is_change(term, "re_register", &change))
                answer(take_everywhere(change));
        else if (is_removal(term, "unregister", &change))
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
