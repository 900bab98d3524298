/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The commands of the shell, without a socket: the claim's own thread is the shell's.
 */
#include "scheduler/detour.h"
#include "shell/shell.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "actors/neighbours.h"
#include "actors/report.h"
#include "base/utf8.h"
#include "shell/columns.h"
#include "shell/command.h"
#include "shell/glimpses.h"
#include "shell/json.h"
#include "shell/names.h"
#include "shell/packet.h"
#include "tests/cue.h"
#include "tests/failing_malloc.h"
#include "tests/node_fixture.h"

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

typedef struct { int64_t pence_each, number; } share;
COP_MESSAGE(share, pence_each, number);

typedef struct { bool open; cop_pid owner; } sign;
COP_MESSAGE(sign, open, owner);

typedef struct { bill bill; } ticket;
COP_MESSAGE(ticket, COP_NESTED(bill, bill));

typedef struct { char unused; } hush;
COP_MESSAGE(hush, unused);

typedef struct { char unused; } leave;
COP_MESSAGE(leave, unused);

typedef struct { char unused; } stall;
COP_MESSAGE(stall, unused);

/* A word of a line may stand for much: 64 KiB for #page{}, or for [] among the pages of a book. */
typedef struct { int64_t words[8192]; } page;
COP_MESSAGE(page, words);

typedef struct { struct { const page *items; size_t count; } pages; } volume;
COP_MESSAGE(volume, COP_NESTED_ITEMS(page, pages));

/* And the term of #wide{} has ten items for its seven bytes. */
typedef struct { int8_t a, b, c, d, e, f, g, h, i; } wide;
COP_MESSAGE(wide, a, b, c, d, e, f, g, h, i);

typedef struct { cop_int64s grains; } sand;
COP_MESSAGE(sand, grains);

typedef struct { cop_text kind; int64_t weight; } parcel;
COP_MESSAGE(parcel, kind, weight);

/* A kind whose name begins with a capital, with another in it and a text. */
typedef struct { int64_t pence; bill inner; cop_text note; } Purse;
COP_MESSAGE(Purse, pence, COP_NESTED(bill, inner), note);

/* Two of a kind. */
typedef struct { bill a, b; } feast;
COP_MESSAGE(feast, COP_NESTED(bill, a), COP_NESTED(bill, b));

typedef struct { int64_t served; } till;
COP_MESSAGE(till, served);

static void till_on_bill(till *self, const bill *b)
{
        if (b->people == 0) {
                int *volatile nobody = NULL;
                *nobody = 1;
        }
        cop_reply(share, .pence_each = b->pence / b->people, .number = ++self->served);
}

static void till_on_hush(till *self, const hush *unused)
{
        (void)self;
        (void)unused;
}

static void till_on_leave(till *self, const leave *unused)
{
        (void)self;
        (void)unused;
        cop_exit(cop_atom("shutdown"));
}

/* Until told otherwise, with the worker: nothing gives it back. */
static int stalled, may_go_on;

static void till_on_stall(till *self, const stall *unused)
{
        (void)self;
        (void)unused;
        __atomic_store_n(&stalled, 1, __ATOMIC_RELEASE);
        COP_NO_PREEMPT
        {
                while (!__atomic_load_n(&may_go_on, __ATOMIC_ACQUIRE))
                        cop__spin_pause();
        }
        cop_reply(share, .number = 0);
}

COP_SERVER(till, COP_ON(bill, till_on_bill), COP_ON(hush, till_on_hush),
           COP_ON(leave, till_on_leave), COP_ON(stall, till_on_stall), COP_STATE(till));

/* ---- A shell around each claim ------------------------------------------------------- */

struct stage {
        cop_node *node;
        struct cop__shell shell;
        cop_pid till;
};

static void stage_begin(struct stage *stage, cop_node_options options)
{
        __atomic_store_n(&stalled, 0, __ATOMIC_RELAXED);
        __atomic_store_n(&may_go_on, 0, __ATOMIC_RELAXED);
        options.name = "shop";
        stage->node = node_begin(options);
        cop__shell_init(&stage->shell, stage->node);
        stage->till = cop_spawn_server(&till_server, "till");
        settle_with(stage->till);
}

static void stage_end(struct stage *stage)
{
        __atomic_store_n(&may_go_on, 1, __ATOMIC_RELEASE);
        cop__shell_fini(&stage->shell);
        node_end(stage->node);
}

#define ON_STAGE(claim) ON_STAGE_WITH(claim, .workers = 2)
#define ON_STAGE_WITH(claim, ...)                            \
        static void on_stage_##claim(struct stage *stage);   \
        TEST(claim)                                          \
        {                                                    \
                struct stage stage;                          \
                stage_begin(&stage, (cop_node_options){ __VA_ARGS__ }); \
                on_stage_##claim(&stage);                    \
                stage_end(&stage);                           \
        }                                                    \
        static void on_stage_##claim(struct stage *stage)

static bool run(struct stage *stage, const char *line)
{
        return cop__shell_run(&stage->shell, line, strlen(line));
}

/* What a command prints, when it does what it should. */
static const char *out(struct stage *stage, const char *line)
{
        bool done = run(stage, line);
        ck_assert_msg(done, "'%s' failed: %s", line, cop__text_get(&stage->shell.err));
        ck_assert_str_eq(cop__text_get(&stage->shell.err), "");
        return cop__text_get(&stage->shell.out);
}

/* What it complains of, when it does not. */
static const char *err(struct stage *stage, const char *line)
{
        bool done = run(stage, line);
        ck_assert_msg(!done, "'%s' did not fail: %s", line, cop__text_get(&stage->shell.out));
        ck_assert_str_eq(cop__text_get(&stage->shell.out), "");
        return cop__text_get(&stage->shell.err);
}

static void assert_has(const char *text, const char *part)
{
        ck_assert_msg(strstr(text, part) != NULL, "expected '%s' in '%s'", part, text);
}

static void assert_begins(const char *text, const char *beginning)
{
        ck_assert_msg(strncmp(text, beginning, strlen(beginning)) == 0,
                      "expected '%s' to begin with '%s'", text, beginning);
}

/* A line with %s for the till's pid. */
#define about_till(stage, format) filled(format, cop_pid_print((stage)->till, (char[COP_ID_TEXT_MAX]){ "" }))

COP_PRINTF(1, 2) static const char *filled(const char *format, ...)
{
        static char line[512];
        va_list values;
        va_start(values, format);
        vsnprintf(line, sizeof(line), format, values);
        va_end(values);
        return line;
}

/* ---- call ---------------------------------------------------------------------------- */

ON_STAGE(a_call_prints_the_reply_as_a_record)
{
        ck_assert_str_eq(out(stage, "call till #bill{pence = 900, people = 3}"),
                         "#share{pence_each = 300, number = 1}\n");
        ck_assert_str_eq(out(stage, about_till(stage, "call %s {bill, 900, 3} 1000")),
                         "#share{pence_each = 300, number = 2}\n");
}

ON_STAGE(a_call_of_an_actor_that_crashes_fails_with_the_crash_report)
{
        cop_ref ref = watch(stage->till);
        const char *said = err(stage, "call till #bill{pence = 900, people = 0}");
        assert_begins(said, about_till(stage, "** till %s crashed: "));
        assert_has(said, "handling #bill{pence = 900, people = 0} from ");
        ck_assert_uint_eq(stage->shell.told, 1);
        await_and_drop(COP_REF(cop_down, ref));
}

/* Watches the till, and says what a supervisor would, when the till is dead. */
static void keeper(void)
{
        cop_ref ref;
        ck_assert_int_eq(cop_monitor("till", &ref), COP_OK);
        cop_register("keeper", cop_self());
        cop_auto down = cop_receive(COP_FOREVER, COP_REF(cop_down, ref));
        cop__report_outcome(cop_node_here(), cop_read(cop_down, down)->pid,
                            "shop restarted it as <0.99.0>, restart 1 of 3 within 5 s");
}

ON_STAGE(a_call_of_a_supervised_actor_that_crashes_waits_for_what_is_done_about_it)
{
        put_down(stage->till);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &till_server, .name = "till",
                                                             .supervised = true },
                                       &stage->till),
                         COP_OK);
        cop_spawn(keeper);
        out(stage, "await keeper");
        assert_has(err(stage, "call till #bill{pence = 900, people = 0}"),
                   "\n   shop restarted it as <0.99.0>, restart 1 of 3 within 5 s\n");
}

ON_STAGE(a_call_of_an_actor_that_ends_tells_why)
{
        ck_assert_str_eq(err(stage, "call till #leave{}"),
                         "** till ended before it answered: shutdown\n");
}

ON_STAGE(a_call_that_nobody_answers_says_so)
{
        char pid[COP_ID_TEXT_MAX], line[128];
        ck_assert_str_eq(err(stage, "call till #hush{}"),
                         "** till: the handler ended without an answer\n");
        ck_assert_str_eq(err(stage, "call till #share{}"), "** till has no handler for share\n");
        ck_assert_str_eq(err(stage, "call till 5"),
                         "** till has no handler for a term that is no message\n");
        snprintf(line, sizeof(line), "call %s x", cop_pid_print(cop_self(), pid));
        assert_has(err(stage, line), "is this shell, which cannot call itself\n");
        const char *dead = about_till(stage, "call %s x");
        put_down(stage->till);
        assert_has(err(stage, dead), " is not alive\n");
}

ON_STAGE(a_call_that_takes_too_long_names_its_time)
{
        ck_assert_str_eq(err(stage, "call till #stall{} 50"),
                         "** till did not answer within 50 ms\n");
}

/* ---- What is wrong, and where -------------------------------------------------------- */

ON_STAGE(a_wrong_word_is_shown_with_what_was_expected_and_where)
{
        static const struct {
                const char *line, *said;
        } wrong[] = {
                { "cal till x", "** no command is called so; did you mean call?\n"
                                "   cal till x\n   ^\n" },
                { "xyzzy", "** no command is called so; help lists them\n   xyzzy\n   ^\n" },
                { "call tlil x", "** no actor is called tlil; did you mean till? names are: till\n"
                                 "   call tlil x\n        ^\n" },
                { "call till",
                  "** expected a term: call TO TERM [MS]\n   call till\n            ^\n" },
                { "call", "** expected a name or a pid: call TO TERM [MS]\n   call\n       ^\n" },
                { "call till #bill{penc = 9}",
                  "** expected a field of bill (pence, people), found 'penc'\n"
                  "   call till #bill{penc = 9}\n                   ^\n" },
                { "call till #bill{people = \"x\"}",
                  "** people of bill: expected an integer of 64 bits, found \"x\"\n"
                  "   call till #bill{people = \"x\"}\n                   ^\n" },
                { "call till #Purse{note = \"{pence = \", pence = \"x\"}",
                  "** pence of Purse: expected an integer of 64 bits, found \"x\"\n"
                  "   call till #Purse{note = \"{pence = \", pence = \"x\"}\n                                        ^\n" },
                { "call till #Purse{inner = #bill{pence = 1}, 'pence' = x}",
                  "** pence of Purse: expected an integer of 64 bits, found x\n"
                  "   call till #Purse{inner = #bill{pence = 1}, 'pence' = x}\n"
                  "                                              ^\n" },
                { "call till #Purse{pence = 1, inner = # 'bill' {people = 1, pence = x}}",
                  "** pence of bill: expected an integer of 64 bits, found x\n"
                  "   call till #Purse{pence = 1, inner = # 'bill' {people = 1, pence = x}}\n"
                  "                                                             ^\n" },
                { "call till #feast{a = #bill{}, b = #bill{people = 2, pence = x}}",
                  "** pence of bill: expected an integer of 64 bits, found x\n"
                  "   call till #feast{a = #bill{}, b = #bill{people = 2, pence = x}}\n"
                  "                                                       ^\n" },
                { "call till #feast{a = #bill{pence = 1}, b = #bill{pence = x}}", /* of which of the two, nobody knows */
                  "** pence of bill: expected an integer of 64 bits, found x\n"
                  "   call till #feast{a = #bill{pence = 1}, b...\n             ^\n" },
                { "call till {bill, pence, 2}",
                  "** pence of bill: expected an integer of 64 bits, found pence\n"
                  "   call till {bill, pence, 2}\n             ^\n" },
                { "call till #sand{grains = [1, x]}",
                  "** item 2 of grains of sand: expected an integer of 64 bits, found x\n"
                  "   call till #sand{grains = [1, x]}\n                   ^\n" },
                { "till ! {x",
                  "** expected ',' or '}', found the end\n   till ! {x\n            ^\n" },
                { "call \xc3\xa4\xc3\xa4 x",
                  "** no actor is called \xc3\xa4\xc3\xa4; names are: till\n"
                  "   call \xc3\xa4\xc3\xa4 x\n        ^\n" },
                { "info <0.1>", "** expected a pid as i shows it, such as <0.12.0>\n"
                                "   info <0.1>\n        ^\n" },
                { "self now", "** expected the end of the line\n   self now\n        ^\n" },
                { "i many", "** expected a number from 0 to 200000\n   i many\n     ^\n" },
                { "demonitor x", "** expected a reference as monitor prints it, such as #Ref<0.7>\n"
                                 "   demonitor x\n             ^\n" },
                { "exit till",
                  "** expected a term: exit TO REASON\n   exit till\n            ^\n" },
                { "help cal", "** no command is called so; did you mean call?\n"
                              "   help cal\n        ^\n" },
        };
        for (size_t i = 0; i < COP__COUNT(wrong); i++)
                ck_assert_str_eq(err(stage, wrong[i].line), wrong[i].said);
        assert_begins(err(stage, "call till #bil{}"), "** no kind 'bil'; ");
}

#define EUROS "\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac\u20ac"

ON_STAGE(a_place_far_into_a_long_line_is_shown_with_what_is_around_it)
{
        char line[1024];
        snprintf(line, sizeof(line), "call till {%0400d, %%}", 0);
        const char *said = err(stage, line);
        const char *shown = strchr(said, '\n') + 1;
        ck_assert_uint_lt(strcspn(shown, "\n"), 110);
        assert_begins(shown, "   ...");
        /* What is around it begins with a whole character, wherever the line is cut. */
        for (int before = 1; before < 4; before++) {
                snprintf(line, sizeof(line), "call till {\"%s%s%s%.*s\" !", EUROS, EUROS, EUROS, before, "xxx");
                shown = strchr(err(stage, line), '\n') + 1;
                assert_begins(shown, "   ...\xe2\x82\xac");
        }
}

/* Found by the fuzzer: what was not understood came back to the terminal as it was, control characters included. */
ON_STAGE(a_line_that_is_not_understood_is_shown_without_what_a_terminal_acts_upon)
{
        ck_assert_str_eq(err(stage, "eg2s\x1f"), "** no command is called so; help lists them\n"
                                                 "   eg2s?\n"
                                                 "   ^\n");
        const char *said = err(stage, "b\xc2\x9b" "x\u202e\u00e9");
        ck_assert_ptr_nonnull(strstr(said, "   b?x??\n"));
        assert_begins(err(stage, "whereis a\x11" "b"), "** no actor is called a?b;");
        assert_begins(err(stage, "a\x11" "b!x"), "** no actor is called a?b;");
}

/* Bytes that are resident at most from here to the end of the process's life so far. */
static long peak_kib(void)
{
        struct rusage usage;
        getrusage(RUSAGE_SELF, &usage);
        return usage.ru_maxrss;
}

/* Every short word for something large that there is, as often as a line has room for. */
static void fill_line(char *line, size_t size, const char *head, const char *item, const char *tail)
{
        size_t at = strlen(head), step = strlen(item), end = strlen(tail);
        memcpy(line, head, at);
        for (; at + step + end < size; at += step)
                memcpy(line + at, item, step);
        memcpy(line + at - 1, tail, end + 1); /* over the last comma */
}

ON_STAGE(a_line_that_stands_for_much_more_is_refused_before_it_takes_it)
{
        static const struct {
                const char *head, *item, *tail, *said;
        } lines[] = {
                { "call till #volume{pages = [", "[],", "]}", "** as a message this takes more than the 16 MiB that one may here" },
                { "till ! #volume{pages = [", "#page{},", "]}", "** as a message this takes more than the 16 MiB that one may here" },
                { "send till {volume, [", "[],", "]}", "** as a message this takes more than the 16 MiB that one may here" },
                { "exit till [", "#wide{},", "]", "** with this, the term takes more memory than it may here" },
        };
        size_t size = (size_t)1 << 20;
        char *line = malloc(size + 1);
        ck_assert_ptr_nonnull(line);
        long before = peak_kib();
        for (size_t i = 0; i < COP__COUNT(lines); i++) {
                fill_line(line, size, lines[i].head, lines[i].item, lines[i].tail);
                ck_assert_msg(!run(stage, line), "it did not refuse %s%s...", lines[i].head, lines[i].item);
                assert_begins(cop__text_get(&stage->shell.err), lines[i].said);
        }
        if (!suite_is_watched())
                ck_assert_msg(peak_kib() - before < 160 << 10, "it took %ld KiB", peak_kib() - before);
        ck_assert_str_eq(out(stage, "call till #bill{pence = 4, people = 2}"), "#share{pence_each = 2, number = 1}\n");
        free(line);
}

/* What is no shorthand has room: half a million numbers, the most that a line can say. */
ON_STAGE(a_line_that_is_full_of_numbers_is_sent)
{
        size_t size = (size_t)1 << 20;
        char *line = malloc(size + 1);
        ck_assert_ptr_nonnull(line);
        fill_line(line, size, "send till #sand{grains = [", "7,", "]}");
        ck_assert_msg(run(stage, line), "it said: %s", cop__text_get(&stage->shell.err));
        free(line);
}

ON_STAGE(a_line_that_is_no_text_is_refused)
{
        ck_assert(!cop__shell_run(&stage->shell, "self\0x", 6));
        ck_assert(!cop__shell_run(&stage->shell, "call till \xff", 11));
        ck_assert_str_eq(cop__text_get(&stage->shell.err),
                         "** a command line is UTF-8 text without NULs\n");
}

ON_STAGE(blank_lines_and_comments_do_nothing)
{
        ck_assert_str_eq(out(stage, ""), "");
        ck_assert_str_eq(out(stage, "   \t"), "");
        ck_assert_str_eq(out(stage, "% call till x"), "");
        ck_assert_str_eq(out(stage, "whereis till % who?"), about_till(stage, "%s\n"));
        ck_assert_str_eq(out(stage, "call till #bill{pence = 4, people = 2} 1000 % why"), "#share{pence_each = 2, number = 1}\n");
        ck_assert_str_eq(out(stage, "call till #bill{pence = 4, people = 2}%why 'not"), "#share{pence_each = 2, number = 2}\n");
        assert_has(err(stage, "call till <<\"%\"/utf8, 1>> 1000 % why"), "till has no handler for a term that is no message");
        assert_has(err(stage, "call till \"%\" 1000 % why"), "till has no handler for a term that is no message");
        assert_has(err(stage, "call till {a, \"%} 1000"), "   call till {a, \"%} 1000\n");
}

/* ---- Directives of printf in what is said --------------------------------------------------- */

#define DIRECTIVES "%n%s%n"

ON_STAGE(directives_come_back_as_they_were_said)
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &till_server, .name = DIRECTIVES, .label = "%s%n%999d" },
                                       &pid), COP_OK);
        assert_has(out(stage, "i"), DIRECTIVES);
        assert_has(out(stage, "regs"), "'" DIRECTIVES "'  <");
        assert_has(out(stage, "info '" DIRECTIVES "'"), DIRECTIVES);
        assert_has(out(stage, "info '" DIRECTIVES "'"), "%s%n%999d");
        assert_has(err(stage, "buy" DIRECTIVES), "buy" DIRECTIVES);
        assert_has(err(stage, "call nobody" DIRECTIVES " x"), "nobody" DIRECTIVES);
        assert_has(err(stage, "call till #" DIRECTIVES), DIRECTIVES);
        assert_has(out(stage, "send '" DIRECTIVES "' {\"" DIRECTIVES "\", '" DIRECTIVES "'}"),
                   "{\"" DIRECTIVES "\", '" DIRECTIVES "'}");
        cop_ref mine = watch(pid);
        out(stage, "monitor '" DIRECTIVES "'");
        out(stage, "exit '" DIRECTIVES "' {because, \"" DIRECTIVES "\"}");
        await_down(mine, "{because, \"" DIRECTIVES "\"}");
        await_true(strstr(out(stage, "flush"), "{because, \"" DIRECTIVES "\"}") != NULL); /* told behind mine */
        cop_spawn_server(&till_server, DIRECTIVES);
        assert_begins(err(stage, "call '" DIRECTIVES "' #bill{}"), "** " DIRECTIVES " <");
        assert_has(out(stage, "crashes"), "** " DIRECTIVES " <");
}

/* ---- Messages ------------------------------------------------------------------------ */

ON_STAGE(an_answer_to_what_was_sent_is_shown_by_flush)
{
        ck_assert_str_eq(out(stage, "flush"), "no messages\n");
        ck_assert_str_eq(out(stage, "send till #bill{pence = 900, people = 3}"),
                         "#bill{pence = 900, people = 3}\n");
        out(stage, "till!#bill{pence = 900, people = 2}");
        out(stage, "'till' ! {bill, 900, 1}");
        settle_with(stage->till);
        ck_assert_str_eq(out(stage, "flush"),
                         about_till(stage, "got #share{pence_each = 300, number = 1} from %1$s\n"
                                           "got #share{pence_each = 450, number = 2} from %1$s\n"
                                           "got #share{pence_each = 900, number = 3} from %1$s\n"));
        ck_assert_str_eq(out(stage, "flush"), "no messages\n");
}

ON_STAGE(many_messages_are_shown_a_thousand_at_once)
{
        for (int64_t i = 1; i <= 1001; i++)
                cop_send(cop_self(), bill, .pence = i);
        const char *said = out(stage, "flush");
        assert_begins(said, "got #bill{pence = 1, people = 0} from <0.");
        assert_has(said, "got #bill{pence = 1000, people = 0} from <0.");
        assert_has(said, "\nand perhaps more: flush shows them\n");
        assert_begins(out(stage, "flush"), "got #bill{pence = 1001, people = 0} from <0.");
}

static void waits_to_leave(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
}

static void register_another(const char *name)
{
        ck_assert_int_eq(cop_register(name, cop_spawn(waits_to_leave)), COP_OK);
}

ON_STAGE(of_many_names_a_dozen_are_offered_and_the_nearest_one)
{
        for (char name[] = "a_name"; name[0] <= 'p'; name[0]++)
                register_another(name);
        const char *said = err(stage, "info tlil");
        assert_has(said, "** no actor is called tlil; did you mean till? names are: ");
        assert_has(said, ", ... (regs lists them all)\n");
        char line[128] = "info ";
        memset(line + 5, 'x', 64);
        ck_assert_ptr_null(strstr(err(stage, line), "did you mean"));
        memset(line, 'x', 100);
        ck_assert_ptr_null(strstr(err(stage, line), "did you mean"));
}

ON_STAGE(a_name_that_was_meant_is_written_as_it_can_be_typed)
{
        register_another("my till");
        assert_has(err(stage, "send 'my tlil' 1"), "did you mean 'my till'? names are: ");
}

ON_STAGE(a_blank_behind_a_dollar_is_a_character)
{
        ck_assert_str_eq(out(stage, "send till $ "), "32\n");
        ck_assert_str_eq(out(stage, "send till [$ , $\\ , $\\^ ]  "), "[32, 32, 0]\n");
        ck_assert_str_eq(out(stage, "till ! $\\ "), "32\n");
        ck_assert_str_eq(out(stage, "send till \"$\" \t "), "\"$\"\n");
        assert_begins(err(stage, "call till $  50"), "** till has no handler for a term that is no message");
        assert_begins(err(stage, "call till $"), "** expected a character, found the end");
}

ON_STAGE(a_place_among_wide_characters_is_shown_with_whole_ones)
{
        for (int ahead = 0; ahead < 2; ahead++) {
                char line[400] = "info till ";
                strcat(line, ahead != 0 ? "x" : "");
                for (int i = 0; i < 35; i++)
                        strcat(line, "\xc3\xa9");
                strcat(line, " ");
                const char *said = err(stage, line);
                ck_assert(cop__utf8_valid(said, strlen(said)));
                assert_has(said, "expected the end of the line\n   info till ");
                strcpy(line, "call till ");
                for (int i = 0; i < 35; i++)
                        strcat(line, "\xc3\xa9");
                strcat(line, ahead != 0 ? "x) " : ") ");
                said = err(stage, line);
                ck_assert(cop__utf8_valid(said, strlen(said)));
        }
}

ON_STAGE(what_does_not_fit_is_shown_at_its_field_or_else_at_the_beginning)
{
        assert_has(err(stage, "call till #bill{pence = x}"), "\n   call till #bill{pence = x}\n                   ^\n");
        assert_has(err(stage, "call till {bill, x, 3}"), "\n   call till {bill, x, 3}\n             ^\n");
}

ON_STAGE(the_shell_has_the_pid_of_its_thread)
{
        char pid[COP_ID_TEXT_MAX], expected[COP_ID_TEXT_MAX + 1];
        snprintf(expected, sizeof(expected), "%s\n", cop_pid_print(cop_self(), pid));
        ck_assert_str_eq(out(stage, "self"), expected);
}

ON_STAGE(a_monitor_tells_of_an_end_by_exit)
{
        char ref[64], expected[256], pid[COP_ID_TEXT_MAX];
        snprintf(ref, sizeof(ref), "%s", out(stage, "monitor till"));
        ref[strcspn(ref, "\n")] = '\0';
        cop_ref mine = watch(stage->till);
        ck_assert_str_eq(out(stage, "exit till {because, 1}"), "true\n");
        await_down(mine, "{because, 1}");
        snprintf(expected, sizeof(expected), "got {'DOWN', %s, %s, {because, 1}}\n", ref,
                 cop_pid_print(stage->till, pid));
        ck_assert_str_eq(out(stage, "flush"), expected);
}

ON_STAGE(a_monitor_taken_back_tells_nothing)
{
        char line[128];
        const char *ref = out(stage, "monitor till");
        snprintf(line, sizeof(line), "demonitor %.*s", (int)strcspn(ref, "\n"), ref);
        ck_assert_str_eq(out(stage, line), "true\n");
        put_down(stage->till);
        ck_assert_str_eq(out(stage, "flush"), "no messages\n");
}

ON_STAGE(a_link_tells_of_an_end_and_unlinked_it_does_not)
{
        ck_assert_str_eq(out(stage, "link till"), "true\n");
        cop_ref mine = watch(stage->till); /* after the link: its end is told in this order */
        out(stage, "exit till oops");
        await_down(mine, "oops");
        ck_assert_str_eq(out(stage, "flush"), about_till(stage, "got {'EXIT', %s, oops}\n"));
        stage->till = cop_spawn_server(&till_server, "till");
        out(stage, "link till");
        ck_assert_str_eq(out(stage, "unlink till"), "true\n");
        put_down(stage->till);
        ck_assert_str_eq(out(stage, "flush"), "no messages\n");
}

ON_STAGE(exit_with_normal_ends_nobody)
{
        ck_assert_str_eq(out(stage, "exit till normal"), "true\n");
        settle_with(stage->till);
        ck_assert(cop_is_alive(stage->till));
}

/* ---- Looking ------------------------------------------------------------------------- */

ON_STAGE(i_shows_each_actor_and_the_totals)
{
        out(stage, "call till #bill{pence = 1, people = 1}");
        const char *said = out(stage, "i");
        assert_begins(said, "PID ");
        assert_has(said, about_till(stage, "%s  till "));
        assert_has(said, "till_on_bill\n");
        assert_has(said, "(this shell)");
        assert_has(said, "2 actors, 0 unread; 2 spawned, 0 ended, 0 crash reports; ");
}

ON_STAGE(rows_beyond_those_asked_for_are_counted)
{
        assert_has(out(stage, "i 1"), "and 1 more: i 2 shows them all\n");
        assert_has(out(stage, "tree 0"), "and 1 more: tree 1 shows them all\n");
        ck_assert_str_eq(out(stage, "regs 0"), "NAME  PID\nand 1 more: regs 1 lists them all\n");
}

static void waits(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
}

static void parent(void)
{
        cop_spawn_or_exit(&(cop_spawn_options){ .run = waits, .name = "younger" });
        cop_spawn_or_exit(&(cop_spawn_options){ .run = waits, .name = "elder" });
        cop_register("parent", cop_self());
        waits();
}

/* A tree with each pid masked. */
static const char *masked(const char *text)
{
        static char copy[2048];
        size_t size = 0;
        for (; *text != '\0' && size + 1 < sizeof(copy); text++) {
                copy[size++] = *text;
                if (*text == '<')
                        text += strcspn(text, ">") - 1;
        }
        copy[size] = '\0';
        return copy;
}

ON_STAGE(tree_draws_children_under_their_parents)
{
        cop_spawn(parent);
        out(stage, "await parent");
        ck_assert_str_eq(masked(out(stage, "tree")), "parent <>\n"
                                                     "\xe2\x94\x9c\xe2\x94\x80 elder <>\n"
                                                     "\xe2\x94\x94\xe2\x94\x80 younger <>\n"
                                                     "till <>\n");
}

/* By its rows, and not by the places of actors: who is shown stands where it belongs. */
ON_STAGE(a_tree_is_cut_by_its_rows)
{
        cop_spawn(parent);
        out(stage, "await parent");
        ck_assert_str_eq(masked(out(stage, "tree 2")), "parent <>\n"
                                                       "\xe2\x94\x9c\xe2\x94\x80 elder <>\n"
                                                       "and 2 more: tree 4 shows them all\n");
}

ON_STAGE(an_actor_whose_parent_is_dead_is_a_root)
{
        cop_pid dies = cop_spawn(parent);
        out(stage, "await parent");
        put_down(dies);
        ck_assert_str_eq(masked(out(stage, "tree")), "till <>\nelder <>\nyounger <>\n");
}

static void is_silent(void)
{
        cop_sleep(COP_FOREVER);
}

static void calls_the_silent(void)
{
        cop_call(NULL, "silent", COP_FOREVER, hush);
}

static void calls_the_second(void)
{
        cop_call(NULL, "second", COP_FOREVER, hush);
}

static cop_pid spawn_as(const char *name, void (*does)(void))
{
        cop_pid pid;
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = does, .name = name },
                                       &pid),
                         COP_OK);
        return pid;
}

/* The row of `i` that begins with such a name, behind the pid. */
static const char *row_of(struct stage *stage, const char *name)
{
        static char row[256];
        char *from = strstr(out(stage, "i"), name);
        ck_assert_ptr_nonnull(from);
        snprintf(row, sizeof(row), "%.*s", (int)strcspn(from, "\n"), from);
        return row;
}

ON_STAGE(info_and_i_show_who_waits_for_whom)
{
        char expected[128], silent[COP_ID_TEXT_MAX], second[COP_ID_TEXT_MAX];
        cop_pid_print(spawn_as("silent", is_silent), silent);
        cop_pid_print(spawn_as("second", calls_the_silent), second);
        spawn_as("first", calls_the_second);
        snprintf(expected, sizeof(expected), "  waits for     second %s, who waits for silent %s\n",
                 second, silent);
        await_true(strstr(out(stage, "info first"), expected) != NULL);
        ck_assert_ptr_null(strstr(out(stage, "info silent"), "waits for"));
        snprintf(expected, sizeof(expected), "  %s  ", silent);
        assert_has(row_of(stage, "second"), expected);
        assert_has(row_of(stage, "silent"), "  -  ");
        assert_has(out(stage, "i"), "  WAITS FOR  IN\n");
}

ON_STAGE(info_tells_how_many_messages_a_mailbox_has_dropped)
{
        cop_pid pid;
        const cop_spawn_options options = { .run = is_silent, .name = "silent", .mailbox_limit = 1,
                                            .mailbox_policy = COP_MAILBOX_DROP_NEW };
        ck_assert_int_eq(cop_spawn_opt(&options, &pid), COP_OK);
        await_true(strstr(out(stage, "info silent"), "traps exits") != NULL);
        ck_assert_ptr_null(strstr(out(stage, "info silent"), "dropped"));
        for (int i = 0; i < 3; i++)
                cop_send(pid, hush, .unused = 0);
        await_true(strstr(out(stage, "info silent"), "\n  dropped       2\n") != NULL);
}

ON_STAGE(info_shows_what_an_actor_knows_of_itself)
{
        char self[COP_ID_TEXT_MAX], expected[128];
        out(stage, "link till");
        out(stage, "call till #bill{pence = 900, people = 3}");
        /* The answer comes before its handler is over, which counts it. */
        await_true(strstr(out(stage, "info till"), "  handled       1, the last bill\n") != NULL);
        const char *said = out(stage, "info till");
        assert_begins(said, about_till(stage, "till %s\n  server        till\n"));
        snprintf(expected, sizeof(expected), "  links         %s\n",
                 cop_pid_print(cop_self(), self));
        assert_has(said, expected);
        assert_has(said, "  traps exits   no\n");
        assert_has(said, "  monitors      none\n");
        snprintf(expected, sizeof(expected), "info %s", cop_pid_print(cop_self(), self));
        assert_has(out(stage, expected), "a thread of the program");
}

static void pour_out(void *thing)
{
        (void)thing;
}

static void owns_two(void)
{
        static char first, second;
        if (cop_own("first", pour_out, &first) != COP_OK || cop_own("second", pour_out, &second) != COP_OK)
                cop_exit(cop_atom("not_owned"));
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(bill)));
}

ON_STAGE(info_counts_what_an_actor_owns)
{
        spawn_as("owner", owns_two);
        await_true(strstr(out(stage, "info owner"), "  owns          2 things\n") != NULL);
        ck_assert_ptr_null(strstr(out(stage, "info till"), "owns"));
}

ON_STAGE_WITH(looking_needs_no_worker, .workers = 1, .no_spare_workers = true)
{
        ck_assert_int_eq(cop_send("till", stall, 0), COP_OK);
        while (!__atomic_load_n(&stalled, __ATOMIC_ACQUIRE))
                cop__spin_pause();
        ck_assert_int_eq(cop_send("till", hush, 0), COP_OK);
        assert_has(out(stage, "i"), "till_on_stall\n");
        assert_has(out(stage, "i"), "2 actors, 1 unread; ");
        assert_begins(out(stage, "tree"), "till ");
        assert_has(out(stage, "regs"), "till  <");
        assert_has(out(stage, "info till"), "  busy: no answer within 500 ms");
        ck_assert_str_eq(out(stage, "whereis till"), about_till(stage, "%s\n"));
        ck_assert_str_eq(out(stage, "crashes"), "no crash so far\n");
        ck_assert_str_eq(err(stage, "call till #hush{} 50"),
                         "** till did not answer within 50 ms\n");
}

ON_STAGE(crashes_shows_the_last_ones_oldest_first)
{
        for (int i = 1; i <= 3; i++) {
                char line[64];
                snprintf(line, sizeof(line), "call till #bill{pence = %d}", i);
                err(stage, line);
                stage->till = cop_spawn_server(&till_server, "till");
        }
        const char *said = out(stage, "crashes 2");
        assert_begins(said, "crash 2, ");
        const char *third = strstr(said, "\ncrash 3, ");
        ck_assert_ptr_nonnull(third);
        assert_has(third, "handling #bill{pence = 3, people = 0}");
        ck_assert_ptr_null(strstr(third + 1, "\ncrash "));
        assert_begins(out(stage, "crashes"), "crash 1, ");
}

ON_STAGE(dead_shows_what_nobody_read_oldest_first)
{
        char expected[256], self[COP_ID_TEXT_MAX];
        ck_assert_str_eq(out(stage, "dead"), "no dead letter so far\n");
        for (int64_t i = 1; i <= 3; i++)
                cop_send(cop_no_pid(), bill, .pence = i);
        const char *said = out(stage, "dead 2");
        assert_begins(said, "dead letter 2, ");
        const char *third = strstr(said, "\ndead letter 3, ");
        ck_assert_ptr_nonnull(third);
        snprintf(expected, sizeof(expected),
                 ": no_actor\n   #bill{pence = 3, people = 0}\n   from %s to nobody\n",
                 cop_pid_print(cop_self(), self));
        assert_has(third, expected);
        assert_begins(out(stage, "dead"), "dead letter 1, ");
        assert_has(err(stage, "dead x"), "expected a number from 0 to 64");
        assert_has(out(stage, "help dead"), "late_reply");
}

ON_STAGE(dead_letters_that_are_too_many_to_be_kept_are_counted_and_who_has_a_name_is_shown_by_it)
{
        char pid[COP_ID_TEXT_MAX], expected[128];
        cop_register("postman", cop_self());
        for (int64_t i = 1; i <= 1000; i++)
                cop_send(cop_no_pid(), bill, .pence = i);
        snprintf(expected, sizeof(expected), "from %s postman to nobody\n", cop_pid_print(cop_self(), pid));
        assert_has(out(stage, "dead"), expected);
        do
                cop_send(cop_no_pid(), bill, .pence = 7);
        while (strstr(out(stage, "dead"), " more, only counted)\n") == NULL);
}

static void loops_for_ever(void)
{
        for (volatile uint64_t i = 0;; i++)
                ;
}

ON_STAGE(stuck_shows_who_has_been_at_it_for_long_and_exit_ends_it)
{
        char line[64], pid[COP_ID_TEXT_MAX];
        ck_assert_str_eq(out(stage, "stuck"), "nobody is stuck\n");
        if (!cop__detour_is_possible())
                return;
        cop_pid loop = cop_spawn(loops_for_ever);
        cop_ref ref = watch(loop);
        await_true(strstr(out(stage, "stuck"), cop_pid_print(loop, pid)) != NULL);
        assert_has(out(stage, "stuck"), "loops_for_ever at ");
        stage->shell.wants_json = true;
        snprintf(line, sizeof(line), "[{\"pid\":\"%s\",\"name\":", pid);
        assert_begins(out(stage, "stuck"), line);
        assert_has(out(stage, "stuck"), "\"in\":\"loops_for_ever at ");
        stage->shell.wants_json = false;
        snprintf(line, sizeof(line), "exit %s kill", pid);
        out(stage, line);
        await_down(ref, "killed");
        ck_assert_str_eq(out(stage, "stuck"), "nobody is stuck\n");
}

/* ---- Who ends between two looks ---------------------------------------------------------------------- */

static void waits_for_ever(void)
{
        cop_sleep(COP_FOREVER);
}

static void ends_it(void *pid)
{
        put_down(*(const cop_pid *)pid);
}

ON_STAGE(who_ends_as_it_is_asked_about_itself_has_just_ended)
{
        char line[64], pid[COP_ID_TEXT_MAX];
        cop_pid p = cop_spawn(waits_for_ever);
        snprintf(line, sizeof(line), "info %s", cop_pid_print(p, pid));
        cue_act("about.asks", ends_it, &p);
        assert_has(err(stage, line), "it has just ended");
        ck_assert(cue_has_come("about.asks"));
}

ON_STAGE(who_was_stuck_and_ends_as_it_is_listed_is_not_shown)
{
        char pid[COP_ID_TEXT_MAX];
        if (!cop__detour_is_possible())
                return;
        cop_pid loop = cop_spawn(loops_for_ever), other = cop_spawn(loops_for_ever);
        cop_pid_print(loop, pid);
        await_true(strstr(out(stage, "stuck"), pid) != NULL);
        cue_act("stuck.has_looked", ends_it, &loop);
        ck_assert_ptr_null(strstr(out(stage, "stuck"), pid));
        ck_assert(cue_has_come("stuck.has_looked"));
        stage->shell.wants_json = true;
        cop_pid_print(other, pid);
        await_true(strstr(out(stage, "stuck"), pid) != NULL);
        cue_act("stuck.has_looked", ends_it, &other);
        ck_assert_str_eq(out(stage, "stuck"), "[]\n");
        ck_assert(cue_has_come("stuck.has_looked"));
}

ON_STAGE(await_waits_for_a_name)
{
        ck_assert_str_eq(err(stage, "await parent 20"),
                         "** no actor was called parent within 20 ms\n");
        cop_pid pid = cop_spawn(parent);
        char text[COP_ID_TEXT_MAX], expected[COP_ID_TEXT_MAX + 1];
        snprintf(expected, sizeof(expected), "%s\n", cop_pid_print(pid, text));
        ck_assert_str_eq(out(stage, "await parent"), expected);
}

ON_STAGE(a_name_that_a_terminal_would_act_upon_is_quoted)
{
        put_down(stage->till);
        ck_assert_int_eq(cop_register("\033[2J red", cop_self()), COP_OK);
        ck_assert_ptr_null(strchr(out(stage, "regs"), '\033'));
        ck_assert_ptr_null(strchr(out(stage, "i"), '\033'));
        ck_assert_ptr_null(strchr(err(stage, "whereis nobody"), '\033'));
        assert_begins(out(stage, "whereis '\\e[2J red'"), "<0.");
}

ON_STAGE(help_knows_every_command_and_quit_leaves)
{
        const char *all = strdup(out(stage, "help"));
        for (const struct cop__command *each = cop__commands; each->name != NULL; each++) {
                char line[64];
                snprintf(line, sizeof(line), "help %s", each->name);
                assert_has(all, each->usage);
                assert_begins(out(stage, line), each->usage);
                ck_assert(!stage->shell.leaving);
        }
        free((void *)(uintptr_t)all);
        out(stage, "quit");
        ck_assert(stage->shell.leaving);
}

/* ---- Without memory ------------------------------------------------------------------ */

ON_STAGE(a_command_without_memory_complains_and_the_next_one_works)
{
        static const char *const lines[] = {
                "help", "i", "tree", "regs", "info till", "crashes", "whereis till", "whereis tlil",
                "call till #bill{pence = 4, people = 2}", "send till {1, \"text\"}", "monitor till",
                "flush", "call till #bil{", "exit till {a, normal, [1]}", "self",
        };
        for (size_t i = 0; failing_malloc_can() && i < COP__COUNT(lines); i++) {
                put_down(stage->till);
                stage->till = cop_spawn_server(&till_server, "till");
                settle_with(stage->till);
                run(stage, lines[i]); /* the place in the code is known from here on */
                for (long n = 1; n < 10000; n++) {
                        if (!cop_is_alive(stage->till))
                                stage->till = cop_spawn_server(&till_server, "till");
                        cop__shell_fini(&stage->shell);
                        cop__shell_init(&stage->shell, stage->node);
                        fail_malloc_after(n);
                        bool done = run(stage, lines[i]);
                        bool failed = stop_failing_malloc();
                        ck_assert_msg(done || !failed || stage->shell.err.failed ||
                                              stage->shell.err.size > 0,
                                      "'%s' failed silently at allocation %ld", lines[i], n);
                        if (!failed)
                                break;
                }
                assert_begins(out(stage, "self"), "<0.");
        }
}

/* ---- sys ------------------------------------------------------------------------------ */

static void plain_loop(void)
{
        for (;;)
                cop_message_free(cop_receive(COP_FOREVER, COP_ANY));
}

ON_STAGE(sys_knows_plain_functions_too)
{
        cop_register("plain", cop_spawn(plain_loop));
        ck_assert_str_eq(out(stage, "sys suspend plain"), "ok\n");
        assert_has(out(stage, "sys status plain"), "  server        plain_loop\n");
        assert_has(out(stage, "sys status plain"), "  status        suspended\n");
        ck_assert_str_eq(out(stage, "sys resume plain"), "ok\n");
}

ON_STAGE(sys_shows_and_replaces_a_state_as_its_record)
{
        ck_assert_str_eq(out(stage, "sys state till"), "#till{served = 0}\n");
        ck_assert_str_eq(out(stage, "sys replace till #till{served = 41}"), "ok\n");
        ck_assert_str_eq(out(stage, "call till #bill{pence = 8, people = 2}"),
                         "#share{pence_each = 4, number = 42}\n");
        assert_has(err(stage, "sys replace till #till{served = much}"), "served of till");
        ck_assert_str_eq(out(stage, "sys state till"), "#till{served = 42}\n");
}

ON_STAGE(sys_suspends_and_resumes)
{
        ck_assert_str_eq(out(stage, "sys suspend till"), "ok\n");
        assert_has(out(stage, "sys status till"), "  status        suspended\n");
        assert_has(err(stage, "call till #bill{pence = 8, people = 2} 10"), "did not answer");
        out(stage, "send till #bill{pence = 8, people = 2}");
        ck_assert_str_eq(out(stage, "sys resume till"), "ok\n"); /* what was given up is not handled now */
        assert_has(out(stage, "sys status till"), "  state         #till{served = 1}\n");
}

ON_STAGE(sys_traces_to_this_shell)
{
        ck_assert_str_eq(out(stage, "sys trace till on"), "ok\n");
        out(stage, "call till #bill{pence = 8, people = 2}");
        ck_assert_str_eq(out(stage, "sys trace till off"), "ok\n");
        const char *events = out(stage, "flush");
        assert_has(events, "what = in");
        assert_has(events, "term = #bill{pence = 8, people = 2}");
        assert_has(events, "term = #share{pence_each = 4, number = 1}");
        assert_has(events, "term = #till{served = 1}");
}

ON_STAGE(sys_keeps_a_log_and_counts)
{
        ck_assert_str_eq(out(stage, "sys log till"), "no events\n");
        ck_assert_str_eq(out(stage, "sys log till on"), "ok\n");
        assert_has(err(stage, "sys statistics till"), "nothing is counted");
        ck_assert_str_eq(out(stage, "sys statistics till on"), "ok\n");
        out(stage, "call till #bill{pence = 8, people = 2}");
        assert_begins(out(stage, "sys log till"), "{in, #bill{pence = 8, people = 2}, <");
        assert_begins(out(stage, "sys statistics till"), "1 messages and 1 replies in ");
        ck_assert_str_eq(out(stage, "sys log till off"), "ok\n");
        ck_assert_str_eq(out(stage, "sys statistics till off"), "ok\n");
}

static const char *status_row(struct stage *stage, const char *row)
{
        const char *status = out(stage, "sys status apart");
        return strstr(status, row) != NULL ? row : status;
}

ON_STAGE_WITH(sys_asks_an_actor_in_a_process_of_its_own_as_any_other, .workers = 2, .processes = true)
{
        cop_pid pid;
        NEEDS_THREADS();
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &till_server, .name = "apart",
                                                         .isolation = COP_ISOLATION_PROCESS },
                                   PATIENCE_MS, &pid), COP_OK);
        ck_assert_str_eq(out(stage, "sys state apart"), "#till{served = 0}\n");
        ck_assert_str_eq(out(stage, "sys replace apart #till{served = 41}"), "ok\n");
        ck_assert_str_eq(out(stage, "sys statistics apart on"), "ok\n");
        ck_assert_str_eq(out(stage, "sys log apart on"), "ok\n");
        ck_assert_str_eq(out(stage, "call apart #bill{pence = 8, people = 2}"),
                         "#share{pence_each = 4, number = 42}\n");
        ck_assert_str_eq(out(stage, "sys state apart"), "#till{served = 42}\n");
        assert_begins(out(stage, "sys statistics apart"), "1 messages and 1 replies in ");
        assert_begins(out(stage, "sys log apart"), "{in, #bill{pence = 8, people = 2}, <");
        assert_has(err(stage, "sys replace apart #till{served = much}"), "served of till");
        ck_assert_str_eq(out(stage, "sys suspend apart"), "ok\n");
        ck_assert_str_eq(status_row(stage, "  status        suspended\n"), "  status        suspended\n");
        ck_assert_str_eq(status_row(stage, "  state         #till{served = 42}\n"),
                         "  state         #till{served = 42}\n");
        ck_assert_str_eq(out(stage, "sys resume apart"), "ok\n");
}

static cop_symbol odd_word = { .text = "\xff", .size = 1 };

typedef struct { cop_symbol word; } odd;
COP_MESSAGE(odd, word);

static void odd_init(odd *self)
{
        self->word = odd_word;
}

COP_SERVER(odd, COP_INIT(odd_init), COP_STATE(odd));

ON_STAGE_WITH(sys_says_so_when_a_state_cannot_leave_its_process, .workers = 2, .processes = true)
{
        cop_pid pid;
        NEEDS_THREADS();
        ck_assert_int_eq(cop_start(&(cop_spawn_options){ .server = &odd_server, .name = "apart",
                                                         .isolation = COP_ISOLATION_PROCESS },
                                   PATIENCE_MS, &pid), COP_OK);
        ck_assert_str_eq(err(stage, "sys state apart"),
                         "** what apart would tell cannot leave its process: it holds an atom that is no UTF-8\n");
}

ON_STAGE(sys_stops_a_server_in_order)
{
        cop_ref ref = watch(stage->till);
        ck_assert_str_eq(out(stage, "sys stop till"), "ok\n");
        await_down(ref, "normal");
        stage->till = cop_spawn_server(&till_server, "till");
        ref = watch(stage->till);
        ck_assert_str_eq(out(stage, "sys stop till {sold, 7}"), "ok\n");
        await_down(ref, "{sold, 7}");
}

ON_STAGE(sys_says_what_is_wrong)
{
        cop_register("plain", cop_spawn(plain_loop));
        ck_assert_str_eq(err(stage, "sys stop plain"), "** plain is no server that this could be asked of\n");
        assert_has(err(stage, "sys state plain"), "plain does not say what its state is: ");
        assert_has(err(stage, "sys sate till"), "did you mean state?");
        assert_has(err(stage, "sys"), "expected state, replace");
        assert_has(err(stage, "sys state"), "expected a name or a pid: sys state TO");
        assert_has(err(stage, "sys state tlil"), "did you mean till?");
        assert_has(err(stage, "sys trace till maybe"), "expected on or off: sys trace TO on|off");
        assert_has(err(stage, "sys state till now"), "expected the end of the line");
}

/* ---- Completion ---------------------------------------------------------------------- */

/* The candidates on one line, with | between them, and before them where the word begins. */

static const char *completed(struct stage *stage, const char *line)
{
        static char text[4096];
        struct cop__text candidates;
        size_t from;
        cop__text_init(&candidates);
        cop__shell_complete(&stage->shell, line, strlen(line), &from, &candidates);
        snprintf(text, sizeof(text), "%zu:%s", from, cop__text_get(&candidates));
        for (char *at = text; *at != '\0'; at++)
                if (*at == '\n')
                        *at = '|';
        cop__text_fini(&candidates);
        return text;
}

ON_STAGE(commands_names_kinds_and_fields_are_completed)
{
        static const struct {
                const char *line, *candidates;
        } cases[] = {
                { "wh", "0:whereis |" },
                { "ca", "0:call |" },
                { "ti", "0:till |" },
                { "help wh", "5:whereis|" },
                { "sys sta", "4:state |statistics |status |" },
                { "sys state ti", "10:till |" },
                { "sys replace till ", "17:#till{|" },
                { "sys trace till o", "15:on|off|" },
                { "sys stop till shut", "14:shutdown|" },
                { "call ", "5:till |" },
                { "call t", "5:till |" },
                { "whereis t", "8:till |" },
                { "self ", "5:" },
                { "exit till k", "10:kill|" },
                { "call till ", "10:#bill{|#hush{|#leave{|#stall{|" },
                { "till ! ", "7:#bill{|#hush{|#leave{|#stall{|" },
                { "call till #bi", "10:#bill{|" },
                { "call till #bill{", "16:pence = |people = |" },
                { "call till #bill{pe", "16:pence = |people = |" },
                { "call till #bill{pen", "16:pence = |" },
                { "call till #bill{pence = 9, ", "27:people = |" },
                { "call till #bill{pence = ", "24:" },
                { "call till #sign{open = t", "23:true|" },
                { "call till #ticket{bi", "18:bill = |" },
                { "call till #ticket{bill = ", "25:#bill{|" },
                { "call till #bill{pence 9", "22:" },
                { "call till #Purse{", "17:pence = |inner = |note = |" },
                { "call till #Purse{inner = #bill{pence = 1}, ", "43:pence = |note = |" },
                { "call till #Purse{note = \", pence = 1, {\", ", "42:pence = |inner = |" },
                { "call till #Purse{inner = #bill{people = [pence = 1], ", "53:pence = |" },
                { "call till #Purse{'pence' = $\\^}, ", "33:inner = |note = |" },
                { "call till #P", "10:#Purse{|" },
                { "call till #'P", "10:#'Purse'{|" },
                { "call till {#'bi", "11:#'bill'{|" },
                { "call till #'Purse'{no", "19:note = |" },
                { "call till {$\", #bi", "15:#bill{|" },
                { "call till {$', #bi", "15:#bill{|" },
                { "call till {$\\\", #bi", "16:#bill{|" },
                { "call till {$", "12:" },
                { "sys replace nobody ", "19:" },
                { "sys replace till #till{} ", "25:" },
                { "call till {a, [#bi", "15:#bill{|" },
                { "call till \"#bi", "14:" },
                { "call till #nothing{", "19:" },
                { "! #bi", "2:#bill{|" },
                { "zzz", "0:" },
        };
        for (size_t i = 0; i < COP__COUNT(cases); i++) {
                const char *got = completed(stage, cases[i].line);
                ck_assert_msg(strcmp(got, cases[i].candidates) == 0, "'%s' gave '%s', not '%s'",
                              cases[i].line, got, cases[i].candidates);
        }
        char line[40 * COP_NAME_MAX] = "call ";
        memset(line + 5, 'x', 30 * COP_NAME_MAX);
        char all_kinds[4096]; /* as of any address at which nobody is */
        strcpy(all_kinds, strchr(completed(stage, "call nobody "), ':'));
        assert_has(all_kinds, "#bill{|");
        ck_assert_str_eq(strchr(completed(stage, strcat(line, " ")), ':'), all_kinds); /* nobody can be called so */
        ck_assert_str_eq(strchr(completed(stage, strcat(line, "#bi")), ':'), ":#bill{|");
        ck_assert_str_eq(strchr(completed(stage, about_till(stage, "call %s ")), ':'), ":#bill{|#hush{|#leave{|#stall{|");
        ck_assert_str_eq(strchr(completed(stage, about_till(stage, "sys replace %s ")), ':'), ":#till{|");
        assert_has(completed(stage, "info <"), about_till(stage, "%s |"));
        assert_has(completed(stage, "call till #sign{owner = <"), about_till(stage, "%s |"));
}

ON_STAGE(names_that_need_quotes_are_completed_too)
{
        cop_pid pid = cop_spawn_server(&till_server, "my till");
        settle_with(pid);
        ck_assert_str_eq(completed(stage, "call '"), "5:'my till' |");
        ck_assert_str_eq(completed(stage, "call 'my t"), "5:'my till' |");
        ck_assert_str_eq(completed(stage, "'my t"), "0:'my till' |");
        ck_assert_str_eq(completed(stage, "sys state 'my"), "10:'my till' |");
        ck_assert_str_eq(completed(stage, "call 'my till' "), "15:#bill{|#hush{|#leave{|#stall{|");
        ck_assert_str_eq(completed(stage, "'my till' ! #bi"), "12:#bill{|");
        ck_assert_str_eq(completed(stage, "sys replace 'my till' "), "22:#till{|");
        ck_assert_str_eq(completed(stage, "call till 'my"), "10:");
        ck_assert_str_eq(completed(stage, "call till {'my"), "14:");
}

/* 210 called w1..., which fill the list, and 40 called w2... behind them. */
ON_STAGE(what_is_completed_all_candidates_have_in_common)
{
        char name[16];
        for (int i = 0; i < 250; i++) {
                snprintf(name, sizeof(name), "w%d", i < 210 ? 1000 + i : 2000 + i);
                spawn_as(name, is_silent);
        }
        struct cop__text candidates;
        size_t from, count = 0, common = SIZE_MAX;
        cop__text_init(&candidates);
        cop__shell_complete(&stage->shell, "call w", 6, &from, &candidates);
        const char *first = cop__text_get(&candidates);
        for (const char *at = first; *at != '\0'; at = strchr(at, '\n') + 1, count++) {
                size_t same = 0;
                while (same < common && at[same] == first[same] && at[same] != '\n')
                        same++;
                common = same;
        }
        ck_assert_uint_eq(count, COP__CANDIDATES_MAX);
        ck_assert_uint_eq(common, 1);
        cop__text_clear(&candidates);
        cop__shell_complete(&stage->shell, "call w22", 8, &from, &candidates);
        ck_assert_int_eq(strncmp(cop__text_get(&candidates), "w2210 \n", 7), 0);
        cop__text_fini(&candidates);
}

ON_STAGE(completion_bears_any_bytes)
{
        uint64_t random = 42;
        char line[64];
        for (int round = 0; round < 20000; round++) {
                size_t size = (size_t)(round % 40);
                static const char bytes[] = "#{}[]\"'\\ ,=<>.!tilbcaepn\xc3\xa4%\t0$^";
                for (size_t i = 0; i < size; i++) {
                        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                        line[i] = bytes[(random >> 33) % (sizeof(bytes) - 1)];
                }
                struct cop__text candidates;
                size_t from;
                cop__text_init(&candidates);
                cop__shell_complete(&stage->shell, line, size, &from, &candidates);
                ck_assert_uint_le(from, size);
                cop__text_fini(&candidates);
        }
}

/* ---- JSON ---------------------------------------------------------------------------- */

/* The answer to a program, which is one line. */
static const char *json(struct stage *stage, const char *line)
{
        stage->shell.wants_json = true;
        bool done = run(stage, line);
        const char *text = cop__text_get(done ? &stage->shell.out : &stage->shell.err);
        size_t size = strlen(text);
        ck_assert_msg(size > 0 && text[size - 1] == '\n' && strchr(text, '\n') == text + size - 1, "%s", text);
        ck_assert_str_eq(cop__text_get(done ? &stage->shell.err : &stage->shell.out), "");
        return text;
}

static void expect_json(struct stage *stage, const char *line, const char *part)
{
        const char *text = json(stage, line);
        ck_assert_msg(strstr(text, part) != NULL, "%s: no %s in %s", line, part, text);
}

ON_STAGE(a_tree_as_json_is_whole_whatever_its_rows)
{
        expect_json(stage, "tree 0", "\"name\":\"till\"");
}

ON_STAGE(whom_an_actor_waits_for_comes_as_json)
{
        char expected[64], silent[COP_ID_TEXT_MAX];
        expect_json(stage, "i", "\"waits_for\":null");
        cop_pid_print(spawn_as("silent", is_silent), silent);
        spawn_as("second", calls_the_silent);
        snprintf(expected, sizeof(expected), "\"waits_for\":\"%s\"", silent);
        await_true(strstr(json(stage, "i"), expected) != NULL);
        await_true(strstr(json(stage, "info second"), expected) != NULL);
        expect_json(stage, "info till", "\"waits_for\":null");
}

static const page many_pages[150];

static void answers_volumes(void)
{
        for (;;) {
                cop_auto message = cop_receive(COP_FOREVER, COP_KIND(hush));
                cop_answer(message, volume, .pages = { many_pages, COP__COUNT(many_pages) });
        }
}

/* As the kind's name alone, it would look like an answer. */
ON_STAGE(an_answer_that_is_too_large_is_an_error_to_a_program)
{
        spawn_as("library", answers_volumes);
        ck_assert_str_eq(json(stage, "call library #hush{}"),
                         "{\"error\":\"** the answer is a volume that is too large to show\"}\n");
        stage->shell.wants_json = false;
        ck_assert_str_eq(out(stage, "call library #hush{}"), "a volume that is too large to show\n");
        cop_send(cop_self(), volume, .pages = { many_pages, COP__COUNT(many_pages) });
        cop_send(cop_self(), share, .number = 7);
        ck_assert_str_eq(json(stage, "flush"), "[{\"too_large\":\"volume\"},{\"kind\":\"share\",\"pence_each\":0,\"number\":7}]\n");
}

static void digs_on(const parcel *line)
{
        if (line->weight > 0)
                cop_spawn_with(digs_on, parcel, .weight = line->weight - 1);
        else
                cop_register("bottom", cop_self());
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
}

ON_STAGE(where_a_tree_as_json_is_cut_it_says_so)
{
        cop_spawn_with(digs_on, parcel, .weight = 62);
        await_true(cop_whereis("bottom").bits != 0);
        expect_json(stage, "tree", "\"name\":\"bottom\"");
        ck_assert_ptr_null(strstr(json(stage, "tree"), "\"children\":null"));
        cop_send("bottom", leave, .unused = 0);
        await_true(cop_whereis("bottom").bits == 0);
        cop_spawn_with(digs_on, parcel, .weight = 70);
        await_true(cop_whereis("bottom").bits != 0);
        ck_assert_ptr_null(strstr(json(stage, "tree"), "bottom"));
        expect_json(stage, "tree", "\"children\":null");
}

ON_STAGE(what_is_called_and_looked_into_comes_as_json)
{
        ck_assert_str_eq(json(stage, "call till #bill{pence = 900, people = 3}"),
                         "{\"kind\":\"share\",\"pence_each\":300,\"number\":1}\n");
        ck_assert_str_eq(json(stage, "sys state till"), "{\"kind\":\"till\",\"served\":1}\n");
        char pid[COP_ID_TEXT_MAX], wanted[64];
        snprintf(wanted, sizeof(wanted), "\"%s\"\n", cop_pid_print(stage->till, pid));
        ck_assert_str_eq(json(stage, "whereis till"), wanted);
        ck_assert_str_eq(json(stage, "await till"), wanted);
        settle_with(stage->till);
        expect_json(stage, "info till", "\"name\":\"till\",\"label\":null,\"server\":\"till\",\"status\":\"");
        expect_json(stage, "info till", "\"links\":[]");
}

ON_STAGE(every_list_comes_as_json)
{
        expect_json(stage, "i", "{\"actors\":[{\"pid\":\"<0.");
        expect_json(stage, "i", "\"name\":\"till\"");
        expect_json(stage, "i", "],\"alive\":2,\"unread\":0,\"spawned\":");
        expect_json(stage, "regs", "{\"names\":[{\"name\":\"till\",\"pid\":\"<0.");
        expect_json(stage, "regs", "}],\"count\":1}");
        expect_json(stage, "tree", "\"children\":[]}");
        ck_assert_str_eq(json(stage, "crashes"), "[]\n");
        ck_assert_str_eq(json(stage, "dead"), "[]\n");
        ck_assert_str_eq(json(stage, "stuck"), "[]\n");
        ck_assert_str_eq(json(stage, "flush"), "[]\n");
        json(stage, "call till #bill{pence = 900, people = 0}");
        expect_json(stage, "crashes", "[{\"number\":1,\"when\":");
        expect_json(stage, "crashes", "\"message\":\"#bill{pence = 900, people = 0}\"");
        cop_send(cop_self(), bill, .pence = 7);
        ck_assert_str_eq(json(stage, "flush"), "[{\"kind\":\"bill\",\"pence\":7,\"people\":0}]\n");
}

ON_STAGE(where_messages_as_json_are_cut_it_says_so)
{
        for (int64_t i = 1; i <= 1001; i++)
                cop_send(cop_self(), bill, .pence = i);
        bool says_so = strstr(json(stage, "flush"), "\"pence\":1000,\"people\":0},{\"more\":true}]\n") != NULL;
        ck_assert(says_so); /* of a text that is too long to be shown */
        ck_assert_str_eq(json(stage, "flush"), "[{\"kind\":\"bill\",\"pence\":1001,\"people\":0}]\n");
}

ON_STAGE(what_people_see_of_a_crash_and_of_an_actor_comes_as_json_too)
{
        json(stage, "call till #bill{pence = 900, people = 3}");
        settle_with(stage->till); /* it has answered before it is done with it */
        expect_json(stage, "info till", "\"handled\":1,\"last\":\"bill\"");
        expect_json(stage, "info till", "\"mark_high\":null,\"mark_low\":null,\"too_many\":false");
        expect_json(stage, "info till", "\"own_process\":false,\"process\":null");
        json(stage, "sys log till on");
        json(stage, "call till #bill{pence = 900, people = 0}");
        expect_json(stage, "crashes", "\"handled\":1,\"last\":\"bill\",\"unread\":null,\"events\":\"{in, #bill{");
}

ON_STAGE(who_ends_as_it_is_asked_about_itself_has_just_ended_in_json_too)
{
        char line[64], pid[COP_ID_TEXT_MAX];
        cop_pid p = cop_spawn(waits_for_ever);
        snprintf(line, sizeof(line), "info %s", cop_pid_print(p, pid));
        cue_act("about.asks", ends_it, &p);
        ck_assert_str_eq(json(stage, line), "{\"error\":\"** it has just ended\"}\n");
        ck_assert(cue_has_come("about.asks"));
}

ON_STAGE(an_error_is_json_too_and_so_is_what_has_no_form_of_its_own)
{
        expect_json(stage, "call tlil 5", "{\"error\":\"** no actor is called tlil; did you mean till?");
        expect_json(stage, "help self", "{\"text\":\"self: ");
        expect_json(stage, "\xff", "{\"error\":\"** a command line is UTF-8");
        stage->shell.wants_json = false; /* each request says anew what it wants */
        ck_assert(run(stage, "whereis till"));
        ck_assert_int_eq(cop__text_get(&stage->shell.out)[0], '<');
}

ON_STAGE(terms_of_every_sort_come_as_json)
{
        static const struct {
                const char *term, *json;
        } each[] = {
                { "[1, -2, 0.5, 18446744073709551615]", "[1,-2,0.5,18446744073709551615]" },
                { "{a, b}", "{\"tuple\":[\"a\",\"b\"]}" },
                { "#{name => \"Ada\", 3 => true, \"k\" => undefined}", "{\"map\":[[3,true],[\"name\",\"Ada\"],[\"k\",null]]}" },
                { "#{name => \"Ada\", 3 => true}", "{\"3\":true,\"name\":\"Ada\"}" },
                { "#{3 => true}", "{\"3\":true}" },
                { "[[], {}, #{}]", "[[],{\"tuple\":[]},{}]" },
                { "\"a\\\"b\\\\c\\nd\"", "\"a\\\"b\\\\c\\u000ad\"" },
                { "<<255, 0>>", "{\"bytes\":\"ff00\"}" },
                { "<<\"plain\">>", "\"plain\"" },
                { "[a | b]", "{\"list\":[\"a\"],\"tail\":\"b\"}" },
                { "[1, 2 | [3 | {}]]", "{\"list\":[1,2,3],\"tail\":{\"tuple\":[]}}" },
                { "{[$a | \"bc\"], [1 | [2 | []]]}", "{\"tuple\":[{\"list\":[97],\"tail\":\"bc\"},[1,2]]}" },
        };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                char line[128];
                snprintf(line, sizeof(line), "send %s %s", "till", each[i].term);
                expect_json(stage, line, each[i].json);
        }
}

ON_STAGE(a_reference_comes_as_json_as_it_is_written)
{
        char id[COP_ID_TEXT_MAX], wanted[2 * COP_ID_TEXT_MAX];
        cop_ref ref = cop_ref_new();
        ck_assert_int_eq(cop_send_term(cop_self(), COP_TUPLE(cop_atom("asked"), cop_ref_term(ref))), COP_OK);
        snprintf(wanted, sizeof(wanted), "[{\"tuple\":[\"asked\",\"%s\"]}]\n", cop_ref_print(ref, id));
        ck_assert_str_eq(json(stage, "flush"), wanted);
}

/* ---- What is rarely seen --------------------------------------------------------------------- */

static void is_labelled(void)
{
        cop_set_label("a label");
        cop_set_priority(COP_PRIORITY_HIGH);
        cop_mailbox_marks(2, 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
}

ON_STAGE(an_actor_that_is_busy_is_described_from_the_side)
{
        cop_pid pid;
        char line[64], text[COP_ID_TEXT_MAX];
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .run = is_labelled }, &pid), COP_OK);
        snprintf(line, sizeof(line), "info %s", cop_pid_print(pid, text));
        await_true(strstr(out(stage, line), "marks at 2 and 1") != NULL); /* the last that it does before it waits */
        const char *said = out(stage, line);
        ck_assert_msg(strstr(said, "a label") != NULL && strstr(said, "high") != NULL, "%s", said);
        ck_assert_ptr_nonnull(strstr(out(stage, "i"), "(a label)"));
        put_down(pid);
}

/* Two keys that differ are never one, whatever is in them. */
ON_STAGE(no_key_is_lost_in_json)
{
        static const struct {
                const char *term, *json;
        } each[] = {
                { "#{\"a\\x{0}b\" => 1, \"a\" => 2}", "{\"a\":2,\"a\\u0000b\":1}" },
                { "#{ok => 1, 'a b' => 2, 7 => 3, <<\"a\">> => 4}", "{\"7\":3,\"'a b'\":2,\"ok\":1,\"<<\\\"a\\\">>\":4}" },
                { "#{ok => 1, \"ok\" => 2}", "{\"map\":[[\"ok\",1],[\"ok\",2]]}" },
                { "#{{1} => 2}", "{\"map\":[[{\"tuple\":[1]},2]]}" },
                { "#{}", "{}" },
                { "#parcel{kind = \"small\", weight = 3}", "{\"kind\":\"parcel\",\"fields\":{\"kind\":\"small\",\"weight\":3}}" },
        };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                char line[256];
                snprintf(line, sizeof(line), "send till %s", each[i].term);
                expect_json(stage, line, each[i].json);
        }
}

ON_STAGE(no_name_that_is_no_text_is_lost_in_json)
{
        cop_term map = COP_MAP(cop_atom("a\xff"), cop_int(1), cop_atom("a\xfe"), cop_int(2));
        ck_assert_int_eq(cop_send_term(cop_self(), map), COP_OK);
        ck_assert_str_eq(json(stage, "flush"), "[{\"map\":[[\"a\\ufffd\",2],[\"a\\ufffd\",1]]}]\n");
        const cop_term inner[] = { cop_int(2), cop_int(3) };
        const cop_term outer[] = { cop_int(1), cop_list_of(inner, 2) };
        ck_assert_int_eq(cop_send_term(cop_self(), cop_cons_of(outer, 2)), COP_OK);
        ck_assert_str_eq(json(stage, "flush"), "[[1,2,3]]\n");
}

ON_STAGE(dead_letters_come_as_json_and_as_a_list)
{
        cop_pid pid = cop_spawn(is_labelled);
        put_down(pid);
        ck_assert_int_eq(cop_send(pid, bill, .pence = 3), COP_OK);
        expect_json(stage, "dead", "[{\"number\":1,\"when\":");
        expect_json(stage, "dead", "\"reason\":\"no_actor\",\"kind\":\"bill\",\"message\":\"#bill{pence = 3, people = 0}\",\"from\":\"<0.");
        expect_json(stage, "dead", "\"missed\":0}]");
}

ON_STAGE(words_that_are_wrong_are_named)
{
        static const char *const each[][2] = {
                { "link", "expected" },       { "unlink", "expected" },    { "monitor", "expected" },
                { "monitor till x", "end" },  { "demonitor", "expected a reference: demonitor REFERENCE" },
                { "demonitor #Ref<0.7> x", "end" }, { "i x y", "expected" }, { "regs x y", "expected" },
                { "whereis", "expected" },    { "whereis till x", "end" }, { "nodes x", "end" },
                { "await", "expected" },      { "await till x", "expected a number" }, { "await till 1 x", "end" },
                { "help call x", "end" },     { "crashes 1 2", "end" },      { "stuck now", "end" },       { "tree 1 x", "end" },
                { "flush now", "end" },       { "i 99999999999999999999", "expected a number from 0 to 200000" },
                { "info 'a\\xq'", "expected two hexadecimal digits" }, { "info 'till", "is never closed" },
                { "info <0.7777.3>", "<0.7777.3> is not alive" }, { "sys statistics <0.7777.3>", "<0.7777.3> is not alive" },
                { "sys status <0.7777.3>", "<0.7777.3> is not alive" },
                { "info <1.5.0>", "<1.5.0> lives on another node: the shell" }, { "children <1.5.0>", "<1.5.0> lives on another node" },
                { "sys state <1.5.0>", "<1.5.0> lives on another node" }, { "restart <1.5.0> till", "<1.5.0> lives on another node" },
                { "info 'a\nb'", "** no actor is called a b; " },
        };
        stage->shell.wants_json = false;
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                ck_assert_msg(!run(stage, each[i][0]), "%s was done", each[i][0]);
                const char *said = cop__text_get(&stage->shell.err);
                ck_assert_msg(strstr(said, each[i][1]) != NULL, "%s: no '%s' in: %s", each[i][0], each[i][1], said);
        }
}

ON_STAGE(the_nodes_of_the_user_come_as_json)
{
        char folder[] = "/tmp/coppice-test-XXXXXX";
        ck_assert_ptr_nonnull(mkdtemp(folder));
        setenv("XDG_RUNTIME_DIR", folder, 1);
        ck_assert_str_eq(json(stage, "nodes"), "[]\n");
        char path[64];
        snprintf(path, sizeof(path), "%s/coppice", folder);
        FILE *file = fopen(path, "we");
        ck_assert_ptr_nonnull(file);
        fclose(file);
        stage->shell.wants_json = false;
        assert_has(err(stage, "nodes"), "/coppice: is no folder");
        unlink(path);
        ck_assert_int_eq(rmdir(folder), 0);
}

ON_STAGE(words_behind_sys_that_are_wrong_are_named)
{
        static const char *const each[] = {
                "sys status", "sys status till x", "sys suspend", "sys suspend till x", "sys resume", "sys resume till x",
                "sys statistics", "sys statistics till x", "sys statistics till on x", "sys log till x", "sys trace till",
                "sys state till x", "sys replace till", "sys replace till {", "sys stop", "sys stop till {", "sys stop till a b",
        };
        stage->shell.wants_json = false;
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                ck_assert_msg(!run(stage, each[i]), "%s was done", each[i]);
                const char *said = cop__text_get(&stage->shell.err);
                ck_assert_msg(strstr(said, "expected") != NULL, "%s: %s", each[i], said);
        }
        assert_has(out(stage, "sys status till"), "running"); /* nothing was done */
}

static void wait_for_nothing(struct cop__shell *shell)
{
        (void)shell;
}

static uint32_t sys_waits;

static void count_wait(struct cop__shell *shell)
{
        (void)shell;
        sys_waits++;
}

ON_STAGE(a_question_to_a_server_is_a_wait_that_can_be_ended)
{
        stage->shell.wait_begin = wait_for_nothing;
        stage->shell.wait_end = count_wait;
        out(stage, "sys state till");
        ck_assert_uint_eq(sys_waits, 1);
        out(stage, "sys status till");
        ck_assert_uint_eq(sys_waits, 2);
}

static void *is_a_thread(void *stage)
{
        ck_assert_int_eq(cop_node_enter(((struct stage *)stage)->node), COP_OK);
        ck_assert_int_eq(cop_register("thread", cop_self()), COP_OK);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
        cop_node_leave();
        return NULL;
}

ON_STAGE(a_thread_of_the_program_has_a_status_and_nothing_else)
{
        pthread_t thread;
        ck_assert_int_eq(pthread_create(&thread, NULL, is_a_thread, stage), 0);
        out(stage, "await thread");
        assert_has(out(stage, "sys status thread"), "  server        thread\n");
        ck_assert_str_eq(err(stage, "sys suspend thread"),
                         "** thread is a thread of the program: it has a status, and nothing else that could be asked\n");
        out(stage, "thread ! #leave{}");
        pthread_join(thread, NULL);
}

/* ---- What is large --------------------------------------------------------------------------- */

ON_STAGE(names_beyond_the_most_are_left_out_and_counted)
{
        struct cop__names names;
        put_down(stage->till);
        cop_pid pids[20];
        for (int i = 0; i < 20; i++)
                pids[i] = spawn_as(filled("name %d", i), is_labelled);
        ck_assert_int_eq(cop__names_init(&names, stage->node, 7), COP_OK);
        ck_assert_uint_eq(names.count, 7);
        ck_assert_uint_eq(names.seen, 20);
        cop__names_fini(&names);
        ck_assert_int_eq(cop__names_init(&names, stage->node, 20), COP_OK);
        ck_assert_uint_eq(names.count, 20);
        ck_assert_str_eq(names.each[0].name, "name 0");
        cop__names_fini(&names);
        for (int i = 0; i < 20; i++)
                put_down(pids[i]);
}

TEST(sizes_are_shown_in_the_unit_that_fits_up_to_the_largest)
{
        static const struct {
                uint64_t bytes;
                const char *shown;
        } each[] = {
                { 0, "0 B" },
                { 1023, "1023 B" },
                { 1024, "1.0 KiB" },
                { UINT64_C(50) << 10, "50 KiB" },
                { UINT64_C(3) << 19, "1.5 MiB" },
                { UINT64_C(7) << 30, "7.0 GiB" },
                { UINT64_C(5000) << 40, "5000 TiB" },
        };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                struct cop__text text;
                cop__text_init(&text);
                cop__text_append_bytes(&text, each[i].bytes);
                ck_assert_str_eq(cop__text_get(&text), each[i].shown);
                cop__text_fini(&text);
        }
}

typedef struct { int64_t unused; } idler;

static void idler_on_hush(idler *self, const hush *unused)
{
        (void)self;
        (void)unused;
}

COP_SERVER(idler, COP_ON(hush, idler_on_hush));

/* The till has the last name. */
ON_STAGE_WITH(the_rest_of_more_names_than_may_be_listed_names_no_number_either, .workers = 1)
{
        for (int i = 0; i < COP__NAMES_MAX; i++) {
                if (i == COP__NAMES_MAX - 1)
                        ck_assert_str_eq(out(stage, "regs 0"), "NAME  PID\nand 100000 more: regs 100000 lists them all\n");
                ck_assert_uint_ne(cop_spawn_server(&idler_server, filled("n%d", i)).bits, 0);
        }
        ck_assert_str_eq(out(stage, "regs 0"), "NAME  PID\nand 100001 more\n");
        assert_has(err(stage, "regs 100001"), "100000");
}

/* Who sees less than all is told how to see them, unless nobody may see so many. */
TEST(the_rest_of_a_list_names_no_number_that_would_be_refused)
{
        struct cop__glimpses glimpses = { .seen = COP__GLIMPSES_MAX, .count = 5 };
        struct cop__text text;
        cop__text_init(&text);
        cop__glimpses_append_rest(&glimpses, "i", &text);
        ck_assert_str_eq(cop__text_get(&text), "and 199995 more: i 200000 shows them all\n");
        cop__text_clear(&text);
        glimpses.seen++;
        cop__glimpses_append_rest(&glimpses, "i", &text);
        ck_assert_str_eq(cop__text_get(&text), "and 199996 more\n");
        cop__text_fini(&text);
}

TEST(text_that_is_no_utf8_is_json_all_the_same)
{
        struct cop__text text;
        cop__text_init(&text);
        cop__json_open(&text, NULL, '[');
        cop__json_bytes(&text, NULL, "a\xff\xc3z", 4);
        cop__json_string(&text, NULL, "b");
        cop__json_close(&text, ']');
        ck_assert_str_eq(cop__text_get(&text), "[\"a\\ufffd\\ufffdz\",\"b\"]");
        cop__text_fini(&text);
}

TEST(json_ends_at_a_depth_and_at_a_size)
{
        cop_term levels[COP_TERM_DEPTH_MAX + 8] = { { 0 } };
        struct cop__text text;
        levels[0] = cop_atom("deep");
        for (size_t i = 1; i < COP__COUNT(levels); i++)
                levels[i] = (cop_term){ .type = COP_TERM_TUPLE, .count = 1, .as.items = &levels[i - 1] };
        cop__text_init(&text);
        cop__json_term(&text, NULL, levels[COP__COUNT(levels) - 1], NULL);
        assert_has(cop__text_get(&text), "{\"tuple\":[\"...\"]}");
        ck_assert_ptr_null(strstr(cop__text_get(&text), "deep"));
        cop__text_clear(&text);
        cop__json_term(&text, NULL, levels[1], NULL);
        ck_assert_str_eq(cop__text_get(&text), "{\"tuple\":[\"deep\"]}");
        cop__text_fini(&text);
}

ON_STAGE(an_answer_that_is_larger_than_a_program_reads_is_an_error)
{
        const uint32_t size = 40u << 20; /* of which each byte becomes two */
        if (COP__ASAN || COP__TSAN || COP__TINY || suite_is_emulated())
                return;
        char *quotes = malloc(size);
        ck_assert_ptr_nonnull(quotes);
        memset(quotes, '"', size);
        const cop_term items[] = { { .type = COP_TERM_TEXT, .count = size, .as.text = quotes }, cop_atom("unseen") };
        ck_assert_int_eq(cop_send_term(cop_self(), cop_tuple_of(items, 2)), COP_OK);
        ck_assert_str_eq(json(stage, "flush"), "{\"error\":\"** the answer has more than 64 MiB: ask for less\"}\n");
        free(quotes);
}

/* The last of a line of as many. */
static void is_the_last_of(const parcel *line)
{
        if (line->weight == 1)
                cop_register("last", cop_self());
        else
                cop_spawn_with(is_the_last_of, parcel, .weight = line->weight - 1);
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
}

ON_STAGE(a_tree_is_drawn_to_a_depth_and_no_deeper)
{
        cop_spawn_with(is_the_last_of, parcel, .weight = 64);
        out(stage, "await last");
        assert_has(out(stage, "tree 100"), "last <");
        ck_assert_ptr_null(strstr(out(stage, "tree 100"), "..."));
        expect_json(stage, "tree", "\"name\":\"last\"");
        stage->shell.wants_json = false;
        cop_send(cop_whereis("last"), leave, 0);
        await_true(cop_whereis("last").bits == 0);
        cop_spawn_with(is_the_last_of, parcel, .weight = 65);
        out(stage, "await last");
        assert_has(out(stage, "tree 200"), " └─ ...\n");
        ck_assert_ptr_null(strstr(out(stage, "tree 200"), "last <"));
        ck_assert_ptr_null(strstr(json(stage, "tree"), "\"last\""));
}

/* They never come to their first turn, and so have no stacks. */
ON_STAGE_WITH(of_more_actors_than_anybody_may_see_the_rest_is_a_number, .workers = 1, .no_spare_workers = true)
{
        const uint64_t crowd = COP__GLIMPSES_MAX + 5;
        if (COP__ASAN || COP__TSAN || COP__TINY || suite_is_emulated())
                return;
        const cop_supervisor shop = { .name = "shop", .children = COP_CHILDREN({ "a", .run = is_labelled }, { "b", .run = is_labelled },
                                                                                { "c", .run = is_labelled }) };
        cop_pid root;
        ck_assert_int_eq(cop_supervise(&shop, &root), COP_OK);
        out(stage, "terminate shop a");
        out(stage, "terminate shop b");
        out(stage, "terminate shop c");
        out(stage, "till ! #stall{}");
        await_true(__atomic_load_n(&stalled, __ATOMIC_ACQUIRE));
        for (uint64_t i = 0; i < crowd; i++)
                cop_spawn_server(&idler_server, NULL); /* without a stack each */
        assert_has(out(stage, "i 2"), " more\n");
        ck_assert_ptr_null(strstr(out(stage, "i 2"), "shows them all"));
        const char *said = out(stage, "tree 1");
        assert_has(said, "actors more, of which nothing is known here\n");
        assert_has(said, "\nand 200001 more\n"); /* with the children that have no process */
        ck_assert_ptr_null(strstr(said, "shows them all"));
}

static void comes_late(void)
{
        cop_sleep(700);
        cop_register("late", cop_self());
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
}

/* Time goes on there while one waits in the node, and only then. */
TEST(a_name_is_awaited_in_a_simulated_node_too)
{
        const cop_simulation simulation = { .seed = 1 };
        struct stage stage;
        stage_begin(&stage, (cop_node_options){ .simulation = &simulation });
        cop_spawn(comes_late);
        ck_assert_str_eq(err(&stage, "await late 300"), "** no actor was called late within 300 ms\n");
        assert_begins(out(&stage, "await late 1000"), "<0.");
        stage_end(&stage);
}

/* So many behind it, each of whom calls the next. */
static void calls_the_next_of(const parcel *line)
{
        if (line->weight > 0)
                cop_call(NULL, cop_spawn_with(calls_the_next_of, parcel, .weight = line->weight - 1), COP_FOREVER, hush);
        else
                cop_message_free(cop_receive(COP_FOREVER, COP_KIND(leave)));
}

ON_STAGE(of_a_long_line_of_who_waits_for_whom_the_beginning_is_shown)
{
        char line[64], pid[COP_ID_TEXT_MAX];
        cop_pid all = cop_spawn_with(calls_the_next_of, parcel, .weight = COP__NEIGHBOURS_SHOWN);
        snprintf(line, sizeof(line), "info %s", cop_pid_print(all, pid));
        const char *said;
        size_t links = 0;
        while (links < COP__NEIGHBOURS_SHOWN - 1) {
                links = 0;
                said = out(stage, line);
                for (const char *at = said; (at = strstr(at, "who waits for")) != NULL; at++)
                        links++;
        }
        ck_assert_ptr_null(strstr(said, "others"));
        snprintf(line, sizeof(line), "info %s",
                 cop_pid_print(cop_spawn_with(calls_the_next_of, parcel, .weight = COP__NEIGHBOURS_SHOWN + 1), pid));
        await_true(strstr(out(stage, line), ", who waits for others\n") != NULL);
}
