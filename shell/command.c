/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The table of commands, and help. See command.h. */
#include "shell/command.h"

#include <string.h>

#include "base/atomic.h"
#include "base/utf8.h"
#include "shell/columns.h"
#include "shell/json.h"
#include "shell/nearest.h"

/* clang-format off */
const struct cop__command cop__commands[] = {
        { "help", "help [COMMAND]", "what can be said here", NULL,
          cop__command_help, COP__TAKES_COMMAND },
        { "i", "i [ROWS]", "all actors: mail, work, place in the code, memory",
          "UNREAD counts messages that wait, HANDLED those that are done. WAITS FOR is the\n"
          "actor without whose answer one cannot go on, IN the function it is in, or waits in. A\n"
          "name in parentheses is not registered. The numbers are glimpses of a moment, and are there\n"
          "even when every worker is stuck.",
          cop__command_i, COP__TAKES_NOTHING },
        { "tree", "tree [ROWS]", "who was started by whom",
          "The children of a supervisor stand in the order of their start, with the number of their\n"
          "restarts, and what they are at unless they run. It asks nobody, and answers even when\n"
          "every worker is stuck.",
          cop__command_tree, COP__TAKES_NOTHING },
        { "children", "children SUPERVISOR", "a supervisor's limits and its children",
          NULL, cop__command_children, COP__TAKES_ACTOR },
        { "count", "count SUPERVISOR", "how many children it has, and how many run",
          NULL, cop__command_count, COP__TAKES_ACTOR },
        { "explain", "explain SUPERVISOR", "how many crashes a running tree bears, level by level",
          NULL, cop__command_explain, COP__TAKES_ACTOR },
        { "terminate", "terminate SUPERVISOR CHILD", "stops a child, and its restarts",
          "CHILD is an id or a pid. The child stays in its place, without a process, unless it is\n"
          "temporary or dynamic. restart starts it again, delete forgets it.",
          cop__command_terminate, COP__TAKES_CHILD },
        { "restart", "restart SUPERVISOR CHILD", "starts a child that has stopped; prints its pid",
          "Also one whose breaker is open. One that runs is terminated first.",
          cop__command_restart, COP__TAKES_CHILD },
        { "delete", "delete SUPERVISOR CHILD", "forgets a child that has stopped",
          NULL, cop__command_delete, COP__TAKES_CHILD },
        { "start", "start SUPERVISOR [TERM]", "starts a child of a dynamic supervisor; prints its pid",
          "For one that says by `each` what its children are. TERM is the argument of the child.",
          cop__command_start, COP__TAKES_MESSAGE },
        { "regs", "regs [ROWS]", "all registered names",
          NULL, cop__command_regs, COP__TAKES_NOTHING },
        { "whereis", "whereis NAME", "the pid behind a name",
          NULL, cop__command_whereis, COP__TAKES_NAME },
        { "info", "info TO", "all that one actor knows of itself",
          "TO is a name or a pid. An actor that is busy does not answer within half a second;\n"
          "then what can be seen from the side is shown.",
          cop__command_info, COP__TAKES_ACTOR },
        { "send", "send TO TERM", "sends a message; also TO ! TERM",
          "A term with the name of a message kind is that kind: #bill{pence = 900, people = 3}.\n"
          "What is left out is zero. Answers come to this shell's mailbox: flush shows them.",
          cop__command_send, COP__TAKES_MESSAGE },
        { "call", "call TO TERM [MS]", "sends a request and waits for its answer",
          "Waits 5000 ms unless told otherwise. If the actor crashes, its crash report is the\n"
          "error. Ctrl-C ends the wait; the request stays where it is.",
          cop__command_call, COP__TAKES_MESSAGE },
        { "flush", "flush", "shows and removes what has come to this shell",
          NULL, cop__command_flush, COP__TAKES_NOTHING },
        { "self", "self", "this shell's own pid",
          NULL, cop__command_self, COP__TAKES_NOTHING },
        { "await", "await NAME [MS]", "waits until a name is registered; prints its pid",
          "Waits 5000 ms unless told otherwise. For scripts, after a start or a restart.",
          cop__command_await, COP__TAKES_NAME },
        { "exit", "exit TO REASON", "sends an exit signal",
          "REASON is a term: normal is ignored, kill cannot be trapped, any other ends an actor\n"
          "that does not trap exits.",
          cop__command_exit, COP__TAKES_REASON },
        { "link", "link TO", "ties this shell to an actor",
          "This shell traps exits: the end of the actor comes as a message, which flush shows.\n"
          "The end of this shell is normal, which ends nobody.",
          cop__command_link, COP__TAKES_ACTOR },
        { "unlink", "unlink TO", "takes the tie away",
          NULL, cop__command_unlink, COP__TAKES_ACTOR },
        { "monitor", "monitor TO", "asks to hear of an actor's end; prints a reference",
          NULL, cop__command_monitor, COP__TAKES_ACTOR },
        { "demonitor", "demonitor REFERENCE", "takes that back",
          "REFERENCE is what monitor printed: #Ref<0.7>.",
          cop__command_demonitor, COP__TAKES_NOTHING },
        { "sys", "sys WORD TO ...", "looks into a server, and holds it still",
          "sys state TO              its state, if the server has declared it\n"
          "sys replace TO TERM       another state\n"
          "sys suspend TO            it handles nothing until sys resume TO\n"
          "sys trace TO on|off       each message, reply and state, to this shell: flush shows them\n"
          "sys log TO [on|off]       keeps the last 100 of them; without a word, shows them\n"
          "sys statistics TO [on|off]  counts messages and replies; without a word, shows them\n"
          "sys status TO             all of this at once\n"
          "sys stop TO [REASON]      stops it in order, between two messages, with normal or REASON",
          cop__command_sys, COP__TAKES_SYS },
        { "crashes", "crashes [COUNT]", "the last crash reports, 10 unless told otherwise",
          NULL, cop__command_crashes, COP__TAKES_NOTHING },
        { "dead", "dead [COUNT]", "the last messages that nobody read, 10 unless told otherwise",
          "Those of which many died at once are only counted. The reasons: no_actor, there was nobody\n"
          "with this pid; unread, its receiver ended first; late_reply, the call or\n"
          "request that it answers was over; closed_alias, nothing is let in there any more; full, no room in the mailbox;\n"
          "coalesced, there was none, and a newer message with the same key took its place;\n"
          "expired, its caller had given up before it was taken up.",
          cop__command_dead, COP__TAKES_NOTHING },
        { "stuck", "stuck", "actors that have been at one message for long, and where they are",
          "Those that the watchdog has reported and that are still at it, the longest first: see docs/preemption.md. It\n"
          "needs no worker. `exit TO kill` ends one that can be interrupted.",
          cop__command_stuck, COP__TAKES_NOTHING },
        { "nodes", "nodes", "the running nodes of this user",
          NULL, cop__command_nodes, COP__TAKES_NOTHING },
        { "quit", "quit", "leaves the shell, as Ctrl-D does; the node goes on",
          NULL, cop__command_quit, COP__TAKES_NOTHING },
        { NULL, NULL, NULL, NULL, NULL, COP__TAKES_NOTHING },
};
/* clang-format on */

const struct cop__command *cop__command_find(const char *name, size_t size)
{
        for (const struct cop__command *command = cop__commands; command->name != NULL; command++)
                if (strlen(command->name) == size && memcmp(command->name, name, size) == 0)
                        return command;
        return NULL;
}

static void list_commands(struct cop__shell *shell)
{
        struct cop__columns table;
        cop__columns_init(&table, "ll");
        for (const struct cop__command *each = cop__commands; each->name != NULL; each++) {
                cop__columns_cell(&table, "%s", each->usage);
                cop__columns_cell(&table, "%s", each->summary);
        }
        cop__columns_print(&table, &shell->out);
        cop__columns_fini(&table);
        cop__text_append_string(&shell->out,
                                "TO is a name or a pid, TERM is written as in Erlang; "
                                "Tab completes commands, names, kinds and fields.\n");
}

static bool fail_command(struct cop__words *words, struct cop__word word)
{
        struct cop__nearest nearest;
        cop__nearest_init(&nearest, word.text, word.size);
        for (const struct cop__command *each = cop__commands; each->name != NULL; each++)
                cop__nearest_try(&nearest, each->name);
        if (nearest.name[0] != '\0')
                return cop__words_fail_at(words, word.offset,
                                          "no command is called so; did you mean %s?",
                                          nearest.name);
        return cop__words_fail_at(words, word.offset,
                                  "no command is called so; help lists them");
}

COP__COMMAND(help)
{
        struct cop__word word = cop__words_next(words);
        (void)command;
        if (word.size == 0) {
                list_commands(shell);
                return true;
        }
        const struct cop__command *which = cop__command_find(word.text, word.size);
        if (which == NULL)
                return fail_command(words, word);
        if (!cop__words_end(words))
                return false;
        cop__text_printf(&shell->out, "%s: %s\n", which->usage, which->summary);
        if (which->more != NULL)
                cop__text_printf(&shell->out, "%s\n", which->more);
        return true;
}

COP__COMMAND(quit)
{
        (void)command;
        shell->leaving = cop__words_end(words);
        return shell->leaving;
}

/* ---- A line -------------------------------------------------------------------------- */

/* "till ! #bill{}": the words stand behind the '!' then; else where they stood. */
static bool is_send(struct cop__words *words)
{
        struct cop__words ahead = *words;
        struct cop__word address = cop__words_address(&ahead);
        while (ahead.at < ahead.size && strchr(" \t", ahead.line[ahead.at]) != NULL)
                ahead.at++;
        return address.size > 0 && ahead.at < ahead.size && ahead.line[ahead.at] == '!';
}

static bool run_words(struct cop__shell *shell, struct cop__words *words)
{
        if (is_send(words))
                return cop__command_send(shell, words, cop__command_find("send", 4));
        struct cop__word word = cop__words_next(words);
        if (word.size == 0)
                return true; /* blank, or a comment */
        const struct cop__command *command = cop__command_find(word.text, word.size);
        if (command == NULL)
                return fail_command(words, word);
        return command->run(shell, words, command);
}

/* The text of an answer, without its last line end, as {"KEY": "..."}. */
static void wrap(struct cop__text *text, const char *key)
{
        struct cop__text wrapped;
        size_t size = text->size;
        cop__text_init(&wrapped);
        while (size > 0 && text->data[size - 1] == '\n')
                size--;
        cop__json_open(&wrapped, NULL, '{');
        cop__json_bytes(&wrapped, key, cop__text_get(text), size);
        cop__json_close(&wrapped, '}');
        cop__text_clear(text);
        cop__text_append(text, cop__text_get(&wrapped), wrapped.size);
        cop__text_append_char(text, '\n');
        text->failed |= wrapped.failed;
        cop__text_fini(&wrapped);
}

/* What has been said, as one value. Has it been done, and told? */
static bool make_json(struct cop__shell *shell, bool done)
{
        if (done && shell->out.size > COP__JSON_MAX)
                done = cop__shell_fail(shell, "the answer has more than 64 MiB: ask for less");
        if (!done) {
                cop__text_clear(&shell->out);
                wrap(&shell->err, "error");
        } else if (!shell->is_json) {
                wrap(&shell->out, "text");
        } else {
                cop__text_append_char(&shell->out, '\n');
        }
        return done;
}

bool cop__shell_run(struct cop__shell *shell, const char *line, size_t size)
{
        struct cop__words words;
        cop__text_clear(&shell->out);
        cop__text_clear(&shell->err);
        cop__store_relaxed(&shell->interrupted, 0);
        shell->leaving = false;
        shell->is_json = false;
        cop__words_init(&words, shell, line, size);
        bool is_text = memchr(line, '\0', size) == NULL && cop__utf8_valid(line, size);
        bool done = is_text ? run_words(shell, &words)
                            : cop__shell_fail(shell, "a command line is UTF-8 text without NULs");
        if (shell->wants_json)
                done = make_json(shell, done);
        if (!shell->out.failed && !shell->err.failed)
                return done;
        cop__text_clear(&shell->out);
        cop__text_clear(&shell->err);
        cop__shell_fail(shell, "the node has no memory left for the answer");
        if (shell->wants_json)
                wrap(&shell->err, "error");
        return false;
}

void cop__shell_init(struct cop__shell *shell, cop_node *node)
{
        memset(shell, 0, sizeof(*shell));
        shell->node = node;
        cop__text_init(&shell->out);
        cop__text_init(&shell->err);
}

void cop__shell_fini(struct cop__shell *shell)
{
        cop__text_fini(&shell->out);
        cop__text_fini(&shell->err);
}

bool cop__shell_interrupted(struct cop__shell *shell)
{
        return cop__load_acquire(&shell->interrupted) != 0;
}
