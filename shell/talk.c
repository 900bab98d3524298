/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Commands that talk to actors: send, call, flush, self, await.
 *
 * Names are looked up once, and the pid is called, so that an error speaks of the very actor that
 * was meant.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "actors/actor.h"
#include "base/clock.h"
#include "base/limits.h"
#include "mailbox/kind.h"
#include "shell/columns.h"
#include "shell/command.h"
#include "shell/json.h"

/* How long an error waits for what the supervisor does about a crash. */
#define OUTCOME_MS 2000

/* Messages that flush shows at once. */
#define FLUSH_MAX 1000
#define FLUSH_BYTES ((size_t)4 << 20) /* and one message beyond them */

/* How often await looks; names have no event that one could wait for. */
#define AWAIT_STEP_MS 5

/* ---- Messages as text ---------------------------------------------------------------- */

static void append_term(struct cop__shell *shell, cop_term term)
{
        if (cop__shell_speaks_json(shell)) {
                cop__json_term(&shell->out, NULL, term, cop_node_kinds(shell->node));
                return;
        }
        char *text = malloc(COP__SHELL_TERM_MAX);
        if (text == NULL) {
                shell->out.failed = true;
                return;
        }
        cop_term_print(term, cop_node_kinds(shell->node), text, COP__SHELL_TERM_MAX);
        cop__text_append_string(&shell->out, text);
        free(text);
}

/* In a list of messages it is one of them; else there is nothing that could stand for it. */
static void append_too_large(struct cop__shell *shell, const cop_kind *kind)
{
        if (!cop__shell_speaks_json(shell)) {
                cop__text_printf(&shell->out, "a %s that is too large to show", kind->name);
                return;
        }
        cop__json_open(&shell->out, NULL, '{');
        cop__json_string(&shell->out, "too_large", kind->name);
        cop__json_close(&shell->out, '}');
}

/* As Erlang shows them, where it has them. False: it is too large, which is told. */
static bool append_value(struct cop__shell *shell, const cop_kind *kind, const void *value)
{
        cop_term term;
        if (cop__kind_same(kind, COP_KIND_OF(cop_any))) {
                append_term(shell, ((const cop_any *)value)->term);
        } else if (cop__kind_same(kind, COP_KIND_OF(cop_exited))) {
                const cop_exited *exited = value;
                append_term(shell, COP_TUPLE(cop_atom("EXIT"), cop_pid_term(exited->pid),
                                             exited->reason));
        } else if (cop__kind_same(kind, COP_KIND_OF(cop_down))) {
                const cop_down *down = value;
                cop_term tag = down->tag.type == COP_TERM_NIL ? cop_atom("DOWN") : down->tag;
                append_term(shell, COP_TUPLE(tag, cop_ref_term(down->ref), cop_pid_term(down->pid),
                                             down->reason));
        } else if (cop__kind_to_term_within(kind, value, COP__SHOWN_MAX, &term) == COP_OK) {
                append_term(shell, term);
                cop_term_free(term);
        } else {
                append_too_large(shell, kind);
                return false;
        }
        return true;
}

static void end_line(struct cop__shell *shell)
{
        if (!shell->wants_json)
                cop__text_append_char(&shell->out, '\n');
}

static void append_pid(struct cop__shell *shell, cop_pid pid)
{
        char text[COP_ID_TEXT_MAX];
        if (cop__shell_speaks_json(shell))
                cop__json_pid(&shell->out, NULL, pid);
        else
                cop__text_printf(&shell->out, "%s\n", cop_pid_print(pid, text));
}

/* ---- Messages as typed --------------------------------------------------------------- */

/* A message to be sent, and to whom. */
struct letter {
        struct cop__who who;
        const cop_kind *kind;
        void *value;
        int64_t ms;
};

static void letter_fini(struct letter *letter)
{
        cop__flat_drop(letter->kind, letter->value);
        free(letter->value);
}

/* TO, '!' if it is there, TERM and, for a call, the time. */
static bool read_letter(struct cop__words *words, const struct cop__command *command, bool is_call,
                        struct letter *letter)
{
        struct cop__word where;
        cop_term term;
        letter->ms = COP__SHELL_CALL_MS;
        if (!cop__words_actor(words, command->usage, &letter->who))
                return false;
        struct cop__words ahead = *words;
        struct cop__word mark = cop__words_next(&ahead);
        if (!is_call && mark.size > 0 && mark.text[0] == '!')
                words->at = mark.offset + 1;
        if (is_call) {
                if (!cop__words_term_and_ms(words, command->usage, &term, &letter->ms, &where))
                        return false;
        } else {
                ahead = *words;
                where = cop__words_rest(&ahead);
                if (!cop__words_term(words, command->usage, &term))
                        return false;
        }
        bool made = cop__words_message(words, where, term, &letter->kind, &letter->value);
        cop_term_free(term);
        return made;
}

COP__COMMAND(send)
{
        struct letter letter;
        if (!read_letter(words, command, false, &letter))
                return false;
        cop_status status = cop_send_value(cop_to_pid(letter.who.pid), letter.kind, letter.value);
        if (status == COP_OK) {
                append_value(shell, letter.kind, letter.value);
                end_line(shell);
        }
        letter_fini(&letter);
        return status == COP_OK ||
               cop__shell_fail(shell, "not sent: %s", cop_status_text(status));
}

/* ---- call ---------------------------------------------------------------------------- */

/* The callee has ended: with a report, if it crashed, and then we wait for what is done about
 * it. */
static bool fail_died(struct cop__shell *shell, const struct cop__who *who)
{
        struct cop__report report;
        char text[COP__LOG_TEXT];
        if (!cop__report_of(shell->node, who->pid, &report)) {
                cop_term_print(cop_failure(), cop_node_kinds(shell->node), text, sizeof(text));
                return cop__shell_fail(shell, "%s ended before it answered: %s", who->called, text);
        }
        if (report.supervised && report.outcome[0] == '\0')
                cop__report_wait(shell->node, who->pid, OUTCOME_MS, &report);
        cop__report_print(&report, text, sizeof(text));
        cop__text_printf(&shell->err, "%s\n", text);
        shell->told = report.number;
        return false;
}

static bool fail_unanswered(struct cop__shell *shell, const struct letter *letter)
{
        const char *called = letter->who.called;
        if (!cop_is_atom(cop_failure(), "no_handler"))
                return cop__shell_fail(shell, "%s: the handler ended without an answer", called);
        if (cop__kind_same(letter->kind, COP_KIND_OF(cop_any)))
                return cop__shell_fail(shell, "%s has no handler for a term that is no message", called);
        return cop__shell_fail(shell, "%s has no handler for %s", called, letter->kind->name);
}

static bool fail_call(struct cop__shell *shell, const struct letter *letter, cop_status status)
{
        const char *called = letter->who.called;
        switch (status) {
        case COP_E_TIMEOUT:
                return cop__shell_fail(shell, "%s did not answer within %lld ms", called,
                                       (long long)letter->ms);
        case COP_E_DIED:
                return fail_died(shell, &letter->who);
        case COP_E_NO_REPLY:
                return fail_unanswered(shell, letter);
        case COP_E_NO_ACTOR:
                return cop__shell_fail(shell, "%s is not alive", called);
        case COP_E_BAD_ARGUMENT:
                return cop__shell_fail(shell, "%s is this shell, which cannot call itself", called);
        default:
                return cop__shell_fail(shell, "not called: %s", cop_status_text(status));
        }
}

/* The wait, between its begin and its end. */
static cop_status wait_for_reply(struct cop__shell *shell, const struct letter *letter,
                                 cop_message **reply)
{
        if (shell->wait_begin != NULL)
                shell->wait_begin(shell);
        cop_status status = cop_call_value(reply, cop_to_pid(letter->who.pid), letter->ms,
                                           letter->kind, letter->value);
        if (shell->wait_end != NULL)
                shell->wait_end(shell);
        return status;
}

/* Takes the reply. For a program one that cannot be shown is an error: whatever stood there could be an answer, too. */
static bool show_reply(struct cop__shell *shell, cop_message *reply)
{
        const char *kind = cop_message_kind(reply)->name;
        bool is_shown = append_value(shell, cop_message_kind(reply), cop_message_body(reply));
        end_line(shell);
        cop_message_free(reply);
        return is_shown || !shell->wants_json ||
               cop__shell_fail(shell, "the answer is a %s that is too large to show", kind);
}

COP__COMMAND(call)
{
        struct letter letter;
        cop_message *reply;
        if (!read_letter(words, command, true, &letter))
                return false;
        cop_status status = wait_for_reply(shell, &letter, &reply);
        letter_fini(&letter);
        if (status == COP_OK)
                return show_reply(shell, reply);
        if (status == COP_E_NO_REPLY && cop__shell_interrupted(shell))
                return cop__shell_fail(shell, "interrupted: the request stays with %s",
                                       letter.who.called);
        return fail_call(shell, &letter, status);
}

/* ---- The shell's own mailbox --------------------------------------------------------- */

static void append_message(struct cop__shell *shell, const cop_message *message)
{
        char pid[COP_ID_TEXT_MAX];
        const cop_kind *kind = cop_message_kind(message);
        cop_pid from = cop_message_from(message);
        bool signal = cop__kind_same(kind, COP_KIND_OF(cop_exited)) ||
                      cop__kind_same(kind, COP_KIND_OF(cop_down));
        if (shell->wants_json) {
                append_value(shell, kind, cop_message_body(message));
                return;
        }
        cop__text_append_string(&shell->out, "got ");
        append_value(shell, kind, cop_message_body(message));
        if (!signal && from.bits != 0)
                cop__text_printf(&shell->out, " from %s", cop_pid_print(from, pid));
        cop__text_append_char(&shell->out, '\n');
}

/* Takes and shows them one by one, as many as are shown at once. How many there were. */
static int show_messages(struct cop__shell *shell)
{
        int count = 0;
        for (; count < FLUSH_MAX && shell->out.size < FLUSH_BYTES; count++) {
                cop_auto message = cop_receive(0, COP_ANY);
                if (message == NULL)
                        return count;
                append_message(shell, message);
        }
        if (shell->wants_json) {
                cop__json_open(&shell->out, NULL, '{');
                cop__json_bool(&shell->out, "more", true);
                cop__json_close(&shell->out, '}');
        } else {
                cop__text_append_string(&shell->out, "and perhaps more: flush shows them\n");
        }
        return count;
}

/* How many found the mailbox full since that was said last; 1, if any. */
static int show_refused(struct cop__shell *shell)
{
        uint64_t refused = cop__limit_dropped(cop__thread_here(), cop__actor_here());
        uint64_t more = refused - shell->refused;
        shell->refused = refused;
        if (more == 0)
                return 0;
        if (shell->wants_json) {
                cop__json_open(&shell->out, NULL, '{');
                cop__json_number(&shell->out, "refused", (int64_t)more);
                cop__json_close(&shell->out, '}');
                return 1;
        }
        cop__text_append_count(&shell->out, more, "message");
        cop__text_printf(&shell->out, " more found the mailbox full, which holds %u\n", COP__SHELL_MAIL_MAX);
        return 1;
}

COP__COMMAND(flush)
{
        (void)command;
        if (!cop__words_end(words))
                return false;
        bool is_json = cop__shell_speaks_json(shell);
        if (is_json)
                cop__json_open(&shell->out, NULL, '[');
        if (show_messages(shell) + show_refused(shell) == 0 && !is_json)
                cop__text_append_string(&shell->out, "no messages\n");
        if (is_json)
                cop__json_close(&shell->out, ']');
        return true;
}

COP__COMMAND(self)
{
        (void)command;
        if (!cop__words_end(words))
                return false;
        append_pid(shell, cop_self());
        return true;
}

/* ---- await --------------------------------------------------------------------------- */

/* Simulated, time goes on while this thread waits in the node; and it has as much of it as it wants, so steps become longer. */
static void pause_before_look(int64_t *step_ms)
{
        if (cop__clock_simulated() == NULL) {
                struct cop__thread *thread = cop__thread_here();
                bool is_visitor = cop__actor_here()->task.visitor != NULL;
                if (is_visitor) /* away from the node, so that nothing waits for it (scheduler/grace.h) */
                        cop__visitor_step_out(thread);
                nanosleep(&(struct timespec){ .tv_nsec = AWAIT_STEP_MS * 1000000 }, NULL);
                if (is_visitor)
                        cop__visitor_step_in(thread);
                return;
        }
        cop_sleep(*step_ms);
        *step_ms += *step_ms / 4;
}

static cop_pid wait_for_name(struct cop__shell *shell, const char *name, uint64_t ms)
{
        uint64_t end_ns = cop__clock_ns() + ms * COP__NS_PER_MS;
        cop_pid pid = cop_whereis(name);
        int64_t step_ms = AWAIT_STEP_MS;
        if (shell->wait_begin != NULL)
                shell->wait_begin(shell);
        while (pid.bits == 0 && cop__clock_ns() < end_ns && !cop__shell_interrupted(shell)) {
                pause_before_look(&step_ms);
                pid = cop_whereis(name);
        }
        if (shell->wait_end != NULL)
                shell->wait_end(shell);
        return pid;
}

COP__COMMAND(await)
{
        char name[COP_NAME_MAX + 1];
        uint64_t ms;
        if (!cop__words_name(words, command->usage, name) ||
            !cop__words_number(words, INT32_MAX, COP__SHELL_CALL_MS, &ms) || !cop__words_end(words))
                return false;
        cop_pid pid = wait_for_name(shell, name, ms);
        if (pid.bits == 0 && cop__shell_interrupted(shell))
                return cop__shell_fail(shell, "interrupted");
        if (pid.bits == 0)
                return cop__shell_fail(shell, "no actor was called %s within %llu ms", name,
                                       (unsigned long long)ms);
        append_pid(shell, pid);
        return true;
}
