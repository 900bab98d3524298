/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Agents: a value that functions are brought to, and what becomes of both when one of them fails. */
#include <string.h>

#include "tests/node_fixture.h"

typedef struct {
        int64_t pence;
} account;
COP_MESSAGE(account, pence);

typedef struct {
        int64_t pence;
} amount;
COP_MESSAGE(amount, pence);

typedef struct {
        cop_text name;
        cop_bytes page;
        int64_t changes;
} book;
COP_MESSAGE(book, name, page, changes);

typedef struct {
        cop_text text;
} words;
COP_MESSAGE(words, text);

static void read_account(const account *a, const amount *m)
{
        cop_reply(amount, .pence = a->pence + m->pence);
}

static void deposit(account *a, const amount *m)
{
        a->pence += m->pence;
}

/* Gives what there was before. */
static void replace(account *a, const amount *m)
{
        cop_reply(amount, .pence = a->pence);
        a->pence = m->pence;
}

static void ruin(account *a, const amount *m)
{
        a->pence = 0;
        if (m->pence != 0)
                cop_exit(cop_atom("bankrupt"));
        *(volatile int *)NULL = 1;
}

static int64_t pence_in(cop_pid pid)
{
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_agent_get(&reply, pid, PATIENCE_MS, account, read_account, amount,
                                       .pence = 0),
                         COP_OK);
        return cop_read(amount, reply)->pence;
}

IN_NODE(a_value_is_got_updated_and_both_at_once)
{
        cop_message *reply = (cop_message *)&reply;
        cop_pid pot = cop_agent_new(account, .pence = 100);
        ck_assert_int_eq(pence_in(pot), 100);
        ck_assert_int_eq(cop_agent_update(&reply, pot, PATIENCE_MS, account, deposit, amount, 50),
                         COP_OK);
        ck_assert_ptr_null(reply);
        ck_assert_int_eq(cop_agent_update(NULL, pot, PATIENCE_MS, account, deposit, amount, 1),
                         COP_OK);
        ck_assert_int_eq(pence_in(pot), 151);
        ck_assert_int_eq(cop_agent_update(&reply, pot, PATIENCE_MS, account, replace, amount, 7),
                         COP_OK);
        ck_assert_int_eq(cop_read(amount, reply)->pence, 151);
        cop_message_free(reply);
        ck_assert_int_eq(cop_agent_update(NULL, pot, PATIENCE_MS, account, replace, amount, 8),
                         COP_OK);
        ck_assert_int_eq(pence_in(pot), 8);
        nothing_has_come();
        put_down(pot);
}

typedef struct {
        cop_pid pot;
} customer;
COP_MESSAGE(customer, pot);

static void pays_in(const customer *c)
{
        for (int i = 0; i < 100; i++)
                cop_agent_update(NULL, c->pot, COP_FOREVER, account, deposit, amount, .pence = 1);
}

IN_NODE(updates_of_many_callers_are_all_there)
{
        cop_pid pot = cop_agent_new(account, .pence = 0);
        cop_ref customers[8];
        for (int i = 0; i < 8; i++)
                customers[i] = spawn_watched(RUN_WITH(pays_in, customer, .pot = pot));
        for (int i = 0; i < 8; i++)
                await_down(customers[i], "normal");
        ck_assert_int_eq(pence_in(pot), 800);
        put_down(pot);
}

/* ---- Values that point at something ------------------------------------------------------ */

static void rename_book(book *b, const words *w)
{
        size_t size = b->name.size + w->text.size;
        char *kept = cop_alloc(size);
        memcpy(kept, b->name.data, b->name.size);
        memcpy(kept + b->name.size, w->text.data, w->text.size);
        b->name = (cop_text){ size, kept };
        b->changes++;
}

static void read_book(const book *b, const words *w)
{
        (void)w;
        cop_reply_value(COP_KIND_OF(book), b);
}

static void exit_with_page(book *b, const words *w)
{
        b->page = (cop_bytes){ NULL, 0, NULL };
        b->name = w->text;
        cop_exit(cop_atom("torn"));
}

IN_NODE(what_a_value_points_at_is_kept_too_and_ends_with_the_agent)
{
        cop_message *reply = NULL;
        cop_pid pid;
        cop_buffer *page = cop_buffer_new(1000);
        memset(cop_buffer_data(page), 'x', 1000);
        book b = { cop_text_of("A"), cop_buffer_bytes(page), 0 };
        cop_trap_exit(true);
        ck_assert_int_eq(cop_agent_start("library", COP_KIND_OF(book), &b, &pid), COP_OK);
        cop_buffer_drop(page);
        for (int i = 0; i < 3; i++)
                ck_assert_int_eq(cop_agent_update(NULL, "library", PATIENCE_MS, book, rename_book,
                                                  words, .text = COP_TEXT("b")),
                                 COP_OK);
        ck_assert_int_eq(cop_agent_get(&reply, "library", PATIENCE_MS, book, read_book, words),
                         COP_OK);
        const book *now = cop_read(book, reply);
        ck_assert(cop_text_equal(now->name, "Abbb"));
        ck_assert_int_eq(now->changes, 3);
        ck_assert_uint_eq(now->page.size, 1000);
        ck_assert_int_eq(now->page.data[999], 'x');
        cop_message_free(reply);
        ck_assert_int_eq(cop_agent_update(NULL, pid, PATIENCE_MS, book, exit_with_page, words,
                                          .text = COP_TEXT("C")),
                         COP_E_DIED);
        await_exited(pid, "torn");
}

/* ---- Failures --------------------------------------------------------------------------------- */

static void spoil_book(book *b, const words *w)
{
        (void)w;
        b->name = (cop_text){ 5, NULL };
}

IN_NODE(a_value_that_cannot_be_kept_ends_the_agent)
{
        cop_pid pid;
        cop_trap_exit(true);
        ck_assert_int_eq(cop_agent_start(NULL, COP_KIND_OF(book), &(book){ .name = COP_TEXT("A") }, &pid), COP_OK);
        ck_assert_int_eq(cop_agent_update(NULL, pid, PATIENCE_MS, book, spoil_book, words), COP_E_DIED);
        await_exited(pid, "{badarg, {agent, \"an argument is outside its documented range\"}}");
}

static void makes_what_cannot_be(const customer *c)
{
        (void)c;
        cop_agent_new(words, .text = { 5, NULL });
}

IN_NODE(what_may_be_sent_may_be_an_agents_value_and_what_may_not_is_a_mistake)
{
        cop_message *reply = NULL;
        cop_pid pid = cop_agent_new(book, .name = cop_text_of("caf\xe9")); /* as a term that would be no text */
        ck_assert_int_eq(cop_agent_get(&reply, pid, PATIENCE_MS, book, read_book, words), COP_OK);
        ck_assert_uint_eq(cop_read(book, reply)->name.size, 4);
        ck_assert_mem_eq(cop_read(book, reply)->name.data, "caf\xe9", 4);
        cop_message_free(reply);
        ck_assert_int_eq(cop_agent_get(NULL, pid, PATIENCE_MS, book, read_book, words, cop_text_of("\xe9")), COP_E_MALFORMED);
        ck_assert_int_eq(cop_agent_start(NULL, COP_KIND_OF(words), &(words){ { 5, NULL } }, &pid), COP_E_BAD_ARGUMENT);
        ck_assert(cop_is_alive(pid));
        put_down(pid);
        await_down(spawn_watched(RUN_WITH(makes_what_cannot_be, customer, .pot = cop_self())),
                   "{badarg, {agent_start, \"an argument is outside its documented range\"}}");
}

IN_NODE(a_function_that_fails_ends_the_agent_and_its_owner_hears)
{
        cop_trap_exit(true);
        for (int64_t exits = 0; exits < 2; exits++) {
                cop_pid pot = cop_agent_new(account, .pence = 1);
                ck_assert_int_eq(cop_agent_update(NULL, pot, PATIENCE_MS, account, ruin, amount,
                                                  .pence = exits),
                                 COP_E_DIED);
                if (exits)
                        ck_assert_str_eq(text_of(cop_failure()), "bankrupt");
                else
                        ck_assert(cop_is_tuple(cop_failure(), "fault", 5));
                await_and_drop(COP_FIELD(cop_exited, pid, pot));
                ck_assert_int_eq(cop_agent_update(NULL, pot, PATIENCE_MS, account, deposit, amount, 1),
                                 COP_E_NO_ACTOR);
        }
}

static void waits_for_ever(account *a, const amount *m)
{
        a->pence = m->pence;
        cop_sleep(COP_FOREVER);
}

static void owns_an_agent(const customer *c)
{
        customer found = { cop_agent_new(account, .pence = 3) };
        cop_send_value(cop_to_pid(c->pot), COP_KIND_OF(customer), &found);
        cop_agent_update(NULL, found.pot, COP_FOREVER, account, waits_for_ever, amount, .pence = 9);
}

IN_NODE(an_agent_ends_with_its_owner_also_while_it_runs_a_function)
{
        cop_pid owner = cop_spawn_with(owns_an_agent, customer, .pot = cop_self());
        cop_auto message = await(COP_KIND(customer));
        cop_pid pot = cop_read(customer, message)->pot;
        cop_ref down = watch(pot);
        await_true(cop_agent_get(NULL, pot, 1, account, read_account, amount) == COP_E_TIMEOUT);
        put_down(owner);
        await_down(down, "killed");
}

/* A server that knows nothing of agents. */
typedef struct {
        int64_t unused;
} deaf;
static void deaf_on_amount(deaf *self, const amount *m)
{
        self->unused = m->pence;
}
COP_SERVER(deaf, COP_ON(amount, deaf_on_amount));

IN_NODE(another_kind_of_value_and_another_kind_of_actor_are_refused)
{
        cop_pid pid, pot = cop_agent_new(account, .pence = 1);
        cop_pid server = cop_spawn_server(&deaf_server, NULL);
        account a = { 1 };
        ck_assert_int_eq(cop_agent_get(NULL, pot, PATIENCE_MS, book, read_book, words),
                         COP_E_MALFORMED);
        ck_assert_int_eq(cop_agent_update(NULL, server, PATIENCE_MS, account, deposit, amount, 1),
                         COP_E_MALFORMED);
        ck_assert_int_eq(cop_agent_run(NULL, cop_to_pid(pot), PATIENCE_MS, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_agent_update(NULL, "nobody", PATIENCE_MS, account, deposit, amount, 1),
                         COP_E_NO_NAME);
        ck_assert_int_eq(cop_agent_update(NULL, pot, -1, account, deposit, amount, 1),
                         COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_agent_start(NULL, NULL, &a, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_agent_start(NULL, COP_KIND_OF(account), NULL, &pid), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(cop_agent_start(NULL, COP_KIND_OF(account), &a, NULL), COP_E_BAD_ARGUMENT);
        ck_assert_int_eq(pence_in(pot), 1);
        put_down(server);
        put_down(pot);
}

TEST(outside_a_node_there_are_no_agents)
{
        cop_pid pid = { 0 };
        account a = { 1 };
        ck_assert_int_eq(cop_agent_start(NULL, COP_KIND_OF(account), &a, &pid), COP_E_NO_NODE);
        ck_assert_int_eq(cop_agent_update(NULL, pid, 0, account, deposit, amount, 1), COP_E_NO_NODE);
}

/* ---- Without memory -------------------------------------------------------------------------------- */

static int64_t ran;

static void counts_its_runs(account *a, const amount *m)
{
        a->pence += m->pence;
        ran++;
}

/* The n-th request for memory finds none: perhaps the one for its answer. */
TEST(an_agent_that_has_no_memory_for_its_answer_is_no_other_kind_of_actor)
{
        enum { SEEDS = 40, REQUESTS = 8 };
        unsigned unanswered = 0;
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                for (uint64_t n = 1; n <= REQUESTS; n++) {
                        cop_simulation order = { .seed = seed };
                        cop_node *node = node_begin((cop_node_options){ .simulation = &order });
                        cop_pid pot = cop_agent_new(account, .pence = 1);
                        ran = 0;
                        cop_simulation_refuse(node, n);
                        cop_status status =
                                cop_agent_update(NULL, pot, PATIENCE_MS, account, counts_its_runs, amount, .pence = 1);
                        cop_simulation_refuse(node, 0);
                        ck_assert(status == COP_OK || status == COP_E_NO_MEMORY);
                        unanswered += status == COP_E_NO_MEMORY && ran > 0;
                        ck_assert_int_eq(pence_in(pot), 1 + ran);
                        node_end(node);
                }
        }
        ck_assert_uint_gt(unanswered, 0);
}
