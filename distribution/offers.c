/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Offers, and the operation that spawns by them. See offers.h and coppice/offer.h. */
#include "distribution/offers.h"

#include <stdlib.h>
#include <string.h>

#include "actors/calling.h"
#include "actors/overload.h"
#include "actors/registry.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/utf8.h"
#include "distribution/kernel.h"
#include "mailbox/kind_read.h"

COP__KIND_DEFINE(cop__spawn_order, module, function, name, link, monitor, one, arguments);

struct offer {
        struct cop__table_node node; /* by a hash of its name, and the network's key */
        struct cop__offered offered; /* but for pointers to its own texts */
        size_t module_size, function_size;
        char name[]; /* the module's, and the function's */
};

/* ---- Names ------------------------------------------------------------------------------ */

static bool is_part(cop_text part)
{
        return part.size > 0 && part.size <= COP_SYMBOL_MAX && cop__utf8_valid(part.data, part.size);
}

/* "shop:till", or "till". */
static bool read_name(const char *name, cop_text *module, cop_text *function)
{
        if (name == NULL)
                return false;
        const char *colon = strchr(name, ':');
        *module = colon != NULL ? (cop_text){ .data = name, .size = (size_t)(colon - name) } : cop_text_of(COP__OFFER_MODULE);
        *function = cop_text_of(colon != NULL ? colon + 1 : name);
        return is_part(*module) && is_part(*function);
}

static uint64_t hash_of(const struct cop__network *network, cop_text module, cop_text function)
{
        uint64_t hash = network->ref_key ^ module.size;
        for (size_t i = 0; i < module.size; i++)
                hash = cop__mix(hash ^ (uint8_t)module.data[i]);
        for (size_t i = 0; i < function.size; i++)
                hash = cop__mix(hash ^ (uint8_t)function.data[i]);
        return hash;
}

/* With the lock. */
static struct offer *find(struct cop__network *network, cop_text module, cop_text function)
{
        struct cop__table_node *node = cop__table_find_first(&network->offers, hash_of(network, module, function));
        for (; node != NULL; node = cop__table_find_next(node)) {
                struct offer *offer = COP__CONTAINER(node, struct offer, node);
                if (offer->module_size == module.size && offer->function_size == function.size &&
                    memcmp(offer->name, module.data, module.size) == 0 &&
                    memcmp(offer->name + module.size, function.data, function.size) == 0)
                        return offer;
        }
        return NULL;
}

bool cop__offer_find(struct cop__network *network, cop_text module, cop_text function, struct cop__offered *offered)
{
        cop__lock_lock(&network->lock);
        const struct offer *offer = find(network, module, function);
        if (offer != NULL)
                *offered = offer->offered;
        cop__lock_unlock(&network->lock);
        if (offer == NULL)
                return false;
        offered->options.name = offered->name[0] != '\0' ? offered->name : NULL;
        offered->options.label = offered->label[0] != '\0' ? offered->label : NULL;
        return true;
}

/* ---- Offering --------------------------------------------------------------------------------- */

/* What the spawner gives, and what the library does, is not the offer's. */
static bool is_offerable(const cop_spawn_options *options)
{
        return options != NULL && options->argument == NULL && !options->link && !options->monitor && options->monitor_ref == NULL &&
               options->promise.bits == 0 && options->start_ref.bits == 0 && !options->supervised && cop__spawn_is_good(options);
}

static struct offer *new_offer(cop_text module, cop_text function, const cop_spawn_options *options)
{
        struct offer *offer = cop__calloc(1, sizeof(*offer) + module.size + function.size);
        if (offer == NULL)
                return NULL;
        offer->offered.options = *options;
        if (options->name != NULL)
                memcpy(offer->offered.name, options->name, strlen(options->name));
        if (options->label != NULL)
                memcpy(offer->offered.label, options->label, cop__utf8_cut(options->label, strlen(options->label), COP_LABEL_MAX));
        offer->module_size = module.size;
        offer->function_size = function.size;
        memcpy(offer->name, module.data, module.size);
        memcpy(offer->name + module.size, function.data, function.size);
        return offer;
}

cop_status cop_offer(const char *name, const cop_spawn_options *options)
{
        cop_text module, function;
        cop_node *node = cop_node_here();
        if (node == NULL || cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (node->inside != NULL)
                return COP_E_NO_DISTRIBUTION;
        if (!read_name(name, &module, &function) || !is_offerable(options))
                return COP_E_BAD_ARGUMENT;
        struct cop__network *network = cop__network_make(node);
        struct offer *offer = network != NULL ? new_offer(module, function, options) : NULL;
        if (offer == NULL)
                return COP_E_NO_MEMORY;
        offer->node.key = hash_of(network, module, function);
        cop__lock_lock(&network->lock);
        bool is_taken = find(network, module, function) != NULL;
        if (!is_taken)
                cop__table_insert(&network->offers, &offer->node);
        cop__lock_unlock(&network->lock);
        if (is_taken)
                free(offer);
        return is_taken ? COP_E_NAME_TAKEN : COP_OK;
}

cop_status cop_unoffer(const char *name)
{
        cop_text module, function;
        struct cop__network *network = cop__network_here();
        if (cop_node_here() == NULL || cop__actor_here() == NULL)
                return COP_E_NO_NODE;
        if (cop_node_here()->inside != NULL)
                return COP_E_NO_DISTRIBUTION;
        if (!read_name(name, &module, &function))
                return COP_E_BAD_ARGUMENT;
        if (network == NULL)
                return COP_E_NOT_FOUND;
        cop__lock_lock(&network->lock);
        struct offer *offer = find(network, module, function);
        if (offer != NULL)
                cop__table_remove(&network->offers, &offer->node);
        cop__lock_unlock(&network->lock);
        free(offer);
        return offer != NULL ? COP_OK : COP_E_NOT_FOUND;
}

void cop__offers_end(struct cop__network *network)
{
        struct cop__table_walk walk;
        struct cop__table_node *node;
        cop__table_walk_init(&walk, &network->offers);
        while ((node = cop__table_walk_next(&walk)) != NULL)
                free(COP__CONTAINER(node, struct offer, node));
        cop__table_fini(&network->offers);
}

/* ---- Arguments ----------------------------------------------------------------------------------- */

/* A list of printable characters came as a text. False: there is not one. */
static bool only_one(cop_term arguments, cop_term *one)
{
        uint32_t point;
        if (arguments.type == COP_TERM_LIST && arguments.count == 1) {
                *one = arguments.as.items[0];
                return true;
        }
        if (arguments.type != COP_TERM_TEXT || cop__utf8_read(arguments.as.text, arguments.count, &point) != arguments.count)
                return false;
        *one = cop_int(point);
        return true;
}

static cop_status refuse(cop_parse_error *error, const char *why)
{
        snprintf(error->text, sizeof(error->text), "%s", why);
        return COP_E_BAD_ARGUMENT;
}

cop_status cop__offer_argument(const struct cop__offered *offered, cop_term arguments, enum cop__kind_source source, void **value,
                               cop_parse_error *error)
{
        const cop_kind *kind = offered->options.kind;
        cop_term one;
        *value = NULL;
        if (kind == NULL)
                return arguments.type == COP_TERM_NIL ? COP_OK : refuse(error, "it takes no argument");
        if (!only_one(arguments, &one))
                return refuse(error, "it takes one argument");
        cop_term whole[2] = { cop_atom("cop_any"), one };
        if (cop__kind_same(kind, COP_KIND_OF(cop_any))) /* which takes any */
                one = cop_tuple_of(whole, 2);
        cop_status status = cop__kind_read(kind, one, source, COP_MESSAGE_SIZE_MAX, value, error);
        return status == COP_E_MALFORMED ? COP_E_BAD_ARGUMENT : status;
}

/* ---- Refusals -------------------------------------------------------------------------------------- */

/* All but a bad argument. Nodes of this kind say more; the first word of a status is what is said to them. */
static const struct {
        const char *word;
        cop_status status;
        const char *erlangs;
} refusals[] = {
        { "undef", COP_E_NOT_FOUND, "undef" },
        { "system_limit", COP_E_LIMIT, "system_limit" },
        { "no_memory", COP_E_NO_MEMORY, "system_limit" },
        { "overload", COP_E_OVERLOAD, "system_limit" },
        { "stopping", COP_E_STOPPING, "system_limit" },
        { "name_taken", COP_E_NAME_TAKEN, "badarg" },
        { "too_deep", COP_E_TOO_DEEP, "badarg" },
        { "too_big", COP_E_TOO_BIG, "badarg" },
        { "notsup", COP_E_NOT_FOUND, "notsup" },
};

const char *cop__refusal_word(cop_status status, bool ours)
{
        for (size_t i = 0; i < COP__COUNT(refusals); i++)
                if (refusals[i].status == status)
                        return ours ? refusals[i].word : refusals[i].erlangs;
        return "badarg";
}

cop_status cop__refusal_status(cop_term word)
{
        for (size_t i = 0; i < COP__COUNT(refusals); i++)
                if (cop_is_atom(word, refusals[i].word))
                        return refusals[i].status;
        return COP_E_BAD_ARGUMENT; /* badarg, badopt, and what else a node of Erlang's may have against it */
}

/* ---- Spawning ---------------------------------------------------------------------------------------- */

static bool is_what(const cop_spawn_there *what)
{
        bool is_list = what->arguments.type == COP_TERM_NIL || what->arguments.type == COP_TERM_LIST;
        return what->node != NULL && (what->kind == NULL) == (what->argument == NULL) && is_list &&
               (what->kind == NULL || what->arguments.type == COP_TERM_NIL) &&
               (what->name == NULL || (cop__name_is_good(what->name) && cop__utf8_valid(what->name, strlen(what->name)))) &&
               (!what->monitor || what->monitor_ref != NULL);
}

/* The argument as other nodes see it. The caller frees *term; *is_any: it is of no other kind. */
static cop_status term_of(const cop_spawn_there *what, cop_term *term)
{
        if (what->kind == NULL)
                return cop_term_copy(what->arguments, term);
        if (cop__kind_same(what->kind, COP_KIND_OF(cop_any)))
                return cop_term_copy(((const cop_any *)what->argument)->term, term);
        return strncmp(what->kind->name, "cop__", 5) == 0 ? COP_E_BAD_ARGUMENT : cop__kind_to_term(what->kind, what->argument, term);
}

/* On this node: the spawner is the parent, and all else is as it is over there. */
static cop_status spawn_here(struct cop__network *network, const cop_spawn_there *what, cop_text module, cop_text function,
                             cop_term term, cop_pid *pid)
{
        struct cop__offered offered;
        cop_parse_error error;
        void *value;
        if (!cop__offer_find(network, module, function, &offered))
                return COP_E_NOT_FOUND;
        if (what->name != NULL && offered.options.name != NULL)
                return COP_E_BAD_ARGUMENT;
        const cop_term arguments = what->kind != NULL ? cop_list_of(&term, 1) : term;
        cop_status status = cop__offer_argument(&offered, arguments, COP__FROM_ERLANG, &value, &error);
        if (status != COP_OK)
                return status;
        cop_spawn_options options = offered.options;
        options.argument = value;
        options.link = what->link;
        options.monitor = what->monitor;
        options.monitor_ref = what->monitor_ref;
        if (what->name != NULL)
                options.name = what->name;
        status = cop__spawn_unpaid(&options, pid);
        if (value != NULL)
                cop__flat_drop(options.kind, value);
        free(value);
        return status;
}

/* The order for the connection. */
static cop_status order_of(const cop_spawn_there *what, cop_text module, cop_text function, cop_term term,
                           struct cop__signal **request)
{
        const cop__spawn_order order = {
                .module = module,
                .function = function,
                .name = what->name != NULL ? cop_text_of(what->name) : cop_text_of(""),
                .link = what->link,
                .monitor = what->monitor,
                .one = what->kind != NULL,
                .arguments = term,
        };
        struct cop__thread *thread = cop__thread_here();
        cop_status status = cop__signal_message(&thread->pool, COP_KIND_OF(cop__spawn_order), &order, request);
        cop__refused(thread, status);
        return status;
}

/* The connection's answer, which is freed. */
static cop_status read_answer(struct cop__actor *self, const cop_spawn_there *what, struct cop__signal *answer, cop_pid *pid)
{
        cop_status status = cop__answer_must_be(self, answer, COP_KIND_OF(cop__spawned));
        if (status != COP_OK)
                return COP_E_NO_CONNECTION; /* somebody over there has answered who was not asked */
        const cop__spawned spawned = *(const cop__spawned *)cop__signal_body(answer);
        cop__signal_done(cop__thread_here(), self, answer);
        if (spawned.status != COP_OK)
                return (cop_status)spawned.status;
        *pid = spawned.pid;
        if (what->monitor)
                *what->monitor_ref = spawned.ref;
        return COP_OK;
}

static cop_status spawn_there(struct cop__actor *self, const cop_spawn_there *what, cop_pid kernel, struct cop__signal *request,
                              uint64_t deadline_ns, const void *where, cop_pid *pid)
{
        struct cop__signal *answer;
        cop_status status = cop__call(self, kernel, request, deadline_ns, where, &answer);
        if (status == COP_OK)
                return read_answer(self, what, answer, pid);
        return status == COP_E_DIED || status == COP_E_NO_ACTOR ? COP_E_NO_CONNECTION : status;
}

cop_status cop_spawn_at(const cop_spawn_there *what, int64_t timeout_ms, cop_pid *pid)
{
        cop_status status = COP_OK;
        cop_text module, function;
        cop_term term;
        struct cop__signal *request;
        struct cop__network *network = cop__network_open(&status);
        if (network == NULL)
                return status;
        struct cop__actor *self = cop__actor_here();
        if (timeout_ms < 0) {
                cop__badarg("spawn_at", "a time-out is 0 or more milliseconds, or COP_FOREVER");
                return COP_E_BAD_ARGUMENT;
        }
        if (what == NULL || pid == NULL || !is_what(what) || !read_name(what->offer, &module, &function))
                return COP_E_BAD_ARGUMENT;
        bool is_here = strcmp(what->node, network->name) == 0;
        struct cop__peer *peer = is_here ? NULL : cop__network_other(network, what->node, &status);
        cop_pid kernel = peer != NULL ? cop__network_name(network, peer, COP__KERNEL_NAME) : cop_no_pid();
        if (peer != NULL && kernel.bits == 0)
                return cop__network_names_are_full(network) ? COP_E_LIMIT : COP_E_NO_MEMORY;
        if (!is_here && peer == NULL)
                return status;
        status = term_of(what, &term);
        if (status != COP_OK)
                return status;
        status = is_here ? spawn_here(network, what, module, function, term, pid) : order_of(what, module, function, term, &request);
        cop_term_free(term);
        if (is_here)
                cop__spend(self, 1, __builtin_return_address(0)); /* which may end it */
        return is_here || status != COP_OK ? status
                                           : spawn_there(self, what, kernel, request, cop__call_deadline(self, timeout_ms),
                                                         __builtin_return_address(0), pid);
}
