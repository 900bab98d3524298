/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Commands about the life of others: exit, link, unlink, monitor, demonitor. They answer with
 * Erlang's words. */
#include "shell/command.h"

static bool say_true(struct cop__shell *shell, cop_status status)
{
        if (status != COP_OK)
                return cop__shell_fail(shell, "not done: %s", cop_status_text(status));
        cop__text_append_string(&shell->out, "true\n");
        return true;
}

static bool read_actor(struct cop__words *words, const struct cop__command *command,
                       struct cop__who *who)
{
        return cop__words_actor(words, command->usage, who) && cop__words_end(words);
}

COP__COMMAND(exit)
{
        struct cop__who who;
        cop_term reason;
        if (!cop__words_actor(words, command->usage, &who) ||
            !cop__words_term(words, command->usage, &reason))
                return false;
        cop_status status = cop_send_exit(who.pid, reason);
        cop_term_free(reason);
        return say_true(shell, status);
}

COP__COMMAND(link)
{
        struct cop__who who;
        return read_actor(words, command, &who) && say_true(shell, cop_link(who.pid));
}

COP__COMMAND(unlink)
{
        struct cop__who who;
        if (!read_actor(words, command, &who))
                return false;
        cop_unlink(who.pid);
        return say_true(shell, COP_OK);
}

COP__COMMAND(monitor)
{
        struct cop__who who;
        char text[COP_ID_TEXT_MAX];
        cop_ref ref;
        if (!read_actor(words, command, &who))
                return false;
        cop_status status = cop_monitor(who.pid, &ref);
        if (status != COP_OK)
                return cop__shell_fail(shell, "no monitor: %s", cop_status_text(status));
        cop__text_printf(&shell->out, "%s\n", cop_ref_print(ref, text));
        return true;
}

COP__COMMAND(demonitor)
{
        struct cop__word word = cop__words_next(words);
        cop_ref ref;
        if (word.size == 0)
                return cop__words_fail_at(words, word.offset, "expected a reference: %s",
                                          command->usage);
        if (cop_ref_parse(word.text, word.size, &ref) != COP_OK)
                return cop__words_fail_at(words, word.offset,
                                          "expected a reference as monitor prints it, "
                                          "such as #Ref<0.7>");
        if (!cop__words_end(words))
                return false;
        cop_demonitor(ref);
        return say_true(shell, COP_OK);
}
