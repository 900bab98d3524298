/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Scopes of groups over nodes. See scope.h. */
#include "distribution/scope.h"

#include <stdlib.h>
#include <string.h>

#include <coppice/group.h>

#include "actors/belonging.h"
#include "actors/book.h"
#include "actors/gather.h"
#include "base/cue.h"
#include "base/memory.h"
#include "base/table.h"
#include "distribution/news.h"
#include "distribution/peer.h"

/* ---- What a scope knows of others -------------------------------------------------------- */

/* Another scope of the name. Its members are those with pids of its life. */
struct other {
        struct cop__list list;
        cop_pid pid;
        cop_ref watched; /* the monitor of it */
        cop_ref told;    /* by which it is told of our members; none: not yet */
        bool unasked;    /* it has not asked for them, which may have been missed: if it does not soon, it is told all the same */
        bool behind;     /* there was no memory to tell it of something: it is told of all again */
        bool missed;     /* there was none for something that it has told: it is to tell all again */
};

/* To a scope: who is behind, and of whom something was missed, is looked for again. */
typedef struct cop__scope_late {
        uint32_t unused;
} cop__scope_late;
COP__KIND_DECLARE(cop__scope_late);
COP__KIND_DEFINE(cop__scope_late, unused);

#define LATER_MS 100

/* Of the actor that keeps the book, with which it ends. */
struct scope {
        struct cop__belonging belonging;
        struct cop__list others;
        bool is_alarmed; /* it has set itself an alarm, which has not come yet */
};

static void end_scope(struct cop__belonging *belonging)
{
        struct scope *scope = COP__CONTAINER(belonging, struct scope, belonging);
        struct cop__list *first;
        while ((first = cop__list_pop_front(&scope->others)) != NULL)
                free(COP__CONTAINER(first, struct other, list));
        free(scope);
}

/* The calling actor's, which has a rare half, since it keeps a book; NULL without memory. */
static struct scope *scope_here(void)
{
        struct cop__actor *self = cop__actor_here();
        COP__LIST_EACH(&self->rare->belongings, at, ahead)
        {
                struct cop__belonging *belonging = COP__CONTAINER(at, struct cop__belonging, list);
                if (belonging->end == end_scope)
                        return COP__CONTAINER(belonging, struct scope, belonging);
        }
        struct scope *scope = cop__calloc(1, sizeof(*scope));
        if (scope == NULL)
                return NULL;
        scope->belonging.end = end_scope;
        cop__list_init(&scope->others);
        cop__own(self, &scope->belonging);
        return scope;
}

static struct other *find_other(struct scope *scope, cop_pid pid)
{
        COP__LIST_EACH(&scope->others, at, ahead)
        {
                struct other *other = COP__CONTAINER(at, struct other, list);
                if (cop_pid_equal(other->pid, pid))
                        return other;
        }
        return NULL;
}

static struct other *other_by(struct scope *scope, cop_ref ref, bool watched)
{
        COP__LIST_EACH(&scope->others, at, ahead)
        {
                struct other *other = COP__CONTAINER(at, struct other, list);
                if (cop_ref_equal(watched ? other->watched : other->told, ref))
                        return other;
        }
        return NULL;
}

static const char *own_name(void)
{
        const struct cop__rare *rare = cop__actor_here()->rare;
        return rare != NULL && rare->book != NULL ? rare->book->name : "";
}

/* ---- Sending ---------------------------------------------------------------------------------- */

static bool is_up(const struct cop__network *network, cop_pid pid)
{
        struct cop__peer *peer = cop__network_whose(network, pid);
        cop_pid owner;
        return peer != NULL && cop__peer_look(peer, &owner) == COP__PEER_UP;
}

/* To one that is up; nobody is connected to for this. False: there is no memory. */
static bool tell(struct cop__network *network, cop_pid from, cop_pid to, cop_term term)
{
        return !is_up(network, to) || cop__tell(from, to, COP_KIND_OF(cop_any), &(cop_any){ term }) == COP_OK;
}

/* Something was missed that somebody of the pid's node has said, or has to hear, and there is nothing here to remember that by. */
static void owe(struct cop__network *network, cop_pid pid)
{
        struct cop__peer *peer = cop__network_whose(network, pid);
        if (peer != NULL)
                cop__news_owe(network, peer);
}

/* Later; without memory for that as soon as there is some. */
static void look_again(struct cop__network *network, struct scope *scope, const struct other *other)
{
        if (!scope->is_alarmed)
                scope->is_alarmed = cop_send_after(NULL, LATER_MS, cop_self(), cop__scope_late, .unused = 0) == COP_OK;
        if (!scope->is_alarmed)
                owe(network, other->pid);
}

static void fall_behind(struct cop__network *network, struct scope *scope, struct other *other)
{
        other->behind = true;
        look_again(network, scope, other);
}

static void miss(struct cop__network *network, struct scope *scope, struct other *other)
{
        other->missed = true;
        look_again(network, scope, other);
}

/* Who hears it tells all its members. */
static bool tell_discover(struct cop__network *network, cop_pid scope, cop_pid to)
{
        return tell(network, scope, to, COP_TUPLE(cop_atom("discover"), cop_pid_term(scope)));
}

/* ---- Members of others ----------------------------------------------------------------------------- */

/* What changes them says whether there was memory for all of it. */

static bool is_of(cop_term pid, const struct other *other)
{
        return pid.type == COP_TERM_PID && cop__pid_node(pid.as.pid) == cop__pid_node(other->pid);
}

static bool enter(struct cop__visit *visit, const struct cop__keying *group, cop_pid pid)
{
        struct cop__proposal proposal;
        cop_status status = cop__proposal_make(visit, group, pid, cop_nil(), &proposal);
        if (status != COP_OK)
                return status != COP_E_NO_MEMORY;
        status = cop__book_insert(visit, &proposal, NULL);
        cop__proposal_drop(visit->thread, &proposal);
        return status != COP_E_NO_MEMORY;
}

/* A pid, or each of a list: those of the other one's join the group here, or leave it. */
static bool change_all(cop_term group, cop_term pids, const struct other *other, bool join)
{
        bool done = true;
        struct cop__visit visit;
        struct cop__keying key;
        const cop_term *items = pids.type == COP_TERM_LIST ? pids.as.items : &pids;
        size_t count = pids.type == COP_TERM_LIST ? pids.count : 1;
        if (cop__keying_of_group(group, &key) != COP_OK || cop__book_enter(&visit, own_name(), true) != COP_OK)
                return true;
        for (size_t i = 0; i < count; i++) {
                if (!is_of(items[i], other))
                        continue;
                if (!join)
                        cop__book_withdraw(&visit, items[i].as.pid, &key, NULL, 1);
                else if (!enter(&visit, &key, items[i].as.pid))
                        done = false;
        }
        cop__book_leave(&visit);
        return done;
}

static size_t items_of(cop_term list)
{
        return list.type == COP_TERM_LIST ? list.count : 0;
}

/* How many times a pid is in a list, and is not accounted for yet. */
struct tally {
        struct cop__table_node node;
        size_t left;
};

static struct tally *tally_of(const struct cop__table *tallies, cop_pid pid)
{
        COP__CUE("scope.looks");
        struct cop__table_node *node = cop__table_find_first(tallies, pid.bits);
        return node != NULL ? COP__CONTAINER(node, struct tally, node) : NULL;
}

/* `room` has one for each item. */
static void tally(struct cop__table *tallies, cop_term list, struct tally *room)
{
        for (size_t i = 0; i < items_of(list); i++) {
                if (list.as.items[i].type != COP_TERM_PID)
                        continue;
                struct tally *found = tally_of(tallies, list.as.items[i].as.pid);
                if (found == NULL) {
                        found = room++;
                        found->node.key = list.as.items[i].as.pid.bits;
                        cop__table_insert(tallies, &found->node);
                }
                found->left++;
        }
}

/* The members of the first list that are more often in it than in the second: the last of them first. */
static cop_status surplus(cop_term list, cop_term than, const struct other *other, cop_term *result)
{
        struct cop__gather gather = { 0 };
        struct cop__table tallies;
        struct tally *room = items_of(than) > 0 ? cop__calloc(items_of(than), sizeof(*room)) : NULL;
        if (room == NULL && items_of(than) > 0)
                return COP_E_NO_MEMORY;
        cop__table_init(&tallies);
        tally(&tallies, than, room);
        for (size_t i = 0; i < items_of(list); i++) {
                if (!is_of(list.as.items[i], other))
                        continue;
                struct tally *found = tally_of(&tallies, list.as.items[i].as.pid);
                if (found != NULL && found->left > 0)
                        found->left--;
                else
                        cop__gather_add(&gather, list.as.items[i]);
        }
        cop__table_fini(&tallies);
        free(room);
        return cop__gather_list(&gather, result);
}

/* Those of the first list that are not in the second leave the group, or join it. */
static bool change_surplus(cop_term group, cop_term list, cop_term than, const struct other *other, bool join)
{
        cop_term wrong;
        if (surplus(list, than, other, &wrong) != COP_OK)
                return false;
        bool done = wrong.type != COP_TERM_LIST || change_all(group, wrong, other, join);
        cop_term_free(wrong);
        return done;
}

/* What is entered of it under the group becomes what it says. */
static bool equalize(cop_term group, cop_term pids, const struct other *other)
{
        cop_term now;
        cop_status status = cop_group_members(own_name(), group, &now);
        if (status != COP_OK)
                return status != COP_E_NO_MEMORY;
        bool left = change_surplus(group, now, pids, other, false);
        bool joined = change_surplus(group, pids, now, other, true);
        cop_term_free(now);
        return left && joined;
}

/* A group that another scope speaks of. */
struct said {
        struct cop__table_node node;
        cop_term group, pids;
};

static struct said *said_of(const struct cop__table *all, const struct cop__keying *group)
{
        struct cop__table_node *node = cop__table_find_first(all, group->hash);
        for (; node != NULL; node = cop__table_find_next(node)) {
                struct said *said = COP__CONTAINER(node, struct said, node);
                COP__CUE("scope.looks");
                if (cop__term_same(said->group, group->term))
                        return said;
        }
        return NULL;
}

/* [{Group, [Pid]}] by their groups; of one that is there twice the first counts. `room` has one for each item. */
static struct said *collect(struct cop__table *all, cop_term list, struct said *room)
{
        for (size_t i = 0; i < items_of(list); i++) {
                cop_term item = list.as.items[i];
                struct cop__keying group;
                if (item.type != COP_TERM_TUPLE || item.count != 2 || cop__keying_of_group(item.as.items[0], &group) != COP_OK ||
                    said_of(all, &group) != NULL)
                        continue;
                *room = (struct said){ .node.key = group.hash, .group = group.term, .pids = item.as.items[1] };
                cop__table_insert(all, &room->node);
                room++;
        }
        return room;
}

/* All that it says now, [{Group, [Pid]}], in place of what was entered of it. */
static bool synchronize(cop_term list, const struct other *other)
{
        bool done = true;
        cop_term groups;
        struct cop__keying group;
        struct cop__table all;
        struct said *room = items_of(list) > 0 ? cop__calloc(items_of(list), sizeof(*room)) : NULL;
        if ((room == NULL && items_of(list) > 0) || cop_scope_groups(own_name(), &groups) != COP_OK) {
                free(room);
                return false;
        }
        cop__table_init(&all);
        struct said *end = collect(&all, list, room);
        for (size_t i = 0; i < items_of(groups); i++)
                if (cop__keying_of_group(groups.as.items[i], &group) == COP_OK && said_of(&all, &group) == NULL)
                        done &= equalize(group.term, cop_nil(), other);
        cop_term_free(groups);
        for (const struct said *said = room; said < end; said++)
                done &= equalize(said->group, said->pids, other);
        cop__table_fini(&all);
        free(room);
        return done;
}

/* Groups in which some are found at a time. */
#define FOUND_MAX 64u

struct found {
        uint64_t node;
        const struct cop__key *groups[FOUND_MAX];
        size_t count;
};

static const struct cop__entry *first_of(const struct cop__key *group, uint64_t node)
{
        const struct cop__entry *entry = cop__entry_first(group);
        while (entry != NULL && cop__pid_node(entry->pid) != node)
                entry = cop__entry_next(entry);
        return entry;
}

static void find(void *context, const struct cop__key *group)
{
        struct found *found = context;
        if (found->count < FOUND_MAX && first_of(group, found->node) != NULL)
                found->groups[found->count++] = group;
}

/* All that is entered of it goes out. It may be looked for over and over, but that takes no memory. */
static void take_out(const struct other *other)
{
        struct cop__visit visit;
        struct found found = { .node = cop__pid_node(other->pid), .count = FOUND_MAX };
        const struct cop__entry *entry;
        while (found.count == FOUND_MAX && cop__book_enter(&visit, own_name(), true) == COP_OK) {
                found.count = 0;
                cop__book_keys(visit.book, find, &found);
                for (size_t i = 0; i < found.count; i++)
                        while ((entry = first_of(found.groups[i], found.node)) != NULL)
                                cop__book_withdraw(&visit, entry->pid, &found.groups[i]->is, NULL, 1);
                cop__book_leave(&visit);
        }
}

/* ---- Others come and go ------------------------------------------------------------------------------- */

/* It or its node is down. */
static void part(struct other *other)
{
        if (!synchronize(cop_nil(), other))
                take_out(other);
        if (other->told.bits != 0)
                cop_group_demonitor(other->told);
        cop__list_remove(&other->list);
        free(other);
}

/* One node has one scope of the name: that there was one before it is heard of later, and what both have would go with that. */
static void part_from_node(struct scope *scope, cop_pid pid)
{
        COP__LIST_EACH(&scope->others, at, ahead)
        {
                struct other *other = COP__CONTAINER(at, struct other, list);
                if (cop__pid_node(other->pid) != cop__pid_node(pid))
                        continue;
                cop_demonitor_flush(other->watched);
                part(other);
        }
}

/* NULL if its node is down, or without memory; it will be discovered again when its node is, or there is some. */
static struct other *meet(struct cop__network *network, struct scope *scope, cop_pid pid)
{
        struct other *other = is_up(network, pid) ? cop__calloc(1, sizeof(*other)) : NULL;
        if (other == NULL || cop_monitor(pid, &other->watched) != COP_OK) {
                free(other);
                owe(network, pid);
                return NULL;
        }
        part_from_node(scope, pid);
        other->pid = pid;
        cop__list_push_back(&scope->others, &other->list);
        return other;
}

static size_t member_count(cop_term groups)
{
        size_t count = 0;
        for (size_t i = 0; groups.type == COP_TERM_MAP && i < groups.count; i++)
                count += groups.as.items[2 * i + 1].count;
        return count;
}

/* [{Group, [Pid]}] of our own members, of a snapshot of all. */
static cop_status own_members(cop_term groups, cop_term *result)
{
        struct cop__gather gather = { 0 };
        cop_term *pids = cop__calloc(member_count(groups) + 1, sizeof(*pids)), *end = pids;
        gather.failed = pids == NULL;
        for (size_t i = 0; !gather.failed && groups.type == COP_TERM_MAP && i < groups.count; i++) {
                cop_term members = groups.as.items[2 * i + 1], *first = end;
                for (size_t j = 0; members.type == COP_TERM_LIST && j < members.count; j++)
                        if (cop__pid_node(members.as.items[j].as.pid) == 0)
                                *end++ = members.as.items[j];
                if (end > first)
                        cop__gather_add_pair(&gather, groups.as.items[2 * i], cop_list_of(first, (size_t)(end - first)));
        }
        cop_status status = cop__gather_pairs(&gather, result);
        free(pids);
        return status;
}

/* It is told of all our members now, and from here on of what happens. */
static void begin_telling(struct cop__network *network, struct scope *scope, struct other *other)
{
        cop_term groups, members;
        bool told = false;
        if (other->told.bits != 0)
                cop_group_demonitor(other->told);
        other->told.bits = 0;
        other->behind = other->unasked = false;
        if (cop_scope_monitor(own_name(), &other->told, &groups) != COP_OK) {
                fall_behind(network, scope, other);
                return;
        }
        if (own_members(groups, &members) == COP_OK) {
                told = tell(network, cop_self(), other->pid,
                            COP_TUPLE(cop_atom("$gen_cast"), COP_TUPLE(cop_atom("sync"), cop_pid_term(cop_self()), members)));
                cop_term_free(members);
        }
        cop_term_free(groups);
        if (!told)
                fall_behind(network, scope, other);
}

static void catch_up(struct cop__network *network, struct scope *scope, bool is_late)
{
        COP__LIST_EACH(&scope->others, at, ahead)
        {
                struct other *other = COP__CONTAINER(at, struct other, list);
                if (other->behind || (other->unasked && is_late))
                        begin_telling(network, scope, other);
                if (!other->missed)
                        continue;
                other->missed = false;
                if (!tell_discover(network, cop_self(), other->pid))
                        miss(network, scope, other);
        }
}

static void be_discovered(struct cop__network *network, struct scope *scope, cop_pid pid)
{
        struct other *other = find_other(scope, pid);
        bool is_new = other == NULL;
        if (is_new)
                other = meet(network, scope, pid);
        if (other == NULL)
                return;
        begin_telling(network, scope, other);
        if (is_new && !tell_discover(network, cop_self(), pid))
                miss(network, scope, other);
}

/* By what it tells. */
static struct other *meet_unasked(struct cop__network *network, struct scope *scope, cop_pid pid)
{
        struct other *other = meet(network, scope, pid);
        if (other == NULL)
                return NULL;
        other->unasked = true;
        look_again(network, scope, other);
        return other;
}

/* It has ended, or its node is down, or there was no memory to say there that it is watched: then it is greeted anew. */
static void lose(struct cop__network *network, struct other *other, cop_term reason)
{
        cop_pid pid = other->pid;
        part(other);
        if (cop_is_atom(reason, "noconnection"))
                owe(network, pid);
}

/* ---- Hearing --------------------------------------------------------------------------------------------- */

static bool is_abroad(cop_term term)
{
        return term.type == COP_TERM_PID && cop__pid_node(term.as.pid) != 0 && cop__pid_node(term.as.pid) != COP__NODE_OF_NAMES;
}

/* Numbers that could be characters come as a text. */
static bool leave_each(cop_term groups, cop_term pids, const struct other *other)
{
        bool done = true;
        cop_term group;
        while (cop__term_next(&groups, &group))
                done &= change_all(group, pids, other, false);
        return done;
}

static void hear_term(struct cop__network *network, struct scope *scope, cop_term term)
{
        if (term.type != COP_TERM_TUPLE || term.count < 2 || !is_abroad(term.as.items[1]))
                return;
        const cop_term *item = term.as.items;
        struct other *other = find_other(scope, item[1].as.pid);
        bool done = true;
        if (cop_is_tuple(term, "discover", 2) || cop_is_tuple(term, "discover", 3)) {
                be_discovered(network, scope, item[1].as.pid);
        } else if (cop_is_tuple(term, "sync", 3)) {
                other = other != NULL ? other : meet_unasked(network, scope, item[1].as.pid);
                done = other == NULL || synchronize(item[2], other);
        } else if (other != NULL && cop_is_tuple(term, "join", 4)) {
                done = change_all(item[2], item[3], other, true);
        } else if (other != NULL && cop_is_tuple(term, "leave", 4)) {
                done = leave_each(item[3], item[2], other);
        }
        if (!done)
                miss(network, scope, other);
}

static void tell_joined(struct cop__network *network, struct scope *scope, const cop_group_joined *joined)
{
        struct other *other = other_by(scope, joined->ref, false);
        if (other != NULL && cop__pid_node(joined->pid) == 0 &&
            !tell(network, cop_self(), other->pid,
                  COP_TUPLE(cop_atom("join"), cop_pid_term(cop_self()), joined->group, cop_pid_term(joined->pid))))
                fall_behind(network, scope, other);
}

static void tell_left(struct cop__network *network, struct scope *scope, const cop_group_left *left)
{
        struct other *other = other_by(scope, left->ref, false);
        if (other != NULL && cop__pid_node(left->pid) == 0 &&
            !tell(network, cop_self(), other->pid,
                  COP_TUPLE(cop_atom("leave"), cop_pid_term(cop_self()), cop_pid_term(left->pid), COP_LIST(left->group))))
                fall_behind(network, scope, other);
}

/* The program may have a kind that is called as one of the messages is. */
static void hear_value(struct cop__network *network, struct scope *scope, const cop_message *message)
{
        cop_term term;
        cop_status status = cop__kind_to_term(cop_message_kind(message), cop_message_body(message), &term);
        struct cop__kept *kept = status == COP_OK ? cop__keep_term(cop__actor_here(), term) : NULL;
        if (kept != NULL)
                hear_term(network, scope, kept->term);
        cop__kept_free(kept);
}

void cop__scope_hears(struct cop__network *network, cop_message *message)
{
        struct scope *scope = scope_here();
        const cop_any *any = cop_message_as(message, COP_KIND_OF(cop_any));
        const cop_down *down = cop_message_as(message, COP_KIND_OF(cop_down));
        const cop_group_joined *joined = cop_message_as(message, COP_KIND_OF(cop_group_joined));
        const cop_group_left *left = cop_message_as(message, COP_KIND_OF(cop_group_left));
        const cop_group_lost *lost = cop_message_as(message, COP_KIND_OF(cop_group_lost));
        struct other *other;
        bool is_late = cop_message_as(message, COP_KIND_OF(cop__scope_late)) != NULL;
        if (scope == NULL) { /* it knows nobody yet */
                owe(network, cop_message_from(message));
                return;
        }
        scope->is_alarmed = scope->is_alarmed && !is_late;
        catch_up(network, scope, is_late);
        if (is_late)
                return;
        if (any != NULL)
                hear_term(network, scope, any->term);
        else if (down != NULL && (other = other_by(scope, down->ref, true)) != NULL)
                lose(network, other, down->reason);
        else if (joined != NULL)
                tell_joined(network, scope, joined);
        else if (left != NULL)
                tell_left(network, scope, left);
        else if (lost != NULL && (other = other_by(scope, lost->ref, false)) != NULL)
                begin_telling(network, scope, other);
        else if (down == NULL && lost == NULL)
                hear_value(network, scope, message);
}

/* ---- Making oneself known ------------------------------------------------------------------------------------ */

static bool greet(struct cop__network *network, struct cop__peer *peer, const char *name, cop_pid scope)
{
        cop_pid there = cop__network_name(network, peer, name);
        if (there.bits == 0)
                return cop__network_names_are_full(network);
        return tell_discover(network, scope, there);
}

static bool wake(cop_pid scope)
{
        return cop__tell(cop_self(), scope, COP_KIND_OF(cop__scope_late), &(cop__scope_late){ 0 }) == COP_OK;
}

static bool is_scope(const char *name)
{
        struct cop__visit visit;
        if (cop__book_enter(&visit, name, true) != COP_OK)
                return false;
        cop__book_leave(&visit);
        return true;
}

bool cop__scopes_greet(struct cop__network *network, struct cop__peer *peer, bool again)
{
        bool done = true;
        cop_term names;
        if (network->hidden || !cop__peer_is_published(peer))
                return true;
        if (cop_registered(&names) != COP_OK)
                return false;
        for (size_t i = 0; names.type == COP_TERM_LIST && i < names.count; i++) {
                char name[COP_NAME_MAX + 1];
                memcpy(name, names.as.items[i].as.text, names.as.items[i].count);
                name[names.as.items[i].count] = '\0';
                if (!is_scope(name))
                        continue;
                cop_pid scope = cop_whereis(name);
                done &= greet(network, peer, name, scope) && (!again || wake(scope));
        }
        cop_term_free(names);
        return done;
}

void cop__scope_begins(struct cop__network *network)
{
        for (uint32_t i = 0; !network->hidden && i < cop__load_acquire(&network->peer_count); i++) {
                struct cop__peer *peer = network->peers[i];
                if (cop__peer_is_published(peer) && !greet(network, peer, own_name(), cop_self()))
                        cop__news_owe(network, peer);
        }
}
