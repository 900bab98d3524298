/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Channels: a server with four lines (line.h).
 *
 *      put ──► putters ──► items ──► the first of the takers ◄── take
 *                │  admitted while there is room
 *                └► granted: an offer (of a select) whose item is on its way
 *
 *      room: items + granted < capacity + takers, but those of the same select
 *
 * The takers count as room, so that capacity 0 works: a put is admitted for a taker that waits. A select that would take as well
 * as put does not meet itself: its own takers are no room for it, who comes behind it may have some, and with its grant they
 * are over. An item is the request that brought it: it is held from the put until it is taken, and never copied in between.
 *
 * No item is lost, and none is there twice:
 * - A put is answered exactly once, when its item has become one of `items`, or when it never will. One whose putter has given
 *   up unheard never will; or, in the one moment in which that cannot be known, it is taken out again (line.h).
 * - A taker is given an item in an answer that comes back when it is not received; then it is first in `items` again, which
 *   for that moment may hold more than the capacity. Who receives it says so (channel_taken).
 *   Until then its entry stays in `away`, so that the way back needs no memory, and a closed channel tells nobody that
 *   it is over as long as an item may still come back.
 * - A granted place is given back when the grant comes back, or its bearer dies; it is used up by the next put of its bearer.
 *   That may overtake a grant that comes back, which then finds nothing and means nothing.
 *
 * The owner's death ends the server, and all that it held is answered on the way.
 */
#include "actors/channel.h"

#include <coppice/channel.h>

#include "base/cue.h"

COP__KIND_DEFINE(cop__channel_take, both);
COP__KIND_DEFINE(cop__channel_offer, both);
COP__KIND_DEFINE(cop__channel_granted);

typedef struct {
        cop_pid owner;
        uint64_t kind; /* const cop_kind *: a constant of the program, like the code */
        uint32_t capacity;
} cop__channel_start;
COP_MESSAGE(cop__channel_start, owner, kind, capacity);

typedef struct {
} cop__channel_taken;
COP_MESSAGE(cop__channel_taken);

typedef struct {
} cop__channel_close;
COP_MESSAGE(cop__channel_close);

typedef struct {
} cop__channel_ask_count;
COP_MESSAGE(cop__channel_ask_count);

typedef struct {
        uint64_t items;
} cop__channel_count;
COP_MESSAGE(cop__channel_count, items);

typedef struct {
        const cop_kind *kind;
        uint32_t capacity;
        bool closed;
        cop_ref owner;
        struct cop__line putters, granted, items, takers;
        struct cop__line away; /* items given, of which it is not known that they have been received: without request */
} channel;

/* ---- The server ------------------------------------------------------------------- */

static void channel_init(channel *self, const cop__channel_start *start)
{
        self->kind = (const cop_kind *)(uintptr_t)start->kind;
        self->capacity = start->capacity;
        cop__line_init(&self->putters);
        cop__line_init(&self->granted);
        cop__line_init(&self->items);
        cop__line_init(&self->takers);
        cop__line_init(&self->away);
        if (cop_monitor(start->owner, &self->owner) != COP_OK)
                cop_exit(cop_atom("no_memory"));
}

/* A put is over: the first answer that its putter gets, and if there is memory for that, an item more. */
static void admit(channel *self, struct cop__line *line, struct cop__entry *putter)
{
        if (!cop__line_is_wanted(putter)) {
                cop__line_dismiss(line, putter, COP_E_TIMEOUT);
                return;
        }
        if (cop__answer_owed(putter->request, COP_KIND_OF(cop__answer), &(cop__answer){ .status = COP_OK }) != COP_OK) {
                cop__line_end(line, putter);
                return;
        }
        cop__line_unwatch(putter);
        cop__line_move(line, &self->items, putter);
}

/* Their select has its answer. */
static void end_all(struct cop__line *line, cop_ref ref)
{
        struct cop__entry *entry;
        while ((entry = cop__line_find(line, ref)) != NULL)
                cop__line_end(line, entry);
}

/* Without memory for that the putter fails, and the place is the next one's. */
static void grant(channel *self, struct cop__entry *putter)
{
        COP__CUE("channel.grant");
        if (cop__answer_returnable(putter->request, COP_KIND_OF(cop__channel_granted),
                                   &(cop__channel_granted){}) != COP_OK) {
                cop__line_end(&self->putters, putter);
                return;
        }
        cop__line_watch(putter);
        cop__line_move(&self->putters, &self->granted, putter);
        if (putter->both)
                end_all(&self->takers, putter->ref);
}

static void let_in(channel *self, struct cop__entry *putter)
{
        if (putter->offer)
                grant(self, putter);
        else
                admit(self, &self->putters, putter);
}

/* Without memory for the copy the taker fails, and the item stays. */
static void give_first(channel *self)
{
        struct cop__entry *item = cop__line_first(&self->items);
        struct cop__entry *taker = cop__line_first(&self->takers);
        if (cop__answer_returnable(taker->request, self->kind, cop_message_body(item->request)) == COP_OK) {
                cop_message_free(item->request);
                item->request = NULL;
                cop__line_move(&self->items, &self->away, item);
        }
        cop__line_end(&self->takers, taker);
}

static bool has_room(const channel *self, size_t own_takers)
{
        return self->items.count + self->granted.count + own_takers < self->capacity + self->takers.count;
}

/* The first who may put now, or NULL. Only who would meet himself is passed over. */
static struct cop__entry *first_with_room(const channel *self)
{
        if (!has_room(self, 0))
                return NULL;
        struct cop__entry *putter = cop__line_first(&self->putters);
        while (putter != NULL && putter->both && !has_room(self, cop__line_count(&self->takers, putter->ref)))
                putter = cop__line_next(&self->putters, putter);
        return putter;
}

/* Who may have gone already is no reason to admit anything. */
static void dismiss_late_takers(channel *self)
{
        struct cop__entry *taker;
        while ((taker = cop__line_first(&self->takers)) != NULL && !cop__line_is_wanted(taker))
                cop__line_dismiss(&self->takers, taker, COP_E_TIMEOUT);
}

/* After each change: whatever can happen now happens. */
static void settle(channel *self)
{
        struct cop__entry *putter;
        for (;;) {
                if (self->items.count + self->putters.count > 0)
                        dismiss_late_takers(self);
                if (self->items.count > 0 && self->takers.count > 0)
                        give_first(self);
                else if ((putter = first_with_room(self)) != NULL)
                        let_in(self, putter);
                else
                        break;
        }
        if (!self->closed || self->items.count > 0 || self->away.count > 0)
                return;
        cop__line_dismiss_all(&self->takers, COP_E_CLOSED);
        cop_exit(cop_atom("normal"));
}

/* The request that the handler is at joins a line, and is watched if it has to stay there. */
static void join(channel *self, struct cop__line *line, const cop__channel_offer *offer)
{
        struct cop__entry *entry = cop__line_join(line);
        if (entry == NULL)
                return;
        entry->offer = offer != NULL;
        entry->both = offer != NULL && offer->both != 0;
        settle(self);
        if (cop__line_last(line) == entry)
                cop__line_watch(entry);
}

/* ---- What it hears ------------------------------------------------------------------ */

static void refuse(cop_status status)
{
        COP__REPLY_OWED(cop__answer, .status = status);
}

/* A select that has been granted a place meanwhile has its answer. */
static void channel_on_take(channel *self, const cop__channel_take *take)
{
        if (take->both == 0 || cop__line_find(&self->granted, cop__request_ref()) == NULL)
                join(self, &self->takers, NULL);
}

static void channel_on_offer(channel *self, const cop__channel_offer *offer)
{
        if (self->closed)
                refuse(COP_E_CLOSED);
        else
                join(self, &self->putters, offer);
}

/* A place that was kept is used, whatever the room is by now. */
static void on_granted_put(channel *self, struct cop__entry *bearer)
{
        cop__line_end(&self->granted, bearer);
        struct cop__entry *entry = cop__line_join(&self->items);
        if (entry != NULL)
                admit(self, &self->items, entry);
        settle(self);
}

static void on_put(channel *self, cop_pid from)
{
        struct cop__entry *bearer = cop__line_find_from(&self->granted, from);
        if (self->closed)
                refuse(COP_E_CLOSED);
        else if (bearer != NULL)
                on_granted_put(self, bearer);
        else
                join(self, &self->putters, NULL);
}

/* An item that nobody has received is the next to be taken. One that is not away comes from a process whose memory is broken. */
static void on_returned_item(channel *self)
{
        struct cop__entry *entry = cop__line_first(&self->away);
        if (entry == NULL)
                return;
        entry->request = cop__message_keep(cop__actor_here());
        entry->ref.bits = 0; /* it may be another's item than the entry's: no putter takes it back */
        cop__line_move_first(&self->away, &self->items, entry);
        settle(self);
}

static void channel_on_taken(channel *self, const cop__channel_taken *taken)
{
        (void)taken;
        if (self->away.count > 0)
                cop__line_end(&self->away, cop__line_first(&self->away));
        settle(self);
}

static void end_found(struct cop__line *line, cop_ref ref)
{
        struct cop__entry *entry = cop__line_find(line, ref);
        if (entry != NULL)
                cop__line_end(line, entry);
}

/* A grant that its bearer has no use for any more. */
static void channel_on_granted(channel *self, const cop__channel_granted *granted)
{
        (void)granted;
        end_found(&self->granted, cop__request_ref());
        settle(self);
}

/* One whose answer has been sent already finds it on its way. A place that was granted to who has gone is free. */
static void channel_on_give_up(channel *self, const cop__give_up *who)
{
        bool unheard = who->how == COP__GIVE_UP_GONE || who->how == COP__GIVE_UP_TAKE_BACK;
        bool found = cop__line_give_up(who->takes ? &self->takers : &self->putters, who);
        if (!found && !who->takes && unheard)
                end_found(&self->granted, who->ref);
        if (who->how == COP__GIVE_UP_TAKE_BACK)
                end_found(&self->items, who->ref);
        settle(self);
}

static void channel_on_down(channel *self, const cop_down *down)
{
        struct cop__line *lines[] = { &self->takers, &self->putters, &self->granted };
        if (cop_ref_equal(down->ref, self->owner))
                cop_exit(cop_atom("normal"));
        for (size_t i = 0; i < 3; i++) {
                struct cop__entry *entry = cop__line_find_dead(lines[i], down);
                if (entry != NULL)
                        cop__line_end(lines[i], entry);
        }
        settle(self);
}

static void channel_on_close(channel *self, const cop__channel_close *close)
{
        (void)close;
        self->closed = true;
        refuse(COP_OK);
        cop__line_dismiss_all(&self->putters, COP_E_CLOSED);
        settle(self);
}

static void channel_on_ask_count(channel *self, const cop__channel_ask_count *ask)
{
        (void)ask;
        COP__REPLY_OWED(cop__channel_count, .items = self->items.count);
}

/* Items are of the one kind that is known only to the channel. What is neither put nor come back is not for it. */
static void channel_otherwise(channel *self, cop_message *message)
{
        const struct cop__signal *signal = (const struct cop__signal *)message;
        if (signal->ref.bits == 0)
                return;
        if (cop_message_as(message, self->kind) == NULL)
                refuse(COP_E_NO_KIND);
        else if (signal->flags & COP__SIGNAL_RETURN)
                on_returned_item(self);
        else
                on_put(self, signal->from);
}

COP_SERVER(channel, COP_INIT_WITH(cop__channel_start, channel_init),
           COP_ON(cop__channel_take, channel_on_take),
           COP_ON(cop__channel_taken, channel_on_taken),
           COP_ON(cop__channel_offer, channel_on_offer),
           COP_ON(cop__channel_granted, channel_on_granted),
           COP_ON(cop__give_up, channel_on_give_up),
           COP_ON(cop_down, channel_on_down),
           COP_ON(cop__channel_close, channel_on_close),
           COP_ON(cop__channel_ask_count, channel_on_ask_count),
           COP_OTHERWISE(channel_otherwise));

bool cop__is_channel(const cop_behaviour *server)
{
        return server == &channel_server;
}

/* ---- Who uses it -------------------------------------------------------------------------- */

cop_status cop_channel_open_kind(const cop_kind *kind, uint32_t capacity, cop_pid *pid)
{
        if (kind == NULL || pid == NULL || cop__kind_same(kind, COP_KIND_OF(cop_down)) ||
            cop__kind_same(kind, COP_KIND_OF(cop_exited)))
                return COP_E_BAD_ARGUMENT;
        cop__channel_start start = { cop_self(), (uintptr_t)kind, capacity };
        return cop_spawn_opt(&(cop_spawn_options){ .server = &channel_server,
                                                   .kind = COP_KIND_OF(cop__channel_start),
                                                   .argument = &start },
                             pid);
}

/* To one that has ended everything is closed, and so it is to what never was a channel. */
static cop_status closed_if_dead(cop_status status)
{
        bool unknown = status == COP_E_DIED || status == COP_E_NO_ACTOR || status == COP_E_NO_REPLY;
        return unknown ? COP_E_CLOSED : status;
}

static cop_status ask(struct cop__actor *actor, cop_pid pid, const struct cop__patience *patience,
                      const cop_kind *kind, const void *value, const void *where, struct cop__signal **reply)
{
        struct cop__signal *request;
        cop_status status = cop__timed_request(patience, kind, value, &request);
        return status == COP_OK ? cop__ask(actor, pid, request, patience, where, reply) : status;
}

/* An item more is new work, of any size. What is taken makes room. */
cop_status cop__channel_lets_in(void)
{
        struct cop__thread *thread = cop__thread_here();
        if (!cop__pool_is_over(thread->pool.pool))
                return COP_OK;
        cop__pool_refuse(thread->pool.pool);
        cop__overload_look(thread);
        return COP_E_OVERLOAD;
}

/* The answer is only a status. */
cop_status cop__channel_put(struct cop__actor *actor, cop_pid pid, const struct cop__patience *patience,
                            const cop_kind *kind, const void *value, const void *where)
{
        struct cop__signal *other = NULL;
        cop_status status = ask(actor, pid, patience, kind, value, where, &other);
        return closed_if_dead(cop__only_status(actor, status, other));
}

cop_status cop_put_value(cop_pid pid, int64_t timeout_ms, const cop_kind *kind, const void *value)
{
        struct cop__actor *actor = cop__actor_here();
        cop_status status = cop__callee(actor, "put", cop_to_pid(pid), timeout_ms, &pid);
        if (status == COP_OK && (kind == NULL || value == NULL))
                status = COP_E_BAD_ARGUMENT;
        if (status == COP_OK)
                status = cop__channel_lets_in();
        if (status != COP_OK)
                return status;
        struct cop__patience patience = cop__patience_of(timeout_ms);
        return cop__channel_put(actor, pid, &patience, kind, value, __builtin_return_address(0));
}

cop_status cop_channel_close_pid(cop_pid pid)
{
        struct cop__actor *actor = cop__actor_here();
        struct cop__patience patience = cop__patience_of(COP__ANSWER_MS);
        struct cop__signal *other = NULL;
        cop_status status = cop__callee(actor, "channel_close", cop_to_pid(pid), COP__ANSWER_MS, &pid);
        if (status == COP_OK)
                status = ask(actor, pid, &patience, COP_KIND_OF(cop__channel_close), &(cop__channel_close){},
                             __builtin_return_address(0), &other);
        if (status == COP_E_DIED || status == COP_E_NO_ACTOR)
                return COP_OK;
        return closed_if_dead(cop__only_status(actor, status, other));
}

cop_status cop__channel_receive(struct cop__actor *actor, struct cop__signal *reply, cop_message **item)
{
        struct cop__thread *thread = cop__thread_here();
        struct cop__signal *taken;
        cop_pid pid = reply->from;
        if (!(reply->flags & COP__SIGNAL_RETURN)) { /* no channel's */
                cop__signal_done(thread, actor, reply);
                return COP_E_CLOSED;
        }
        if (cop__signal_owed(&thread->pool, COP_KIND_OF(cop__channel_taken), &(cop__channel_taken){}, &taken) != COP_OK) {
                reply->type = COP__SIGNAL_REPLY;
                reply->ref = cop__ref_new(cop__here_of(thread)); /* as if it had not been received */
                cop__queue_release(&actor->queue, &actor->cursor, &reply->node);
                cop__refuse_signal(thread, cop__actor_pid(actor), reply, NULL);
                return COP_E_NO_MEMORY;
        }
        taken->from = cop__actor_pid(actor);
        cop__send_signal(thread, pid, taken);
        reply->flags &= (uint16_t)~COP__SIGNAL_RETURN;
        cop__hand_over(actor, reply);
        *item = (cop_message *)reply;
        return COP_OK;
}

cop_status cop__channel_fetch(struct cop__actor *actor, cop_pid pid, const struct cop__patience *patience,
                              const void *where, cop_message **item)
{
        struct cop__signal *reply = NULL;
        cop_status status = ask(actor, pid, patience, COP_KIND_OF(cop__channel_take), &(cop__channel_take){},
                                where, &reply);
        if (status == COP_OK && reply == NULL)
                return COP_E_CLOSED; /* a status for an item */
        return status == COP_OK ? cop__channel_receive(actor, reply, item) : closed_if_dead(status);
}

cop_status cop_take_message(cop_message **item, cop_pid pid, int64_t timeout_ms)
{
        struct cop__actor *actor = cop__actor_here();
        cop_status status = cop__callee(actor, "take", cop_to_pid(pid), timeout_ms, &pid);
        if (status == COP_OK && item == NULL)
                status = COP_E_BAD_ARGUMENT;
        if (status != COP_OK)
                return status;
        struct cop__patience patience = cop__patience_of(timeout_ms);
        return cop__channel_fetch(actor, pid, &patience, __builtin_return_address(0), item);
}

cop_status cop_channel_count_pid(cop_pid pid, size_t *count)
{
        cop_message *reply;
        if (pid.bits == 0 || count == NULL)
                return COP_E_BAD_ARGUMENT;
        cop_status status = cop__call_in_own_time(&reply, cop_to_pid(pid), COP__ANSWER_MS, COP_KIND_OF(cop__channel_ask_count),
                                                  &(cop__channel_ask_count){});
        if (status != COP_OK)
                return closed_if_dead(status);
        const cop__channel_count *answer = cop_read(cop__channel_count, reply);
        if (answer != NULL)
                *count = answer->items;
        cop_message_free(reply);
        return answer != NULL ? COP_OK : COP_E_CLOSED;
}
