/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * An actor that does what a test tells it, one order at a time, and tells the test what it hears.
 *
 *      cop_pid a = cop_spawn(puppet), b = cop_spawn(puppet);
 *      tell(a, LINK, .pid = b);
 *      tell(b, DIE, .reason = cop_atom("boom"));
 *
 * Each order but DIE is a call: when tell returns, the puppet has obeyed. Exits that it traps and downs come to its
 * parent as `saw`.
 */
#ifndef TESTS_PUPPET_H
#define TESTS_PUPPET_H

#include "tests/node_fixture.h"

enum what {
        DIE = 1,
        LINK,
        UNLINK,
        MONITOR,
        DEMONITOR,
        FLUSH,
        TRAP,
        UNTRAP,
        SEND_EXIT,
        SPAWN_LINKED,
        REGISTER_SELF, /* as "puppet" */
};

typedef struct order {
        int64_t what;
        cop_pid pid;
        cop_ref ref;
        cop_term reason;
} order;
COP_MESSAGE(order, what, pid, ref, reason);

typedef struct obeyed {
        int64_t value; /* a status, or what the trap flag was */
        cop_pid pid;
        cop_ref ref;
} obeyed;
COP_MESSAGE(obeyed, value, pid, ref);

typedef struct saw {
        cop_pid by, pid;
        cop_ref ref; /* none: it was an exit */
        cop_term reason;
} saw;
COP_MESSAGE(saw, by, pid, ref, reason);

static void puppet(void);

static inline void puppet_obey(const cop_message *message, const order *o)
{
        obeyed result = { 0 };
        switch (o->what) {
        case DIE:
                cop_exit(o->reason);
        case LINK:
                result.value = cop_link(o->pid);
                break;
        case UNLINK:
                cop_unlink(o->pid);
                break;
        case MONITOR:
                result.value = cop_monitor(o->pid, &result.ref);
                break;
        case DEMONITOR:
                cop_demonitor(o->ref);
                break;
        case FLUSH:
                cop_demonitor_flush(o->ref);
                break;
        case TRAP:
        case UNTRAP:
                result.value = cop_trap_exit(o->what == TRAP);
                break;
        case SEND_EXIT:
                result.value = cop_send_exit(o->pid, o->reason);
                break;
        case SPAWN_LINKED:
                result.pid = cop_spawn_link(puppet);
                break;
        case REGISTER_SELF:
                result.value = cop_register("puppet", cop_self());
                break;
        default:
                cop_exit(cop_atom("bad_order"));
        }
        cop_answer_value(message, COP_KIND_OF(obeyed), &result);
}

static void puppet(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(order), COP_KIND(cop_exited),
                                               COP_KIND(cop_down));
                const cop_exited *exited = cop_read(cop_exited, message);
                const cop_down *down = cop_read(cop_down, message);
                if (exited != NULL)
                        cop_send(cop_parent(), saw, .by = cop_self(), .pid = exited->pid,
                                 .reason = exited->reason);
                else if (down != NULL)
                        cop_send(cop_parent(), saw, .by = cop_self(), .pid = down->pid,
                                 .ref = down->ref, .reason = down->reason);
                else
                        puppet_obey(message, cop_read(order, message));
        }
}

static inline obeyed puppet_tell(cop_pid pid, order o)
{
        cop_message *reply = NULL;
        if (o.what == DIE) {
                ck_assert_int_eq(cop_send_value(cop_to_pid(pid), COP_KIND_OF(order), &o), COP_OK);
                return (obeyed){ 0 };
        }
        cop_status status = cop_call_value(&reply, cop_to_pid(pid), PATIENCE_MS, COP_KIND_OF(order),
                                           &o);
        ck_assert_int_eq(status, COP_OK);
        obeyed result = *cop_read(obeyed, reply);
        cop_message_free(reply);
        return result;
}

#define tell(puppet_pid, what_, ...) \
        puppet_tell((puppet_pid), (order){ .what = (what_), __VA_ARGS__ })

/* What the puppet saw happen to `pid` must be that. */
static inline void await_saw(cop_pid by, cop_pid pid, const char *reason)
{
        cop_auto message = await(COP_FIELD(saw, by, by));
        const saw *s = cop_read(saw, message);
        ck_assert_msg(cop_pid_equal(s->pid, pid), "%s saw another die", text_of(cop_pid_term(by)));
        ck_assert_str_eq(text_of(s->reason), reason);
}

#endif
