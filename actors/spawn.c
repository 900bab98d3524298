/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Birth: an actor is a START signal in a free slot's queue.
 *
 * All that can fail is done before the slot hears of it: memory for the state, the argument, the halves of the link and the
 * monitor, the name. Then the spawner keeps its halves and pushes START, which hands on the slot's run right like any
 * other signal. So a spawned actor is linked, monitored and named before its first instruction, and what its spawner
 * sends it comes after START.
 */
#include <stdlib.h>
#include <string.h>

#include "actors/actor.h"
#include "actors/inside.h"
#include "actors/outpost.h"
#include "actors/outside.h"
#include "actors/simulation.h"
#include "actors/watermark.h"
#include "base/memory.h"

/* The body of START. The argument, flat, follows at the next 16 bytes. */
struct start {
        void (*run)(void);
        void (*run_with)(const void *argument);
        const cop_behaviour *server;
        const cop_kind *kind; /* of the argument, or NULL */
        void *state;
        struct cop__relation *link, *watch; /* the newborn's halves, or NULL */
        cop_ref start_ref;
        cop_pid promise;
        uint8_t state_class;
        bool supervised;
        bool acknowledges; /* a plain actor that says itself when its start is over */
        bool ignored;      /* it has chosen not to run: its end is no failed start */
        bool drops_old;
        bool unpreempted;
        bool renewed; /* run_with is to have `state`: see hibernate.c */
};

#define ARGUMENT_AT ((sizeof(struct start) + 15) & ~(size_t)15)
#define SMALL_ARGUMENT ((size_t)COP__POOL_SIZE_MAX / 2) /* START is a block of the pool */
_Static_assert(sizeof(struct cop__signal) + ARGUMENT_AT + SMALL_ARGUMENT <= COP__POOL_SIZE_MAX, "the pool has such blocks");

#define COP__QUICK_STATE 64u /* bytes of a state that are not worth a call */

static void *argument_of(struct start *start)
{
        return start->kind != NULL ? (char *)start + ARGUMENT_AT : NULL;
}

/* ---- State ------------------------------------------------------------------------- */

void *cop__state_new(struct cop__thread *thread, size_t size, uint8_t *class)
{
        *class = cop__pool_class(size);
        if (*class == COP__POOL_CLASS_NONE)
                return cop__calloc(1, size);
        void *state = cop__pool_take(&thread->pool, *class);
        if (state != NULL)
                memset(state, 0, size);
        return state;
}

void cop__state_free(struct cop__thread *thread, void *state, uint8_t class)
{
        if (state == NULL)
                return;
        if (class == COP__POOL_CLASS_NONE)
                free(state);
        else
                cop__pool_give(&thread->pool, class, state);
}

/* cop__state_new of what the pool has at hand, for some words; NULL: not this way. The block is whole words, and more. */
COP__INLINE void *state_quickly(struct cop__thread *thread, size_t size, uint8_t *class)
{
        *class = cop__pool_class(size);
        if (size > COP__QUICK_STATE)
                return NULL;
        void *state = cop__pool_take_quick(&thread->pool, *class);
        if (state != NULL)
                for (size_t at = 0; at < size; at += sizeof(uint64_t))
                        memset((char *)state + at, 0, sizeof(uint64_t));
        return state;
}

/* ---- References ----------------------------------------------------------------------- */

uint64_t cop__ref_block(cop_ref ref)
{
        return (ref.bits - 1) / COP__REF_BLOCK;
}

cop_ref cop__ref_new_block(struct cop__here *here)
{
        const uint64_t block = COP__REF_BLOCK;
        here->ref_next.bits = cop__add_relaxed(&here->node->ref_blocks, 1) * block + 1;
        here->ref_end.bits = here->ref_next.bits + block - 1;
        return (cop_ref){ here->ref_next.bits++ };
}

cop_ref cop_ref_new(void)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__actor *actor = cop__actor_here();
        if (thread == NULL)
                return (cop_ref){ 0 };
        cop_ref ref = cop__ref_new(cop__here_of(thread));
        if (actor != NULL)
                cop__mark(actor, ref);
        return ref;
}

/* ---- Spawn ------------------------------------------------------------------------------ */

static bool is_limit_good(const cop_spawn_options *options)
{
        if (options->memory_limit == 0)
                return !options->memory_limit_soft;
        return options->server == NULL || options->server->state_size <= options->memory_limit;
}

/* What runs, and with what. */
COP__INLINE bool is_code_good(const cop_spawn_options *options)
{
        int ways = (options->run != NULL) + (options->run_with != NULL) + (options->server != NULL);
        return ways == 1 && (options->kind == NULL) == (options->argument == NULL) &&
               (options->run_with == NULL || options->kind != NULL) &&
               (!options->init_ack || options->server == NULL) && is_limit_good(options);
}

/* A key and the policy that wants one come together. */
static bool is_policy_good(const cop_spawn_options *options)
{
        if ((unsigned)options->mailbox_policy > COP_MAILBOX_COALESCE)
                return false;
        if (options->mailbox_policy == COP_MAILBOX_COALESCE)
                return cop__key_is_good(&options->mailbox_key);
        return options->mailbox_key.kind == NULL && options->mailbox_key.field_at == 0;
}

/*
 * Most newborns have no name and monitor, no limits and marks, no label, and the normal priority and isolation: one look at all of
 * that. Whether they have a link is another question.
 */
COP__INLINE bool is_plain(const cop_spawn_options *options)
{
        uint64_t terms = (uint64_t)(uintptr_t)options->name | (uint64_t)(uintptr_t)options->label |
                         (uint64_t)(uintptr_t)options->mailbox_key.kind | options->mailbox_key.field_at |
                         (uint64_t)options->mailbox_policy | options->mailbox_limit | options->mailbox_bytes |
                         options->mailbox_high | options->mailbox_low | options->memory_limit |
                         (uint64_t)options->memory_limit_soft | (uint64_t)options->priority |
                         (uint64_t)options->isolation | (uint64_t)options->monitor;
        return COP__LIKELY(terms == 0);
}
_Static_assert(COP_PRIORITY_NORMAL == 0 && COP_ISOLATION_GUARDED == 0 && COP_MAILBOX_SLOW == 0, "what is plain is zero");

/*
 * What is known of a spawn where its code is made: PLAIN and LINKED are what is_plain says, without a link and with one; of one ABROAD
 * the spawner lives on another node.
 */
enum terms { PLAIN, LINKED, ANY, ABROAD };

/* All else, of one that is not. */
static bool are_terms_good(const cop_spawn_options *options)
{
        return (options->name == NULL || cop__name_is_good(options->name)) &&
               is_policy_good(options) &&
               ((options->mailbox_high | options->mailbox_low) == 0 ||
                cop__marks_are_good(options->mailbox_high, options->mailbox_low)) &&
               (!options->monitor || options->monitor_ref != NULL) &&
               cop__priority_is_good(options->priority) &&
               (unsigned)options->isolation <= COP_ISOLATION_PROCESS;
}

static bool has_limit(const cop_spawn_options *options)
{
        return options->mailbox_limit != 0 || options->mailbox_bytes != 0 || options->mailbox_high != 0;
}

COP__INLINE cop_status new_start(struct cop__thread *thread, const cop_spawn_options *options,
                                 struct cop__signal **result)
{
        size_t size = 0;
        if (options->kind != NULL) {
                cop_status status = cop__flat_size(options->kind, options->argument, &size);
                if (status != COP_OK)
                        return status;
        }
        struct cop__signal *signal =
                COP__LIKELY(size <= SMALL_ARGUMENT)
                        ? cop__signal_new_small(&thread->pool, COP__SIGNAL_START, ARGUMENT_AT + size)
                        : cop__signal_new(&thread->pool, COP__SIGNAL_START, ARGUMENT_AT + size);
        if (signal == NULL)
                return COP_E_NO_MEMORY;
        struct start *start = cop__signal_body(signal);
        *start = (struct start){
                .run = options->run,
                .run_with = options->run_with,
                .server = options->server,
                .start_ref = options->start_ref,
                .promise = options->promise,
                .supervised = options->supervised,
                .unpreempted = options->no_preempt,
                .acknowledges = options->init_ack,
                .drops_old = options->mailbox_policy == COP_MAILBOX_DROP_OLD && has_limit(options),
        };
        if (options->kind != NULL) {
                cop_status status = cop__flat_copy(options->kind, (char *)start + ARGUMENT_AT,
                                                   options->argument);
                if (status != COP_OK) {
                        cop__signal_free(&thread->pool, signal);
                        return status;
                }
                start->kind = options->kind;
        }
        *result = signal;
        return COP_OK;
}

cop_status cop__start_empty(struct cop__thread *thread, struct cop__signal **start)
{
        return new_start(thread, &(cop_spawn_options){ 0 }, start);
}

/* START's own memory and what hangs on it, when there is to be no actor. */
static void free_start(struct cop__thread *thread, struct cop__signal *signal)
{
        struct start *start = cop__signal_body(signal);
        if (start->kind != NULL)
                cop__flat_drop(start->kind, argument_of(start));
        cop__state_free(thread, start->state, start->state_class);
        if (start->link != NULL)
                cop__relation_free(thread, start->link);
        if (start->watch != NULL)
                cop__relation_free(thread, start->watch);
        cop__signal_free(&thread->pool, signal);
}

/* The spawner's halves of the link and the monitor, kept only when nothing can fail any more. */
struct halves {
        struct cop__relation *link, *monitor;
};

static COP__NOINLINE cop_status prepare_state(struct cop__thread *thread, const cop_spawn_options *options,
                                              struct start *start)
{
        if (options->server != NULL && options->server->state_size > 0) {
                start->state = cop__state_new(thread, options->server->state_size,
                                              &start->state_class);
                if (start->state == NULL)
                        return COP_E_NO_MEMORY;
        }
        return COP_OK;
}

static COP__NOINLINE cop_status prepare(struct cop__thread *thread, const cop_spawn_options *options,
                          struct start *start, struct halves *mine)
{
        cop_status status = prepare_state(thread, options, start);
        if (status != COP_OK)
                return status;
        if (options->link) {
                mine->link = cop__relation_new(thread, COP__TIE_LINK, NULL);
                start->link = cop__relation_new(thread, COP__TIE_LINK, NULL);
                if (mine->link == NULL || start->link == NULL)
                        return COP_E_NO_MEMORY;
        }
        if (options->monitor) {
                mine->monitor = cop__relation_new(thread, COP__TIE_MONITOR, NULL);
                start->watch = cop__relation_new(thread, COP__TIE_WATCH, NULL);
                if (mine->monitor == NULL || start->watch == NULL)
                        return COP_E_NO_MEMORY;
        }
        return COP_OK;
}

/* The same of a plain one. */
COP__INLINE cop_status prepare_quickly(struct cop__thread *thread, const cop_spawn_options *options,
                                       struct start *start, struct halves *mine, bool linked)
{
        if (linked) {
                mine->link = cop__relation_new_quickly(&thread->pool, COP__TIE_LINK);
                start->link = cop__relation_new_quickly(&thread->pool, COP__TIE_LINK);
                if (COP__UNLIKELY(mine->link == NULL || start->link == NULL))
                        return COP_E_NO_MEMORY;
        }
        if (options->server == NULL || options->server->state_size == 0)
                return COP_OK;
        start->state = state_quickly(thread, options->server->state_size, &start->state_class);
        return COP__LIKELY(start->state != NULL) ? COP_OK : prepare_state(thread, options, start);
}

/* What few newborns have, and is theirs only when nothing can fail any more. */
struct extras {
        struct cop__rare *rare;
        struct cop__label *label;
};

static COP__NOINLINE cop_status prepare_extras(const cop_spawn_options *options, struct extras *extras)
{
        if (options->memory_limit > 0) {
                extras->rare = cop__calloc(1, sizeof(*extras->rare));
                if (extras->rare == NULL)
                        return COP_E_NO_MEMORY;
                cop__list_init(&extras->rare->belongings);
                extras->rare->memory_limit = options->memory_limit;
                extras->rare->memory_limit_soft = options->memory_limit_soft;
        }
        if (options->label != NULL && options->label[0] != '\0') {
                extras->label = cop__label_new(options->label);
                if (extras->label == NULL)
                        return COP_E_NO_MEMORY;
        }
        return COP_OK;
}

COP__INLINE void keep_link(struct cop__here *here, struct cop__actor *self, cop_pid pid, struct start *start,
                           struct cop__relation *link)
{
        cop_ref id = cop__ref_new(here);
        start->link->signal.ref = id;
        cop__relation_keep(self, link, id, pid);
        if (COP__UNLIKELY(self->rare != NULL && self->rare->hushes_links))
                link->as.tie.mode = COP__TIE_HUSHED;
}

/* `watched` is the reference of the monitor, if there is one. */
static void keep_halves(struct cop__here *here, struct cop__actor *self, cop_pid pid,
                        const cop_spawn_options *options, struct start *start,
                        const struct halves *mine, cop_ref watched)
{
        if (mine->link != NULL)
                keep_link(here, self, pid, start, mine->link);
        if (mine->monitor != NULL) {
                start->watch->signal.ref = watched;
                cop__relation_keep(self, mine->monitor, watched, pid);
                mine->monitor->as.tie.other = start->watch;
                *options->monitor_ref = watched;
        }
}

/* The same of a spawner on another node, for whom another actor keeps them. */
static void give_halves(struct cop__here *here, struct start *start, const struct halves *mine, struct cop__sponsor *sponsor)
{
        sponsor->link = mine->link;
        sponsor->monitor = mine->monitor;
        if (mine->link != NULL)
                mine->link->signal.ref = start->link->signal.ref = cop__ref_new(here);
        if (mine->monitor != NULL) {
                mine->monitor->signal.ref = start->watch->signal.ref = sponsor->watched;
                mine->monitor->as.tie.other = start->watch;
        }
}

/* What is known of it from its first moment; see enum cop__named. */
COP__INLINE uint32_t born_as(const cop_spawn_options *options, bool linked)
{
        return (linked ? COP__BORN_LINKED : 0u) | (options->supervised ? COP__BORN_SUPERVISED : 0u);
}

/* `terms` is a constant. `sponsor`: of one ABROAD; else NULL. */
COP__INLINE cop_status spawn_as(struct cop__thread *thread, struct cop__actor *self,
                                const cop_spawn_options *options, cop_ref asked, struct cop__sponsor *sponsor, cop_pid *result,
                                enum terms terms)
{
        const bool plain = terms == PLAIN || terms == LINKED, linked = plain ? terms == LINKED : options->link;
        const cop_pid parent = terms == ABROAD ? sponsor->pid : cop__actor_pid(self);
        struct cop__here *here = cop__here_of(thread);
        struct halves mine = { NULL, NULL };
        struct cop__signal *signal;
        cop_status status = new_start(thread, options, &signal);
        if (status != COP_OK)
                return status;
        struct start *start = cop__signal_body(signal);
        struct cop__actor *actor = NULL;
        struct cop__name_entry *name = NULL;
        struct extras extras = { NULL, NULL };
        if (plain)
                status = prepare_quickly(thread, options, start, &mine, linked);
        else
                status = prepare(thread, options, start, &mine);
        if (!plain && status == COP_OK && ((uintptr_t)options->label | options->memory_limit) != 0)
                status = prepare_extras(options, &extras);
        if (status != COP_OK)
                goto failed;
        /* The mark takes signals in, and they may want the lock under which the name is kept from here on. */
        cop_ref watched = { 0 };
        if (terms == ANY && mine.monitor != NULL) {
                watched = cop__ref_new(here);
                cop__mark(self, watched);
        }
        actor = cop__slot_take(here);
        if (actor == NULL) {
                status = COP_E_LIMIT;
                goto failed;
        }
        cop_pid pid = cop__actor_pid(actor);
        cop__store_relaxed(&actor->named, born_as(options, linked));
        cop__store_relaxed(&actor->labelled, 0);
        cop__store_relaxed(&actor->task.priority, (uint8_t)options->priority);
        /* What may be looked at before its birth. */
        cop__store_relaxed(&actor->parent.bits, parent.bits);
        cop__store_relaxed(&actor->server, options->server);
        cop__store_relaxed(&actor->isolation, (uint8_t)options->isolation);
        if (!plain && options->name != NULL) {
                status = cop__registry_add_unborn(here, options->name, pid, actor, &name);
                if (status != COP_OK)
                        goto failed;
        }
        /* From here on it will live, and not before: who finds it alive may keep its pid. Pairs with the acquire in cop__lives and in
         * timer_home.c. */
        cop__store_release(&actor->alive, cop__life_mark(pid));
        if (!plain && extras.label != NULL)
                cop__label_put(here->node, actor, pid, extras.label);
        actor->rare = extras.rare; /* the owner's, from START on */
        if (terms == ABROAD)
                give_halves(here, start, &mine, sponsor);
        else if (!plain)
                keep_halves(here, self, pid, options, start, &mine, watched);
        else if (linked)
                keep_link(here, self, pid, start, mine.link);
        if (!plain && has_limit(options))
                cop__limit_set(thread, actor, options);
        signal->from = parent;
        signal->ref = asked;
        cop__count_up(&here->spawned);
        *result = pid;
        cop__push_start(thread, actor, cop__pid_generation(pid), signal);
        if (!plain && name != NULL)
                cop__registry_born(here, name);
        return COP_OK;
failed:
        if (actor != NULL)
                cop__slot_give(here, actor);
        if (mine.link != NULL)
                cop__relation_free(thread, mine.link);
        if (mine.monitor != NULL)
                cop__relation_free(thread, mine.monitor);
        free(extras.label);
        free(extras.rare);
        free_start(thread, signal);
        return status;
}

static COP__NOINLINE cop_status spawn_any(struct cop__thread *thread, struct cop__actor *self,
                                          const cop_spawn_options *options, cop_ref asked, cop_pid *result)
{
        return spawn_as(thread, self, options, asked, NULL, result, ANY);
}

static COP__NOINLINE cop_status spawn_plain(struct cop__thread *thread, struct cop__actor *self,
                                            const cop_spawn_options *options, cop_ref asked, cop_pid *result)
{
        return spawn_as(thread, self, options, asked, NULL, result, PLAIN);
}

static COP__NOINLINE cop_status spawn_linked(struct cop__thread *thread, struct cop__actor *self,
                                             const cop_spawn_options *options, cop_ref asked, cop_pid *result)
{
        return spawn_as(thread, self, options, asked, NULL, result, LINKED);
}

static COP__NOINLINE cop_status spawn_abroad(struct cop__thread *thread, struct cop__actor *self,
                                             const cop_spawn_options *options, struct cop__sponsor *sponsor, cop_pid *result)
{
        return spawn_as(thread, self, options, (cop_ref){ 0 }, sponsor, result, ABROAD);
}

cop_status cop_spawn_opt(const cop_spawn_options *options, cop_pid *pid)
{
        return cop__spawn(options, (cop_ref){ 0 }, pid);
}

cop_status cop__spawn_inside(struct cop__thread *thread, const cop_spawn_options *options,
                             cop_pid parent, bool linked, cop_ref asked, struct cop__actor *actor)
{
        struct halves none = { NULL, NULL };
        struct extras extras = { NULL, NULL };
        struct cop__signal *signal;
        cop_status status = new_start(thread, options, &signal);
        if (status != COP_OK)
                return status;
        struct start *start = cop__signal_body(signal);
        status = prepare(thread, options, start, &none);
        if (status == COP_OK)
                status = prepare_extras(options, &extras);
        if (status != COP_OK) {
                free_start(thread, signal);
                return status;
        }
        cop__store_relaxed(&actor->named, born_as(options, linked));
        cop__store_relaxed(&actor->server, options->server);
        cop__store_relaxed(&actor->alive, cop__life_mark(cop__actor_pid(actor)));
        actor->rare = extras.rare;
        signal->from = parent;
        signal->ref = asked;
        cop__push_signal(thread, actor, cop__pid_generation(cop__actor_pid(actor)), signal);
        return COP_OK;
}

bool cop__start_is_ignored(const struct cop__actor *actor)
{
        return actor->start != NULL && ((const struct start *)cop__signal_body(actor->start))->ignored;
}

cop_status cop__spawn_checked(const cop_spawn_options *options, cop_ref asked, struct cop__sponsor *sponsor, cop_pid *pid)
{
        if (sponsor != NULL)
                return spawn_abroad(cop__thread_here(), cop__actor_here(), options, sponsor, pid);
        return spawn_any(cop__thread_here(), cop__actor_here(), options, asked, pid);
}

COP__INLINE cop_status is_welcome(struct cop__thread *thread, const cop_spawn_options *options, bool plain)
{
        if (!plain && !are_terms_good(options))
                return COP_E_BAD_ARGUMENT;
        if (cop__load_relaxed(&cop__node_of(thread)->stopping))
                return COP_E_STOPPING;
        if (cop__is_calm(cop__node_of(thread)))
                return COP_OK;
        return cop__overload_refuses(thread) && !options->supervised ? COP_E_OVERLOAD : COP_OK;
}

cop_status cop__spawn_is_welcome(const cop_spawn_options *options)
{
        return is_welcome(cop__thread_here(), options, is_plain(options));
}

/* Where it will live: in the node, in a process, or, if its parent does, in a process that the outpost asks for. */
COP__INLINE cop_status spawn_there(struct cop__thread *thread, struct cop__actor *self,
                                   const cop_spawn_options *options, cop_ref asked, cop_pid *pid)
{
        if (COP__UNLIKELY(cop__node_of(thread)->inside != NULL))
                return cop__outside_spawn(options, asked, pid);
        if (COP__UNLIKELY(options->isolation == COP_ISOLATION_PROCESS))
                return cop__outpost_spawn(options, asked, NULL, pid);
        return spawn_any(thread, self, options, asked, pid);
}

/* Who has the name, for cop_failure(): nothing if that one has ended meanwhile. */
static COP__COLD void tell_who_has(struct cop__actor *self, const char *name)
{
        cop_pid holder = cop_whereis(name);
        cop__failure_keep(self, holder.bits == 0
                                        ? NULL
                                        : cop__shared_term_new(COP_TUPLE(cop_atom("already_started"),
                                                                         cop_pid_term(holder))));
}

COP__INLINE cop_status spawn_if_good(struct cop__actor *self, const cop_spawn_options *options, cop_ref asked,
                                     cop_pid *pid)
{
        if (self == NULL)
                return COP_E_NO_NODE;
        if (options == NULL || pid == NULL || !is_code_good(options))
                return COP_E_BAD_ARGUMENT;
        struct cop__thread *thread = cop__thread_here();
        const struct cop_node *node = cop__node_of(thread);
        bool plain = is_plain(options);
        if (plain && cop__load_relaxed(&node->stopping) == 0 && cop__is_calm(node) &&
            COP__LIKELY(node->inside == NULL))
                return options->link ? spawn_linked(thread, self, options, asked, pid)
                                     : spawn_plain(thread, self, options, asked, pid);
        cop_status status = is_welcome(thread, options, plain);
        if (status == COP_OK)
                status = spawn_there(thread, self, options, asked, pid);
        if (status == COP_E_NAME_TAKEN)
                tell_who_has(self, options->name);
        return status;
}

COP__INLINE cop_status spawn_and_pay(struct cop__actor *self, const cop_spawn_options *options, cop_ref asked,
                                     cop_pid *pid, const void *where)
{
        cop_status status = spawn_if_good(self, options, asked, pid);
        if (COP__LIKELY(status == COP_OK) || self != NULL) /* also for nobody: who tries until a name is free lets others run */
                cop__spend(self, 1, where);
        return status;
}

cop_status cop__spawn(const cop_spawn_options *options, cop_ref asked, cop_pid *pid)
{
        return spawn_and_pay(cop__actor_here(), options, asked, pid, __builtin_return_address(0));
}

cop_status cop__spawn_unpaid(const cop_spawn_options *options, cop_pid *pid)
{
        return spawn_if_good(cop__actor_here(), options, (cop_ref){ 0 }, pid);
}

bool cop__spawn_is_good(const cop_spawn_options *options)
{
        cop_spawn_options any = *options;
        any.argument = any.kind != NULL ? &any : NULL; /* which is not looked at */
        return options->argument == NULL && is_code_good(&any) && are_terms_good(&any);
}

cop_status cop__spawn_for(const cop_spawn_options *options, struct cop__sponsor *sponsor, cop_pid *pid)
{
        cop_status status = cop__spawn_is_welcome(options);
        if (status != COP_OK)
                return status;
        return options->isolation == COP_ISOLATION_PROCESS ? cop__outpost_spawn(options, (cop_ref){ 0 }, sponsor, pid)
                                                           : cop__spawn_checked(options, (cop_ref){ 0 }, sponsor, pid);
}

cop_status cop__spawn_from_term(cop_spawn_options options, cop_term argument, cop_pid *pid)
{
        void *value;
        if (options.kind == NULL)
                return cop_spawn_opt(&options, pid);
        cop_status status = cop__kind_from_term(options.kind, argument, &value, NULL);
        if (status != COP_OK)
                return status;
        options.argument = value;
        struct cop__actor *self = cop__actor_here();
        status = spawn_if_good(self, &options, (cop_ref){ 0 }, pid);
        cop__flat_drop(options.kind, value);
        free(value);
        if (status == COP_OK)
                cop__spend(self, 1, __builtin_return_address(0)); /* which may end it */
        return status;
}

cop_pid cop_spawn_or_exit(const cop_spawn_options *options)
{
        struct cop__actor *self = cop__actor_here();
        cop_pid pid = cop_no_pid();
        cop_status status =
                spawn_and_pay(self, options, (cop_ref){ 0 }, &pid, __builtin_return_address(0));
        if (status == COP_OK || self == NULL || self->task.visitor != NULL)
                return pid;
        if (status == COP_E_LIMIT || status == COP_E_NO_MEMORY || status == COP_E_OVERLOAD ||
            status == COP_E_STOPPING)
                cop__exit_with(self, COP_TUPLE(cop_atom("system_limit"), cop_atom("spawn")));
        cop__badarg("spawn", cop_status_text(status));
        return pid;
}

/* ---- The newborn -------------------------------------------------------------------------- */

/* START has come out of the slot's queue: who holds the run right makes the actor. */
void cop__actor_born(struct cop__thread *thread, struct cop__actor *actor,
                     struct cop__signal *signal)
{
        struct start *start = cop__signal_body(signal);
        actor->life = COP__ALIVE;
        actor->generation = signal->node.generation;
        actor->budget = cop__simulation_budget(cop__node_of(thread));
        cop__store_relaxed(&actor->parent.bits, signal->from.bits);
        cop__store_relaxed(&actor->server, start->server);
        actor->state = start->state;
        actor->state_class = start->state_class & COP__STATE_OF_HEAP;
        actor->supervised = start->supervised;
        actor->drops_old = start->drops_old;
        cop__store_relaxed(&actor->manner, start->unpreempted ? COP__UNPREEMPTED : 0);
        actor->start = signal;
        cop__store_relaxed(&actor->init_done, false);
        actor->aside = COP__ASIDE_BEGIN;
        cop__store_relaxed(&actor->trap_exit, false);
        actor->leaving = false;
        actor->terminating = false;
        actor->killed = false;
        actor->mailbox.overtaken = false;
        actor->reports = false;
        actor->reason = NULL;
        actor->current = NULL;
        cop__store_relaxed(&actor->bytes, start->server != NULL ? start->server->state_size : 0);
        if (start->link != NULL)
                cop__relation_keep(actor, start->link, start->link->signal.ref, signal->from);
        if (start->watch != NULL)
                cop__relation_keep(actor, start->watch, start->watch->signal.ref, signal->from);
        start->state = NULL;
        start->link = start->watch = NULL;
}

/* START is itself the request of who waits for the start (start.c), and like any other it is answered in the end. */
static void fail_start(struct cop__thread *thread, struct cop__actor *actor,
                       struct cop__signal *signal, bool ignored)
{
        uint32_t slot = (uint32_t)(actor - cop__node_of(thread)->slots.base);
        cop__queue_release(&actor->queue, &actor->cursor, &signal->node);
        cop__fail_call(thread, cop__pid(slot, signal->node.generation), signal,
                       ignored ? COP__FAILED_IGNORED : COP__FAILED_DIED, actor->reason);
}

/* The argument has been used for the last time. */
static void end_start(struct cop__actor *actor)
{
        struct cop__signal *signal = actor->start;
        struct start *start = cop__signal_body(signal);
        if (start->kind != NULL)
                cop__flat_drop(start->kind, argument_of(start));
        start->kind = NULL;
        actor->start = NULL;
        if (signal->ref.bits != 0)
                fail_start(cop__thread_here(), actor, signal, start->ignored);
        else
                cop__signal_done(cop__thread_here(), actor, signal);
}

/* The answer to START, which is from now on a request that has been answered. */
static cop_status answer_start(struct cop__actor *actor, const cop_started *started)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__signal *signal;
        cop__critical_enter(&here->fault);
        cop_status status = cop__signal_owed(&thread->pool, COP_KIND_OF(cop_started), started, &signal);
        if (status == COP_OK) {
                signal->type = COP__SIGNAL_REPLY;
                signal->ref = actor->start->ref;
                signal->from = cop__actor_pid(actor);
                actor->start->ref.bits = 0;
                cop__send_signal(thread, actor->parent, signal);
        }
        cop__critical_leave(&here->fault);
        return status;
}

/*
 * The message for who waits with start_ref, maybe with a full mailbox. It is no new work: who has let the start in waits for it, and a
 * supervisor that restarts goes on near the node's memory limit. Without a term in it it points at nothing, and is copied as it is.
 */
static cop_status send_started(struct cop__actor *actor, const cop_started *started)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        struct cop__signal *signal = NULL;
        cop_status status = COP_OK;
        if (here->node->inside != NULL)
                return cop__send_news_value(actor->parent, COP_KIND_OF(cop_started), started);
        cop__critical_enter(&here->fault);
        if (started->extra.type != COP_TERM_NIL)
                status = cop__signal_owed(&thread->pool, COP_KIND_OF(cop_started), started, &signal);
        else
                signal = cop__signal_new_small(&thread->pool, COP__SIGNAL_REPLY, sizeof(*started));
        cop__critical_leave(&here->fault);
        if (signal == NULL)
                return status != COP_OK ? status : COP_E_NO_MEMORY;
        if (started->extra.type == COP_TERM_NIL) {
                memcpy(cop__signal_body(signal), started, sizeof(*started));
                cop__signal_set_kind(signal, COP_KIND_OF(cop_started));
        }
        signal->type = COP__SIGNAL_MESSAGE;
        cop__send_news(thread, actor, actor->parent, signal);
        return COP_OK;
}

/* The spawner waits for this one: for a message (start_ref), or in cop_start, which hears of one that ignores its start
 * only when it has ended. */
static COP__NOINLINE void acknowledge_to(struct cop__actor *actor, cop_ref start_ref, bool asked, bool ignored)
{
        struct cop__rare *rare = actor->rare;
        cop_status status = COP_OK;
        cop_started started = {
                .ref = start_ref,
                .pid = cop__actor_pid(actor),
                .ignored = ignored,
                .extra = rare != NULL && rare->extra != NULL ? rare->extra->term : cop_nil(),
        };
        if (asked)
                status = answer_start(actor, &started);
        if (start_ref.bits != 0 && status == COP_OK)
                status = send_started(actor, &started);
        if (status != COP_OK)
                cop__exit_with(actor, COP_TUPLE(cop_atom("system_limit"), cop_atom("start")));
        if (rare != NULL) {
                cop__shared_term_drop(rare->extra);
                rare->extra = NULL;
        }
}

COP__INLINE void acknowledge(struct cop__actor *actor, cop_ref start_ref, bool ignored)
{
        bool asked = actor->start->ref.bits != 0 && !ignored;
        if (COP__UNLIKELY(start_ref.bits != 0 || asked))
                acknowledge_to(actor, start_ref, asked, ignored);
}

static bool is_in_init(const struct cop__actor *actor)
{
        return actor != NULL && !actor->init_done && actor->start != NULL;
}

void cop_init_ack(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (!is_in_init(actor) || actor->server != NULL) {
                cop__badarg("init_ack", "only a plain actor spawned with init_ack, and only once");
                return;
        }
        struct start *start = cop__signal_body(actor->start);
        cop__store_relaxed(&actor->init_done, true);
        acknowledge(actor, start->start_ref, false);
}

void cop_ignore(void)
{
        struct cop__actor *actor = cop__actor_here();
        if (!is_in_init(actor))
                cop_exit(COP_TUPLE(cop_atom("badarg"),
                                   COP_TUPLE(cop_atom("ignore"),
                                             cop_string("only a server's init may ignore its start"))));
        struct start *start = cop__signal_body(actor->start);
        cop__registry_remove_pid(cop__here_of(cop__thread_here()), cop__actor_pid(actor));
        acknowledge(actor, start->start_ref, true);
        start->ignored = true;
        cop__exit_with(actor, cop_atom("normal"));
}

cop_status cop_start_extra(cop_term extra)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return COP_E_NO_NODE;
        if (!is_in_init(actor))
                return COP_E_BAD_ARGUMENT;
        struct cop__shared_term *shared;
        struct cop__rare *rare = cop__rare_of(actor);
        cop_status status = rare != NULL ? cop__shared_term_make(extra, &shared) : COP_E_NO_MEMORY;
        if (status != COP_OK)
                return status;
        cop__shared_term_drop(rare->extra);
        rare->extra = shared;
        return COP_OK;
}

static void begin_server(struct cop__actor *actor, struct start *start)
{
        const cop_behaviour *server = start->server;
        for (size_t i = 0; i < server->handler_count; i++) {
                const cop_handler *handler = &server->handlers[i];
                if (handler->event != COP_EVENT_INIT)
                        continue;
                if (handler->kind != NULL &&
                    (start->kind == NULL || !cop__kind_same(handler->kind, start->kind)))
                        cop__badarg("spawn", "this server's init takes another kind of argument");
                cop__store_relaxed(&actor->where, (const void *)(uintptr_t)handler->run.init);
                handler->run.init(actor->state, argument_of(start));
        }
        cop__store_relaxed(&actor->init_done, true);
        acknowledge(actor, start->start_ref, false);
        end_start(actor);
}

const void *cop__start_argument(const struct cop__actor *actor, const cop_kind **kind)
{
        struct start *start = cop__signal_body(actor->start);
        *kind = start->kind;
        return argument_of(start);
}

const void *cop__start_code(const struct cop__actor *actor)
{
        if (actor->start == NULL)
                return NULL;
        const struct start *start = cop__signal_body(actor->start);
        return start->run != NULL ? (const void *)(uintptr_t)start->run
                                  : (const void *)(uintptr_t)start->run_with;
}

void cop__actor_begin(struct cop__actor *actor)
{
        struct start *start = cop__signal_body(actor->start);
        if (start->server != NULL) {
                begin_server(actor, start);
                return;
        }
        cop__store_relaxed(&actor->where, cop__start_code(actor));
        if (!start->renewed) {
                cop__store_relaxed(&actor->init_done, !start->acknowledges);
                if (actor->init_done)
                        acknowledge(actor, start->start_ref, false);
        }
        if (start->run != NULL)
                start->run();
        else
                start->run_with(start->renewed ? start->state : argument_of(start));
        if (actor->reason == NULL) /* else it was told to end before it returned */
                actor->reason = cop__reason(COP__REASON_NORMAL);
        actor->leaving = true;
}

cop_pid cop__promise_of(const struct cop__actor *actor)
{
        if (actor->server != NULL || actor->start == NULL)
                return cop_no_pid();
        return ((const struct start *)cop__signal_body(actor->start))->promise;
}

void cop__start_renew(struct cop__actor *actor, void (*next)(void *state), void *state)
{
        struct start *start = cop__signal_body(actor->start);
        start->run = NULL;
        start->run_with = (void (*)(const void *))(void (*)(void))next;
        start->state = state;
        start->renewed = true;
}

/* The plain actor's argument lives as long as the actor. */
void cop__start_drop(struct cop__actor *actor)
{
        if (actor->start != NULL)
                end_start(actor);
}

/* ---- Who am I -------------------------------------------------------------------------------- */

cop_pid cop_self(void)
{
        struct cop__actor *actor = cop__actor_here();
        return actor != NULL ? cop__actor_pid(actor) : cop_no_pid();
}

cop_pid cop_parent(void)
{
        struct cop__actor *actor = cop__actor_here();
        return actor != NULL ? actor->parent : cop_no_pid();
}

bool cop_is_alive(cop_pid pid)
{
        struct cop__thread *thread = cop__thread_here();
        if (thread == NULL)
                return false;
        cop__charge(cop_no_pid(), __builtin_return_address(0)); /* who looks again and again lets others run */
        thread = cop__thread_here();
        struct cop__actor *actor = cop__slot_of(cop__node_of(thread), pid);
        if (COP__UNLIKELY(cop__node_of(thread)->inside != NULL && pid.bits != 0)) {
                cop__told told;
                return cop__inside_ask((cop__query){ .what = COP__ASK_IS_ALIVE, .pid = pid }, &told) ==
                               COP_OK && told.value != 0;
        }
        return actor != NULL && cop__lives(actor, pid);
}

/* ---- Memory that ends with the actor -------------------------------------------------------------- */

static void *take_block(size_t size, bool owed)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL || size > COP_ALLOC_MAX || !cop__arena_admits(actor, size))
                return NULL;
        struct cop__pool *pool = &cop__node_of(cop__thread_here())->scheduler.pool;
        struct cop__block *block = owed ? cop__pool_take_large_owed(pool, sizeof(*block) + size)
                                        : cop__pool_take_large(pool, sizeof(*block) + size);
        if (block == NULL) {
                cop__overload_look(cop__thread_here()); /* perhaps it is the first that was refused */
                return NULL;
        }
        memset(block, 0, sizeof(*block) + size);
        block->size = size;
        cop__list_init(&block->list);
        if (actor->held != NULL)
                cop__list_push_back(&actor->held->list, &block->list);
        else
                actor->held = block;
        cop__count_by(&actor->bytes, size);
        return block + 1;
}

void *cop_alloc(size_t size)
{
        return take_block(size, false);
}

void *cop__alloc_owed(size_t size)
{
        return take_block(size, true);
}

void cop__held_remove(struct cop__actor *actor, struct cop__block *block)
{
        struct cop__list *next = block->list.next;
        if (block == actor->held)
                actor->held = next != &block->list ? COP__CONTAINER(next, struct cop__block, list) : NULL;
        cop__list_remove(&block->list);
}

void cop_release(void *memory)
{
        struct cop__actor *actor = cop__actor_here();
        if (memory == NULL || actor == NULL)
                return;
        struct cop__block *block = (struct cop__block *)memory - 1;
        cop__held_remove(actor, block);
        cop__count_by(&actor->bytes, (uint64_t)0 - block->size);
        cop__pool_give_large(&cop__node_of(cop__thread_here())->scheduler.pool, block,
                             sizeof(*block) + block->size);
}
