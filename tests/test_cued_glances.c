/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Those who are looked at, and nobody asks them: they go on, or end, between two looks, and what was theirs is somebody else's. */
#include <string.h>
#include <sys/mman.h>

#include "actors/glance.h"
#include "actors/watchdog.h"
#include "tests/cue.h"
#include "tests/guest.h"

typedef struct { int64_t number; cop_text words; } note;
COP_MESSAGE(note, number, words);

typedef struct { int64_t unused; } go;
COP_MESSAGE(go, unused);

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(go)));
}

/* ---- Messages ------------------------------------------------------------------------------ */

/* A message that somebody is at, as it lies in memory. */
typedef struct {
        struct cop__signal signal;
        note body;
} letter;

_Static_assert(offsetof(letter, body) == sizeof(struct cop__signal), "a body is right behind the signal");

static struct cop__actor reads; /* not one of the node's: nobody but the claim moves it */

static void let_it_read(letter *l)
{
        memset(&reads, 0, sizeof(reads));
        *l = (letter){ .body = { 7, cop_text_of("tea") } };
        l->signal.type = COP__SIGNAL_MESSAGE;
        l->signal.kind = COP_KIND_OF(note);
        l->signal.size = sizeof(note);
        reads.current = &l->signal;
        reads.handled = 5;
}

static const char *glance(cop_node *node)
{
        static char text[256];
        return cop__glance_message(node, &reads, text, sizeof(text)) ? text : "nothing";
}

IN_NODE(a_glance_tells_what_somebody_is_at)
{
        letter l;
        let_it_read(&l);
        ck_assert_str_eq(glance(node), "#note{number = 7, words = \"tea\"}");
        reads.current = NULL;
        ck_assert_str_eq(glance(node), "nothing");
}

/* Its memory is another message's by now, or no message's. */
IN_NODE(a_glance_believes_only_a_message_of_a_kind_that_the_node_has)
{
        letter l;
        cop_kind unknown = *COP_KIND_OF(note);
        let_it_read(&l);
        l.signal.kind = &unknown;
        ck_assert_str_eq(glance(node), "nothing");
        let_it_read(&l);
        l.signal.type = COP__SIGNAL_REPLY;
        ck_assert_str_eq(glance(node), "nothing");
}

/* Memory that the system does not copy, since it is not there. */
static void *nowhere(void)
{
        void *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        ck_assert_ptr_ne(page, MAP_FAILED);
        munmap(page, 4096);
        return page;
}

IN_NODE(a_glance_follows_no_pointer_to_where_nothing_is)
{
        letter l;
        let_it_read(&l);
        l.body.words.data = nowhere();
        ck_assert_str_eq(glance(node), "#note{number = 7, words = \"\"}");
        let_it_read(&l);
        void *body = nowhere();
        l.signal.flags |= COP__SIGNAL_LARGE;
        memcpy(&l.body, &body, sizeof(body));
        ck_assert_str_eq(glance(node), "nothing");
        let_it_read(&l);
        reads.current = nowhere();
        ck_assert_str_eq(glance(node), "nothing");
}

IN_NODE(a_glance_at_a_large_message_tells_what_lies_apart)
{
        letter l;
        let_it_read(&l);
        note apart = { 9, cop_text_of("ale") };
        const note *body = &apart;
        l.signal.flags |= COP__SIGNAL_LARGE;
        memcpy(&l.body, &body, sizeof(body));
        ck_assert_str_eq(glance(node), "#note{number = 9, words = \"ale\"}");
}

static void comes_to_the_next(void *next)
{
        reads.current = next;
        reads.handled++;
}

static void comes_to_the_same_memory(void *unused)
{
        (void)unused;
        reads.handled++;
}

IN_NODE(a_glance_at_one_who_goes_on_meanwhile_tells_nothing)
{
        letter l, next;
        let_it_read(&next);
        let_it_read(&l);
        cue_act("glance.has_copied", comes_to_the_next, &next.signal);
        ck_assert_str_eq(glance(node), "nothing");
        ck_assert(cue_has_come("glance.has_copied"));
        cue_act("glance.has_copied", comes_to_the_same_memory, NULL);
        ck_assert_str_eq(glance(node), "nothing");
        ck_assert(cue_has_come("glance.has_copied"));
        ck_assert_str_eq(glance(node), "#note{number = 7, words = \"tea\"}");
}

/* ---- Reports of who is long at work ------------------------------------------------------------ */

static uint32_t reports; /* atomic: warnings that the node has said */

static void counts(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)text;
        if (level == COP_LOG_WARNING)
                cop__add_seq(&reports, 1);
}

IN_NODE_WITH(who_has_gone_on_by_the_time_of_its_report_is_not_reported, .log = counts)
{
        cop_pid p = cop_spawn(waits);
        struct cop__sighting sighting = { .pid = p };
        settle_with(p);
        cop__store_seq(&reports, 0);
        sighting.handled = cop__load_relaxed(&cop__slot_of(node, p)->handled) + 1;
        cop__watchdog_report(node, &sighting, cop__clock_ns());
        ck_assert_uint_eq(cop__load_seq(&reports), 0);
        sighting.handled--;
        cop__watchdog_report(node, &sighting, cop__clock_ns());
        ck_assert_uint_eq(cop__load_seq(&reports), 1);
        put_down(p);
        cop__watchdog_report(node, &sighting, cop__clock_ns());
        ck_assert_uint_eq(cop__load_seq(&reports), 1);
}

/* Of one that cannot be interrupted only the slot is known. */
IN_NODE_WITH(who_has_ended_by_the_time_of_its_report_is_not_reported, .log = counts)
{
        cop_pid p = cop_spawn(waits);
        struct cop__task *task = &cop__slot_of(node, p)->task;
        struct cop__worker *worker = &node->scheduler.workers[0];
        settle_with(p);
        cop__store_seq(&reports, 0);
        cop__watchdog_report_blind(node, worker, task, cop__clock_ns());
        ck_assert_uint_eq(cop__load_seq(&reports), 1);
        put_down(p);
        cop__watchdog_report_blind(node, worker, task, cop__clock_ns());
        ck_assert_uint_eq(cop__load_seq(&reports), 1);
}

/* ---- Status ---------------------------------------------------------------------------------------- */

static void sees_off(void *g)
{
        guest_leaves(g);
}

IN_NODE(who_ends_as_its_status_is_looked_at_from_outside_is_no_actor)
{
        NEEDS_THREADS();
        guest g;
        cop_term status = cop_int(7);
        guest_comes(&g, node, NULL, NULL);
        cue_act("sys_ask.looks_from_outside", sees_off, &g);
        ck_assert_int_eq(cop_sys_get_status(g.pid, PATIENCE_MS, &status), COP_E_NO_ACTOR);
        ck_assert(cue_has_come("sys_ask.looks_from_outside"));
        ck_assert_str_eq(text_of(status), "7");
}

/* ---- What is unread ---------------------------------------------------------------------------------- */

/* Messages have numbers, by which they are counted; that of the last one taken may have been freed, and have another's. */
IN_NODE(nothing_is_counted_from_a_message_that_has_become_a_later_one)
{
        struct cop__node taken = { .seq = 18 }, newest = { .seq = 10 };
        memset(&reads, 0, sizeof(reads));
        reads.queue.tail = (uintptr_t)&newest;
        reads.cursor.node = &taken;
        reads.mailbox.count = 2;
        ck_assert_uint_eq(cop__unread(&reads), 2);
        ck_assert(!cop__has_arrived(&reads));
        taken.seq = 4;
        ck_assert_uint_eq(cop__unread(&reads), 5);
        ck_assert(cop__has_arrived(&reads));
}
