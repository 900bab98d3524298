/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Pids and references of other nodes, and what they are on the wire. See network.h. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "distribution/network.h"
#include "distribution/peer.h"

#define FOREIGN_REF (UINT64_C(1) << 62)

/* A reference of ours is said in these bits of each word, which all releases read. */
#define FIRST_WORD_BITS 18u
#define OWN_REF_WORDS 3u

struct foreign_ref {
        struct cop__table_node node;
        struct cop__table_node said;
        struct cop__list idle; /* while pins == 0 */
        uint32_t pins;
        uint32_t life, count;
        uint32_t words[COP__REF_WORDS];
};

struct foreign_pid {
        struct cop__table_node node;
        struct cop__table_node said;
        uint32_t id, serial;
};

static bool is_own(const struct cop__network *network, const char *name, size_t size, uint32_t creation)
{
        return creation == cop__load_relaxed(&network->creation) && size == strlen(network->name) &&
               memcmp(name, network->name, size) == 0;
}

/* ---- Pids ---------------------------------------------------------------------------- */

/* With the lock. */
static struct foreign_pid *find_pid(struct cop__network *network, uint32_t life, const struct cop__wire_pid *wire, uint64_t key)
{
        struct cop__table_node *node = cop__table_find_first(&network->pids_said, key);
        for (; node != NULL; node = cop__table_find_next(node)) {
                struct foreign_pid *pid = COP__CONTAINER(node, struct foreign_pid, said);
                if (pid->id == wire->id && pid->serial == wire->serial && cop__pid_node((cop_pid){ pid->node.key }) == life)
                        return pid;
        }
        return NULL;
}

static cop_status new_pid(struct cop__network *network, uint32_t life, const struct cop__wire_pid *wire, uint64_t key,
                          struct foreign_pid **result)
{
        if (network->foreign_count >= COP__FOREIGN_PIDS)
                return COP_E_LIMIT;
        struct foreign_pid *pid = cop__calloc(1, sizeof(*pid));
        if (pid == NULL)
                return COP_E_NO_MEMORY;
        pid->id = wire->id;
        pid->serial = wire->serial;
        pid->node.key = cop__pid_of(life, COP__SLOT_OF_FOREIGN, ++network->foreign_count).bits;
        pid->said.key = key;
        cop__table_insert(&network->pids, &pid->node);
        cop__table_insert(&network->pids_said, &pid->said);
        *result = pid;
        return COP_OK;
}

static cop_status foreign_pid(struct cop__network *network, uint32_t life, const struct cop__wire_pid *wire, cop_pid *pid)
{
        const uint64_t key = cop__mix(((uint64_t)wire->id << 32 | wire->serial) ^ cop__mix(life));
        cop_status status = COP_OK;
        cop__lock_lock(&network->lock);
        struct foreign_pid *found = find_pid(network, life, wire, key);
        if (found == NULL)
                status = new_pid(network, life, wire, key, &found);
        if (status == COP_OK)
                pid->bits = found->node.key;
        cop__lock_unlock(&network->lock);
        return status;
}

cop_status cop__pid_of_wire(struct cop__network *network, const struct cop__wire_pid *wire, cop_pid *pid)
{
        if (wire->creation == 0 && wire->id == 0 && wire->serial == 0) {
                *pid = cop_no_pid();
                return COP_OK;
        }
        if (is_own(network, wire->name, wire->name_size, wire->creation)) {
                if (wire->id > COP__PID_SLOT_MAX)
                        return COP_E_MALFORMED;
                *pid = cop__pid_of(0, wire->id, wire->serial);
                return COP_OK;
        }
        uint32_t life = cop__network_mention(network, wire->name, wire->name_size, wire->creation);
        if (life == 0)
                return COP_E_LIMIT;
        if (wire->id < COP__SLOTS_OF_LARGE_IDS)
                *pid = cop__pid_of(life, wire->id, wire->serial);
        else if (wire->serial < COP__SLOT_OF_FOREIGN - COP__SLOTS_OF_LARGE_IDS)
                *pid = cop__pid_of(life, COP__SLOTS_OF_LARGE_IDS + wire->serial, wire->id);
        else
                return foreign_pid(network, life, wire, pid);
        return COP_OK;
}

bool cop__pid_to_wire(struct cop__network *network, cop_pid pid, struct cop__wire_pid *wire)
{
        bool known = true;
        *wire = (struct cop__wire_pid){ .id = (uint32_t)cop__pid_slot(pid), .serial = (uint32_t)cop__pid_generation(pid) };
        if (cop__pid_node(pid) == 0) {
                wire->name = network->name;
                wire->name_size = strlen(network->name);
                wire->creation = pid.bits != 0 ? cop__load_relaxed(&network->creation) : 0;
                return true;
        }
        const struct cop__lifetime *life = cop__life_of(network, cop__pid_node(pid));
        if (life == NULL)
                return false;
        wire->name = life->peer->name;
        wire->name_size = strlen(life->peer->name);
        wire->creation = life->creation;
        if (cop__pid_slot(pid) >= COP__SLOTS_OF_LARGE_IDS && cop__pid_slot(pid) < COP__SLOT_OF_FOREIGN) {
                wire->id = (uint32_t)cop__pid_generation(pid);
                wire->serial = (uint32_t)(cop__pid_slot(pid) - COP__SLOTS_OF_LARGE_IDS);
        }
        if (cop__pid_slot(pid) == COP__SLOT_OF_FOREIGN) {
                cop__lock_lock(&network->lock);
                struct cop__table_node *node = cop__table_find_first(&network->pids, pid.bits);
                known = node != NULL;
                if (known) {
                        wire->id = COP__CONTAINER(node, struct foreign_pid, node)->id;
                        wire->serial = COP__CONTAINER(node, struct foreign_pid, node)->serial;
                }
                cop__lock_unlock(&network->lock);
        }
        return known;
}

/* ---- References ------------------------------------------------------------------------ */

static uint64_t hash_of(const struct cop__network *network, uint32_t life, const struct cop__wire_ref *wire)
{
        uint64_t hash = cop__mix(network->ref_key ^ life);
        for (uint32_t i = 0; i < wire->count; i++)
                hash = cop__mix((hash ^ wire->words[i]) + network->ref_key);
        return hash;
}

static struct foreign_ref *ref_of(struct cop__table_node *node)
{
        return COP__CONTAINER(node, struct foreign_ref, node);
}

/* The rest with the lock. */
static struct foreign_ref *find_ref(struct cop__network *network, uint32_t life, const struct cop__wire_ref *wire, uint64_t hash)
{
        struct cop__table_node *node = cop__table_find_first(&network->refs_said, hash);
        for (; node != NULL; node = cop__table_find_next(node)) {
                struct foreign_ref *ref = COP__CONTAINER(node, struct foreign_ref, said);
                if (ref->life == life && ref->count == wire->count &&
                    memcmp(ref->words, wire->words, wire->count * sizeof(ref->words[0])) == 0)
                        return ref;
        }
        return NULL;
}

static void rest(struct cop__network *network, struct foreign_ref *ref)
{
        cop__list_push_back(&network->refs_idle, &ref->idle);
        network->idle_count++;
}

static void stir(struct cop__network *network, struct foreign_ref *ref)
{
        cop__list_remove(&ref->idle);
        network->idle_count--;
}

static void forget_oldest(struct cop__network *network)
{
        struct foreign_ref *ref = COP__CONTAINER(cop__list_first(&network->refs_idle), struct foreign_ref, idle);
        stir(network, ref);
        cop__table_remove(&network->refs, &ref->node);
        cop__table_remove(&network->refs_said, &ref->said);
        free(ref);
}

/* The next number that nobody has, from what it is on. */
static uint64_t number_of(const struct cop__network *network, uint64_t hash)
{
        while (cop__table_find_first(&network->refs, FOREIGN_REF | (hash & (FOREIGN_REF - 1))) != NULL)
                hash = cop__mix(hash ^ network->ref_key);
        return FOREIGN_REF | (hash & (FOREIGN_REF - 1));
}

static struct foreign_ref *new_ref(struct cop__network *network, uint32_t life, const struct cop__wire_ref *wire, uint64_t hash)
{
        struct foreign_ref *ref = cop__calloc(1, sizeof(*ref));
        if (ref == NULL)
                return NULL;
        if (network->idle_count >= COP__FOREIGN_REFS)
                forget_oldest(network);
        ref->life = life;
        ref->count = wire->count;
        memcpy(ref->words, wire->words, sizeof(ref->words));
        ref->node.key = number_of(network, hash);
        ref->said.key = hash;
        cop__table_insert(&network->refs, &ref->node);
        cop__table_insert(&network->refs_said, &ref->said);
        rest(network, ref);
        return ref;
}

static uint64_t own_bits(const struct cop__wire_ref *wire)
{
        return (uint64_t)wire->words[0] | (uint64_t)wire->words[1] << FIRST_WORD_BITS |
               (uint64_t)wire->words[2] << (FIRST_WORD_BITS + 32);
}

static bool is_none(const struct cop__wire_ref *wire)
{
        return wire->creation == 0 && wire->count == OWN_REF_WORDS && (wire->words[0] | wire->words[1] | wire->words[2]) == 0;
}

static bool is_foreign(cop_ref ref)
{
        return ref.bits >> 62 == 1;
}

cop_status cop__ref_of_wire(struct cop__network *network, const struct cop__wire_ref *wire, cop_ref *ref)
{
        if (is_none(wire)) {
                ref->bits = 0;
                return COP_OK;
        }
        if (is_own(network, wire->name, wire->name_size, wire->creation)) {
                if (wire->count != OWN_REF_WORDS || wire->words[0] >> FIRST_WORD_BITS != 0)
                        return COP_E_MALFORMED;
                ref->bits = own_bits(wire);
                return wire->words[2] >> 14 == 0 && !is_foreign(*ref) ? COP_OK : COP_E_MALFORMED;
        }
        uint32_t life = cop__network_mention(network, wire->name, wire->name_size, wire->creation);
        if (life == 0)
                return COP_E_LIMIT;
        const uint64_t hash = hash_of(network, life, wire);
        cop__lock_lock(&network->lock);
        struct foreign_ref *found = find_ref(network, life, wire, hash);
        if (found == NULL) {
                found = new_ref(network, life, wire, hash);
        } else if (found->pins == 0) { /* the last that is forgotten */
                stir(network, found);
                rest(network, found);
        }
        if (found != NULL)
                ref->bits = found->node.key;
        cop__lock_unlock(&network->lock);
        return found != NULL ? COP_OK : COP_E_NO_MEMORY;
}

bool cop__ref_to_wire(struct cop__network *network, cop_ref ref, struct cop__wire_ref *wire)
{
        memset(wire, 0, sizeof(*wire));
        if (!is_foreign(ref)) {
                wire->name = network->name;
                wire->name_size = strlen(network->name);
                wire->creation = ref.bits != 0 ? cop__load_relaxed(&network->creation) : 0;
                wire->count = OWN_REF_WORDS;
                wire->words[0] = (uint32_t)(ref.bits & ((1u << FIRST_WORD_BITS) - 1));
                wire->words[1] = (uint32_t)(ref.bits >> FIRST_WORD_BITS);
                wire->words[2] = (uint32_t)(ref.bits >> (FIRST_WORD_BITS + 32));
                return true;
        }
        cop__lock_lock(&network->lock);
        struct cop__table_node *node = cop__table_find_first(&network->refs, ref.bits);
        if (node != NULL) {
                const struct cop__lifetime *life = &network->lives[ref_of(node)->life];
                wire->name = life->peer->name;
                wire->name_size = strlen(life->peer->name);
                wire->creation = life->creation;
                wire->count = ref_of(node)->count;
                memcpy(wire->words, ref_of(node)->words, sizeof(wire->words));
        }
        cop__lock_unlock(&network->lock);
        return node != NULL;
}

void cop__ref_pin(struct cop__network *network, cop_ref ref)
{
        if (!is_foreign(ref))
                return;
        cop__lock_lock(&network->lock);
        struct cop__table_node *node = cop__table_find_first(&network->refs, ref.bits);
        if (node != NULL && ref_of(node)->pins++ == 0)
                stir(network, ref_of(node));
        cop__lock_unlock(&network->lock);
}

void cop__ref_let_go(struct cop__network *network, cop_ref ref)
{
        if (!is_foreign(ref))
                return;
        cop__lock_lock(&network->lock);
        struct cop__table_node *node = cop__table_find_first(&network->refs, ref.bits);
        if (node != NULL && ref_of(node)->pins > 0 && --ref_of(node)->pins == 0)
                rest(network, ref_of(node));
        cop__lock_unlock(&network->lock);
}

/* ---- The end ---------------------------------------------------------------------------- */

void cop__foreign_end(struct cop__network *network)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &network->refs);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                free(ref_of(node));
        cop__table_fini(&network->refs);
        cop__table_fini(&network->refs_said);
        cop__table_walk_init(&walk, &network->pids);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                free(COP__CONTAINER(node, struct foreign_pid, node));
        cop__table_fini(&network->pids);
        cop__table_fini(&network->pids_said);
}
