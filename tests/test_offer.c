/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Two nodes: what one offers the other spawns, and all that is not so. */
#include <pthread.h>

#include "tests/pair.h"

#include "actors/info.h"
#include "distribution/peer.h"
#include "tests/hoard.h"

#define A "a@127.0.0.1"
#define B "b@127.0.0.1"

typedef struct { int64_t pence; cop_text label; } drawer;
COP_MESSAGE(drawer, pence, label);

typedef struct { int64_t number; cop_pid pid; } said;
COP_MESSAGE(said, number, pid);

typedef struct { int64_t pence; cop_pid parent; } till;

static void till_init(till *self, const drawer *d)
{
        self->pence = d->pence + (int64_t)d->label.size;
        self->parent = cop_parent();
}

static void till_on_any(till *self, const cop_any *any)
{
        if (cop_is_atom(any->term, "die"))
                cop_exit(cop_atom("died"));
        if (cop_is_atom(any->term, "parent"))
                cop_reply(said, .number = self->pence, .pid = self->parent);
}

COP_SERVER(till, COP_INIT_WITH(drawer, till_init), COP_ON(cop_any, till_on_any));

static void waits(void)
{
        cop_sleep(COP_FOREVER);
}

static void dies(void)
{
        cop_exit(cop_atom("died"));
}

/* Says what it has been given. */
static void says_any(const cop_any *any)
{
        cop_send(cop_parent(), cop_any, .term = any->term);
}

static void says_number(const said *s)
{
        cop_send(cop_parent(), said, .number = s->number, .pid = cop_self());
        cop_send(s->pid, said, .number = s->number + 1, .pid = cop_self());
        cop_exit(cop_atom("said"));
}

/* Says how it is ended, to whoever bears that name at the other node. */
static void tells(void)
{
        cop_trap_exit(true);
        cop_register("tells", cop_self());
        cop_auto exited = cop_receive(COP_FOREVER, COP_KIND(cop_exited));
        cop_send(cop_at("witness", A), cop_any, .term = cop_read(cop_exited, exited)->reason);
}

static void offer(const char *name, cop_spawn_options options)
{
        ck_assert_int_eq(cop_offer(name, &options), COP_OK);
}

/* What most claims spawn. Enters a again. */
static void offer_all(struct pair *pair)
{
        visit(pair->b);
        offer("till", (cop_spawn_options){ .server = &till_server, .kind = COP_KIND_OF(drawer) });
        offer("waits", (cop_spawn_options){ .run = waits });
        offer("dies", (cop_spawn_options){ .run = dies });
        offer("tells", (cop_spawn_options){ .run = tells });
        offer("any", (cop_spawn_options){ .run_with = COP_RUN_WITH(says_any, cop_any), .kind = COP_KIND_OF(cop_any) });
        offer("number", (cop_spawn_options){ .run_with = COP_RUN_WITH(says_number, said), .kind = COP_KIND_OF(said) });
        visit(pair->a);
}

#define OFFERS(claim)                                         \
        static void offers_##claim(struct pair *pair);        \
        PAIR(claim)                                           \
        {                                                     \
                offer_all(pair);                              \
                offers_##claim(pair);                         \
        }                                                     \
        static void offers_##claim(__attribute__((unused)) struct pair *pair)

#define WITH_DRAWER .kind = COP_KIND_OF(drawer), .argument = &(drawer){ .pence = 900, .label = COP_TEXT("h\303\244us") }

static cop_status try_at(cop_spawn_there what, cop_pid *pid)
{
        if (what.node == NULL)
                what.node = B;
        return cop_spawn_at(&what, PATIENCE_MS, pid);
}
#define TRY_AT(...) try_at((cop_spawn_there){ __VA_ARGS__ }, &(cop_pid){ 0 })

static cop_pid spawn_at(cop_spawn_there what)
{
        cop_pid pid = cop_no_pid();
        cop_status status = try_at(what, &pid);
        ck_assert_msg(status == COP_OK, "%s: %s", what.offer, cop_status_text(status));
        ck_assert(pid.bits != 0);
        return pid;
}
#define SPAWN_AT(...) spawn_at((cop_spawn_there){ __VA_ARGS__ })

static void await_term(const char *words)
{
        cop_auto message = await(COP_KIND(cop_any));
        ck_assert_str_eq(text_of(cop_read(cop_any, message)->term), words);
}

/* ---- Who it is ---------------------------------------------------------------------------------- */

static void knows_its_spawner(const char *node)
{
        cop_auto reply = NULL;
        cop_pid pid = SPAWN_AT(.node = node, .offer = "till", WITH_DRAWER);
        ck_assert_str_eq(cop_node_of(pid), strcmp(node, cop_node_here_name()) == 0 ? "" : node);
        ck_assert_int_eq(cop_call_term(&reply, pid, PATIENCE_MS, cop_atom("parent")), COP_OK);
        ck_assert_int_eq(cop_read(said, reply)->number, 905);
        ck_assert(cop_pid_equal(cop_read(said, reply)->pid, cop_self()));
        ck_assert(cop_pid_equal(cop_message_from(reply), pid));
}

OFFERS(SPN_16_a_child_on_another_node_knows_its_spawner_and_its_argument)
{
        knows_its_spawner(B);
}

/* Its node is asked, by somebody else. */
OFFERS(SPN_16_whoever_looks_at_a_child_sees_its_spawner_on_the_other_node)
{
        cop_process process;
        cop_pid self = cop_self();
        SPAWN_AT(.offer = "tells", .name = "seen");
        visit(pair->b);
        ck_assert_int_eq(cop_process_info(cop_whereis("seen"), &process), COP_OK);
        ck_assert_str_eq(cop_node_of(process.parent), A);
        ck_assert_uint_eq(cop__pid_slot(process.parent), cop__pid_slot(self));
        visit(pair->a);
}

PAIR(what_this_node_offers_is_spawned_here_in_the_same_way)
{
        cop_ref ref;
        offer("till", (cop_spawn_options){ .server = &till_server, .kind = COP_KIND_OF(drawer) });
        offer("dies", (cop_spawn_options){ .run = dies });
        offer("waits", (cop_spawn_options){ .run = waits, .name = "one" });
        knows_its_spawner(A);
        cop_trap_exit(true);
        cop_pid pid = SPAWN_AT(.node = A, .offer = "dies", .link = true, .monitor = true, .monitor_ref = &ref);
        await_down(ref, "died");
        await_exited(pid, "died");
        ck_assert_int_eq(TRY_AT(.node = A, .offer = "till"), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(TRY_AT(.node = A, .offer = "none"), COP_E_NOT_FOUND);
        ck_assert_int_eq(TRY_AT(.node = A, .offer = "waits", .name = "two"), COP_E_BAD_ARGUMENT);
        pid = SPAWN_AT(.node = A, .offer = "waits");
        ck_assert(cop_pid_equal(cop_whereis("one"), pid));
        ck_assert_int_eq(TRY_AT(.node = A, .offer = "waits"), COP_E_NAME_TAKEN);
        pid = SPAWN_AT(.node = A, .offer = "till", WITH_DRAWER, .name = "third");
        ck_assert(cop_pid_equal(cop_whereis("third"), pid));
        nothing_has_come();
}

OFFERS(an_offer_that_takes_any_argument_gets_what_it_is_given)
{
        const cop_term list = COP_LIST(cop_int(1), cop_int(2));
        SPAWN_AT(.offer = "any", .kind = COP_KIND_OF(cop_any), .argument = &(cop_any){ COP_TUPLE(cop_atom("a"), list) });
        await_term("{a, [1, 2]}");
        SPAWN_AT(.offer = "any", .arguments = COP_LIST(cop_int(65))); /* to another node this list is a string */
        await_term("65");
        SPAWN_AT(.offer = "coppice:any", .arguments = COP_LIST(list));
        await_term("[1, 2]");
        SPAWN_AT(.offer = "number", .arguments = COP_LIST(COP_TUPLE(cop_atom("said"), cop_int(7), cop_pid_term(cop_self()))));
        await_and_drop(COP_KIND(said));
        await_and_drop(COP_KIND(said));
        nothing_has_come();
}

OFFERS(what_a_child_says_at_once_comes_in_order_before_its_end)
{
        cop_trap_exit(true);
        for (int i = 0; i < 100; i++) {
                cop_pid pid = SPAWN_AT(.offer = "number", .kind = COP_KIND_OF(said),
                                       .argument = &(said){ .number = 2 * i, .pid = cop_self() }, .link = true);
                for (int k = 0; k < 2; k++) {
                        cop_auto first = await(COP_ANY);
                        ck_assert_ptr_nonnull(cop_read(said, first));
                        ck_assert_int_eq(cop_read(said, first)->number, 2 * i + k);
                        ck_assert(cop_pid_equal(cop_read(said, first)->pid, pid));
                }
                await_exited(pid, "said");
        }
        nothing_has_come();
}

/* ---- Offers ------------------------------------------------------------------------------------------ */

PAIR(what_is_not_offered_is_spawned_by_nobody)
{
        cop_ref ref;
        ck_assert_int_eq(TRY_AT(.offer = "till", WITH_DRAWER, .link = true, .monitor = true, .monitor_ref = &ref), COP_E_NOT_FOUND);
        offer_all(pair);
        ck_assert_int_eq(TRY_AT(.offer = "shop:till", WITH_DRAWER), COP_E_NOT_FOUND);
        ck_assert_int_eq(TRY_AT(.offer = "tillx", WITH_DRAWER), COP_E_NOT_FOUND);
        ck_assert_int_eq(TRY_AT(.offer = "erlang:halt"), COP_E_NOT_FOUND);
        SPAWN_AT(.offer = "till", WITH_DRAWER);
        visit(pair->b);
        ck_assert_int_eq(cop_unoffer("coppice:till"), COP_OK);
        ck_assert_int_eq(cop_unoffer("till"), COP_E_NOT_FOUND);
        visit(pair->a);
        ck_assert_int_eq(TRY_AT(.offer = "till", WITH_DRAWER), COP_E_NOT_FOUND);
        SPAWN_AT(.offer = "waits");
        nothing_has_come();
}

IN_NODE(offers_are_made_before_distribution_begins_and_outlast_it)
{
        uint16_t port;
        offer("waits", (cop_spawn_options){ .run = waits });
        ck_assert_int_eq(TRY_AT(.node = A, .offer = "waits"), COP_E_NO_DISTRIBUTION);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(distribute_with(A, (cop_distribution){ .port = 0 }, &port), COP_OK);
                put_down(SPAWN_AT(.node = A, .offer = "waits"));
                ck_assert_int_eq(cop_distribution_stop(), COP_OK);
        }
        ck_assert_int_eq(cop_offer("waits", &(cop_spawn_options){ .run = dies }), COP_E_NAME_TAKEN);
        ck_assert_int_eq(cop_unoffer("waits"), COP_OK);
        offer("waits", (cop_spawn_options){ .run = dies });
}

IN_NODE(what_could_never_be_spawned_is_not_offered)
{
        static char long_name[COP_SYMBOL_MAX + 2];
        static const drawer with_drawer = { .pence = 1 };
        cop_ref ref;
        const cop_spawn_options wrong[] = {
                { .run = NULL },
                { .run = waits, .server = &till_server },
                { .run_with = COP_RUN_WITH(says_number, said) },
                { .server = &till_server, .kind = COP_KIND_OF(drawer), .argument = &with_drawer },
                { .run = waits, .link = true },
                { .run = waits, .monitor = true, .monitor_ref = &ref },
                { .run = waits, .monitor_ref = &ref },
                { .run = waits, .supervised = true },
                { .run = waits, .promise = cop_self() },
                { .run = waits, .start_ref = cop_ref_new() },
                { .run = waits, .name = "" },
                { .run = waits, .priority = (cop_priority)9 },
                { .run = waits, .isolation = (cop_isolation)9 },
                { .run = waits, .memory_limit_soft = true },
                { .run = waits, .mailbox_policy = COP_MAILBOX_COALESCE },
        };
        const char *const names[] = { NULL, "", ":", "shop:", ":till", "\xff", "shop:\xff", long_name };
        memset(long_name, 'n', sizeof(long_name) - 1);
        ck_assert_int_eq(cop_offer("x", NULL), COP_E_BAD_ARGUMENT);
        for (size_t i = 0; i < COP__COUNT(wrong); i++)
                ck_assert_msg(cop_offer("x", &wrong[i]) == COP_E_BAD_ARGUMENT, "options %d are taken", (int)i);
        for (size_t i = 0; i < COP__COUNT(names); i++) {
                ck_assert_int_eq(cop_offer(names[i], &(cop_spawn_options){ .run = waits }), COP_E_BAD_ARGUMENT);
                ck_assert_int_eq(cop_unoffer(names[i]), COP_E_BAD_ARGUMENT);
        }
        ck_assert_int_eq(cop_unoffer("x"), COP_E_NOT_FOUND);
        offer("x", (cop_spawn_options){ .run = waits });
        ck_assert_int_eq(cop_unoffer("y"), COP_E_NOT_FOUND);
}

OFFERS(how_it_runs_is_what_the_offer_says)
{
        cop_process process;
        visit(pair->b);
        offer("shop:slow", (cop_spawn_options){ .run = waits, .name = "slow", .label = "one that waits", .priority = COP_PRIORITY_LOW,
                                                .memory_limit = 10000, .mailbox_limit = 7 });
        visit(pair->a);
        SPAWN_AT(.offer = "shop:slow");
        ck_assert_int_eq(TRY_AT(.offer = "shop:slow"), COP_E_NAME_TAKEN);
        ck_assert_int_eq(TRY_AT(.offer = "shop:slow", .name = "quick"), COP_E_BAD_ARGUMENT);
        visit(pair->b);
        ck_assert_int_eq(cop_process_info(cop_whereis("slow"), &process), COP_OK);
        ck_assert_str_eq(process.label, "one that waits");
        ck_assert_int_eq(process.priority, COP_PRIORITY_LOW);
        visit(pair->a);
}

OFFERS(a_spawner_may_give_it_a_name_that_nobody_has_there)
{
        SPAWN_AT(.offer = "till", WITH_DRAWER, .name = "cashier");
        ck_assert_int_eq(TRY_AT(.offer = "till", WITH_DRAWER, .name = "cashier"), COP_E_NAME_TAKEN);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, cop_at("cashier", B), PATIENCE_MS, cop_atom("parent")), COP_OK);
        ck_assert(cop_pid_equal(cop_read(said, reply)->pid, cop_self()));
}

/* ---- What is no such thing ------------------------------------------------------------------------------ */

OFFERS(what_is_no_order_is_refused_at_once)
{
        static char long_name[COP_NAME_MAX + 2];
        const cop_term text = cop_string("ab");
        cop_pid pid = cop_self();
        memset(long_name, 'n', sizeof(long_name) - 1);
        const cop_spawn_there wrong[] = {
                { .node = NULL, .offer = "waits" },
                { .node = "nobody", .offer = "waits" },
                { .node = B, .offer = NULL },
                { .node = B, .offer = "" },
                { .node = B, .offer = "shop:" },
                { .node = B, .offer = "caf\xe9" },
                { .node = B, .offer = "till", .kind = COP_KIND_OF(drawer) },
                { .node = B, .offer = "till", .argument = &text },
                { .node = B, .offer = "any", .arguments = text },
                { .node = B, .offer = "any", .arguments = cop_int(1) },
                { .node = B, .offer = "till", WITH_DRAWER, .arguments = COP_LIST(cop_int(1)) },
                { .node = B, .offer = "waits", .name = "" },
                { .node = B, .offer = "waits", .name = "undefined" },
                { .node = B, .offer = "waits", .name = long_name },
                { .node = B, .offer = "waits", .name = "caf\xe9" },
                { .node = B, .offer = "waits", .monitor = true },
        };
        for (size_t i = 0; i < COP__COUNT(wrong); i++)
                ck_assert_msg(cop_spawn_at(&wrong[i], PATIENCE_MS, &pid) == COP_E_BAD_ARGUMENT, "order %d is taken", (int)i);
        ck_assert_int_eq(cop_spawn_at(NULL, PATIENCE_MS, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_spawn_at(&(cop_spawn_there){ .node = B, .offer = "waits" }, PATIENCE_MS, NULL), COP_E_BAD_ARGUMENT);
        ck_assert(cop_pid_equal(pid, cop_self()));
}

OFFERS(an_argument_that_cannot_cross_is_refused_and_the_connection_stays)
{
        cop_term deep = cop_nil(), items[COP_TERM_DEPTH_MAX + 2];
        for (size_t i = 0; i < COP__COUNT(items); i++) {
                items[i] = deep;
                deep = cop_tuple_of(&items[i], 1);
        }
        ck_assert_int_eq(cop_nodes_subscribe(), COP_OK);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        await_and_drop(COP_KIND(cop_node_up));
        ck_assert_int_eq(TRY_AT(.offer = "any", .kind = COP_KIND_OF(cop_any), .argument = &(cop_any){ cop_atom("caf\xe9") }),
                         COP_E_MALFORMED);
        ck_assert_int_eq(TRY_AT(.offer = "any", .kind = COP_KIND_OF(cop_any),
                                .argument = &(cop_any){ cop_pid_term(cop__pid_of(200, 1, 1)) }), COP_E_MALFORMED);
        ck_assert_int_eq(TRY_AT(.offer = "any", .kind = COP_KIND_OF(cop_any), .argument = &(cop_any){ deep }), COP_E_TOO_DEEP);
        /* The deepest that a message may be is none too deep. */
        SPAWN_AT(.offer = "any", .kind = COP_KIND_OF(cop_any), .argument = &(cop_any){ items[COP_TERM_DEPTH_MAX] });
        await_and_drop(COP_KIND(cop_any));
        nothing_has_come();
}

static pthread_mutex_t of_words = PTHREAD_MUTEX_INITIALIZER;
static char complaint[256], report[1024];

static void keeps_complaint(void *context, cop_log_level level, const char *text)
{
        (void)context;
        pthread_mutex_lock(&of_words);
        if (level == COP_LOG_WARNING)
                snprintf(complaint, sizeof(complaint), "%s", text);
        else if (level == COP_LOG_ERROR)
                snprintf(report, sizeof(report), "%s", text);
        pthread_mutex_unlock(&of_words);
}

/* It has been said by now. */
static void is_said(const char *in, const char *words)
{
        pthread_mutex_lock(&of_words);
        ck_assert_msg(strstr(in, words) != NULL, "%s: %s", words, in);
        pthread_mutex_unlock(&of_words);
}

static void pair_begin_with(struct pair *pair, cop_node_options options)
{
        options.name = "b";
        pair->b = node_begin(options);
        ck_assert_int_eq(distribute_with(B, (cop_distribution){ .port = 0 }, &pair->port_b), COP_OK);
        cop_node_leave();
        pair->a = node_begin_beside(pair->b, "a");
        ck_assert_int_eq(distribute_with(A, (cop_distribution){ .port = 0 }, &pair->port_a), COP_OK);
        ck_assert_int_eq(cop_node_is_at(B, NULL, pair->port_b), COP_OK);
        offer_all(pair);
}

/* The other node says in its log what is wrong with it. */
TEST(an_argument_that_an_offer_does_not_take_is_refused_and_it_is_said_why)
{
        static const struct {
                const char *offer, *arguments;
                cop_status status;
                const char *why;
        } cases[] = {
                { "till", "[]", COP_E_BAD_ARGUMENT, "a@127.0.0.1 cannot spawn coppice:till here: an argument is outside its documented "
                                                     "range: it takes one argument" },
                { "till", "[{drawer, 1, \"\"}, 2]", COP_E_BAD_ARGUMENT, "it takes one argument" },
                { "waits", "[1]", COP_E_BAD_ARGUMENT, "it takes no argument" },
                { "till", "[{bill, 1, 2}]", COP_E_BAD_ARGUMENT, "drawer" },
                { "till", "[{drawer, one, \"\"}]", COP_E_BAD_ARGUMENT, "pence" },
                { "till", "[{drawer, 1}]", COP_E_BAD_ARGUMENT, "drawer" },
                { "shop:till", "[]", COP_E_NOT_FOUND, "a@127.0.0.1 cannot spawn shop:till here: there is no such offer" },
                { "a\nshop:\033[2Jtill", "[]", COP_E_NOT_FOUND, "a@127.0.0.1 cannot spawn a?shop:?[2Jtill here: there is no such offer" },
        };
        struct pair pair = { NULL, NULL, 0, 0 };
        pair_begin_with(&pair, (cop_node_options){ .log = keeps_complaint });
        for (size_t i = 0; i < COP__COUNT(cases); i++) {
                cop_term list;
                ck_assert_int_eq(cop_term_parse(cases[i].arguments, strlen(cases[i].arguments), NULL, &list, NULL), COP_OK);
                ck_assert_int_eq(TRY_AT(.offer = cases[i].offer, .arguments = list), cases[i].status);
                cop_term_free(list);
                is_said(complaint, cases[i].why);
        }
        pair_end(&pair);
}

/* Of whom nobody here knows whether he lives. */
TEST(a_report_of_a_child_that_has_crashed_names_its_spawner_on_the_other_node)
{
        struct pair pair = { NULL, NULL, 0, 0 };
        cop_ref ref;
        pair_begin_with(&pair, (cop_node_options){ .log = keeps_complaint });
        cop_trap_exit(true);
        cop_pid pid = SPAWN_AT(.offer = "dies", .link = true, .monitor = true, .monitor_ref = &ref);
        await_down(ref, "died");
        await_exited(pid, "died");
        pair_end(&pair); /* it has been written */
        is_said(report, "by <1.");
        is_said(report, "> (on another node)");
        ck_assert_ptr_null(strstr(report, "(ended)"));
}

static void has_no_patience(void)
{
        cop_pid pid;
        cop_spawn_at(&(cop_spawn_there){ .node = B, .offer = "waits" }, -1, &pid);
}

OFFERS(who_may_not_spawn_there_is_told_so)
{
        cop_auto down = NULL;
        cop_ref ref = spawn_watched(.run = has_no_patience);
        down = await(COP_REF(cop_down, ref));
        ck_assert_ptr_nonnull(strstr(text_of(cop_read(cop_down, down)->reason), "{badarg, "));
        cop_node_leave();
        cop_pid pid;
        const cop_spawn_there there = { .node = B, .offer = "waits" };
        ck_assert_int_eq(cop_spawn_at(&there, 1000, &pid), COP_E_NO_NODE);
        ck_assert_int_eq(cop_offer("x", &(cop_spawn_options){ .run = waits }), COP_E_NO_NODE);
        ck_assert_int_eq(cop_unoffer("x"), COP_E_NO_NODE);
        ck_assert_int_eq(cop_node_enter(pair->a), COP_OK);
}

/* ---- Processes -------------------------------------------------------------------------------------------------- */

/* The answers of all three, there. */
static void asks_in_vain(const said *s)
{
        cop_pid pid;
        int64_t sum = cop_offer("x", &(cop_spawn_options){ .run = waits }) == COP_E_NO_DISTRIBUTION;
        sum += cop_unoffer("x") == COP_E_NO_DISTRIBUTION;
        sum += cop_spawn_at(&(cop_spawn_there){ .node = A, .offer = "waits" }, PATIENCE_MS, &pid) == COP_E_NO_DISTRIBUTION;
        cop_send(s->pid, said, .number = sum);
}

TEST(what_is_offered_may_live_in_a_process_of_its_own_and_is_tied_to_its_spawner_all_the_same)
{
        struct pair pair = { NULL, NULL, 0, 0 };
        NEEDS_THREADS();
        pair_begin_with(&pair, (cop_node_options){ .processes = true });
        visit(pair.b);
        offer("apart", (cop_spawn_options){ .server = &till_server, .kind = COP_KIND_OF(drawer), .isolation = COP_ISOLATION_PROCESS });
        offer("asks", (cop_spawn_options){ .run_with = COP_RUN_WITH(asks_in_vain, said), .kind = COP_KIND_OF(said),
                                           .isolation = COP_ISOLATION_PROCESS });
        visit(pair.a);
        cop_trap_exit(true);
        for (int i = 0; i < 4; i++) {
                cop_ref ref = { 0 };
                cop_auto reply = NULL;
                bool link = i & 1, monitor = i & 2;
                cop_pid pid = SPAWN_AT(.offer = "apart", WITH_DRAWER, .link = link, .monitor = monitor, .monitor_ref = &ref);
                ck_assert_int_eq(cop_call_term(&reply, pid, PATIENCE_MS, cop_atom("parent")), COP_OK);
                ck_assert_int_eq(cop_read(said, reply)->number, 905);
                ck_assert(cop_pid_equal(cop_read(said, reply)->pid, cop_self()));
                ck_assert_int_eq(cop_send_term(pid, cop_atom("die")), COP_OK);
                if (link)
                        await_exited(pid, "died");
                if (monitor)
                        await_down(ref, "died");
        }
        SPAWN_AT(.offer = "asks", .kind = COP_KIND_OF(said), .argument = &(said){ .pid = cop_self() });
        cop_auto refused = await(COP_KIND(said));
        ck_assert_int_eq(cop_read(said, refused)->number, 3);
        nothing_has_come();
        pair_end(&pair);
}

/* ---- Links and monitors ------------------------------------------------------------------------------------- */

OFFERS(a_child_that_ends_at_once_is_told_of_by_its_link_and_its_monitor_with_its_reason)
{
        cop_trap_exit(true);
        for (int i = 0; i < 100; i++) {
                cop_ref ref = { 0 };
                cop_pid pid = SPAWN_AT(.offer = "dies", .link = i % 3 != 1, .monitor = i % 3 != 2, .monitor_ref = &ref);
                if (i % 3 != 1)
                        await_exited(pid, "died");
                if (i % 3 != 2)
                        await_down(ref, "died");
        }
        cop_ref ref;
        cop_pid pid = SPAWN_AT(.offer = "dies", .monitor = true, .monitor_ref = &ref);
        await_down(ref, "died");
        await_down(watch(pid), "noproc");
        nothing_has_come();
}

OFFERS(what_ties_them_is_a_link_and_a_monitor_like_any_other)
{
        cop_ref ref, second;
        cop_trap_exit(true);
        cop_pid pid = SPAWN_AT(.offer = "waits", .link = true, .monitor = true, .monitor_ref = &ref);
        ck_assert_int_eq(cop_link(pid), COP_OK);
        second = watch(pid);
        ck_assert(cop_demonitor(ref));
        ck_assert(!cop_demonitor(ref));
        cop_unlink(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("enough")), COP_OK);
        await_down(second, "enough");
        nothing_has_come();
        pid = SPAWN_AT(.offer = "waits", .link = true, .monitor = true, .monitor_ref = &ref);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("enough")), COP_OK);
        await_down(ref, "enough");
        await_exited(pid, "enough");
        nothing_has_come();
}

typedef struct { cop_pid witness; bool link; } spawner;
COP_MESSAGE(spawner, witness, link);

/* Spawns who tells how it is ended, and ends. */
static void spawns_and_ends(const spawner *s)
{
        cop_pid pid = SPAWN_AT(.offer = "tells", .link = s->link);
        cop_send(s->witness, said, .pid = pid);
        cop_exit(cop_atom("ended"));
}

/* As SPN-09 has it within a node. */
OFFERS(SPN_09_a_spawner_that_ends_ends_its_child_on_another_node_if_they_are_linked)
{
        ck_assert_int_eq(cop_register("witness", cop_self()), COP_OK);
        cop_ref ref = spawn_watched(RUN_WITH(spawns_and_ends, spawner, .witness = cop_self(), .link = true));
        await_down(ref, "ended");
        await_and_drop(COP_KIND(said));
        await_term("ended");
        ref = spawn_watched(RUN_WITH(spawns_and_ends, spawner, .witness = cop_self(), .link = false));
        await_down(ref, "ended");
        cop_auto born = await(COP_KIND(said));
        cop_pid pid = cop_read(said, born)->pid;
        ref = watch(pid);
        ck_assert_int_eq(cop_send_exit(pid, cop_atom("by_hand")), COP_OK);
        await_term("by_hand");
        await_down(ref, "normal");
        nothing_has_come();
}

/* ---- Nodes that are not there, or go ----------------------------------------------------------------------------- */

OFFERS(DST_02_a_spawn_on_a_node_that_cannot_be_reached_ends_with_no_connection)
{
        cop_ref ref;
        cop_trap_exit(true);
        ck_assert_int_eq(TRY_AT(.node = "nobody@127.0.0.1", .offer = "waits", .link = true, .monitor = true, .monitor_ref = &ref),
                         COP_E_NO_CONNECTION);
        SPAWN_AT(.offer = "waits");
        cop_node_stop(pair->b);
        pair->b = NULL;
        ck_assert_int_eq(TRY_AT(.offer = "waits", .link = true, .monitor = true, .monitor_ref = &ref), COP_E_NO_CONNECTION);
        nothing_has_come();
}

PAIR_WITH(DST_02_without_a_connection_that_may_be_made_a_spawn_ends_at_once, .no_auto_connect = true)
{
        offer_all(pair);
        ck_assert_int_eq(TRY_AT(.offer = "waits"), COP_E_NO_CONNECTION);
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        SPAWN_AT(.offer = "waits");
}

OFFERS(DST_02_a_connection_that_goes_down_later_ends_the_link_and_the_monitor_with_noconnection)
{
        cop_ref ref;
        cop_trap_exit(true);
        cop_pid pid = SPAWN_AT(.offer = "waits", .link = true, .monitor = true, .monitor_ref = &ref);
        SPAWN_AT(.offer = "waits");
        ck_assert_int_eq(cop_disconnect(B), COP_OK); /* a node that is stopped kills its own first */
        await_down(ref, "noconnection");
        await_exited(pid, "noconnection");
        cop_node_stop(pair->b);
        pair->b = NULL;
        await_down(watch(pid), "noconnection");
        nothing_has_come();
}

static void spawns_and_stays(const spawner *s)
{
        SPAWN_AT(.offer = "till", WITH_DRAWER, .name = "alone");
        SPAWN_AT(.offer = "waits", .link = true, .name = "tied");
        cop_send(s->witness, said, .number = 1);
        cop_sleep(COP_FOREVER);
}

/* Who is spawned and linked does not outlive the connection; who is not does. */
OFFERS(DST_02_a_child_hears_of_the_end_of_the_connection_by_its_link)
{
        cop_spawn_with(spawns_and_stays, spawner, .witness = cop_self());
        await_and_drop(COP_KIND(said));
        visit(pair->b);
        cop_ref ref = watch(cop_whereis("tied"));
        cop_pid alone = cop_whereis("alone");
        ck_assert_int_eq(cop_disconnect(A), COP_OK);
        await_down(ref, "noconnection");
        ck_assert(cop_is_alive(alone));
        visit(pair->a);
}

/* The connection of the other node, which its actor at b does not go on with until it is resumed. */
static cop_pid hold_up(struct pair *pair)
{
        cop_pid owner;
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        visit(pair->b);
        await_true(cop__peer_look(cop__network_find(cop__network_here(), A, strlen(A)), &owner) == COP__PEER_UP);
        ck_assert_int_eq(cop_sys_suspend(owner, PATIENCE_MS), COP_OK);
        visit(pair->a);
        return owner;
}

static void let_go_on(struct pair *pair, cop_pid owner)
{
        visit(pair->b);
        ck_assert_int_eq(cop_sys_resume(owner, PATIENCE_MS), COP_OK);
        visit(pair->a);
}

static void spawns_in_vain(const spawner *s)
{
        cop_ref ref;
        cop_pid pid;
        cop_status status = cop_spawn_at(&(cop_spawn_there){ .node = B, .offer = "tells", .link = s->link, .monitor = true,
                                                             .monitor_ref = &ref },
                                         COP_FOREVER, &pid);
        cop_exit(cop_int(status));
}

static cop_pid spawner_that_waits(struct pair *pair, bool link, cop_ref *ref)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ RUN_WITH(spawns_in_vain, spawner, .link = link), .monitor = true,
                                                             .monitor_ref = ref }, &pid), COP_OK);
        await_true(is_waiting(pair->a, pid));
        return pid;
}

OFFERS(DST_02_a_node_that_goes_down_while_it_is_asked_ends_the_spawn_with_no_connection)
{
        cop_ref first, second;
        cop_pid owner = hold_up(pair);
        spawner_that_waits(pair, true, &first);
        spawner_that_waits(pair, false, &second);
        ck_assert_int_eq(cop_disconnect(B), COP_OK);
        await_down(first, text_of(cop_int(COP_E_NO_CONNECTION)));
        await_down(second, text_of(cop_int(COP_E_NO_CONNECTION)));
        let_go_on(pair, owner);
        nothing_has_come();
}

/* What was on its way ends with it. */
OFFERS(a_node_that_stops_in_the_middle_of_a_spawn_leaves_nothing)
{
        cop_ref ref;
        cop_pid owner = hold_up(pair);
        spawner_that_waits(pair, true, &ref);
        cop_node_leave();
        cop_node_stop(pair->a);
        pair->a = NULL;
        ck_assert_int_eq(cop_node_enter(pair->b), COP_OK);
        ck_assert_int_eq(cop_sys_resume(owner, PATIENCE_MS), COP_OK);
        await_true(cop_disconnect(A) == COP_E_NOT_FOUND);
        await_true(cop_whereis("tells").bits == 0);
}

/* ---- Who does not wait any more ------------------------------------------------------------------------------------ */

typedef struct { cop_symbol last; } witness;
COP_MESSAGE(witness, last);

/* Bears witness while the claim's thread is elsewhere. */
static void witness_on_any(witness *self, const cop_any *any)
{
        if (cop_is_atom(any->term, "what"))
                cop_reply(witness, .last = self->last);
        else
                self->last = cop_is_atom(any->term, "abandoned") ? cop_symbol_of("abandoned") : cop_symbol_of("else");
}

COP_SERVER(witness, COP_ON(cop_any, witness_on_any));

static bool has_heard(const char *what)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call_term(&reply, "witness", PATIENCE_MS, cop_atom("what")), COP_OK);
        return cop_symbol_equal(cop_read(witness, reply)->last, what);
}

/* If it has begun it has been told to end, and by no other word. */
static void is_left_to_nobody(struct pair *pair)
{
        cop_pid waiting = SPAWN_AT(.offer = "waits"); /* its order is behind */
        ck_assert_str_eq(cop_node_of(waiting), B);
        ck_assert(!has_heard("else"));
        visit(pair->b);
        await_true(cop_whereis("tells").bits == 0);
        visit(pair->a);
        ck_assert(!has_heard("else"));
}

OFFERS(a_child_that_begins_when_the_time_is_over_is_ended)
{
        for (int i = 0; i < 2; i++) {
                cop_ref ref = { 0 };
                cop_pid owner = hold_up(pair), pid = cop_self(), bystander = cop_spawn_server(&witness_server, "witness");
                cop_trap_exit(true);
                ck_assert_int_eq(cop_spawn_at(&(cop_spawn_there){ .node = B, .offer = "tells", .link = i == 0, .monitor = true,
                                                                  .monitor_ref = &ref }, 20, &pid), COP_E_TIMEOUT);
                ck_assert(cop_pid_equal(pid, cop_self()));
                ck_assert_uint_eq(ref.bits, 0);
                nothing_has_come();
                let_go_on(pair, owner);
                is_left_to_nobody(pair);
                put_down(bystander);
        }
}

OFFERS(a_child_that_begins_when_its_spawner_has_ended_is_ended)
{
        for (int i = 0; i < 2; i++) {
                cop_ref ref;
                cop_pid owner = hold_up(pair), bystander = cop_spawn_server(&witness_server, "witness");
                cop_pid pid = spawner_that_waits(pair, i == 0, &ref);
                ck_assert_int_eq(cop_send_exit(pid, cop_atom("kill")), COP_OK);
                await_down(ref, "killed");
                let_go_on(pair, owner);
                is_left_to_nobody(pair);
                put_down(bystander);
        }
}

static uint64_t spawned_in(cop_node *node)
{
        struct cop__totals totals;
        cop__totals(node, &totals);
        return totals.spawned;
}

/* Nobody is spawned for who had given up before his order could be sent. */
OFFERS(what_nobody_waits_for_any_more_is_not_even_asked_for)
{
        cop_pid pid, owner;
        ck_assert_int_eq(cop_connect(B, PATIENCE_MS), COP_OK);
        SPAWN_AT(.offer = "waits");
        uint64_t before = spawned_in(pair->b);
        cop__peer_look(cop__network_find(cop__network_here(), B, strlen(B)), &owner);
        ck_assert_int_eq(cop_sys_suspend(owner, PATIENCE_MS), COP_OK);
        ck_assert_int_eq(cop_spawn_at(&(cop_spawn_there){ .node = B, .offer = "tells" }, 1, &pid), COP_E_TIMEOUT);
        ck_assert_int_eq(cop_sys_resume(owner, PATIENCE_MS), COP_OK);
        SPAWN_AT(.offer = "waits");
        ck_assert_uint_eq(spawned_in(pair->b), before + 1);
}

/* ---- Limits ------------------------------------------------------------------------------------------------------------ */

#define ROOM (8 << 20)

TEST(a_node_over_its_memory_mark_spawns_for_nobody_and_does_again_below_it)
{
        struct pair pair = { NULL, NULL, 0, 0 };
        NEEDS_THREADS();
        pair_begin_with(&pair, (cop_node_options){ .memory_limit = ROOM });
        SPAWN_AT(.offer = "waits");
        visit(pair.b);
        cop_pid hoarder = cop_spawn(hoards);
        await_true(is_over());
        visit(pair.a);
        ck_assert_int_eq(TRY_AT(.offer = "waits"), COP_E_OVERLOAD);
        visit(pair.b);
        put_down(hoarder);
        await_true(!is_over());
        visit(pair.a);
        SPAWN_AT(.offer = "waits");
        pair_end(&pair);
}

TEST(a_node_that_has_all_the_actors_it_may_have_spawns_no_more)
{
        struct pair pair = { NULL, NULL, 0, 0 };
        cop_status status = COP_OK;
        pair_begin_with(&pair, (cop_node_options){ .max_actors = 32 });
        for (int i = 0; i < 40 && status == COP_OK; i++)
                status = TRY_AT(.offer = "waits");
        ck_assert_int_eq(status, COP_E_LIMIT);
        pair_end(&pair);
}
