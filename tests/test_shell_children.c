/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The shell's words for supervisors, and the tree, which asks nobody. The claim's own thread is the shell's. */
#include "shell/shell.h"
#include "tests/family.h"

#define AT_SHELL(claim)                                                \
        static void at_shell_##claim(struct cop__shell *shell);        \
        IN_FAMILY(claim)                                               \
        {                                                              \
                struct cop__shell shell;                               \
                cop__shell_init(&shell, node);                         \
                at_shell_##claim(&shell);                              \
                cop__shell_fini(&shell);                               \
        }                                                              \
        static void at_shell_##claim(struct cop__shell *shell)

/* What a command answers, with each pid masked. */
static const char *answer_of(struct cop__shell *shell, const char *line, bool works)
{
        static char masked[4096];
        size_t size = 0;
        ck_assert_int_eq(cop__shell_run(shell, line, strlen(line)), works);
        const char *text = cop__text_get(works ? &shell->out : &shell->err);
        for (; *text != '\0' && size + 1 < sizeof(masked); text++) {
                masked[size++] = *text;
                if (*text == '<')
                        text += strcspn(text, ">") - 1;
        }
        masked[size] = '\0';
        return masked;
}

#define says(line, text) ck_assert_str_eq(answer_of(shell, line, true), text)
#define complains(line, text) ck_assert_str_eq(answer_of(shell, line, false), text)

AT_SHELL(children_are_stopped_started_and_forgotten_by_words)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("b"), WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "ba");
        says("count shop", "2 children, 2 active; 0 supervisors, 2 workers\n");
        complains("delete shop b", "** shop: the child is running\n");
        says("terminate shop b", "ok\n");
        says("tree", "shop <>\n├─ b  stopped\n└─ a <>\n");
        says("restart shop b", "<>\n");
        expect_end("b");
        expect("start b");
        crash("b");
        expect("end b boom");
        expect("start b");
        expect_silence(root);
        says("tree", "shop <>\n├─ b <>  restarts 1\n└─ a <>\n");
        const char *said = answer_of(shell, "children shop", true);
        ck_assert_ptr_eq(strstr(said, "shop, one_for_one: 1 of 1000 restarts within 1000 s\nb  <>"),
                         said);
        const char *first = strstr(said, "worker  permanent  running  1\na  <>");
        ck_assert_ptr_nonnull(first);
        ck_assert_ptr_nonnull(strstr(first, "worker  permanent  running  0\n"));
        says("terminate shop b", "ok\n");
        ck_assert_ptr_nonnull(strstr(answer_of(shell, "delete shop <b>", false), "expected an id, or a pid such as"));
        says("delete shop b", "ok\n");
        complains("restart shop b", "** shop has no such child; children shop lists them\n");
        complains("count witness", "** witness is no supervisor\n");
        fell(root);
}

AT_SHELL(a_start_that_fails_says_why)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        says("terminate shop a", "ok\n");
        let("a", FAILS);
        complains("restart shop a", "** it could not start, or shop has ended: {no_start, a}\n");
        fell(root);
}

AT_SHELL(a_child_of_a_dynamic_supervisor_is_started_with_its_argument)
{
        const cop_child each = { .server = &worker_server };
        const cop_supervisor sessions = { .name = "sessions", .strategy = COP_DYNAMIC,
                                          .each = &each };
        cop_pid root = grow(&sessions);
        says("start sessions #job{id = \"a\", stop_ms = 0, traps = true}", "<>\n");
        expect("start a");
        says("tree", "sessions <>\n└─ (worker) <>\n");
        complains("start sessions #ping{number = 1}",
                  "** sessions does not take such a child: its log says why\n");
        fell(root);
}

AT_SHELL(explain_speaks_of_the_children_of_the_moment)
{
        const cop_supervisor desk = { .children = COP_CHILDREN(WORKER("b")) };
        TREE(shop, .intensity = 2, .children = COP_CHILDREN({ .id = "desk", .supervisor = &desk }));
        cop_pid root = grow_and_expect(&shop, "b");
        ck_assert_int_eq(cop_start_child(root, (&(const cop_child)WORKER("c")), NULL), COP_OK);
        says("explain shop",
             "shop bears 2 restarts within 5 s and gives up at the 3rd, which ends all\n"
             "  desk bears 1 restart within 5 s and gives up at the 2nd; that is a restart of shop\n"
             "    b: each end is a restart of desk; 6 in quick succession end all\n"
             "  c: each end is a restart of shop\n");
        complains("explain witness", "** witness is no supervisor\n");
        fell(root);
}

#define RED "\033[31mred\a\n"
#define AS_SHOWN "?[31mred??"
#define AS_ATOM "\\e[31mred\\x{7}\\n'"

static uint32_t told_raw; /* lines of the log in which a terminal would act upon something */

static void keep_raw(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        for (const char *at = text; *at != '\0'; at++)
                if ((unsigned char)*at < ' ' && (*at != '\n' || at[1] != ' '))
                        cop__add_relaxed(&told_raw, 1u);
}

static void expect_harmless(struct cop__shell *shell, const char *line, const char *part)
{
        ck_assert_msg(cop__shell_run(shell, line, strlen(line)), "%s", cop__text_get(&shell->err));
        const char *said = cop__text_get(&shell->out);
        ck_assert_msg(strstr(said, part) != NULL, "%s: not '%s' but %s", line, part, said);
        for (const char *at = said; *at != '\0'; at++)
                ck_assert_msg((unsigned char)*at >= ' ' || *at == '\n', "%s: 0x%x in %s", line, (unsigned)*at, said);
}

TEST(no_name_in_a_tree_moves_a_terminal)
{
        cop_node *node = node_begin((cop_node_options){ .log = keep_raw });
        struct cop__shell shell_memory, *shell = &shell_memory;
        cop_behaviour odd_server = worker_server;
        odd_server.name = "odd" RED;
        const cop_supervisor shop = { .name = "shop" RED, PATIENT, .children = COP_CHILDREN(WORKER("b")) };
        cop__store_relaxed(&told_raw, 0);
        attend();
        cop__shell_init(shell, node);
        cop_pid root = grow_and_expect(&shop, "b"), odd;
        const cop_child ev = { .id = "ev" RED, .server = &odd_server, .unnamed = true, .kind = COP_KIND_OF(job),
                               .argument = &(job){ .id = "c", .traps = true } };
        ck_assert_int_eq(cop_start_child(root, &ev, &odd), COP_OK);
        expect("start c");
        expect_harmless(shell, "children 'shop\\e[31mred\\x{7}\\n'", "'shop" AS_ATOM ", one_for_one: 0 of");
        expect_harmless(shell, "explain 'shop\\e[31mred\\x{7}\\n'", "ev" AS_SHOWN ": each end is a restart of shop" AS_SHOWN);
        expect_harmless(shell, "i", "(odd" AS_SHOWN ")");
        cop_ref ref = watch(odd);
        cop_send(odd, quit, .reason = cop_atom("boom"));
        await_down(ref, "boom");
        expect("end c boom");
        expect("start c");
        expect_silence(root);
        expect_harmless(shell, "crashes", "shop" AS_SHOWN " restarted it as <");
        ck_assert_uint_eq(cop__load_relaxed(&told_raw), 0);
        cop__shell_fini(shell);
        fell(root);
        node_end(node);
}

AT_SHELL(children_are_completed_from_what_is_written_down_of_them)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("anna"), WORKER("bob")));
        TREE(stall, .children = COP_CHILDREN(WORKER("bill"), WORKER("berta")));
        cop_pid root = grow(&shop), other = grow(&stall);
        struct cop__text candidates;
        size_t from;
        cop__text_init(&candidates);
        cop__shell_complete(shell, "terminate shop b", 16, &from, &candidates);
        ck_assert_str_eq(cop__text_get(&candidates), "bob\n");
        ck_assert_uint_eq(from, 15);
        cop__text_fini(&candidates);
        fell(other);
        fell(root);
}

/* From the first message on it keeps its worker, until it is told to go on. */
static uint32_t may_go_on, is_stuck;
static void gets_stuck(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
        cop__store_release(&is_stuck, 1);
        while (!cop__load_acquire(&may_go_on))
                cop__spin_pause();
}

TEST(the_tree_is_there_when_the_only_worker_is_stuck)
{
        cop_node *node = node_begin((cop_node_options){ .workers = 1 });
        struct cop__shell shell_memory, *shell = &shell_memory;
        TREE(shop, .children = COP_CHILDREN({ .id = "x", .run = waits, .unnamed = true },
                                            { .id = "stuck", .run = gets_stuck,
                                              .restart = COP_TEMPORARY }));
        cop__shell_init(shell, node);
        cop_pid root = grow(&shop);
        cop_send_term("stuck", cop_atom("now"));
        await_true(cop__load_acquire(&is_stuck));
        says("tree", "shop <>\n├─ (x) <>\n└─ stuck <>\n");
        cop__store_release(&may_go_on, 1);
        fell(root);
        cop__shell_fini(shell);
        node_end(node);
}

/* ---- For programs, and wrong words --------------------------------------------------------- */

static const char *json_of(struct cop__shell *shell, const char *line)
{
        shell->wants_json = true;
        const char *text = answer_of(shell, line, true);
        shell->wants_json = false;
        return text;
}

AT_SHELL(what_a_supervisor_answers_comes_as_json)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("b"), WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "ba");
        ck_assert_str_eq(json_of(shell, "count shop"),
                         "{\"children\":2,\"active\":2,\"supervisors\":0,\"workers\":2}\n");
        ck_assert_str_eq(json_of(shell, "terminate shop b"), "{\"text\":\"ok\"}\n");
        ck_assert_str_eq(json_of(shell, "children shop"),
                         "{\"name\":\"shop\",\"strategy\":\"one_for_one\",\"restarts\":0,\"intensity\":1000,"
                         "\"period_ms\":1000000,\"children\":["
                         "{\"id\":\"b\",\"pid\":null,\"type\":\"worker\",\"restart\":\"permanent\",\"state\":\"stopped\","
                         "\"restarts\":0},"
                         "{\"id\":\"a\",\"pid\":\"<>\",\"type\":\"worker\",\"restart\":\"permanent\",\"state\":\"running\","
                         "\"restarts\":0}]}\n");
        ck_assert_str_eq(json_of(shell, "restart shop b"), "\"<>\"\n");
        fell(root);
}

AT_SHELL(a_supervisor_without_a_limit_says_so)
{
        TREE(shop, .intensity = COP_RESTARTS_FOR_EVER, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        ck_assert_ptr_nonnull(strstr(answer_of(shell, "children shop", true), "shop, one_for_one: 0 restarts, and no limit\n"));
        ck_assert_ptr_nonnull(strstr(json_of(shell, "children shop"), "\"restarts\":0,\"intensity\":null,"));
        fell(root);
}

AT_SHELL(a_child_is_meant_by_its_pid_too)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        char line[64], pid[COP_ID_TEXT_MAX];
        snprintf(line, sizeof(line), "terminate shop %s", cop_pid_print(cop_whereis("a"), pid));
        says(line, "ok\n");
        says("count shop", "1 children, 0 active; 0 supervisors, 1 workers\n");
        complains(line, "** shop has no such child; children shop lists them\n");
        fell(root);
}

AT_SHELL(a_command_with_wrong_words_says_what_it_expects)
{
        TREE(shop, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        static const char *const each[][2] = {
                { "children", "expected a name or a pid" },      { "children shop a", "expected the end" },
                { "count", "expected a name or a pid" },         { "explain", "expected a name or a pid" },
                { "terminate", "expected a name or a pid" },     { "terminate shop", "expected a child: terminate SUPERVISOR CHILD" },
                { "terminate shop a b", "expected the end" }, { "restart", "expected a name or a pid" },
                { "delete shop", "expected a child" },    { "start", "expected a name or a pid" },
                { "start shop {", "expected a term" },    { "start shop 5", "does not take such a child" },
        };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                const char *said = answer_of(shell, each[i][0], false);
                ck_assert_msg(strstr(said, each[i][1]) != NULL, "%s: no '%s' in: %s", each[i][0], each[i][1], said);
        }
        fell(root);
}

/* As a session does: the wait is noted, and somebody ends it. */
static uint32_t waits_begun, waits_ended;

static void note_begin(struct cop__shell *shell)
{
        waits_begun++;
        cop__store_relaxed(&shell->interrupted, 0);
}

static void note_end(struct cop__shell *shell)
{
        (void)shell;
        waits_ended++;
}

AT_SHELL(each_question_to_a_supervisor_is_a_wait_that_can_be_ended)
{
        TREE(shop, PATIENT, .children = COP_CHILDREN(WORKER("a")));
        cop_pid root = grow_and_expect(&shop, "a");
        shell->wait_begin = note_begin;
        shell->wait_end = note_end;
        static const char *const each[] = { "count shop", "children shop", "explain shop", "terminate shop a", "delete shop a" };
        for (uint32_t i = 0; i < COP__COUNT(each); i++) {
                answer_of(shell, each[i], true);
                ck_assert_uint_eq(waits_begun, i + 1);
                ck_assert_uint_eq(waits_ended, i + 1);
        }
        fell(root);
}
