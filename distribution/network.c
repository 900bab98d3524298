/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Lives, peers and names: what is known of other nodes. See network.h. */
#include "distribution/network.h"

#include <stdlib.h>
#include <string.h>

#include "actors/simulation.h"
#include "base/cue.h"
#include "base/memory.h"
#include "base/random.h"
#include "distribution/line.h"
#include "distribution/offers.h"
#include "distribution/peer.h"
#include "distribution/scope.h"

/* ---- What the lower layers call ---------------------------------------------------------- */

static struct cop__network *network_of(struct cop__abroad *abroad)
{
        return COP__CONTAINER(abroad, struct cop__network, abroad);
}

static uint32_t send_abroad(struct cop__abroad *abroad, struct cop__thread *thread, cop_pid to, struct cop__signal *signal)
{
        struct cop__network *network = network_of(abroad);
        struct cop__peer *peer = cop__network_whose(network, to);
        if (peer != NULL && !peer->is_own)
                return cop__peer_send(network, peer, thread, to, signal);
        if (peer != NULL) { /* as any that is dead here */
                cop__refuse_signal(thread, to, signal, NULL);
                return COP__PRESSURE_NONE;
        }
        cop__refuse_abroad(thread, to, signal, cop__reason(COP__REASON_NOCONNECTION), cop__reason(COP__REASON_NOCONNECTION));
        return COP__PRESSURE_NONE;
}

static uint32_t pressure(struct cop__abroad *abroad, cop_pid to)
{
        struct cop__peer *peer = cop__network_whose(network_of(abroad), to);
        return peer != NULL && !peer->is_own ? cop__peer_pressure(peer) : COP__PRESSURE_NONE;
}

static void scope_begins(struct cop__abroad *abroad)
{
        cop__scope_begins(network_of(abroad));
}

static void scope_hears(struct cop__abroad *abroad, cop_message *message)
{
        cop__scope_hears(network_of(abroad), message);
}

/* Only scopes enter them, and those of a life that is over have been taken out. */
static bool is_known(struct cop__abroad *abroad, cop_pid pid)
{
        return cop__life_of(network_of(abroad), cop__pid_node(pid)) != NULL;
}

static void untold(struct cop__abroad *abroad, cop_pid pid)
{
        cop__lines_look_again(network_of(abroad), pid);
}

/* All actors are buried, and no other thread is left. */
static void end(struct cop__abroad *abroad, struct cop__thread *thread)
{
        struct cop__network *network = network_of(abroad);
        cop__store_release(&network->node->abroad, (struct cop__abroad *)NULL);
        for (uint32_t i = 0; i < network->peer_count; i++)
                cop__peer_free(thread, network->peers[i]);
        for (struct cop__peer *own = network->own, *before; own != NULL; own = before) {
                before = own->before;
                cop__peer_free(thread, own);
        }
        for (uint32_t i = 1; i <= network->name_count; i++)
                free(network->names[i]);
        free(network->names);
        cop__table_fini(&network->names_said);
        cop__offers_end(network);
        cop__foreign_end(network);
        cop__callers_end(network);
        free(network);
}

/* ---- Life ----------------------------------------------------------------------------------- */

struct cop__network *cop__network_here(void)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__abroad *abroad = thread != NULL && thread->upper != NULL ? cop__abroad_of(cop__node_of(thread)) : NULL;
        return abroad != NULL ? network_of(abroad) : NULL;
}

struct cop__network *cop__network_open(cop_status *status)
{
        struct cop__network *network = cop__network_here();
        if (cop_node_here() == NULL || cop__actor_here() == NULL)
                *status = COP_E_NO_NODE;
        else if (!cop__network_is_open(network))
                *status = COP_E_NO_DISTRIBUTION;
        else
                return network;
        return NULL;
}

struct cop__network *cop__network_make(cop_node *node)
{
        struct cop__abroad *none = NULL;
        if (cop__abroad_of(node) != NULL)
                return network_of(cop__abroad_of(node));
        struct cop__network *network = cop__calloc(1, sizeof(*network));
        if (network == NULL)
                return NULL;
        network->abroad = (struct cop__abroad){ .send = send_abroad, .pressure = pressure, .scope_begins = scope_begins,
                                                .scope_hears = scope_hears, .is_known = is_known, .untold = untold, .end = end };
        network->node = node;
        network->transport = cop__simulation_of(node) == NULL ? &cop__transport_sockets : &cop__transport_wires;
        if (network->transport->chance(network, &network->ref_key, sizeof(network->ref_key)) != COP_OK)
                network->ref_key = cop__mix((uint64_t)(uintptr_t)network);
        cop__audience_init(&network->audience);
        cop__list_init(&network->refs_idle);
        cop__list_init(&network->lines);
        cop__list_init(&network->callers);
        COP__CUE("network.made");
        if (cop__cas_release(&node->abroad, &none, &network->abroad))
                return network;
        free(network);
        return network_of(cop__abroad_of(node));
}

/* ---- Peers and lives ------------------------------------------------------------------------ */

bool cop__node_name_is_good(const char *name, size_t size)
{
        const char *at = memchr(name, '@', size);
        size_t before = at != NULL ? (size_t)(at - name) : 0;
        if (at == NULL || before == 0 || before + 1 == size || size > COP_SYMBOL_MAX)
                return false;
        for (size_t i = 0; i < size; i++)
                if (name[i] <= ' ' || name[i] > '~') /* it is told to people */
                        return false;
        return memchr(at + 1, '@', size - before - 1) == NULL;
}

struct cop__peer *cop__network_find(const struct cop__network *network, const char *name, size_t size)
{
        uint32_t count = cop__load_acquire(&network->peer_count);
        for (uint32_t i = 0; i < count; i++)
                if (strlen(network->peers[i]->name) == size && memcmp(network->peers[i]->name, name, size) == 0)
                        return network->peers[i];
        return NULL;
}

/* Each that comes is refused from here on: once is enough. */
static void say_full(struct cop__network *network, const char *name)
{
        if (cop__exchange_acq_rel(&network->was_full, 1u) == 0)
                cop_log(COP_LOG_ERROR, "%s is refused: %u nodes and lives of nodes are known, and none is forgotten", name,
                        COP__LIVES - 1);
}

/* With the lock; NULL: too many, or no memory. */
static struct cop__peer *add_peer(struct cop__network *network, const char *name, size_t size)
{
        bool full = network->peer_count == COP__LIVES - 1; /* no more can have a life */
        struct cop__peer *peer = full ? NULL : cop__peer_new(name, size);
        if (peer == NULL)
                return NULL;
        peer->index = network->peer_count;
        network->peers[peer->index] = peer;
        cop__store_release(&network->peer_count, peer->index + 1);
        return peer;
}

/* `mentioned`: of those that are only spoken of there is a number. */
static struct cop__peer *peer_of(struct cop__network *network, const char *name, size_t size, bool mentioned)
{
        struct cop__peer *peer = cop__network_find(network, name, size);
        if (peer != NULL || !cop__node_name_is_good(name, size))
                return peer;
        cop__lock_lock(&network->lock);
        peer = cop__network_find(network, name, size);
        bool may = !mentioned || network->peers_mentioned < COP__LIVES_MENTIONED, full = network->peer_count == COP__LIVES - 1;
        if (peer == NULL && may && (peer = add_peer(network, name, size)) != NULL)
                network->peers_mentioned += mentioned;
        cop__lock_unlock(&network->lock);
        if (peer == NULL && full && !mentioned)
                say_full(network, "a node");
        return peer;
}

struct cop__peer *cop__network_peer(struct cop__network *network, const char *name, size_t size)
{
        return peer_of(network, name, size, false);
}

struct cop__peer *cop__network_other(struct cop__network *network, const char *node, cop_status *status)
{
        size_t size = node != NULL ? strlen(node) : 0;
        if (size == 0 || !cop__node_name_is_good(node, size) || strcmp(node, network->name) == 0) {
                *status = COP_E_BAD_ARGUMENT;
                return NULL;
        }
        struct cop__peer *peer = cop__network_peer(network, node, size);
        if (peer == NULL)
                *status = COP_E_LIMIT;
        return peer;
}

/* Of the name that this node has now; NULL without memory. */
static struct cop__peer *own_peer(struct cop__network *network)
{
        cop__lock_lock(&network->lock);
        struct cop__peer *own = network->own;
        while (own != NULL && strcmp(own->name, network->name) != 0)
                own = own->before;
        if (own == NULL && (own = cop__peer_new(network->name, strlen(network->name))) != NULL) {
                own->is_own = true;
                own->before = network->own;
                network->own = own;
        }
        cop__lock_unlock(&network->lock);
        return own;
}

static uint32_t find_life(const struct cop__network *network, const struct cop__peer *peer, uint32_t creation)
{
        uint32_t count = cop__load_acquire(&network->life_count);
        for (uint32_t i = count; i > 0; i--)
                if (network->lives[i].peer == peer && network->lives[i].creation == creation)
                        return i;
        return 0;
}

/* `count`, unless NULL, is how many of a sort there are, of which at most so many may be. 0: there are too many. */
static uint32_t life_of(struct cop__network *network, struct cop__peer *peer, uint32_t creation, uint32_t *count, uint32_t most)
{
        uint32_t life = find_life(network, peer, creation);
        if (life != 0)
                return life;
        cop__lock_lock(&network->lock);
        life = find_life(network, peer, creation);
        if (life == 0 && network->life_count + 1 < COP__LIVES && (count == NULL || *count < most)) {
                life = network->life_count + 1;
                network->lives[life] = (struct cop__lifetime){ peer, creation };
                if (count != NULL)
                        ++*count;
                cop__store_release(&network->life_count, life);
        }
        cop__lock_unlock(&network->lock);
        return life;
}

uint32_t cop__network_life(struct cop__network *network, struct cop__peer *peer, uint32_t creation)
{
        uint32_t life = life_of(network, peer, creation, NULL, 0);
        if (life == 0)
                say_full(network, peer->name);
        return life;
}

/* Of our own that are over all are dead alike: what has no number is as if it were of the last that has one. */
static uint32_t own_life(struct cop__network *network, uint32_t creation)
{
        struct cop__peer *own = own_peer(network);
        uint32_t life = own != NULL ? life_of(network, own, creation, &network->lives_own, COP__LIVES_OWN) : 0;
        for (uint32_t i = cop__load_acquire(&network->life_count); life == 0 && i > 0; i--)
                if (network->lives[i].peer->is_own)
                        life = i;
        return life;
}

uint32_t cop__network_mention(struct cop__network *network, const char *name, size_t size, uint32_t creation)
{
        if (size == strlen(network->name) && memcmp(name, network->name, size) == 0)
                return own_life(network, creation);
        struct cop__peer *peer = peer_of(network, name, size, true);
        return peer != NULL ? life_of(network, peer, creation, &network->lives_mentioned, COP__LIVES_MENTIONED) : 0;
}

const struct cop__lifetime *cop__life_of(const struct cop__network *network, uint64_t number)
{
        if (number == 0 || number > cop__load_acquire(&network->life_count))
                return NULL;
        return &network->lives[number];
}

struct cop__peer *cop__network_whose(const struct cop__network *network, cop_pid pid)
{
        if (cop__pid_node(pid) == COP__NODE_OF_NAMES) {
                const struct cop__remote_name *name = cop__remote_name_of(network, pid);
                return name != NULL ? name->peer : NULL;
        }
        const struct cop__lifetime *life = cop__life_of(network, cop__pid_node(pid));
        return life != NULL ? life->peer : NULL;
}

/* ---- Names --------------------------------------------------------------------------------------- */

const struct cop__remote_name *cop__remote_name_of(const struct cop__network *network, cop_pid pid)
{
        uint64_t index = cop__pid_generation(pid);
        if (cop__pid_node(pid) != COP__NODE_OF_NAMES || index == 0 || index > cop__load_acquire(&network->name_count))
                return NULL;
        return network->names[index];
}

/* By chance as well, so that nobody over there chooses names of one chain. */
static uint64_t hash_of_name(const struct cop__network *network, const struct cop__peer *peer, const char *name)
{
        uint64_t hash = network->ref_key ^ (peer != NULL ? peer->index + 1 : 0);
        for (const char *at = name; *at != '\0'; at++)
                hash = cop__mix(hash ^ (uint8_t)*at);
        return hash;
}

/* With the lock, as the next. */
static struct cop__remote_name *find_name(const struct cop__network *network, const struct cop__peer *peer, const char *name,
                                          uint64_t hash)
{
        struct cop__table_node *node = cop__table_find_first(&network->names_said, hash);
        for (; node != NULL; node = cop__table_find_next(node)) {
                struct cop__remote_name *known = COP__CONTAINER(node, struct cop__remote_name, said);
                if (known->peer == peer && strcmp(known->name, name) == 0)
                        return known;
        }
        return NULL;
}

/* The array is whole from the first on, so readers never see it move. */
static struct cop__remote_name *add_name(struct cop__network *network, struct cop__peer *peer, const char *name, uint64_t hash)
{
        size_t size = strlen(name) + 1;
        if (network->names == NULL)
                network->names = cop__calloc(COP__REMOTE_NAMES + 1, sizeof(*network->names));
        if (network->names == NULL || network->name_count >= COP__REMOTE_NAMES)
                return NULL;
        struct cop__remote_name *fresh = cop__calloc(1, sizeof(*fresh) + size);
        if (fresh == NULL)
                return NULL;
        fresh->said.key = hash;
        fresh->peer = peer;
        fresh->index = network->name_count + 1;
        memcpy(fresh->name, name, size);
        cop__table_insert(&network->names_said, &fresh->said);
        network->names[fresh->index] = fresh;
        cop__store_release(&network->name_count, fresh->index);
        return fresh;
}

static void say_names_are_full(struct cop__network *network, const char *name)
{
        if (cop__exchange_acq_rel(&network->names_were_full, 1u) == 0)
                cop_log(COP_LOG_ERROR, "cop_at: %s is nobody's: %u names at nodes are known, and none is forgotten", name,
                        COP__REMOTE_NAMES);
}

static const struct cop__remote_name *name_at(struct cop__network *network, struct cop__peer *peer, const char *name)
{
        const uint64_t hash = hash_of_name(network, peer, name);
        cop__lock_lock(&network->lock);
        struct cop__remote_name *known = find_name(network, peer, name, hash);
        if (known == NULL)
                known = add_name(network, peer, name, hash);
        bool full = network->name_count == COP__REMOTE_NAMES;
        cop__lock_unlock(&network->lock);
        if (known == NULL && full)
                say_names_are_full(network, name);
        return known;
}

cop_pid cop__network_name(struct cop__network *network, struct cop__peer *peer, const char *name)
{
        const struct cop__remote_name *known = name_at(network, peer, name);
        return known != NULL ? cop__pid_of(COP__NODE_OF_NAMES, 0, known->index) : cop_no_pid();
}

const char *cop__network_own_name(struct cop__network *network, const char *name)
{
        const struct cop__remote_name *known = name_at(network, NULL, name);
        return known != NULL ? known->name : NULL;
}
