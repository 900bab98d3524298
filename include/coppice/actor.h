/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Actors: spawn them, send to them, receive, call, link, monitor, exit.
 *
 * An actor is a function, or a server (server.h), with a mailbox and nothing shared.
 * It runs on one thread at a time and may block anywhere. Everything below works inside an
 * actor and on a thread that has entered a node (node.h); elsewhere it answers COP_E_NO_NODE.
 *
 * What people get wrong:
 * - Messages from one actor to another arrive in the order sent, each at most once. There is no
 *   order between messages of different senders, but for cause and effect within a node: if A sends to C and then to B,
 *   and B, having received that, sends to C, then C has A's message first.
 * - Sending is not delivery: the receiver may die first. To know, call, or monitor.
 * - A monitor or link on an actor that is dead already still answers, with the reason noproc.
 * - Whatever may wait, sends (exit signals, too), links, monitors, sets or cancels a timer, or registers a name may go on on
 *   another thread: do not keep errno, or the address of anything thread-local, across it.
 * - After a call has timed out, its late reply is dropped; it never enters the mailbox.
 *
 * Where an argument is called `to`, it is a cop_pid, a registered name ("till") or a cop_address; messages and
 * replies also go to a cop_alias (alias.h).
 */
#ifndef COPPICE_ACTOR_H
#define COPPICE_ACTOR_H

#include <coppice/mailbox.h>
#include <coppice/node.h>
#include <coppice/priority.h>

COP_BEGIN_DECLS

/* A time-out that never comes. Time-outs are milliseconds, 0 or more. */
#define COP_FOREVER INT64_MAX

/* ---- Identity ---------------------------------------------------------------- */

/*
 * A way to an actor that the actor itself may close: who waits for a reply, or an alias (alias.h). A value: keep it,
 * send it on as a field, COP_NESTED(cop_alias, reply_to), and send through it from any actor.
 */
typedef struct cop_alias {
        cop_pid pid; /* whose it is; nobody: nobody's, whatever the ref */
        cop_ref ref; /* none: no alias, but the pid itself */
} cop_alias;
COP_MESSAGE_DECLARE(cop_alias);

/* A pid, a name that is looked up at each use, or an alias. */
typedef struct cop_address {
        cop_pid pid; /* nobody: it is a name */
        union {
                const char *name; /* without a pid; borrowed for the call */
                cop_ref alias;    /* with a pid; none: it is the pid itself */
        };
} cop_address;

static inline cop_address cop_to_pid(cop_pid pid)
{
        cop_address address = { pid, { NULL } };
        return address;
}

/* What NULL is taken for where a name is wanted: a mistake, which no actor bears, and not nobody. */
COP_API extern const char cop__null_name[1];

static inline cop_address cop_to_name(const char *name)
{
        cop_address address = { { 0 }, { name != NULL ? name : cop__null_name } };
        return address;
}

static inline cop_address cop_to_alias(cop_alias alias)
{
        cop_address address = cop_to_pid(alias.pid);
        if (alias.pid.bits != 0) /* nobody's is nobody: without a pid it would be a name */
                address.alias = alias.ref;
        return address;
}

static inline cop_address cop_to_address(cop_address address)
{
        return address;
}

#ifndef __cplusplus
#define COP_TO(to)                                                                              \
        _Generic((to), cop_pid: cop_to_pid, cop_alias: cop_to_alias, char *: cop_to_name, \
                 const char *: cop_to_name, cop_address: cop_to_address)(to)
#endif

/* The calling actor; nobody outside a node. */
COP_API cop_pid cop_self(void);

/* Who spawned the calling actor; nobody for one whose spawner was no actor. */
COP_API cop_pid cop_parent(void);

/* True if the actor is alive now; it may be dead when you read the answer. Of one on another node it knows nothing: false. */
COP_API bool cop_is_alive(cop_pid pid);

/* A reference that no one else has. */
COP_API cop_ref cop_ref_new(void);

/* ---- Messages that the runtime sends ----------------------------------------- */

/* A linked actor ended, or an exit signal came, and this actor traps exits. {'EXIT', Pid, Reason} */
typedef struct cop_exited {
        cop_pid pid;
        cop_term reason;
} cop_exited;
COP_MESSAGE_DECLARE(cop_exited);

/* A monitored actor ended: exactly one for each monitor. {'DOWN', Ref, Name, Pid, Reason, Tag} */
typedef struct cop_down {
        cop_ref ref;
        cop_symbol name; /* as it was monitored; empty when it was by pid, or by a name on another node */
        cop_pid pid;     /* nobody when the name was not registered; of a name on another node, as in its address: cop_node_of says where */
        cop_term reason;
        cop_term tag;    /* of cop_monitor_options, or [] */
} cop_down;
COP_MESSAGE_DECLARE(cop_down);

/* A message of no declared kind: what cop_send_term sends when no kind has the name of the term's tag. */
typedef struct cop_any {
        cop_term term;
} cop_any;
COP_MESSAGE_DECLARE(cop_any);

/* ---- Spawning ---------------------------------------------------------------- */

struct cop_behaviour; /* server.h */

/* The longest label, in bytes without the NUL; see process.h. */
#define COP_LABEL_MAX 63

/* What a fault in an actor's code ends: an invalid access, a division by zero, abort(), a stack overflow. */
typedef enum cop_isolation {
        COP_ISOLATION_GUARDED = 0, /* the actor: the fault is its exit reason, the others go on */
        COP_ISOLATION_INLINE,      /* the program, with a report and a core dump of the fault as it was */
        COP_ISOLATION_STRICT,      /* the actor if memory is surely whole (a NULL pointer, a stack overflow, arithmetic), else
                                      the program */
        COP_ISOLATION_PROCESS,     /* the actor, which lives in an OS process of its own; docs/processes.md */
} cop_isolation;

/* How an actor is started. Exactly one of run, run_with and server is set. */
typedef struct cop_spawn_options {
        void (*run)(void);                   /* the whole life of a plain actor */
        void (*run_with)(const void *argument);
        const struct cop_behaviour *server;
        const cop_kind *kind;                /* of `argument`, which is copied; NULL: none */
        const void *argument;
        const char *name;                    /* to register; copied */
        bool link;                           /* linked to the spawner, atomically */
        bool monitor;                        /* monitored by the spawner, atomically: *monitor_ref */
        cop_ref *monitor_ref;
        cop_pid promise;                     /* the future that this actor resolves; set by future.h */
        cop_ref start_ref;                   /* set: the spawner gets a cop_started when init has ended */
        bool init_ack;                       /* a plain actor: its start is over when it says so: cop_init_ack() */
        uint32_t mailbox_limit;              /* messages that may wait for it; 0: any number; see mailbox.h */
        uint64_t mailbox_bytes;              /* the same in bytes */
        cop_mailbox_policy mailbox_policy;   /* what becomes of one too many */
        cop_mailbox_key mailbox_key;         /* of COP_MAILBOX_COALESCE, and of it alone */
        uint32_t mailbox_high, mailbox_low;  /* marks whose crossing is told; 0: none; low 0: half of high; watermark.h */
        bool supervised;                     /* the spawner will tell what it does about a crash; for supervisors */
        cop_priority priority;               /* of its turns, from the first one on; priority.h */
        cop_isolation isolation;
        bool no_preempt;                     /* it is never interrupted in the middle of a turn; preempt.h */
        size_t memory_limit;                 /* bytes of its state and of cop_alloc; 0: none */
        bool memory_limit_soft;              /* beyond it cop_alloc gives NULL, which is logged once; else it exits */
        const char *label;                   /* for people who look; copied, and cut to COP_LABEL_MAX; process.h */
} cop_spawn_options;

/* The answer of an actor spawned with start_ref, once its init has ended well, or in cop_ignore(). */
typedef struct cop_started {
        cop_ref ref;
        cop_pid pid;
        bool ignored;   /* it has chosen not to run: it ends with the reason normal, and its name is free */
        cop_term extra; /* what init gave to cop_start_extra(), or [] */
} cop_started;
COP_MESSAGE_DECLARE(cop_started);

/*
 * In an init: it is not to run, which is no failure. Its name is free, who waits for its start is told, and
 * it ends with the reason normal. Elsewhere it ends the actor with {badarg, ...}; a visiting thread too.
 */
COP_API COP_NORETURN void cop_ignore(void);

/*
 * In an init: a term for who waits for its start; copied. Errors: COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG,
 * COP_E_NO_NODE, COP_E_BAD_ARGUMENT (not in an init).
 */
COP_API cop_status cop_start_extra(cop_term extra);

/*
 * In a plain actor spawned with init_ack: its start has gone well, and who waits for it goes on. Until then it may
 * cop_exit(), which is a failed start, and cop_ignore() and cop_start_extra() work as in an init. Elsewhere it ends the
 * actor with {badarg, ...}.
 */
COP_API void cop_init_ack(void);

/*
 * Spawns an actor and waits until its start is over: a server's init has ended, or a plain actor has called
 * cop_init_ack(). Without init_ack a plain actor's is over before its first instruction.
 * Returns: COP_OK, and only then *pid and the monitor's reference are set. COP_E_DIED: it has ended before;
 * cop_failure() is the reason, also normal. COP_E_IGNORED: cop_ignore(). COP_E_TIMEOUT: it was killed. Or an error of
 * cop_spawn_opt. Then it is gone when that returns, but for COP_E_NO_MEMORY, and its name is free. If it was to be linked, its
 * exit signal comes as from any link, but for a time-out: so a caller that does not trap exits ends with it.
 * COP_E_BAD_ARGUMENT: also with start_ref. A child that is to be killed and runs on without waiting holds this up.
 */
COP_API cop_status cop_start(const cop_spawn_options *options, int64_t timeout_ms, cop_pid *pid);

/* What the actor that this one started last gave to cop_start_extra(), or []. Borrowed until the next cop_start(). */
COP_API cop_term cop_started_extra(void);

/*
 * Starts an actor. The name is registered before the actor's first instruction. What is refused has started nothing.
 * Errors: COP_E_BAD_ARGUMENT (a value that an option cannot have, or options that do not go together), COP_E_LIMIT (too
 * many actors), COP_E_NO_MEMORY, COP_E_NAME_TAKEN (cop_failure() is {already_started, Pid}, or [] if that one has ended
 * meanwhile), COP_E_STOPPING, COP_E_OVERLOAD (overload.h), COP_E_TOO_DEEP and COP_E_TOO_BIG (the argument).
 */
COP_API cop_status cop_spawn_opt(const cop_spawn_options *options, cop_pid *pid);

/* The same; on failure the actor exits with {system_limit, spawn}, or {badarg, {spawn, Why}} for a mistake; a visitor: none. */
COP_API cop_pid cop_spawn_or_exit(const cop_spawn_options *options);

#ifndef __cplusplus
/* cop_spawn(ponger): runs `void ponger(void)` as an actor. Returns its pid. */
#define cop_spawn(function) cop_spawn_or_exit(&(cop_spawn_options){ .run = (function) })
#define cop_spawn_link(function) \
        cop_spawn_or_exit(&(cop_spawn_options){ .run = (function), .link = true })

/* cop_spawn_with(pinger, start, .peer = p, .rounds = 10): runs `void pinger(const start *)`. */
#define COP_RUN_WITH(function, type) \
        ((void (*)(const void *))(void (*)(void))_Generic((function), void (*)(const type *): (function)))
#define cop_spawn_with(function, type, ...)                                     \
        cop_spawn_or_exit(&(cop_spawn_options){ .run_with = COP_RUN_WITH(function, type), \
                                                .kind = COP_KIND_OF(type),      \
                                                .argument = &(type){ __VA_ARGS__ } })
#else
#define cop_spawn(...) COP__WRITTEN_IN_C(cop_spawn_opt)
#define cop_spawn_link(...) COP__WRITTEN_IN_C(cop_spawn_opt)
#define cop_spawn_with(...) COP__WRITTEN_IN_C(cop_spawn_opt)
#endif

/* ---- Sending ----------------------------------------------------------------- */

/*
 * Copies a message and hands it over; waits for nobody, though a sender that floods a slow receiver
 * may lose the rest of its turn, or pause for some milliseconds (docs/mailboxes.md). To a dead pid: COP_OK, and a dead letter is counted.
 * To nobody (cop_no_pid()) the same. Errors: COP_E_NO_NAME, COP_E_BAD_ARGUMENT (a name, a kind or a value that is NULL; in the value
 * a text or an array that is NULL and has a size), COP_E_NO_MEMORY, COP_E_TOO_BIG, COP_E_TOO_DEEP, COP_E_NO_NODE, COP_E_FULL (mailbox.h),
 * COP_E_OVERLOAD (overload.h).
 */
COP_API cop_status cop_send_value(cop_address to, const cop_kind *kind, const void *value);

/*
 * Sends a term: {bill, 900, 3} as the kind bill if the node knows a kind of that name, else as cop_any. Errors: those of
 * cop_send_value; COP_E_MALFORMED (there is such a kind, but the term does not fit it: to send it all the same, put it in a
 * cop_any).
 */
COP_API cop_status cop_send_term_to(cop_address to, cop_term term);

#ifndef __cplusplus
/* cop_send(to, bill, .pence = 900, .people = 3) */
#define cop_send(to, type, ...) \
        cop_send_value(COP_TO(to), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#define cop_send_term(to, term) cop_send_term_to(COP_TO(to), (term))
#else
#define cop_send(...) COP__WRITTEN_IN_C(cop_send_value)
#endif

/* ---- Receiving --------------------------------------------------------------- */

/* A message in the hands of its receiver. */
typedef struct cop_message cop_message;

/*
 * Its kind, its body, which is borrowed until it is freed, and who has sent it: of a cop_down who has ended, of a timer's who has set
 * that. Of a NULL message NULL and nobody. Kinds are compared by cop_message_as: a COP_MESSAGE in a header gives each file a table of
 * its own, so that their addresses differ.
 */
COP_API const cop_kind *cop_message_kind(const cop_message *message);
COP_API const void *cop_message_body(const cop_message *message);
COP_API cop_pid cop_message_from(const cop_message *message);

/* The body if the message is of that kind, else NULL; also NULL for a NULL message. */
COP_API const void *cop_message_as(const cop_message *message, const cop_kind *kind);

/* Ends a message. NULL is allowed. What an actor has not freed is freed when it ends. */
COP_API void cop_message_free(cop_message *message);

/* What a receive waits for. All that is set must hold; zero is anything. */
typedef struct cop_pattern {
        const cop_kind *kind;
        cop_pid from;                                 /* sent by this actor */
        cop_ref ref;                                  /* its first field of type cop_ref is this */
        uint32_t field_at, field_size;                /* these bytes of the body equal ... */
        const void *field_value;                      /* ... these */
        bool (*where)(const void *body, const void *context); /* must not block */
        const void *context;
} cop_pattern;

/*
 * Takes the first message of the mailbox that any of the patterns fits, in order of arrival,
 * and waits for one to come until the time-out (one of a second or more may be 20 ms late). What does not fit stays, in order.
 * Returns: the message, which the caller owns and ends with cop_message_free; NULL after `timeout_ms`.
 * A negative time-out ends the actor with {badarg, ...}.
 */
COP_API cop_message *cop_receive_any_of(int64_t timeout_ms, const cop_pattern *patterns,
                                        size_t count);

#ifndef __cplusplus
#define COP_ANY ((cop_pattern){ 0 })
#define COP_KIND(type) ((cop_pattern){ .kind = COP_KIND_OF(type) })
#define COP_REF(type, reference) ((cop_pattern){ .kind = COP_KIND_OF(type), .ref = (reference) })
/* COP_WHERE(bill, is_large, &limit): `bool is_large(const bill *, const int64_t *limit)`; &limit may be any pointer. */
#define COP_WHERE(type, predicate, data)                                                   \
        ((cop_pattern){ .kind = COP_KIND_OF(type), .context = (data),                      \
                        .where = (bool (*)(const void *, const void *))(void (*)(void))_Generic( \
                                (predicate), bool (*)(const type *, const __typeof__(*(data)) *): (predicate)) })
/* COP_FIELD(answer, id, 7): the field `id` is 7. For fields that hold plain values. */
#define COP_FIELD(type, field, value)                                                  \
        ((cop_pattern){ .kind = COP_KIND_OF(type),                                     \
                        .field_at = (uint32_t)offsetof(type, field),                   \
                        .field_size = (uint32_t)sizeof(((type *)0)->field),            \
                        .field_value = (const __typeof__(((type *)0)->field)[]){ value } })
/* cop_receive(COP_FOREVER, COP_KIND(ping), COP_KIND(stop)) */
#define cop_receive(timeout_ms, ...)                                      \
        cop_receive_any_of((timeout_ms), (const cop_pattern[]){ __VA_ARGS__ }, \
                           sizeof((const cop_pattern[]){ __VA_ARGS__ }) / sizeof(cop_pattern))
/* cop_read(ping, message): a const ping *, or NULL if the message is another. */
#define cop_read(type, message) ((const type *)cop_message_as((message), COP_KIND_OF(type)))
/* cop_auto m = cop_receive(...): freed at the end of the block. */
#define cop_auto __attribute__((cleanup(cop_message_free_at), unused)) cop_message *
#else
#define cop_receive(...) COP__WRITTEN_IN_C(cop_receive_any_of)
#define cop_read(...) COP__WRITTEN_IN_C(cop_message_as)
#endif
static inline void cop_message_free_at(cop_message **message)
{
        cop_message_free(*message);
}

/*
 * Waits without receiving. Never returns early; one of a second or more up to 20 ms late. A negative time ends the actor with
 * {badarg, ...}. Outside a node it returns at once.
 */
COP_API void cop_sleep(int64_t ms);

/* Lets other actors run first. Outside a node: nothing. */
COP_API void cop_yield(void);

/* ---- Calls ------------------------------------------------------------------- */

/* Who waits for a reply: keep it, and answer later from any actor. Without a ref the message was sent, not called. */
typedef cop_alias cop_caller;

/*
 * Sends a request and waits for its reply. Always ends: with the reply (COP_OK, and the caller
 * owns *reply), or COP_E_TIMEOUT, COP_E_DIED (the callee ended; cop_failure() is the reason),
 * COP_E_NO_ACTOR, COP_E_NO_NAME, COP_E_NO_REPLY (cop_failure() is the atom no_handler if the callee has none for
 * that kind, else []), or an error of cop_send_value; COP_E_BAD_ARGUMENT (nobody, an alias, oneself).
 * COP_E_CYCLE: the callee waits for this actor, directly or through others: cop_failure() is {calling_cycle, [Pid, ...]},
 * of which each waits for the next and the last for the first, which is this one.
 * A call made while handling a call ends no later than that one's time. A request whose caller has given up or has ended before
 * it is taken up is dropped, and never handled. See docs/calls.md.
 */
COP_API cop_status cop_call_value(cop_message **reply, cop_address to, int64_t timeout_ms,
                                  const cop_kind *kind, const void *value);
COP_API cop_status cop_call_term_to(cop_message **reply, cop_address to, int64_t timeout_ms,
                                    cop_term term);

/* Why this actor's last call or start ended in COP_E_DIED, COP_E_CYCLE or COP_E_NAME_TAKEN. Borrowed until its next call. */
COP_API cop_term cop_failure(void);

#ifndef __cplusplus
/* cop_call(&reply, "till", 5000, bill, .pence = 900, .people = 3) */
#define cop_call(reply, to, timeout_ms, type, ...)                             \
        cop_call_value((reply), COP_TO(to), (timeout_ms), COP_KIND_OF(type), \
                       &(type){ __VA_ARGS__ })
#define cop_call_term(reply, to, timeout_ms, term) \
        cop_call_term_to((reply), COP_TO(to), (timeout_ms), (term))
#else
#define cop_call(...) COP__WRITTEN_IN_C(cop_call_value)
#endif

/* Who sent a received message, as someone to reply to; a call is deferred by it, see below. */
COP_API cop_caller cop_caller_of(const cop_message *message);

/*
 * Takes over the duty to answer the message that a server is handling: without this, a handler that
 * ends unanswered makes the call end with COP_E_NO_REPLY. From here on the call ends with the answer, whoever gives it,
 * with its time-out, or when this actor ends. Outside a handler, or without memory: nobody, and nothing is deferred.
 */
COP_API cop_caller cop_defer(void);

/*
 * Answers. A call takes its first reply, later ones are dropped; whoever only sent gets an ordinary message.
 * Errors: COP_E_NO_CALLER, and those of cop_send_value.
 */
COP_API cop_status cop_reply_value(const cop_kind *kind, const void *value);
COP_API cop_status cop_answer_value(const cop_message *message, const cop_kind *kind,
                                    const void *value);
COP_API cop_status cop_reply_value_to(cop_caller caller, const cop_kind *kind, const void *value);

#ifndef __cplusplus
/* In a server's handler: cop_reply(share, .pence_each = 300, .number = 1) */
#define cop_reply(type, ...) cop_reply_value(COP_KIND_OF(type), &(type){ __VA_ARGS__ })
/* To a message that was received: cop_answer(message, share, .pence_each = 300, .number = 1) */
#define cop_answer(message, type, ...) \
        cop_answer_value((message), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#define cop_reply_to(caller, type, ...) \
        cop_reply_value_to((caller), COP_KIND_OF(type), &(type){ __VA_ARGS__ })
#else
#define cop_reply(...) COP__WRITTEN_IN_C(cop_reply_value)
#endif

/* ---- Exit, links, monitors --------------------------------------------------- */

/*
 * Ends the calling actor. `reason` is copied. normal, shutdown and {shutdown, _} are no crashes. One that cannot be copied shows
 * as too_deep, too_big or no_memory.
 * On a visiting thread it ends the visit, and then the thread.
 */
COP_API COP_NORETURN void cop_exit(cop_term reason);

/*
 * Sends an exit signal. normal is ignored (unless trapped, or sent to oneself), kill cannot be trapped and
 * shows as killed, any other ends the receiver with that reason, or becomes a cop_exited if it traps exits.
 * A dead receiver: COP_OK. Errors: COP_E_BAD_ARGUMENT (nobody), COP_E_NO_MEMORY, COP_E_TOO_DEEP, COP_E_TOO_BIG, COP_E_NO_NODE.
 */
COP_API cop_status cop_send_exit(cop_pid pid, cop_term reason);

/* While true, exit signals arrive as cop_exited messages. Returns what it was before. */
COP_API bool cop_trap_exit(bool on);

/*
 * Ties this actor and another: when one ends, the other gets an exit signal with its reason. Once only, both ways.
 * A dead `pid` gives an exit signal noproc. Errors: COP_E_NO_MEMORY, COP_E_BAD_ARGUMENT (nobody).
 */
COP_API cop_status cop_link(cop_pid pid);

/*
 * After it no exit signal of that link arrives; one that is a message in the mailbox already stays there. In an OS process of
 * its own an actor needs memory to ask for it, and ends with {system_limit, unlink} where there is none.
 */
COP_API void cop_unlink(cop_pid pid);

/* Asks for one cop_down when the actor ends, or at once if it has, or nobody bears the name. */
COP_API cop_status cop_monitor_address(cop_address to, cop_ref *ref);

/* What a monitor may have besides. All zero: nothing. */
typedef struct cop_monitor_options {
        cop_term tag;   /* comes back in the cop_down, whatever happens; copied */
        uint32_t alias; /* a cop_alias_mode (alias.h): the reference is also an alias, cop_alias_of(ref) */
        bool priority;  /* its cop_down overtakes the ordinary messages in the mailbox (alias.h) */
} cop_monitor_options;

/*
 * The same with options. Errors of both: COP_E_BAD_ARGUMENT (nobody, an alias, an unknown mode), COP_E_NO_MEMORY,
 * COP_E_TOO_DEEP and COP_E_TOO_BIG (the tag), COP_E_ISOLATED (with `alias`, from a process of its own), COP_E_NO_NODE.
 */
COP_API cop_status cop_monitor_address_opt(cop_address to, const cop_monitor_options *options,
                                           cop_ref *ref);

/*
 * After it no cop_down of that reference arrives; with flush, one already in the mailbox is removed. Returns: true if there
 * was such a monitor of this actor's that had not fired. No reference (0) ends the actor with {badarg, ...}.
 */
COP_API bool cop_demonitor(cop_ref ref);
COP_API bool cop_demonitor_flush(cop_ref ref);

#ifndef __cplusplus
#define cop_monitor(to, ref) cop_monitor_address(COP_TO(to), (ref))
/* cop_monitor_opt("till", &(cop_monitor_options){ .tag = cop_atom("till_down") }, &ref) */
#define cop_monitor_opt(to, ...) cop_monitor_address_opt(COP_TO(to), __VA_ARGS__)
#endif

/* ---- Names ------------------------------------------------------------------- */

/* The longest name, in bytes without the NUL. */
#define COP_NAME_MAX 63

/*
 * Gives a live actor of this node a name; each has at most one, and it is free again before anyone hears of
 * the death. Errors: COP_E_BAD_ARGUMENT (empty, too long, or "undefined"), COP_E_NAME_TAKEN, COP_E_NO_ACTOR,
 * COP_E_NO_MEMORY.
 */
COP_API cop_status cop_register(const char *name, cop_pid pid);
COP_API cop_status cop_unregister(const char *name); /* COP_E_NO_NAME */
COP_API cop_pid cop_whereis(const char *name);       /* nobody */

/*
 * All names of the node, a list of atoms in no order. The caller owns *names and ends it with cop_term_free.
 * Errors: COP_E_NO_MEMORY, COP_E_BAD_ARGUMENT.
 */
COP_API cop_status cop_registered(cop_term *names);

/* ---- Memory ------------------------------------------------------------------ */

/* The most that one cop_alloc gives: beyond it a size is a mistake in arithmetic. */
#define COP_ALLOC_MAX ((size_t)1 << 38)

/*
 * Memory that ends with the calling actor, or earlier with cop_release. Zeroed, aligned to 16 bytes.
 * Returns: NULL when there is none, for more than COP_ALLOC_MAX bytes, or outside a node. Owned by the actor that asked.
 * With a memory_limit that this would exceed: the actor exits with {system_limit, memory}, or NULL if the limit is soft.
 */
COP_API void *cop_alloc(size_t size);
COP_API void cop_release(void *memory); /* by the same actor; NULL is allowed */

COP_END_DECLS

#endif
