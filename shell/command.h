/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The commands of the shell, as data: what each is called, what it takes, what it does.
 */
#ifndef SHELL_COMMAND_H
#define SHELL_COMMAND_H

#include "shell/words.h"

/* What the first word behind a command is, for completion. */
enum cop__takes {
        COP__TAKES_NOTHING = 0,
        COP__TAKES_ACTOR,   /* a name or a pid */
        COP__TAKES_MESSAGE, /* an actor, then a term */
        COP__TAKES_REASON,  /* an actor, then an exit reason */
        COP__TAKES_NAME,
        COP__TAKES_COMMAND,
        COP__TAKES_SYS,     /* a word of sys, then an actor */
        COP__TAKES_CHILD,   /* a supervisor, then one of its children */
};

struct cop__command {
        const char *name;
        const char *usage;   /* "call TO TERM [MS]" */
        const char *summary; /* one line */
        const char *more;    /* what help NAME adds; NULL: nothing */
        /* False: it has complained. */
        bool (*run)(struct cop__shell *shell, struct cop__words *words,
                    const struct cop__command *command);
        enum cop__takes takes;
};

/* The words that may stand behind sys, for completion; NULL behind the last. */
const char *cop__sys_word_at(size_t at);

/* In the order of help, ended by one without a name. */
extern const struct cop__command cop__commands[];

const struct cop__command *cop__command_find(const char *name, size_t size);

/* A function of each command; the files are called after what they are about. */
#define COP__COMMAND(name)                                                        \
        bool cop__command_##name(struct cop__shell *shell, struct cop__words *words, \
                                 const struct cop__command *command)
COP__COMMAND(help);     /* command.c */
COP__COMMAND(quit);
COP__COMMAND(i);        /* look.c */
COP__COMMAND(regs);
COP__COMMAND(whereis);
COP__COMMAND(nodes);
COP__COMMAND(tree);     /* tree.c */
COP__COMMAND(children); /* children.c */
COP__COMMAND(count);
COP__COMMAND(terminate);
COP__COMMAND(restart);
COP__COMMAND(delete);
COP__COMMAND(start);
COP__COMMAND(explain);
COP__COMMAND(info);     /* about.c */
COP__COMMAND(crashes);
COP__COMMAND(sys);      /* sys.c */
COP__COMMAND(dead);     /* dead.c */
COP__COMMAND(stuck);    /* stuck.c */
COP__COMMAND(send);     /* talk.c */
COP__COMMAND(call);
COP__COMMAND(flush);
COP__COMMAND(self);
COP__COMMAND(await);
COP__COMMAND(exit);     /* bond.c */
COP__COMMAND(link);
COP__COMMAND(unlink);
COP__COMMAND(monitor);
COP__COMMAND(demonitor);

#endif
