/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The check of a tree: one sentence for each mistake that a spec can have, naming supervisor, child
 * and field.
 *
 *      "shop: child till: restart is 7; it is COP_PERMANENT, COP_TRANSIENT or COP_TEMPORARY"
 *
 * The walk keeps the path from the root, which makes the sentence, and ends a tree that contains
 * itself.
 */
#include <coppice/timer.h>

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "actors/porch.h"
#include "actors/registry.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/table.h"
#include "base/text.h"
#include "mailbox/kind.h"
#include "supervisor/spec.h"

/* A supervisor on the way from the root to the one being checked. */
struct step {
        const struct step *above;
        const cop_supervisor *supervisor;
        const char *label;
        unsigned depth;
};

struct check {
        struct cop__text sentence;
        uint64_t children; /* seen so far, as many as will be made of them */
        uint64_t alike;    /* so many copies are made of what is being checked: partitions around it */
        bool later;        /* the child's supervisor is not known, and will see itself whether it fits */
};

/* ---- The sentence ----------------------------------------------------------------- */

/* "shop/desk" for the supervisor desk in shop. */
static void print_path(struct cop__text *text, const struct step *step)
{
        if (step->above != NULL) {
                print_path(text, step->above);
                cop__text_append_char(text, '/');
        }
        cop__text_append_string(text, step->label);
}

/* `child` may be NULL. Always returns false: what it says is wrong. */
static COP_PRINTF(4, 5) bool wrong(struct check *check, const struct step *step,
                                   const cop_child *child, const char *format, ...)
{
        va_list values;
        print_path(&check->sentence, step);
        if (child != NULL)
                cop__text_printf(&check->sentence, ": child%s%s", child->id != NULL ? " " : "",
                                 child->id != NULL ? child->id : "");
        cop__text_append_string(&check->sentence, ": ");
        va_start(values, format);
        cop__text_vprintf(&check->sentence, format, values);
        cop__text_make_harmless(&check->sentence, 0);
        va_end(values);
        cop__text_end_cut(&check->sentence);
        return false;
}

/* ---- A child ---------------------------------------------------------------------- */

static bool check_id(struct check *check, const struct step *step, const cop_child *child)
{
        if (child->id == NULL)
                return true; /* one that a dynamic supervisor knows by its pid */
        if (strlen(child->id) > COP_NAME_MAX)
                return wrong(check, step, child, "id has %zu bytes; a name has at most %d",
                             strlen(child->id), COP_NAME_MAX);
        if (!child->unnamed && !cop__name_is_good(child->id))
                return wrong(check, step, child, "id cannot be registered as a name");
        return true;
}

/* The ids of a list that have been seen. Without memory for the nodes they are compared one by one. */
struct ids {
        const cop_child *children;
        struct cop__table_node *nodes; /* nodes[i] is of children[i] */
        struct cop__table table;
};

static void ids_init(struct ids *ids, const cop_child *children)
{
        size_t count = 0;
        while (children != NULL && children[count].id != NULL && count < COP__TREE_CHILDREN_MAX)
                count++;
        ids->children = children;
        ids->nodes = count > COP__TABLE_FEW ? cop__calloc(count, sizeof(*ids->nodes)) : NULL;
        cop__table_init(&ids->table);
}

static void ids_fini(struct ids *ids)
{
        cop__table_fini(&ids->table);
        free(ids->nodes);
}

/* A child before this one that has its id; NULL: there is none, and it has been seen. */
static const cop_child *find_twin(struct ids *ids, const cop_child *child)
{
        const cop_child *other = ids->children;
        if (ids->nodes == NULL) {
                while (other != child && strcmp(other->id, child->id) != 0)
                        other++;
                return other != child ? other : NULL;
        }
        struct cop__table_node *seen = &ids->nodes[child - ids->children];
        seen->key = cop__hash_text(COP__HASH_BEGIN, child->id);
        struct cop__table_node *node = cop__table_find_first(&ids->table, seen->key);
        for (; node != NULL; node = cop__table_find_next(node)) {
                other = &ids->children[node - ids->nodes];
                if (strcmp(other->id, child->id) == 0)
                        return other;
        }
        cop__table_insert(&ids->table, seen);
        return NULL;
}

/* Of a child in a list. */
static bool check_place(struct check *check, const struct step *step, const cop_child *child,
                        struct ids *ids)
{
        size_t number = (size_t)(child - step->supervisor->children) + 1;
        const char *name = cop__spec_name_of(child);
        if (child->id[0] == '\0')
                return wrong(check, step, NULL,
                             "child %zu: id is empty; a list of children ends with NULL", number);
        if (number > COP__TREE_CHILDREN_MAX)
                return true; /* the tree is too large, which is said */
        const cop_child *twin = find_twin(ids, child);
        if (twin != NULL)
                return wrong(check, step, child, "id is not unique; children %zu and %zu bear it",
                             (size_t)(twin - step->supervisor->children) + 1, number);
        if (check->alike > 1 && name != NULL)
                return wrong(check, step, child,
                             "it is in each of %llu partitions, and only one of them could bear the name %s",
                             (unsigned long long)check->alike, name);
        return true;
}

static int ways_to_run(const cop_child *child)
{
        return (child->server != NULL) + (child->run != NULL) + (child->run_with != NULL) + (child->supervisor != NULL);
}

static bool check_what_runs(struct check *check, const struct step *step, const cop_child *child)
{
        int ways = ways_to_run(child);
        if (ways == 1)
                return true;
        return wrong(check, step, child,
                     "%s; set exactly one of server, run, run_with and supervisor",
                     ways == 0 ? "nothing says what it runs" : "several fields say what it runs");
}

static const cop_kind *kind_of_init(const cop_behaviour *server)
{
        for (size_t i = 0; server != NULL && i < server->handler_count; i++)
                if (server->handlers[i].event == COP_EVENT_INIT)
                        return server->handlers[i].kind;
        return NULL;
}

static bool check_pair(struct check *check, const struct step *step, const cop_child *child)
{
        if ((child->kind == NULL) == (child->argument == NULL))
                return true;
        return wrong(check, step, child, "%s; kind and argument go together",
                     child->kind == NULL ? "argument is set without its kind"
                                         : "kind is set without an argument");
}

static bool check_copy(struct check *check, const struct step *step, const cop_child *child)
{
        size_t size;
        if (child->kind == NULL)
                return true;
        cop_status status = cop__flat_size(child->kind, child->argument, &size);
        return status == COP_OK || wrong(check, step, child, "argument cannot be copied: %s",
                                         cop_status_text(status));
}

static bool check_argument(struct check *check, const struct step *step, const cop_child *child)
{
        if (!check_pair(check, step, child))
                return false;
        if (child->kind != NULL && (child->run != NULL || child->supervisor != NULL))
                return wrong(check, step, child, "argument is set, but %s takes none",
                             child->run != NULL ? "run" : "a supervisor");
        if (child->kind == NULL && child->run_with != NULL)
                return wrong(check, step, child, "run_with is set without kind and argument");
        const cop_kind *wanted = kind_of_init(child->server);
        if (wanted != NULL && (child->kind == NULL || !cop__kind_same(wanted, child->kind)))
                return wrong(check, step, child, "kind is %s; the init of server %s takes %s",
                             child->kind != NULL ? child->kind->name : "NULL",
                             child->server->name, wanted->name);
        return check_copy(check, step, child);
}

static bool check_isolation(struct check *check, const struct step *step, const cop_child *child)
{
        if ((unsigned)child->isolation > COP_ISOLATION_PROCESS)
                return wrong(check, step, child,
                             "isolation is %d; it is COP_ISOLATION_GUARDED, COP_ISOLATION_INLINE, "
                             "COP_ISOLATION_STRICT or COP_ISOLATION_PROCESS",
                             (int)child->isolation);
        if (child->supervisor != NULL && (child->isolation != 0 || child->memory_limit != 0))
                return wrong(check, step, child,
                             "isolation or memory_limit is set, but a supervisor has none: its children may");
        if (child->memory_limit_soft && child->memory_limit == 0)
                return wrong(check, step, child, "memory_limit_soft is set, but not memory_limit");
        if (child->memory_limit != 0 && child->server != NULL &&
            child->memory_limit < child->server->state_size)
                return wrong(check, step, child, "memory_limit is %zu; its state has %zu bytes",
                             child->memory_limit, child->server->state_size);
        return true;
}

static bool check_numbers(struct check *check, const struct step *step, const cop_child *child)
{
        if ((unsigned)child->restart > COP_TEMPORARY)
                return wrong(check, step, child,
                             "restart is %d; it is COP_PERMANENT, COP_TRANSIENT or COP_TEMPORARY",
                             (int)child->restart);
        if (child->shutdown_ms < COP_SHUTDOWN_AT_ONCE)
                return wrong(check, step, child,
                             "shutdown_ms is %d; it is a number of milliseconds, "
                             "COP_SHUTDOWN_DEFAULT, COP_SHUTDOWN_INFINITY, COP_SHUTDOWN_AT_ONCE "
                             "or COP_BRUTAL_KILL",
                             (int)child->shutdown_ms);
        return check_isolation(check, step, child);
}

static bool check_key(struct check *check, const struct step *step, const cop_child *child)
{
        const cop_mailbox_key *key = &child->mailbox_key;
        bool has_key = key->kind != NULL || key->field_at != 0;
        if (child->mailbox_policy != COP_MAILBOX_COALESCE)
                return !has_key || wrong(check, step, child,
                                         "mailbox_key is set, but mailbox_policy is not COP_MAILBOX_COALESCE");
        if (!has_key)
                return wrong(check, step, child, "mailbox_policy is COP_MAILBOX_COALESCE, but mailbox_key is not set");
        return cop__key_is_good(key) ||
               wrong(check, step, child,
                     "mailbox_key is byte %u of %s; it is COP_KEY(kind, field) of a field that is an integer, a bool, "
                     "a pid, a reference, a char[], a symbol or a text",
                     key->field_at, key->kind != NULL ? key->kind->name : "no kind");
}

static bool check_mailbox(struct check *check, const struct step *step, const cop_child *child)
{
        if ((unsigned)child->mailbox_policy > COP_MAILBOX_COALESCE)
                return wrong(check, step, child,
                             "mailbox_policy is %d; it is COP_MAILBOX_SLOW, COP_MAILBOX_REJECT, "
                             "COP_MAILBOX_DROP_NEW, COP_MAILBOX_DROP_OLD, COP_MAILBOX_STOP or "
                             "COP_MAILBOX_COALESCE",
                             (int)child->mailbox_policy);
        if (child->mailbox_policy != COP_MAILBOX_SLOW && child->mailbox_limit == 0 &&
            child->mailbox_bytes == 0)
                return wrong(check, step, child,
                             "mailbox_policy is set, but neither mailbox_limit nor mailbox_bytes");
        if (!check_key(check, step, child))
                return false;
        if (child->mailbox_high == 0 && child->mailbox_low != 0)
                return wrong(check, step, child, "mailbox_low is set, but not mailbox_high");
        if (child->mailbox_high != 0 && child->mailbox_low >= child->mailbox_high)
                return wrong(check, step, child, "mailbox_low is %u; it is below mailbox_high, which is %u",
                             child->mailbox_low, child->mailbox_high);
        return true;
}

/* What its actor is spawned with. A supervisor is spawned as it must be. */
static bool check_actor(struct check *check, const struct step *step, const cop_child *child)
{
        if ((unsigned)child->priority > COP_PRIORITY_MAX)
                return wrong(check, step, child,
                             "priority is %d; it is COP_PRIORITY_NORMAL, COP_PRIORITY_LOW, "
                             "COP_PRIORITY_HIGH or COP_PRIORITY_MAX",
                             (int)child->priority);
        if (child->label != NULL && strlen(child->label) > COP_LABEL_MAX)
                return wrong(check, step, child, "label has %zu bytes; it has at most %d",
                             strlen(child->label), COP_LABEL_MAX);
        if (child->supervisor != NULL &&
            (child->priority != COP_PRIORITY_NORMAL || child->mailbox_limit != 0 ||
             child->mailbox_bytes != 0 || child->mailbox_high != 0 || child->label != NULL ||
             child->no_preempt))
                return wrong(check, step, child,
                             "priority, mailbox, label or no_preempt is set, but a supervisor has none: its children may");
        if (child->init_ack && child->run == NULL && child->run_with == NULL)
                return wrong(check, step, child, "init_ack is set, but neither run nor run_with: a server has its init");
        return check_mailbox(check, step, child);
}

static bool check_backoff(struct check *check, const struct step *step, const cop_child *child)
{
        const cop_backoff *backoff = &child->backoff;
        if (backoff->first_ms < 0 || backoff->max_ms < 0 || backoff->stable_ms < 0)
                return wrong(check, step, child, "backoff has a time below 0");
        if (backoff->first_ms == 0 && (backoff->max_ms != 0 || backoff->tries != 0 ||
                                       backoff->factor != 0 || backoff->jitter != 0 ||
                                       backoff->stable_ms != 0))
                return wrong(check, step, child, "backoff is set, but its first_ms is 0");
        if (backoff->first_ms > COP_TIMER_MS_MAX)
                return wrong(check, step, child, "backoff.first_ms is %lld; it is at most %lld",
                             (long long)backoff->first_ms, (long long)COP_TIMER_MS_MAX);
        if (backoff->max_ms != 0 && backoff->max_ms < backoff->first_ms)
                return wrong(check, step, child, "backoff.max_ms is below first_ms");
        if (backoff->factor != 0 && !(backoff->factor >= 1 && backoff->factor <= 1000))
                return wrong(check, step, child, "backoff.factor is %g; it is 1 to 1000, or 0 for 2",
                             backoff->factor);
        if (!(backoff->jitter >= 0 && backoff->jitter <= 1))
                return wrong(check, step, child, "backoff.jitter is %g; it is 0 to 1",
                             backoff->jitter);
        return true;
}

static bool check_breaker(struct check *check, const struct step *step, const cop_child *child)
{
        const cop_breaker *breaker = &child->breaker;
        if (breaker->open_ms < 0 || breaker->stable_ms < 0)
                return wrong(check, step, child, "breaker has a time below 0");
        if (breaker->failures == 0 && (breaker->open_ms != 0 || breaker->stable_ms != 0))
                return wrong(check, step, child, "breaker is set, but its failures are 0");
        if (child->restart == COP_TEMPORARY && (breaker->failures != 0 || child->backoff.first_ms != 0))
                return wrong(check, step, child, "%s is set, but a temporary child is never restarted",
                             breaker->failures != 0 ? "breaker" : "backoff");
        return true;
}

static const char *misfit(cop_restart restart, bool significant, bool breaks, cop_strategy strategy,
                          cop_auto_shutdown auto_shutdown)
{
        if (significant && restart == COP_PERMANENT)
                return "significant is set, but a permanent child is always restarted";
        if (significant && auto_shutdown == COP_NEVER)
                return "significant is set, but auto_shutdown of its supervisor is COP_NEVER";
        if (breaks && strategy != COP_ONE_FOR_ONE && strategy != COP_DYNAMIC)
                return "breaker is set, but its supervisor restarts others with it";
        return NULL;
}

const char *cop__child_misfit(const struct cop__child_spec *child, cop_strategy strategy,
                              cop_auto_shutdown auto_shutdown)
{
        return misfit(child->restart, child->significant, child->breaker.failures > 0, strategy,
                      auto_shutdown);
}

const char *cop__child_misfit_argument(const struct cop__child_spec *child, const cop_kind *kind)
{
        const cop_spawn_options *spawn = &child->spawn;
        const cop_kind *wanted = kind_of_init(spawn->server);
        if (kind != NULL && (spawn->run != NULL || child->supervisor != NULL))
                return "argument is set, but what it runs takes none";
        if (kind == NULL && spawn->run_with != NULL)
                return "run_with is set without kind and argument";
        if (wanted != NULL && (kind == NULL || !cop__kind_same(wanted, kind)))
                return "kind is not the one that its server's init takes";
        if (kind != NULL && spawn->run_with != NULL && spawn->kind != NULL && !cop__kind_same(spawn->kind, kind))
                return "kind is not the one that its run_with takes";
        return NULL;
}

static bool check_fit(struct check *check, const struct step *step, const cop_child *child)
{
        const char *sentence = misfit(child->restart, child->significant,
                                      child->breaker.failures > 0, step->supervisor->strategy,
                                      step->supervisor->auto_shutdown);
        return check->later || sentence == NULL || wrong(check, step, child, "%s", sentence);
}

static bool check_tree(struct check *check, const struct step *step);

static bool check_nested(struct check *check, const struct step *step, const cop_child *child)
{
        if (child->supervisor == NULL)
                return true;
        for (const struct step *at = step; at != NULL; at = at->above)
                if (at->supervisor == child->supervisor)
                        return wrong(check, step, child,
                                     "supervisor is %s, which contains this one: a tree has no "
                                     "circles",
                                     at->label);
        if (step->depth == COP__TREE_DEPTH_MAX)
                return wrong(check, step, child, "supervisor is nested deeper than %d",
                             COP__TREE_DEPTH_MAX);
        const char *name = child->supervisor->name != NULL ? child->supervisor->name : child->id;
        struct step next = { step, child->supervisor, name != NULL ? name : "supervisor",
                             step->depth + 1 };
        bool later = check->later;
        check->later = false;
        bool right = check_tree(check, &next);
        check->later = later;
        return right;
}

static bool check_child(struct check *check, const struct step *step, const cop_child *child)
{
        check->children += check->alike;
        if (check->children > COP__TREE_CHILDREN_MAX)
                return wrong(check, step, NULL, "children are more than %u in the whole tree",
                             COP__TREE_CHILDREN_MAX);
        return check_id(check, step, child) && check_what_runs(check, step, child) &&
               check_argument(check, step, child) && check_numbers(check, step, child) &&
               check_actor(check, step, child) && check_backoff(check, step, child) &&
               check_breaker(check, step, child) &&
               check_fit(check, step, child) && check_nested(check, step, child);
}

/* Each of a dynamic supervisor's children is like this one, but may have an argument of its own. */
static bool check_each(struct check *check, const struct step *step, const cop_child *each)
{
        bool bare = each->kind == NULL && each->argument == NULL;
        return check_id(check, step, each) && check_what_runs(check, step, each) &&
               (bare || check_argument(check, step, each)) && check_numbers(check, step, each) &&
               check_actor(check, step, each) && check_backoff(check, step, each) &&
               check_breaker(check, step, each) &&
               check_fit(check, step, each) && check_nested(check, step, each);
}

/* ---- A supervisor ----------------------------------------------------------------- */

static bool check_name(struct check *check, const struct step *step)
{
        const char *name = step->supervisor->name;
        if (name == NULL || cop__name_is_good(name))
                return true;
        if (name[0] != '\0' && strlen(name) > COP_NAME_MAX)
                return wrong(check, step, NULL, "name has %zu bytes; a name has at most %d",
                             strlen(name), COP_NAME_MAX);
        return wrong(check, step, NULL, "name cannot be registered; leave it NULL for none");
}

static bool check_partitions(struct check *check, const struct step *step)
{
        const cop_supervisor *tree = step->supervisor;
        if (tree->strategy == COP_DYNAMIC || tree->children != NULL || tree->each == NULL)
                return wrong(check, step, NULL,
                             "partitions is set; it wants each, no children, and another strategy "
                             "than COP_DYNAMIC");
        if (tree->partitions > COP__PARTITIONS_MAX)
                return wrong(check, step, NULL, "partitions is %u; it is at most %u",
                             tree->partitions, COP__PARTITIONS_MAX);
        if (tree->name == NULL || strlen(tree->name) > COP_NAME_MAX - COP__PARTITION_DIGITS)
                return wrong(check, step, NULL,
                             "partitions is set; its name, which is theirs too, has 1 to %d bytes",
                             COP_NAME_MAX - COP__PARTITION_DIGITS);
        if (tree->each->supervisor != NULL && tree->each->supervisor->name != NULL)
                return wrong(check, step, tree->each,
                             "supervisor has a name, which only one of them could bear");
        if (tree->max_children != 0)
                return wrong(check, step, NULL,
                             "max_children is set, but its strategy is not COP_DYNAMIC");
        check->alike *= tree->partitions;
        bool right = check_child(check, step, tree->each);
        check->alike /= tree->partitions;
        return right;
}

static bool check_dynamic(struct check *check, const struct step *step)
{
        const cop_supervisor *tree = step->supervisor;
        if ((unsigned)tree->strategy > COP_DYNAMIC)
                return wrong(check, step, NULL,
                             "strategy is %d; it is COP_ONE_FOR_ONE, COP_ONE_FOR_ALL, "
                             "COP_REST_FOR_ONE or COP_DYNAMIC",
                             (int)tree->strategy);
        if (tree->partitions > 0)
                return check_partitions(check, step);
        if (tree->strategy != COP_DYNAMIC && (tree->each != NULL || tree->max_children != 0))
                return wrong(check, step, NULL, "%s is set, but its strategy is not COP_DYNAMIC",
                             tree->each != NULL ? "each" : "max_children");
        if (tree->strategy == COP_DYNAMIC && tree->children != NULL &&
            (tree->children->id != NULL || ways_to_run(tree->children) > 0))
                return wrong(check, step, NULL,
                             "children is set; those of COP_DYNAMIC are started later");
        if (tree->each == NULL)
                return true;
        if (tree->each->supervisor != NULL && tree->each->supervisor->name != NULL)
                return wrong(check, step, tree->each,
                             "supervisor has a name, which only one of them could bear");
        return check_each(check, step, tree->each);
}

/* What ends a list runs nothing: else it is a child whose id was forgotten, and those behind it would be forgotten, too. */
static bool check_last(struct check *check, const struct step *step, const cop_child *last)
{
        if (last == NULL || ways_to_run(last) == 0)
                return true;
        return wrong(check, step, NULL, "child %zu: id is NULL; only what ends a list of children has none, and runs nothing",
                     (size_t)(last - step->supervisor->children) + 1);
}

static bool check_list(struct check *check, const struct step *step)
{
        const cop_child *child = step->supervisor->children;
        bool right = true;
        struct ids ids;
        ids_init(&ids, child);
        for (; right && child != NULL && child->id != NULL; child++)
                right = check_place(check, step, child, &ids) && check_child(check, step, child);
        ids_fini(&ids);
        return right && check_last(check, step, child);
}

static bool check_tree(struct check *check, const struct step *step)
{
        const cop_supervisor *tree = step->supervisor;
        if (!check_name(check, step) || !check_dynamic(check, step))
                return false;
        if ((unsigned)tree->auto_shutdown > COP_ALL_SIGNIFICANT)
                return wrong(check, step, NULL,
                             "auto_shutdown is %d; it is COP_NEVER, COP_ANY_SIGNIFICANT or "
                             "COP_ALL_SIGNIFICANT",
                             (int)tree->auto_shutdown);
        if (tree->intensity < COP_RESTARTS_FOR_EVER || tree->intensity > COP__INTENSITY_MAX)
                return wrong(check, step, NULL,
                             "intensity is %d; it is 1 to %d, 0 for the default of %d, "
                             "COP_NO_RESTARTS or COP_RESTARTS_FOR_EVER",
                             (int)tree->intensity, COP__INTENSITY_MAX, COP__INTENSITY_DEFAULT);
        if (tree->period_ms < 0)
                return wrong(check, step, NULL,
                             "period_ms is %lld; it is a number of milliseconds, or 0 for the "
                             "default of %d",
                             (long long)tree->period_ms, COP__PERIOD_DEFAULT_MS);
        return check_list(check, step);
}

cop_status cop_supervisor_check(const cop_supervisor *tree, char *text, size_t size)
{
        struct check check = { .alike = 1 };
        cop__text_init_fixed(&check.sentence, text, text != NULL ? size : 0);
        if (tree == NULL) {
                cop__text_append_string(&check.sentence, "there is no tree: its pointer is NULL");
                cop__text_end_cut(&check.sentence);
                return COP_E_BAD_ARGUMENT;
        }
        struct step root = { NULL, tree, tree->name != NULL ? tree->name : "supervisor", 1 };
        return check_tree(&check, &root) ? COP_OK : COP_E_BAD_ARGUMENT;
}

cop_status cop__child_check(const cop_child *child, const struct cop__child_place *place, char *text,
                            size_t size)
{
        struct check check = { .alike = 1, .later = !place->known };
        const cop_supervisor above = { .strategy = place->strategy,
                                       .auto_shutdown = place->auto_shutdown };
        struct step step = { NULL, &above, place->supervisor, 1 };
        cop__text_init_fixed(&check.sentence, text, text != NULL ? size : 0);
        if (child == NULL) {
                cop__text_append_string(&check.sentence, "there is no child: its pointer is NULL");
                cop__text_end_cut(&check.sentence);
                return COP_E_BAD_ARGUMENT;
        }
        if (place->bare && ways_to_run(child) == 0)
                return check_pair(&check, &step, child) && check_copy(&check, &step, child)
                               ? COP_OK
                               : COP_E_BAD_ARGUMENT;
        return check_child(&check, &step, child) ? COP_OK : COP_E_BAD_ARGUMENT;
}

cop_status cop_child_check(const cop_child *child, char *text, size_t size)
{
        return cop__child_check(child, &(struct cop__child_place){ .supervisor = "a supervisor" },
                                text, size);
}
