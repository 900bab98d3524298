/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The command sys: a server's state, its events, and holding it still. Each word behind it is a
 * function of sys.h.
 */
#include <coppice/sys.h>

#include <string.h>

#include "actors/info.h"
#include "mailbox/term.h"
#include "shell/command.h"
#include "shell/json.h"
#include "shell/nearest.h"

/* Events that `sys log TO on` keeps. */
#define LOG_COUNT 100

/* Of a status: what the values stand behind. */
#define KEY_WIDTH 15u

/* One request: to whom, and how the others read it. */
struct request {
        struct cop__shell *shell;
        struct cop__words *words;
        const char *usage; /* of the word behind sys */
        struct cop__who who;
};

/* ---- The wait ------------------------------------------------------------------------ */

static void wait_begin(struct cop__shell *shell)
{
        if (shell->wait_begin != NULL)
                shell->wait_begin(shell);
}

static void wait_end(struct cop__shell *shell)
{
        if (shell->wait_end != NULL)
                shell->wait_end(shell);
}

static bool is_thread(const struct request *request)
{
        struct cop__glimpse glimpse;
        return cop__glimpse_of(request->shell->node, request->who.pid, &glimpse) &&
               glimpse.state == COP_PROCESS_VISITING;
}

static bool fail(const struct request *request, cop_status status)
{
        struct cop__shell *shell = request->shell;
        const char *called = request->who.called;
        switch (status) {
        case COP_E_TIMEOUT:
                return cop__shell_fail(shell, "%s is busy: it did not answer within %d ms", called,
                                       COP__SHELL_CALL_MS);
        case COP_E_NO_REPLY:
                return cop__shell_fail(shell, "interrupted");
        case COP_E_DIED:
                return cop__shell_fail(shell, "%s ended before it answered", called);
        case COP_E_NO_ACTOR:
                return cop__shell_fail(shell, "%s is not alive", called);
        case COP_E_NO_KIND:
                return cop__shell_fail(shell, "%s does not say what its state is: a server says it with COP_STATE, "
                                              "a function with cop_sys_show()", called);
        case COP_E_MALFORMED:
                return cop__shell_fail(shell, "what %s would tell cannot leave its process: it holds an atom that "
                                              "is no UTF-8", called);
        case COP_E_BAD_ARGUMENT:
                return cop__shell_fail(shell,
                                       is_thread(request)
                                               ? "%s is a thread of the program: it has a status, and "
                                                 "nothing else that could be asked"
                                               : "%s is no server that this could be asked of",
                                       called);
        default:
                return cop__shell_fail(shell, "not done: %s", cop_status_text(status));
        }
}

/* ---- Answers ------------------------------------------------------------------------- */

static bool say_ok(const struct request *request, cop_status status)
{
        if (status != COP_OK)
                return fail(request, status);
        cop__text_append_string(&request->shell->out, "ok\n");
        return true;
}

static void append_term(struct cop__shell *shell, cop_term term)
{
        cop__term_print(&shell->out, term, cop_node_kinds(shell->node));
        cop__text_append_char(&shell->out, '\n');
}

/* False: people listen. */
static bool put_json(struct cop__shell *shell, cop_term term)
{
        if (!cop__shell_speaks_json(shell))
                return false;
        cop__json_term(&shell->out, NULL, term, cop_node_kinds(shell->node));
        return true;
}

/* Takes the term. */
static bool say_term(const struct request *request, cop_status status, cop_term term)
{
        if (status != COP_OK)
                return fail(request, status);
        if (!put_json(request->shell, term))
                append_term(request->shell, term);
        cop_term_free(term);
        return true;
}

/* Takes the list. */
static bool say_lines(const struct request *request, cop_status status, cop_term list)
{
        cop_term rest = list, item;
        if (status != COP_OK)
                return fail(request, status);
        if (put_json(request->shell, list))
                rest = cop_nil();
        else if (list.type == COP_TERM_NIL)
                cop__text_append_string(&request->shell->out, "no events\n");
        while (cop__term_next(&rest, &item))
                append_term(request->shell, item);
        cop_term_free(list);
        return true;
}

/* A column of its own, if it has room there. */
static void append_key(struct cop__shell *shell, cop_term key)
{
        size_t from = shell->out.size;
        cop__text_append_string(&shell->out, "  ");
        cop__term_print(&shell->out, key, cop_node_kinds(shell->node));
        while (!shell->out.failed && shell->out.size < from + KEY_WIDTH)
                cop__text_append_char(&shell->out, ' ');
        cop__text_append_char(&shell->out, ' ');
}

/* Takes the map. */
static bool say_map(const struct request *request, cop_status status, cop_term map)
{
        if (status != COP_OK)
                return fail(request, status);
        bool is_told = put_json(request->shell, map);
        for (uint32_t i = 0; i < map.count && !is_told; i++) {
                append_key(request->shell, map.as.items[2 * i]);
                append_term(request->shell, map.as.items[2 * i + 1]);
        }
        cop_term_free(map);
        return true;
}

/* ---- Words that stand alone ----------------------------------------------------------- */

#define WORD(name) static bool sys_##name(struct request *request)
#define ASK(status, function, ...)                                                         \
        do {                                                                               \
                wait_begin(request->shell);                                                \
                (status) = function(request->who.pid, COP__SHELL_CALL_MS, ##__VA_ARGS__);  \
                wait_end(request->shell);                                                  \
        } while (0)

WORD(state)
{
        cop_term term = cop_nil();
        cop_status status;
        if (!cop__words_end(request->words))
                return false;
        ASK(status, cop_sys_get_state, &term);
        return say_term(request, status, term);
}

WORD(status)
{
        cop_term term = cop_nil();
        cop_status status;
        if (!cop__words_end(request->words))
                return false;
        ASK(status, cop_sys_get_status, &term);
        return say_map(request, status, term);
}

WORD(suspend)
{
        cop_status status;
        if (!cop__words_end(request->words))
                return false;
        ASK(status, cop_sys_suspend);
        return say_ok(request, status);
}

WORD(resume)
{
        cop_status status;
        if (!cop__words_end(request->words))
                return false;
        ASK(status, cop_sys_resume);
        return say_ok(request, status);
}

/* ---- Words with more behind them --------------------------------------------------------- */

WORD(replace)
{
        cop_parse_error error = { 0, "" };
        cop_term term;
        cop_status status;
        if (!cop__words_term(request->words, request->usage, &term))
                return false;
        ASK(status, cop_sys_replace_state, term, &error);
        cop_term_free(term);
        if (status == COP_E_MALFORMED)
                return cop__shell_fail(request->shell, "%s", error.text);
        return say_ok(request, status);
}

enum answer { ANSWER_NONE, ANSWER_ON, ANSWER_OFF, ANSWER_WRONG };

/* "on", "off", or nothing. */
static enum answer read_switch(struct request *request, bool may_be_left_out)
{
        struct cop__word word = cop__words_next(request->words);
        if (word.size == 2 && memcmp(word.text, "on", 2) == 0)
                return ANSWER_ON;
        if (word.size == 3 && memcmp(word.text, "off", 3) == 0)
                return ANSWER_OFF;
        if (word.size == 0 && may_be_left_out)
                return ANSWER_NONE;
        cop__words_fail_at(request->words, word.offset, "expected on or off: %s",
                           request->usage);
        return ANSWER_WRONG;
}

WORD(trace)
{
        cop_status status;
        enum answer on = read_switch(request, false);
        if (on == ANSWER_WRONG || !cop__words_end(request->words))
                return false;
        ASK(status, cop_sys_trace, on == ANSWER_ON, cop_self());
        return say_ok(request, status);
}

WORD(log)
{
        cop_status status;
        cop_term events = cop_nil();
        enum answer on = read_switch(request, true);
        if (on == ANSWER_WRONG || !cop__words_end(request->words))
                return false;
        if (on == ANSWER_NONE) {
                ASK(status, cop_sys_get_log, &events);
                return say_lines(request, status, events);
        }
        ASK(status, cop_sys_log, on == ANSWER_ON ? LOG_COUNT : 0);
        return say_ok(request, status);
}

static bool say_statistics(struct request *request)
{
        cop_sys_statistics counts;
        cop_status status;
        ASK(status, cop_sys_get_statistics, &counts);
        if (status == COP_E_NOT_FOUND)
                return cop__shell_fail(request->shell, "nothing is counted: sys statistics %s on",
                                       request->who.called);
        if (status != COP_OK)
                return fail(request, status);
        struct cop__text *out = &request->shell->out;
        if (put_json(request->shell, COP_MAP(cop_atom("messages"), cop_int(counts.messages),
                                             cop_atom("replies"), cop_int(counts.replies),
                                             cop_atom("counted_ms"), cop_int(counts.counted_ms))))
                return true;
        cop__text_printf(out, "%lld messages and %lld replies in %lld ms\n",
                         (long long)counts.messages, (long long)counts.replies,
                         (long long)counts.counted_ms);
        return true;
}

WORD(statistics)
{
        cop_status status;
        enum answer on = read_switch(request, true);
        if (on == ANSWER_WRONG || !cop__words_end(request->words))
                return false;
        if (on == ANSWER_NONE)
                return say_statistics(request);
        ASK(status, cop_sys_statistics_on, on == ANSWER_ON);
        return say_ok(request, status);
}

WORD(stop)
{
        cop_term reason = cop_atom("normal");
        struct cop__words ahead = *request->words;
        bool given = cop__words_next(&ahead).size > 0;
        if (given && !cop__words_term(request->words, request->usage, &reason))
                return false;
        wait_begin(request->shell);
        cop_status status = cop_stop(request->who.pid, reason, COP__SHELL_CALL_MS);
        wait_end(request->shell);
        if (given)
                cop_term_free(reason);
        return say_ok(request, status);
}

/* ---- The command -------------------------------------------------------------------------- */

struct sys_word {
        const char *name;
        const char *usage;
        bool (*run)(struct request *request);
};

static const struct sys_word words_of_sys[] = {
        { "state", "sys state TO", sys_state },
        { "replace", "sys replace TO TERM", sys_replace },
        { "suspend", "sys suspend TO", sys_suspend },
        { "resume", "sys resume TO", sys_resume },
        { "trace", "sys trace TO on|off", sys_trace },
        { "log", "sys log TO [on|off]", sys_log },
        { "statistics", "sys statistics TO [on|off]", sys_statistics },
        { "status", "sys status TO", sys_status },
        { "stop", "sys stop TO [REASON]", sys_stop },
};

const char *cop__sys_word_at(size_t at)
{
        return at < COP__COUNT(words_of_sys) ? words_of_sys[at].name : NULL;
}

static bool fail_word(struct cop__words *words, struct cop__word word)
{
        struct cop__nearest nearest;
        cop__nearest_init(&nearest, word.text, word.size);
        for (size_t i = 0; i < COP__COUNT(words_of_sys); i++)
                cop__nearest_try(&nearest, words_of_sys[i].name);
        if (nearest.name[0] != '\0')
                return cop__words_fail_at(words, word.offset, "sys has no such word; "
                                          "did you mean %s?", nearest.name);
        return cop__words_fail_at(words, word.offset,
                                  "expected state, replace, suspend, resume, trace, log, "
                                  "statistics, status or stop");
}

COP__COMMAND(sys)
{
        struct cop__word word = cop__words_next(words);
        struct request request = { .shell = shell, .words = words };
        const struct sys_word *which = NULL;
        (void)command;
        for (size_t i = 0; i < COP__COUNT(words_of_sys); i++)
                if (strlen(words_of_sys[i].name) == word.size &&
                    memcmp(words_of_sys[i].name, word.text, word.size) == 0)
                        which = &words_of_sys[i];
        if (which == NULL)
                return fail_word(words, word);
        request.usage = which->usage;
        return cop__words_actor_here(words, request.usage, &request.who) &&
               which->run(&request);
}
