/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Between an actor's last turn and the end of what it owned: its pid has moved on, and its lock is still held. Whoever asks for
 * its end meanwhile, by a monitor or a link, or as he stops it, is told when that is over.
 */
#include "tests/family.h"

#include <sched.h>

#include <coppice/children.h>
#include <coppice/own.h>

static char lock, slow;
static uint32_t holders, may_end; /* atomic */
static bool has_ended;            /* atomic: nobody holds the lock, or the next one */

static void unlock(void *thing)
{
        (void)thing;
        cop__sub_acq_rel(&holders, 1u);
        cop__store_seq(&has_ended, true);
}

static void end_when_it_may(void *thing)
{
        (void)thing;
        while (!cop__load_acquire(&may_end))
                sched_yield();
}

typedef struct { int64_t unused; } holder;

static void holder_init(holder *self)
{
        (void)self;
        bool is_held = cop__add_acq_rel(&holders, 1u) > 0;
        ck_assert_int_eq(cop_own("lock", unlock, &lock), COP_OK);
        ck_assert_int_eq(cop_own("slow", end_when_it_may, &slow), COP_OK); /* the last one ends first */
        say(is_held ? "both" : "alone", "x", "");
}

static void holder_on_quit(holder *self, const quit *q)
{
        (void)self;
        cop_exit(q->reason);
}
COP_SERVER(holder, COP_INIT(holder_init), COP_ON(quit, holder_on_quit));

static cop_pid grow_holder(cop_strategy strategy)
{
        TREE(shop, PATIENT, .strategy = strategy, .children = COP_CHILDREN(WORKER("y"), { "x", .server = &holder_server }));
        attend();
        cop__store_seq(&holders, 0u);
        cop__store_seq(&may_end, 0u);
        cop__store_seq(&has_ended, false);
        cop_pid root = grow(&shop);
        expect("start y");
        expect("alone x");
        return root;
}

/* From here on nobody finds it, and it holds its lock until may_end. */
static cop_pid let_die(const char *name)
{
        cop_pid pid = cop_whereis(name);
        cop_send(pid, quit, .reason = cop_atom("boom"));
        await_true(!cop_is_alive(pid));
        ck_assert_uint_eq(cop__load_seq(&holders), 1);
        return pid;
}

/* ---- Who asks for it ------------------------------------------------------------------------ */

typedef struct { cop_pid root, dying; int32_t how; } question;
COP_MESSAGE(question, root, dying, how);
typedef struct { bool has_ended; cop_text text; } answer;
COP_MESSAGE(answer, has_ended, text);

static const char *monitors(const question *q)
{
        cop_auto message = await(COP_REF(cop_down, watch(q->dying)));
        return text_of(cop_read(cop_down, message)->reason);
}

static const char *links(const question *q)
{
        cop_trap_exit(true);
        ck_assert_int_eq(cop_link(q->dying), COP_OK);
        cop_auto message = await(COP_FIELD(cop_exited, pid, q->dying));
        return text_of(cop_read(cop_exited, message)->reason);
}

static const char *shuts_down(const question *q)
{
        return cop_status_text(cop_shutdown(q->dying, COP_FOREVER));
}

static const char *stops(const question *q)
{
        return cop_status_text(cop_stop(q->dying, cop_atom("normal"), COP_FOREVER));
}

static const char *terminates(const question *q)
{
        return cop_status_text(cop_terminate_child(q->root, "x"));
}

static const char *stops_the_tree(const question *q)
{
        return cop_status_text(cop_shutdown(q->root, COP_FOREVER));
}

static const char *(*const hows[])(const question *) = { monitors, links, shuts_down, terminates, stops_the_tree, stops };

static void asks(const question *q)
{
        const char *text = hows[q->how](q);
        cop_send(cop_parent(), answer, .has_ended = cop__load_seq(&has_ended), .text = cop_text_of(text));
}

static bool is_asleep(cop_pid pid)
{
        return cop__queue_is_asleep(&cop__slot_of(cop_node_here(), pid)->queue);
}

/* It has asked, and waits for who has been asked, and who waits as well. Or it has been told already. */
static bool has_asked(cop_pid asker, cop_pid root)
{
        return has_mail() || cop__queue_peek(&cop__actor_here()->queue, &cop__actor_here()->cursor) != NULL ||
               (is_asleep(asker) && is_asleep(root) && is_asleep(asker));
}

static cop_pid who_asks_is_told_when_all_has_ended(int how, const char *text)
{
        cop_pid root = grow_holder(COP_ONE_FOR_ONE), x = let_die("x");
        cop_pid asker = cop_spawn_with(asks, question, .root = root, .dying = x, .how = how);
        await_true(has_asked(asker, root));
        cop__store_seq(&may_end, 1u);
        cop_auto message = await(COP_KIND(answer));
        ck_assert_str_eq(cop_read(answer, message)->text.data, text);
        ck_assert(cop_read(answer, message)->has_ended);
        return root;
}

static void fall_down(cop_pid root)
{
        cop_trap_exit(false);
        cop_unlink(root);
        put_down(root);
}

IN_NODE_WITH(who_monitors_one_that_is_dying_hears_of_the_end_when_what_it_owned_has_ended, .workers = 4)
{
        NEEDS_THREADS();
        fall_down(who_asks_is_told_when_all_has_ended(0, "noproc"));
}

IN_NODE_WITH(who_links_to_one_that_is_dying_hears_of_the_end_when_what_it_owned_has_ended, .workers = 4)
{
        NEEDS_THREADS();
        fall_down(who_asks_is_told_when_all_has_ended(1, "noproc"));
}

IN_NODE_WITH(who_shuts_one_down_that_is_dying_goes_on_when_what_it_owned_has_ended, .workers = 4)
{
        NEEDS_THREADS();
        fall_down(who_asks_is_told_when_all_has_ended(2, cop_status_text(COP_OK)));
}

IN_NODE_WITH(who_stops_one_that_is_dying_goes_on_when_what_it_owned_has_ended, .workers = 4)
{
        NEEDS_THREADS();
        fall_down(who_asks_is_told_when_all_has_ended(5, cop_status_text(COP_E_NO_ACTOR)));
}

IN_NODE_WITH(a_child_that_is_dying_is_terminated_when_what_it_owned_has_ended, .workers = 4)
{
        NEEDS_THREADS();
        fall_down(who_asks_is_told_when_all_has_ended(3, cop_status_text(COP_OK)));
}

IN_NODE_WITH(a_tree_whose_child_is_dying_has_ended_when_what_that_owned_has, .workers = 4)
{
        NEEDS_THREADS();
        who_asks_is_told_when_all_has_ended(4, cop_status_text(COP_OK));
}

/* ---- Who is started in its place ---------------------------------------------------------------- */

IN_NODE_WITH(what_a_dying_one_owned_has_ended_when_its_group_is_started_again, .workers = 4)
{
        NEEDS_THREADS();
        cop_pid root = grow_holder(COP_ONE_FOR_ALL), y = cop_whereis("y");
        cop_ref ref = watch(y);
        let_die("x");
        cop_send(y, quit, .reason = cop_atom("boom"));
        expect("end y boom");
        await_down(ref, "boom"); /* so its supervisor has been told, or is about to look */
        cop_auto before = cop_receive(0, COP_KIND(word));
        ck_assert_ptr_null(before);
        await_true(is_asleep(root) || has_mail());
        cop__store_seq(&may_end, 1u);
        expect("start y");
        expect("alone x");
        fall_down(root);
}
