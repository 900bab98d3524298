/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Lines of requests, and those who ask; see line.h. */
#include "actors/line.h"

#include "actors/calling.h"
#include "actors/channel.h"
#include "actors/future.h"
#include "actors/request.h"
#include "base/clock.h"

COP__KIND_DEFINE(cop__answer, status);
COP__KIND_DEFINE(cop__give_up, ref, how, takes);

/* ---- Who holds -------------------------------------------------------------------- */

void cop__line_init(struct cop__line *line)
{
        cop__list_init(&line->entries);
        line->count = 0;
}

static struct cop__entry *entry_of(struct cop__list *list)
{
        return COP__CONTAINER(list, struct cop__entry, list);
}

cop_ref cop__request_ref(void)
{
        return cop__actor_here()->current->ref;
}

static void append(struct cop__line *line, struct cop__entry *entry)
{
        cop__list_push_back(&line->entries, &entry->list);
        line->count++;
}

static void take_out(struct cop__line *line, struct cop__entry *entry)
{
        cop__list_remove(&entry->list);
        line->count--;
}

struct cop__entry *cop__line_join(struct cop__line *line)
{
        struct cop__actor *self = cop__actor_here();
        struct cop__entry *entry = cop__alloc_owed(sizeof(*entry));
        if (entry == NULL)
                return NULL;
        entry->from = self->current->from;
        entry->ref = self->current->ref;
        entry->request = cop__message_keep(self);
        append(line, entry);
        return entry;
}

/* Without memory for a monitor the entry stays until its turn, and what it is then given comes back. */
void cop__line_watch(struct cop__entry *entry)
{
        if (entry->monitor.bits == 0)
                cop_monitor(entry->from, &entry->monitor);
}

void cop__line_unwatch(struct cop__entry *entry)
{
        if (entry->monitor.bits != 0)
                cop_demonitor(entry->monitor);
        entry->monitor.bits = 0;
}

struct cop__entry *cop__line_first(const struct cop__line *line)
{
        return line->count > 0 ? entry_of(line->entries.next) : NULL;
}

struct cop__entry *cop__line_last(const struct cop__line *line)
{
        return line->count > 0 ? entry_of(line->entries.prev) : NULL;
}

struct cop__entry *cop__line_next(const struct cop__line *line, const struct cop__entry *entry)
{
        return entry->list.next != &line->entries ? entry_of(entry->list.next) : NULL;
}

struct cop__entry *cop__line_find(const struct cop__line *line, cop_ref ref)
{
        for (struct cop__list *at = line->entries.next; at != &line->entries; at = at->next)
                if (cop_ref_equal(entry_of(at)->ref, ref))
                        return entry_of(at);
        return NULL;
}

/* The same from the end. */
static struct cop__entry *find_last(const struct cop__line *line, cop_ref ref)
{
        for (struct cop__list *at = line->entries.prev; at != &line->entries; at = at->prev)
                if (cop_ref_equal(entry_of(at)->ref, ref))
                        return entry_of(at);
        return NULL;
}

size_t cop__line_count(const struct cop__line *line, cop_ref ref)
{
        size_t count = 0;
        for (struct cop__list *at = line->entries.next; at != &line->entries; at = at->next)
                count += cop_ref_equal(entry_of(at)->ref, ref);
        return count;
}

struct cop__entry *cop__line_find_dead(const struct cop__line *line, const cop_down *down)
{
        for (struct cop__list *at = line->entries.next; at != &line->entries; at = at->next)
                if (cop_ref_equal(entry_of(at)->monitor, down->ref))
                        return entry_of(at);
        return NULL;
}

struct cop__entry *cop__line_find_from(const struct cop__line *line, cop_pid from)
{
        for (struct cop__list *at = line->entries.next; at != &line->entries; at = at->next)
                if (cop_pid_equal(entry_of(at)->from, from))
                        return entry_of(at);
        return NULL;
}

void cop__line_move(struct cop__line *from, struct cop__line *to, struct cop__entry *entry)
{
        take_out(from, entry);
        append(to, entry);
}

void cop__line_move_first(struct cop__line *from, struct cop__line *to, struct cop__entry *entry)
{
        take_out(from, entry);
        cop__list_push_front(&to->entries, &entry->list);
        to->count++;
}

void cop__line_end(struct cop__line *line, struct cop__entry *entry)
{
        take_out(line, entry);
        cop__line_unwatch(entry);
        cop_message_free(entry->request);
        cop_release(entry);
}

bool cop__line_is_wanted(const struct cop__entry *entry)
{
        uint64_t deadline_ns = cop__calling_deadline(cop__thread_here(), (const struct cop__signal *)entry->request);
        return COP__LIKELY(deadline_ns == UINT64_MAX) || !cop__clock_is_past(deadline_ns);
}

bool cop__lacks_memory_for(const struct cop__actor *actor, const cop_kind *request)
{
        return cop__is_channel(actor->server) || cop__is_agent(actor->server) || cop__is_task_group(actor->server) ||
               (cop__is_future(actor->server) && cop__kind_same(request, COP_KIND_OF(cop__future_await)));
}

cop_status cop__only_status(struct cop__actor *actor, cop_status status, struct cop__signal *other)
{
        if (status != COP_OK || other == NULL)
                return status;
        cop__signal_done(cop__thread_here(), actor, other);
        return COP_E_NO_REPLY;
}

void cop__line_dismiss(struct cop__line *line, struct cop__entry *entry, cop_status status)
{
        cop__answer_owed(entry->request, COP_KIND_OF(cop__answer), &(cop__answer){ .status = status });
        cop__line_end(line, entry);
}

/* Of many who give up in the order of coming each is the first. */
bool cop__line_give_up(struct cop__line *line, const cop__give_up *who)
{
        struct cop__entry *entry = who->how == COP__GIVE_UP_TRIES ? find_last(line, who->ref) : cop__line_find(line, who->ref);
        if (entry == NULL)
                return false;
        if (who->how == COP__GIVE_UP_TRIES || who->how == COP__GIVE_UP_WAITS)
                cop__line_dismiss(line, entry, COP_E_TIMEOUT);
        else
                cop__line_end(line, entry);
        return true;
}

void cop__line_dismiss_all(struct cop__line *line, cop_status status)
{
        struct cop__entry *entry;
        while ((entry = cop__line_first(line)) != NULL)
                cop__line_dismiss(line, entry, status);
}

/* ---- Who asks ----------------------------------------------------------------------- */

/* A try is for an answer at once, but from an actor that may be busy. */
struct cop__patience cop__patience_of(int64_t timeout_ms)
{
        const uint64_t grace_ns = (uint64_t)COP__GRACE_MS * 1000000, try_ns = (uint64_t)COP__TRY_MS * 1000000;
        if (timeout_ms == COP_FOREVER)
                return (struct cop__patience){ UINT64_MAX, UINT64_MAX, UINT64_MAX };
        if (timeout_ms == 0) {
                uint64_t now_ns = cop__clock_ns();
                return (struct cop__patience){ 0, now_ns + try_ns / 2, now_ns + try_ns };
        }
        uint64_t until_ns = cop__deadline_ns(timeout_ms);
        uint64_t end_ns = until_ns < UINT64_MAX - grace_ns ? until_ns + grace_ns : UINT64_MAX;
        return (struct cop__patience){ until_ns, until_ns, end_ns };
}

cop_status cop__timed_request(const struct cop__patience *patience, const cop_kind *kind, const void *value,
                      struct cop__signal **request)
{
        struct cop__pool_cache *pool = &cop__thread_here()->pool;
        if (patience->wanted_ns == UINT64_MAX)
                return cop__signal_owed(pool, kind, value, request);
        return cop__request_message(pool, kind, value, patience->wanted_ns, request);
}

cop_status cop__give_up_asking(struct cop__actor *actor, cop_pid to, cop__give_up what)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *signal;
        cop_status status = cop__signal_owed(&thread->pool, COP_KIND_OF(cop__give_up), &what, &signal);
        if (status != COP_OK)
                return status;
        signal->from = cop__actor_pid(actor);
        cop__send_signal(thread, to, signal);
        return COP_OK;
}

cop_status cop__ask_close(struct cop__actor *actor, cop_ref ref, struct cop__signal *signal,
                          struct cop__signal **reply)
{
        struct cop__signal *answer;
        cop_status status = cop__call_close(actor, ref, signal, &answer);
        if (status != COP_OK)
                return status;
        if (answer->kind != COP_KIND_OF(cop__answer)) {
                *reply = answer;
                return COP_OK;
        }
        status = (cop_status)((const cop__answer *)cop__signal_body(answer))->status;
        cop__signal_done(cop__thread_here(), actor, answer);
        return status;
}

/* The answer to giving up. If there is no memory to say so, there may be soon. */
static struct cop__signal *give_up(struct cop__actor *actor, cop_pid to, cop__give_up what, uint64_t end_ns,
                                   const void *where)
{
        const uint64_t moment_ns = 1000000;
        for (;;) {
                bool told = cop__give_up_asking(actor, to, what) == COP_OK;
                uint64_t again_ns = told ? end_ns : cop__clock_ns() + moment_ns;
                struct cop__signal *signal = cop__call_await(actor, again_ns < end_ns ? again_ns : end_ns, where);
                if (signal != NULL || again_ns >= end_ns)
                        return signal;
        }
}

cop_status cop__ask(struct cop__actor *actor, cop_pid to, struct cop__signal *request,
                    const struct cop__patience *patience, const void *where, struct cop__signal **reply)
{
        bool timed = request->flags & COP__SIGNAL_TIMED;
        struct cop__signal *signal = NULL;
        cop_ref ref = cop__call_open(actor);
        cop__give_up what = { .ref = ref,
                              .how = patience->until_ns == 0 ? COP__GIVE_UP_TRIES : COP__GIVE_UP_WAITS,
                              .takes = request->kind == COP_KIND_OF(cop__channel_take) };
        cop__call_send(actor, to, request, ref);
        if (patience->until_ns != 0)
                signal = cop__call_await(actor, patience->until_ns, where);
        if (signal == NULL)
                signal = give_up(actor, to, what, patience->end_ns, where);
        if (signal == NULL) {
                what.how = timed ? COP__GIVE_UP_TAKE_BACK : COP__GIVE_UP_GONE;
                cop__give_up_asking(actor, to, what);
        }
        return cop__ask_close(actor, ref, signal, reply);
}
