/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Applications: an actor that keeps a set of trees.
 *
 *      keeper ──link──► log ◄─needs─ store ◄─needs─ web        started ──►
 *        └───────────────link──────────┘             │        stopped ◄──
 *        └───────────────link────────────────────────┘
 *
 * The order is made at the start, once: again and again whoever has all his needs in front of him is next. It waits where
 * it must, in its init, its handlers and its terminate: a set is started and stopped as a whole, and whoever asks meanwhile
 * waits too. But while a tree starts, which may last for ever, it hears of its parent's exit and of the end of an application
 * that is not to be missing: either calls the start off.
 */
#include <coppice/application.h>

#include <string.h>

#include "actors/actor.h"
#include "actors/calling.h"
#include "base/text.h"
#include "supervisor/supervise.h"
#include "supervisor/supervisor.h"

/* Of a set: a program has a handful. */
#define APPLICATIONS_MAX 1024

/* Of a set that ends, without memory; a supervisor has as many (child.c). */
#define STOP_TRIES 100

typedef struct cop__applications {
        uint64_t set; /* the address of a constant of the program */
} cop__applications;
COP_MESSAGE(cop__applications, set);

typedef struct cop__application_wish {
        bool start;
        cop_text name;
} cop__application_wish;
COP_MESSAGE(cop__application_wish, start, name);

typedef struct keeper {
        const cop_application *set;
        size_t *order;  /* indexes into the set */
        cop_pid *pids;  /* by index; nobody: it does not run */
        size_t count;
        bool started;   /* init is over: terminate will stop them */
} keeper;

/* ---- The check and the order ------------------------------------------------------------ */

static size_t count_of(const cop_application *set)
{
        size_t count = 0;
        while (count <= APPLICATIONS_MAX && set[count].name != NULL)
                count++;
        return count;
}

static const char *need_at(const cop_application *application, size_t i)
{
        return i < COP_APPLICATION_NEEDS_MAX ? application->needs[i] : NULL;
}

static size_t index_of(const cop_application *set, size_t count, const char *name, size_t size)
{
        size_t i = 0;
        while (i < count && (strlen(set[i].name) != size || memcmp(set[i].name, name, size) != 0))
                i++;
        return i;
}

static bool has_needs(const cop_application *set, size_t count, size_t which, const bool *placed)
{
        const char *need;
        for (size_t i = 0; (need = need_at(&set[which], i)) != NULL; i++) {
                size_t index = index_of(set, count, need, strlen(need));
                if (index == count || !placed[index])
                        return false;
        }
        return true;
}

/* One that keeps another from being placed. There is one if it could not be. */
static size_t unplaced_need(const cop_application *set, size_t count, size_t which, const bool *placed)
{
        size_t index = count;
        for (size_t i = 0; index == count || placed[index]; i++)
                index = index_of(set, count, set[which].needs[i], strlen(set[which].needs[i]));
        return index;
}

/* False: some of them need each other in a circle; *order has the others, and then `count`. */
static bool find_order(const cop_application *set, size_t count, size_t *order)
{
        bool placed[APPLICATIONS_MAX] = { false };
        size_t done = 0, before;
        do {
                before = done;
                for (size_t i = 0; i < count; i++)
                        if (!placed[i] && has_needs(set, count, i, placed)) {
                                placed[i] = true;
                                order[done++] = i;
                        }
        } while (done > before);
        if (done < count)
                order[done] = count;
        return done == count;
}

/* Some cannot be placed: from one of them, need by need, into a circle. */
static void print_circle(struct cop__text *text, const cop_application *set, size_t count,
                         const size_t *order)
{
        bool placed[APPLICATIONS_MAX] = { false };
        size_t at = 0, seen[APPLICATIONS_MAX] = { 0 }, steps = 0;
        for (size_t i = 0; i < count && order[i] < count; i++)
                placed[order[i]] = true;
        while (placed[at])
                at++;
        for (; seen[at] == 0; at = unplaced_need(set, count, at, placed))
                seen[at] = ++steps;
        const size_t first = at;
        do {
                size_t next = unplaced_need(set, count, at, placed);
                cop__text_printf(text, "%s%s needs %s", at != first ? ", " : "", set[at].name, set[next].name);
                at = next;
        } while (at != first);
}

static COP_PRINTF(2, 3) bool wrong(struct cop__text *text, const char *format, ...)
{
        va_list values;
        va_start(values, format);
        cop__text_vprintf(text, format, values);
        cop__text_make_harmless(text, 0);
        va_end(values);
        cop__text_end_cut(text);
        return false;
}

static bool check_one(struct cop__text *text, const cop_application *set, size_t count, size_t i)
{
        char sentence[400];
        const char *name = set[i].name, *need;
        if (name[0] == '\0')
                return wrong(text, "application %zu: its name is empty; a set ends with NULL", i + 1);
        if (strlen(name) > COP_NAME_MAX)
                return wrong(text, "application %s: its name has %zu bytes; it has at most %d", name,
                             strlen(name), COP_NAME_MAX);
        if (index_of(set, count, name, strlen(name)) != i)
                return wrong(text, "application %s: its name is not unique", name);
        if ((unsigned)set[i].type > COP_APPLICATION_TEMPORARY)
                return wrong(text, "application %s: type is %d", name, (int)set[i].type);
        for (size_t j = 0; (need = need_at(&set[i], j)) != NULL; j++)
                if (index_of(set, count, need, strlen(need)) == count)
                        return wrong(text, "application %s: it needs %s, which is not in the set",
                                     name, need);
        if (cop_supervisor_check(set[i].tree, sentence, sizeof(sentence)) != COP_OK)
                return wrong(text, "application %s: %s", name, sentence);
        for (size_t j = 0; j < i; j++)
                if (set[i].tree->name != NULL && set[j].tree->name != NULL &&
                    strcmp(set[i].tree->name, set[j].tree->name) == 0)
                        return wrong(text, "application %s: its tree is called %s, as that of application %s is",
                                     name, set[i].tree->name, set[j].name);
        return true;
}

static bool check(struct cop__text *text, const cop_application *set)
{
        size_t order[APPLICATIONS_MAX];
        if (set == NULL)
                return wrong(text, "there is no set: its pointer is NULL");
        size_t count = count_of(set);
        if (count > APPLICATIONS_MAX)
                return wrong(text, "applications are more than %d", APPLICATIONS_MAX);
        for (size_t i = 0; i < count; i++)
                if (!check_one(text, set, count, i))
                        return false;
        if (find_order(set, count, order))
                return true;
        cop__text_append_string(text, "some applications need each other in a circle: ");
        print_circle(text, set, count, order);
        cop__text_end_cut(text);
        return false;
}

cop_status cop_applications_check(const cop_application *set, char *text, size_t size)
{
        struct cop__text sentence;
        cop__text_init_fixed(&sentence, text, text != NULL ? size : 0);
        return check(&sentence, set) ? COP_OK : COP_E_BAD_ARGUMENT;
}

/* ---- The keeper ------------------------------------------------------------------------- */

/* Errors: COP_E_NO_MEMORY: it has not been asked, and runs on as it did. */
static cop_status stop_one(keeper *self, size_t i)
{
        if (self->pids[i].bits == 0)
                return COP_OK;
        cop_status status = cop_shutdown(self->pids[i], COP_SHUTDOWN_INFINITY);
        if (status == COP_OK)
                self->pids[i] = cop_no_pid();
        return status;
}

/* Without memory again and again, after others have run. False: not even then. */
static bool stop_patiently(cop_pid pid)
{
        for (int i = 0; i < STOP_TRIES; i++) {
                if (cop_shutdown(pid, COP_SHUTDOWN_INFINITY) == COP_OK)
                        return true;
                cop_yield();
        }
        return false;
}

/* If one cannot be stopped the links end it with those that are left, all at once. */
static void stop_all(keeper *self)
{
        for (size_t i = self->count; i-- > 0;) {
                size_t at = self->order[i];
                if (self->pids[at].bits != 0 && !stop_patiently(self->pids[at])) {
                        cop__log_sentence(COP_LOG_ERROR, "there is no memory to stop application %s: what still runs ends at once",
                                self->set[at].name);
                        return;
                }
                self->pids[at] = cop_no_pid();
        }
}

static void terminate(keeper *self, cop_term reason)
{
        (void)reason;
        stop_all(self);
}

/* Its failure is the reason of what has died, or else the status in words. */
static cop_term failure_of(cop_status status)
{
        return status == COP_E_DIED ? cop_failure() : cop_string(cop_status_text(status));
}

/* All stop, in reverse. */
static COP__NORETURN void end(keeper *self, cop_term reason)
{
        if (!self->started)
                stop_all(self);
        cop_exit(reason);
}

static COP__NORETURN void fail_to_start(keeper *self, size_t i, cop_term reason)
{
        end(self, COP_TUPLE(cop_atom("shutdown"), COP_TUPLE(cop_atom("failed_to_start_application"),
                                                            cop_atom(self->set[i].name),
                                                            cop__term_inside(reason, 2))));
}

static bool ends_all(cop_application_type type, cop_term reason)
{
        return type == COP_APPLICATION_PERMANENT ||
               (type == COP_APPLICATION_TRANSIENT && !cop_is_atom(reason, "normal"));
}

/* The exit of one that ran. False: the set goes on, and it is noted; or it is nobody's. */
static bool takes_along(keeper *self, const cop_exited *exited, size_t *which)
{
        char text[160];
        size_t i = 0;
        while (i < self->count && !cop_pid_equal(self->pids[i], exited->pid))
                i++;
        if (i == self->count || cop_is_alive(exited->pid))
                return false;
        *which = i;
        self->pids[i] = cop_no_pid();
        cop_term_print(exited->reason, cop_node_kinds(cop_node_here()), text, sizeof(text));
        bool all = ends_all(self->set[i].type, exited->reason);
        cop__log_sentence(all ? COP_LOG_ERROR : COP_LOG_WARNING, "application %s ended: %s%s",
                          self->set[i].name, text, all ? "; it is not to be missing, and the others end" : "");
        return all;
}

/* What comes while `root` starts, which is not one of ours before it has. */
static void hears(void *context, const cop_message *message, cop_pid root)
{
        keeper *self = context;
        const cop_exited *exited = cop_read(cop_exited, message);
        bool ordered = cop_pid_equal(exited->pid, cop_parent());
        size_t which;
        if (!ordered && !takes_along(self, exited, &which))
                return;
        stop_patiently(root);
        if (ordered)
                end(self, exited->reason);
        if (!self->started)
                fail_to_start(self, which, exited->reason);
        end(self, cop_atom("shutdown"));
}

static cop_status supervise(keeper *self, size_t i, cop_pid *pid)
{
        const struct cop__start_ear ear = { COP_KIND_OF(cop_exited), hears, self, NULL };
        return cop__supervise_hearing(self->set[i].tree, pid, &ear);
}

static void init(keeper *self, const cop__applications *start)
{
        cop_trap_exit(true);
        self->set = (const cop_application *)(uintptr_t)start->set;
        self->count = count_of(self->set);
        self->order = cop_alloc((self->count + 1) * sizeof(*self->order));
        self->pids = cop_alloc((self->count + 1) * sizeof(*self->pids));
        if (self->order == NULL || self->pids == NULL)
                cop_exit(COP_TUPLE(cop_atom("system_limit"), cop_atom("start")));
        find_order(self->set, self->count, self->order);
        for (size_t i = 0; i < self->count; i++) {
                size_t at = self->order[i];
                cop_pid pid;
                cop_status status = supervise(self, at, &pid);
                if (status != COP_OK) /* the failure stays until the next call, and stopping makes none */
                        fail_to_start(self, at, failure_of(status));
                self->pids[at] = pid;
        }
        self->started = true;
}

static void on_exited(keeper *self, const cop_exited *exited)
{
        size_t which;
        if (takes_along(self, exited, &which))
                end(self, cop_atom("shutdown"));
}

static cop_status start_one(keeper *self, size_t i)
{
        const char *need;
        if (self->pids[i].bits != 0)
                return COP_E_ALREADY_STARTED;
        for (size_t j = 0; (need = need_at(&self->set[i], j)) != NULL; j++)
                if (self->pids[index_of(self->set, self->count, need, strlen(need))].bits == 0)
                        return COP_E_NEEDS;
        cop_pid pid;
        cop_status status = supervise(self, i, &pid);
        if (status == COP_OK)
                self->pids[i] = pid;
        return status;
}

static void on_wish(keeper *self, const cop__application_wish *wish)
{
        size_t i = index_of(self->set, self->count, wish->name.data, wish->name.size);
        cop_status status = COP_OK;
        if (i == self->count) {
                status = COP_E_NOT_FOUND;
        } else if (wish->start) {
                status = start_one(self, i);
        } else {
                status = stop_one(self, i);
        }
        COP__REPLY_OWED(cop__child_answer, .status = (int32_t)status,
                        .reason = status == COP_E_DIED ? cop_failure() : cop_nil());
}

COP_SERVER(keeper, COP_INIT_WITH(cop__applications, init), COP_ON(cop_exited, on_exited),
           COP_ON(cop__application_wish, on_wish), COP_TERMINATE(terminate));

/* ---- Who asks --------------------------------------------------------------------------- */

cop_status cop_start_applications(const cop_application *set, cop_pid *pid)
{
        char sentence[512];
        if (cop_node_here() == NULL)
                return COP_E_NO_NODE;
        if (cop_applications_check(set, sentence, sizeof(sentence)) != COP_OK) {
                cop__log_sentence(COP_LOG_ERROR, "your program: cop_start_applications: %s", sentence);
                return COP_E_BAD_ARGUMENT;
        }
        if (pid == NULL)
                return COP_E_BAD_ARGUMENT;
        const cop__applications start = { (uint64_t)(uintptr_t)set };
        cop_spawn_options options = { .server = &keeper_server,
                                      .kind = COP_KIND_OF(cop__applications),
                                      .argument = &start };
        return cop__supervise(&options, pid);
}

/* As of the child API: a time-out would leave behind a tree that runs, or does not, and nobody knows. */
static cop_status ask(cop_pid set, const char *name, bool start)
{
        cop_message *reply;
        if (name == NULL || set.bits == 0)
                return COP_E_BAD_ARGUMENT;
        /* In time of its own: what its caller gives up waiting for is started, or stopped, all the same. */
        cop_status status = cop__call_in_own_time(&reply, cop_to_pid(set), COP_FOREVER, COP_KIND_OF(cop__application_wish),
                                                  &(cop__application_wish){ .start = start, .name = cop_text_of(name) });
        if (status != COP_OK)
                return status;
        const cop__child_answer *answer = cop_read(cop__child_answer, reply);
        status = answer != NULL ? (cop_status)answer->status : COP_E_BAD_ARGUMENT;
        if (status == COP_E_DIED)
                cop__failure_keep(cop__actor_here(), cop__shared_term_new(answer->reason));
        cop_message_free(reply);
        return status;
}

cop_status cop_stop_application(cop_pid set, const char *name)
{
        return ask(set, name, false);
}

cop_status cop_start_application(cop_pid set, const char *name)
{
        return ask(set, name, true);
}
