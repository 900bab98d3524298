/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Global names: the server, and the beginning and end of it and the scribe. See names.h. */
#include "distribution/names.h"

#include <stdlib.h>
#include <string.h>

#include <coppice/global.h>

#include "actors/actor.h"
#include "actors/belonging.h"
#include "actors/gather.h"
#include "base/cue.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/table.h"
#include "distribution/change.h"
#include "distribution/news.h"
#include "distribution/peer.h"
#include "distribution/scribe.h"

/* How long who looks a name up waits for the server, which others may keep busy. */
#define LOOK_MS 60000

/* Changes that are over are remembered as long as there are no more than so many after them. */
#define OVER_MAX 65536u

/* Names that nobody has here are remembered as long as there are no more than so many after them. */
#define IDLE_MAX 16384u

/* Names that are told in one message. */
#define TOLD_MAX 1000u

/* {Name, Holder, Number, Version, State} */
#define ITEM_WIDTH 5

/* How long the end of one of the two is waited for. */
#define END_MS 5000

/* How often a name that is in use is waited for, and for how long. */
#define TRIES 200
#define PAUSE_MS 10

/* ---- The server's table ------------------------------------------------------------------- */

/* One whose holder is watched, or of which it is remembered that nobody has it here. */
struct name {
        struct cop__table_node said;    /* by a hash of the text */
        struct cop__table_node watches; /* by the reference of the monitor, while it is watched */
        struct cop__list idle;          /* while it is not */
        bool is_watched;
        bool has_ended; /* the holder, who counts as before in the order of changes; else one that is not watched may be, later */
        cop_pid holder; /* nobody: it is unset */
        int64_t change;  /* the one that made it so; 0: it is not known which */
        int64_t version; /* its own; 0: it is not known */
        char text[];
};

/* A change that another one has followed. */
struct past {
        struct cop__table_node node; /* by its number */
        struct cop__list list;
};

/* Ends with the server. */
struct names {
        struct cop__belonging belonging;
        struct cop__table said, watched; /* names: all of them, and those that are watched */
        struct cop__list idle;           /* the others, those first that have been so for the longest */
        struct cop__table over;          /* changes */
        struct cop__list over_order;     /* the same, the oldest first */
        int64_t newest;                  /* of the versions that have been heard of */
        bool missed[COP__LIVES];         /* by the index of a peer: there was no memory for something that it has told */
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
        if (!cop__is_global_name(text))
                return NULL;
        struct cop__table_node *node = cop__table_find_first(&self->names->said, hash_of(text));
        for (; node != NULL; node = cop__table_find_next(node)) {
                COP__CUE("names.looks");
                if (cop_is_atom(text, name_of(node)->text))
                        return name_of(node);
        }
        return NULL;
}

static void forget_idle(struct names *names)
{
        struct name *name = COP__CONTAINER(cop__list_pop_front(&names->idle), struct name, idle);
        cop__table_remove(&names->said, &name->said);
        free(name);
}

/* Of those that are not watched it is the last to be forgotten. */
static void unwatch(name_server *self, struct name *name)
{
        struct names *names = self->names;
        if (name->is_watched) {
                cop_demonitor_flush((cop_ref){ name->watches.key });
                cop__table_remove(&names->watched, &name->watches);
        }
        name->is_watched = false;
        cop__list_remove(&name->idle);
        cop__list_push_back(&names->idle, &name->idle);
        if (names->said.count - names->watched.count > IDLE_MAX)
                forget_idle(names);
}

/* If not, its DOWN is on its way. */
static bool is_there(cop_pid holder)
{
        struct cop__peer *peer = cop__network_whose(cop__network_here(), holder);
        cop_pid owner;
        if (cop__pid_node(holder) == 0)
                return cop_is_alive(holder);
        return peer != NULL && cop__peer_look(peer, &owner) == COP__PEER_UP;
}

/* Its node is called for that. False: there is no memory, and nobody has it here. */
static bool watch(name_server *self, struct name *name)
{
        cop_ref ref;
        if (cop_monitor(name->holder, &ref) != COP_OK)
                return false;
        name->watches.key = ref.bits;
        cop__table_insert(&self->names->watched, &name->watches);
        name->is_watched = true;
        cop__list_remove(&name->idle);
        return true;
}

/* Nobody has it yet. NULL without memory. */
static struct name *add_name(name_server *self, cop_term text)
{
        struct name *name = cop__calloc(1, sizeof(*name) + text.count + 1);
        if (name == NULL)
                return NULL;
        memcpy(name->text, text.as.text, text.count);
        name->said.key = hash_of(text);
        cop__list_init(&name->idle);
        cop__table_insert(&self->names->said, &name->said);
        unwatch(self, name);
        return name;
}

static void hear_version(name_server *self, int64_t version)
{
        if (version > self->names->newest)
                self->names->newest = version;
}

/*
 * The holder is nobody where it is unset. One that is away is watched as its node comes up. False: there is no memory, and nobody has it
 * until this is done again.
 */
static bool set_name(name_server *self, const struct cop__change *change)
{
        struct name *name = find_name(self, change->name);
        hear_version(self, change->version);
        if (name == NULL && (name = add_name(self, change->name)) == NULL)
                return false;
        name->change = change->number;
        name->version = change->version;
        name->has_ended = change->state == COP__HAS_ENDED;
        if (name->is_watched && !name->has_ended && cop_pid_equal(name->holder, change->holder))
                return true;
        unwatch(self, name);
        name->holder = change->holder;
        bool is_watched = name->holder.bits != 0 &&
                          (change->state == COP__IS_THERE || (change->state == COP__IS_AWAY && is_there(name->holder)));
        return !is_watched || watch(self, name);
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

static enum cop__holder_state state_of(const struct name *name)
{
        if (name->has_ended)
                return COP__HAS_ENDED;
        return name->is_watched ? COP__IS_THERE : COP__IS_AWAY;
}

/*
 * Of one name: is that change behind the one that is here? Then ours and theirs are never both so. By their versions, then by their
 * holders, then by whether that one has ended. Whose version is not known may be of any, and is as old as a holder that is there.
 */
static bool is_behind(const struct cop__change *change, const struct name *ours)
{
        if (change->version != 0 && change->version != ours->version)
                return change->version < ours->version;
        if (cop_pid_equal(change->holder, ours->holder))
                return ours->has_ended && change->state != COP__HAS_ENDED;
        if (change->holder.bits == 0 || ours->holder.bits == 0)
                return change->holder.bits == 0;
        if (change->version == 0 && (!ours->is_watched || is_of_the_past(ours->holder)))
                return false;
        return is_before(ours->holder, change->holder);
}

/* Of a network that was split the holder of one side has ended, and that of the other lives, here: who lives keeps the name. */
static bool outlives(const struct name *ours, const struct cop__change *change)
{
        return change->state == COP__HAS_ENDED && ours->is_watched && cop__pid_node(ours->holder) == 0 && cop_is_alive(ours->holder) &&
               !cop_pid_equal(ours->holder, change->holder);
}

/* It is so by a version that is later than all that have been heard of, as all others are told. NULL: what it was is forgotten. */
static void renew(name_server *self, struct name *name)
{
        hear_version(self, self->names->newest + 1);
        if (name == NULL)
                return;
        name->version = self->names->newest;
        cop__names_tell_others(&(struct cop__change){ .name = cop_atom(name->text), .holder = name->holder, .state = state_of(name),
                                                      .number = name->change, .version = name->version });
}

/* Errors: COP_E_TAKEN (the one that is here stays, of the same name), COP_E_NO_MEMORY (as it was, or nobody has it). */
static cop_status take_change(name_server *self, struct cop__change change)
{
        struct name *ours = find_name(self, change.name);
        hear_version(self, change.version);
        if (change.holder.bits != 0 && is_of_the_past(change.holder)) {
                if (change.version == 0)
                        return COP_E_TAKEN;
                change.state = COP__HAS_ENDED;
        }
        if (ours != NULL && is_behind(&change, ours))
                return COP_E_TAKEN;
        if (ours != NULL && outlives(ours, &change)) {
                renew(self, ours);
                return COP_E_TAKEN;
        }
        if (ours != NULL && change.version == 0)
                change.version = ours->version;
        if (ours != NULL && change.version == ours->version && cop_pid_equal(change.holder, ours->holder) && ours->change > change.number)
                change.number = ours->change;
        return set_name(self, &change) ? COP_OK : COP_E_NO_MEMORY;
}

static void gather_name(struct cop__gather *gather, const struct name *name)
{
        cop__gather_add_pair(gather, cop_atom(name->text), cop__holder_said(name->holder));
        cop__gather_add_pair(gather, cop_int(name->change), cop_int(name->version));
        cop__gather_add(gather, cop_int(state_of(name)));
}

static cop_status tell_gathered(struct cop__gather *gather, struct cop__peer *peer)
{
        cop_term all;
        cop_status status = cop__gather_tuples(gather, ITEM_WIDTH, &all);
        if (status != COP_OK)
                return status;
        status = cop__names_tell_there(peer, all);
        cop_term_free(all);
        return status;
}

/* NULL: it has no server, or is not up. Nobody is connected to for what is told. */
static struct cop__peer *peer_of(const char *node)
{
        struct cop__peer *peer = cop__network_find(cop__network_here(), node, strlen(node));
        return peer != NULL && cop__peer_is_ours(peer) ? peer : NULL;
}

/* Those of which more is known here than there. */
static void tell_what_is_behind(name_server *self, struct cop__peer *peer, cop_term all)
{
        struct cop__gather gather = { 0 };
        struct cop__change change;
        for (size_t i = 0; i < all.count; i++) {
                bool is_known = cop__is_said(all.as.items[i], &change) && change.version != 0;
                const struct name *ours = is_known ? find_name(self, change.name) : NULL;
                if (ours != NULL && is_behind(&change, ours))
                        gather_name(&gather, ours);
        }
        if (gather.count > 0 || gather.failed)
                cop__names_make_good(peer, tell_gathered(&gather, peer));
}

static cop_status tell_all_names(name_server *self, struct cop__peer *peer)
{
        struct cop__gather gather = { 0 };
        cop_status status = COP_OK;
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &self->names->said);
        while (status == COP_OK && (node = cop__table_walk_next(&walk)) != NULL) {
                gather_name(&gather, name_of(node));
                if (gather.count >= ITEM_WIDTH * TOLD_MAX) {
                        status = tell_gathered(&gather, peer);
                        gather = (struct cop__gather){ 0 };
                }
        }
        return status == COP_OK ? tell_gathered(&gather, peer) : status;
}

/* The one there is told of all names, and to tell all of its own if something of them has been missed. */
static void exchange(name_server *self, struct cop__peer *peer)
{
        bool *missed = &self->names->missed[peer->index];
        cop_status status = *missed ? cop__names_tell_there(peer, COP_LIST(cop_atom("again"))) : COP_OK;
        *missed = status != COP_OK;
        if (status == COP_OK)
                status = tell_all_names(self, peer);
        cop__names_make_good(peer, status);
}

/* Not at once: memory that was missing a moment ago is missing still, perhaps. */
static void miss(name_server *self, struct cop__peer *peer)
{
        self->names->missed[peer->index] = true;
        cop__news_owe(cop__network_here(), peer);
}

static void merge(name_server *self, cop_term all)
{
        struct cop__peer *peer = peer_of(cop_node_of(cop__actor_here()->current->from));
        struct cop__change change;
        bool is_whole = true, asks = false;
        for (size_t i = 0; all.type == COP_TERM_LIST && i < all.count; i++) {
                if (cop__is_said(all.as.items[i], &change) && (change.version != 0 || !is_over(self, change.number)))
                        is_whole &= take_change(self, change) != COP_E_NO_MEMORY;
                else
                        asks |= cop_is_atom(all.as.items[i], "again");
        }
        if (asks && peer != NULL) /* once, however often it is said */
                cop__names_make_good(peer, tell_all_names(self, peer));
        if (!is_whole && peer != NULL)
                miss(self, peer);
        if (peer != NULL && all.type == COP_TERM_LIST)
                tell_what_is_behind(self, peer, all);
}

/* Those who could not be reached. False: for some there is no memory. */
static bool watch_again(name_server *self, const char *node)
{
        bool done = true;

        COP__LIST_EACH(&self->names->idle, at, ahead) {
                struct name *name = COP__CONTAINER(at, struct name, idle);
                if (name->holder.bits == 0 || name->has_ended || strcmp(cop_node_of(name->holder), node) != 0)
                        continue;
                name->has_ended = is_of_the_past(name->holder);
                if (!name->has_ended)
                        done &= watch(self, name);
        }
        return done;
}

static void name_server_on_up(name_server *self, const cop_node_up *up)
{
        struct cop__peer *peer = peer_of(up->node.text);
        if (peer == NULL)
                return;
        cop__names_make_good(peer, watch_again(self, up->node.text) ? COP_OK : COP_E_NO_MEMORY);
        exchange(self, peer);
}

/* ---- Hearing ------------------------------------------------------------------------------------- */

static cop_pid holder_of(const name_server *self, cop_term text)
{
        const struct name *name = find_name(self, text);
        return name != NULL && name->is_watched && is_there(name->holder) ? name->holder : cop_no_pid();
}

/* From the scribe here, who is told what is over, and tells others. */
static bool is_own(void)
{
        return cop__pid_node(cop__actor_here()->current->from) == 0;
}

/* It has been made, and another one after it. */
static bool has_been_followed(const name_server *self, const struct cop__change *change)
{
        const struct name *name = find_name(self, change->name);
        return is_over(self, change->number) && (name == NULL || name->change != change->number);
}

/* The change that this one follows; 0: none. */
static int64_t before(const name_server *self, const struct cop__change *change)
{
        const struct name *name = find_name(self, change->name);
        return name != NULL && name->change != change->number ? name->change : 0;
}

static void end_changes(name_server *self, const struct cop__change *change)
{
        end_change(self, change->over);
        if (change->holder.bits == 0) /* it is over as soon as it is made */
                end_change(self, change->number);
}

static cop_term no_memory(void)
{
        return cop_atom("no_memory");
}

/*
 * From the scribe here, which then tells others: later than all that has been heard of. {Over, Version}; or false, it is over
 * already, or the name is taken; or there is no memory, and it may be made again.
 */
static cop_term make_change(name_server *self, struct cop__change change, cop_term items[5])
{
        if (has_been_followed(self, &change))
                return cop_bool(false);
        change.over = before(self, &change);
        change.version = self->names->newest + 1;
        if (!set_name(self, &change))
                return no_memory();
        end_changes(self, &change);
        items[0] = cop_int(change.over);
        items[1] = cop_int(change.version);
        return cop_tuple_of(items, 2);
}

/* `again`: it may have been made by the one before, who did not say so. */
static cop_term enter_name(name_server *self, const struct cop__change *change, bool again, cop_term items[5])
{
        cop_pid holder = holder_of(self, change->name);
        bool is_free = holder.bits == 0 || (again && cop_pid_equal(holder, change->holder));
        return is_free ? make_change(self, *change, items) : cop_bool(false);
}

/* From a scribe that says no version: the last one that is heard of counts. */
static cop_term hear_unversioned(name_server *self, struct cop__change change)
{
        const struct name *name = find_name(self, change.name);
        int64_t followed = before(self, &change);
        if (has_been_followed(self, &change))
                return cop_bool(false);
        end_changes(self, &change);
        change.version = change.holder.bits == 0 ? self->names->newest + 1 : name != NULL ? name->version : 0;
        return set_name(self, &change) ? cop_int(followed) : no_memory();
}

/* What is known here instead. */
static cop_term refusal(const name_server *self, const struct cop__change *change, cop_term items[5])
{
        const struct name *name = find_name(self, change->name);
        items[0] = cop__holder_said(name != NULL ? name->holder : cop_no_pid());
        items[1] = cop_int(name != NULL ? name->change : 0);
        items[2] = cop_int(name != NULL ? name->version : self->names->newest);
        items[3] = cop_int(name != NULL ? state_of(name) : COP__IS_THERE);
        return cop_tuple_of(items, 4);
}

/* From the scribe of another node. */
static cop_term hear_change(name_server *self, const struct cop__change *change, cop_term items[5])
{
        int64_t followed = before(self, change);
        if (change->version == 0)
                return hear_unversioned(self, *change);
        if (has_been_followed(self, change)) {
                /* A scribe that has hung makes what was over for long: what came after that is later. */
                hear_version(self, change->version);
                renew(self, find_name(self, change->name));
                return refusal(self, change, items);
        }
        cop_status status = take_change(self, *change);
        if (status == COP_E_NO_MEMORY)
                return no_memory();
        if (status != COP_OK)
                return refusal(self, change, items);
        end_changes(self, change);
        return cop_int(followed);
}

/* Who has it for those who look it up, and for whoever is told. */
static cop_term holder_term(const name_server *self, cop_term text, cop_term items[5])
{
        const struct name *name = find_name(self, text);
        items[0] = cop_pid_term(holder_of(self, text));
        items[1] = cop_int(name != NULL ? name->change : 0);
        items[2] = cop_int(name != NULL ? name->version : 0);
        items[3] = cop_pid_term(name != NULL ? name->holder : cop_no_pid());
        items[4] = cop_int(name != NULL ? state_of(name) : COP__IS_THERE);
        return cop_tuple_of(items, 5);
}

static void name_server_on_any(name_server *self, const cop_any *any)
{
        cop_term term = any->term, items[5];
        struct cop__change change;
        bool confirms = cop__is_change(term, "confirm", &change);
        if (cop_is_tuple(term, "whereis", 2))
                cop_reply(cop_any, .term = cop_pid_term(holder_of(self, term.as.items[1])));
        else if (cop_is_tuple(term, "holder", 2))
                cop_reply(cop_any, .term = holder_term(self, term.as.items[1], items));
        else if (confirms || cop__is_change(term, "register", &change))
                cop_reply(cop_any, .term = enter_name(self, &change, confirms, items));
        else if (cop__is_change(term, "set", &change) || cop__is_removal(term, "unset", &change))
                cop_reply(cop_any, .term = is_own() ? make_change(self, change, items) : hear_change(self, &change, items));
        else if (cop_is_tuple(term, "all", 2))
                merge(self, term.as.items[1]);
}

/*
 * Who cannot be reached may be again, unless it ends meanwhile: it keeps the name as far as others are told. Of a name whose version is
 * not known nothing is remembered.
 */
static void name_server_on_down(name_server *self, const cop_down *down)
{
        struct cop__table_node *node = cop__table_find_first(&self->names->watched, down->ref.bits);
        if (node == NULL)
                return;
        struct name *name = COP__CONTAINER(node, struct name, watches);
        if (name->version == 0)
                name->holder = cop_no_pid();
        else
                name->has_ended = !cop_is_atom(down->reason, "noconnection");
        unwatch(self, name);
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
        cop__list_init(&self->names->idle);
        cop__list_init(&self->names->over_order);
        if (!cop__own(cop__actor_here(), &self->names->belonging)) {
                free(self->names);
                cop_exit(cop_atom("no_memory"));
        }
}

/* cop_node_up: see news.h. */
COP_SERVER(name_server, COP_INIT(name_server_init), COP_ON(cop_any, name_server_on_any), COP_ON(cop_down, name_server_on_down),
           COP_ON(cop_node_up, name_server_on_up), COP_OTHERWISE(name_server_otherwise));

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
        return status == COP_OK ? spawn_named(&cop__scribe_server, COP__NAMES_SCRIBE) : status;
}

/* Along the link: that needs no memory, without which it would have the name for good. It is waited for if it can be. */
static void end_named(const char *name)
{
        cop_pid pid = cop_whereis(name);
        cop_ref ref;
        bool watched = pid.bits != 0 && cop_monitor(pid, &ref) == COP_OK;
        cop__link_break(pid, cop__reason(COP__REASON_SHUTDOWN));
        if (watched)
                cop_message_free(cop_receive(END_MS, COP_REF(cop_down, ref)));
}

void cop__names_end(void)
{
        end_named(COP__NAMES_SERVER);
        end_named(COP__NAMES_SCRIBE);
}
