/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* cop_main: a node, its console, its tree, and the wait for the end of it. See include/coppice/main.h. */
#define _GNU_SOURCE
#include <coppice/main.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/log_end.h"
#include "base/clock.h"
#include "base/cue.h"
#include "base/compiler.h"
#include "base/limits.h"
#include "base/standard.h"
#include "io/signals.h"
#include "shell/console.h"
#include "shell/door.h"
#include "shell/heart.h"
#include "supervisor/spec.h"
#include "supervisor/supervise.h"

struct program {
        const char *path;    /* argv[0] without folders */
        const char *name;    /* of the node; NULL: not said on the command line */
        unsigned workers;    /* 0: not said */
        const char *dump;    /* where a crash of the node is written down; NULL: in the folder of its console */
        unsigned fault_code; /* 0: none, the signal */
        bool console, quiet, strict, heart, help;
        struct cop__heart beat;
        const cop_node_options *given; /* by the program; never NULL */
        uint64_t asked_ns;   /* when a signal asked for the end; 0: none has. Of the thread that waits for signals */
        uint32_t is_done;    /* atomic: the tree has reached its auto_shutdown */
};

/* A service manager, a terminal and a heart may each send the same wish for the end; one that comes so much later is another. */
#define AGAIN_NS (500 * COP__NS_PER_MS)

/* ---- The command line ----------------------------------------------------------------- */

static void print_usage(FILE *to, const struct program *program)
{
        fprintf(to,
                "usage: %s [OPTIONS]\n"
                "  --name NAME    of the node, for `coppice -n NAME`; default: %s\n"
                "  --workers N    threads that run actors, 1 to 64; default: one for each processor\n"
                "  --no-console   do not serve a console\n"
                "  --quiet        log errors only\n"
                "  --dump FILE    written when a fault ends the node, for `coppice dump FILE`; '' is none;\n"
                "                 default: COPPICE_DUMP, else NAME.dump beside the console's socket\n"
                "  --strict       a fault that may come from broken memory ends the node\n"
                "  --fault-code N the exit code when a fault ends the node; 0: it dies by the signal; default: %d\n"
                "  --heart        a parent process starts the node again when it dies\n"
                "  --heart-delay MS  before the first restart, then doubled; default: 1000\n"
                "  --heart-limit N   restarts without a minute of life between them; default: 10\n"
                "  --             what is behind it is the program's own\n",
                program->path, program->given->name, COP_EXIT_FAULT);
}

/* A number in a range; false with a sentence on standard error. */
static bool parse_number(const struct program *program, const char *option, const char *text,
                         unsigned least, unsigned most, unsigned *number)
{
        char *end;
        unsigned long value = strtoul(text, &end, 10);
        if (*text < '0' || *text > '9' || *end != '\0' || value < least || value > most) {
                fprintf(stderr, "%s: %s: expected %u to %u, found '%s'\n", program->path, option, least,
                        most, text);
                return false;
        }
        *number = (unsigned)value;
        return true;
}

/* An option with a value behind it. 1: taken, 0: it is none of them, -1: it is wrong. */
static int parse_valued(struct program *program, const char *option, const char *value)
{
        const struct {
                const char *option;
                const char **text;
                unsigned *number, least, most;
        } options[] = {
                { "--name", &program->name, NULL, 0, 0 },
                { "--dump", &program->dump, NULL, 0, 0 },
                { "--workers", NULL, &program->workers, 1, COP__WORKERS_MAX },
                { "--fault-code", NULL, &program->fault_code, 0, 255 },
                { "--heart-delay", NULL, &program->beat.delay_ms, 0, COP__HEART_DELAY_MAX_MS },
                { "--heart-limit", NULL, &program->beat.limit, 0, 1000000 },
        };
        for (size_t i = 0; i < COP__COUNT(options); i++) {
                if (strcmp(option, options[i].option) != 0)
                        continue;
                if (value == NULL) {
                        fprintf(stderr, "%s: %s: expected a value behind it\n", program->path, option);
                        return -1;
                }
                if (options[i].number != NULL)
                        return parse_number(program, option, value, options[i].least, options[i].most,
                                            options[i].number) ? 1 : -1;
                *options[i].text = value;
                return 1;
        }
        return 0;
}

/* False with a sentence on standard error. */
static bool parse_words(int argc, char **argv, struct program *program)
{
        for (int i = 1; i < argc; i++) {
                const char *word = argv[i];
                int valued = parse_valued(program, word, argv[i + 1]);
                if (valued < 0)
                        return false;
                i += valued;
                if (valued > 0)
                        continue;
                if (strcmp(word, "--") == 0)
                        break;
                if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
                        program->help = true;
                } else if (strcmp(word, "--no-console") == 0) {
                        program->console = false;
                } else if (strcmp(word, "--quiet") == 0) {
                        program->quiet = true;
                } else if (strcmp(word, "--strict") == 0) {
                        program->strict = true;
                } else if (strcmp(word, "--heart") == 0) {
                        program->heart = true;
                } else {
                        fprintf(stderr, "%s: '%s' is no option of this program\n", program->path,
                                word);
                        return false;
                }
        }
        return true;
}

/* The option, else the program's, else the environment's (NULL leaves that to the node), else a file in the console's folder. */
static const char *choose_dump(const struct program *program, const char *name, char path[COP__DOOR_DUMP_MAX])
{
        if (program->dump != NULL)
                return program->dump;
        if (program->given->dump != NULL || secure_getenv("COPPICE_DUMP") != NULL)
                return program->given->dump;
        return cop__door_dump(name, path) == COP_OK ? path : NULL;
}

/* To the log that the program has, or as it is written where it has none. */
static void log_errors(void *context, cop_log_level level, const char *text)
{
        const struct program *program = context;
        if (level > COP_LOG_ERROR)
                return;
        if (program->given->log != NULL)
                program->given->log(program->given->log_context, level, text);
        else
                cop__log_to(NULL, level, text);
}

/* ---- The run ------------------------------------------------------------------------------ */

/* As the log is written: nobody may read it, and the program ends all the same. */
static int complain_of(const struct program *program, const char *what, const char *why)
{
        char head[512];
        snprintf(head, sizeof(head), "%s: %s: ", program->path, what);
        cop__log_end_write_patiently(head, why);
        return COP_EXIT_GAVE_UP;
}

static int complain(const struct program *program, const char *what, cop_status status)
{
        return complain_of(program, what, cop_status_text(status));
}

static int complain_reason(const struct program *program, const char *what, cop_term reason)
{
        char text[1024];
        cop_term_print(reason, cop_node_kinds(cop_node_here()), text, sizeof(text));
        return complain_of(program, what, text);
}

/* The first wish for the end is main's affair. Whoever asks a second time does not want to wait, for whatever it may be. */
static bool hear_wish(void *context, int number)
{
        struct program *program = context;
        char what[64];
        uint64_t now = cop__clock_ns();
        if (program->asked_ns == 0) {
                program->asked_ns = now;
                return true;
        }
        if (now - program->asked_ns < AGAIN_NS)
                return false;
        snprintf(what, sizeof(what), "signal %d again", number);
        complain_of(program, what, "not waiting for the tree");
        _exit(128 + number);
}

/* Stops the tree in order. */
static int stop_tree(const struct program *program, cop_pid root)
{
        cop_ref ref;
        COP__CUE("main.stop_tree");
        if (cop_monitor(root, &ref) != COP_OK || cop_send_exit(root, cop_atom("shutdown")) != COP_OK)
                return complain(program, "cannot stop the tree", COP_E_NO_MEMORY);
        cop_message_free(cop_receive(COP_FOREVER, COP_REF(cop_down, ref)));
        return 0;
}

/* Until a signal asks for the end, or the tree has ended by itself: its work is done, or it gave up. */
static int wait_for_end(const struct program *program, cop_pid root)
{
        cop_auto message = cop_receive(COP_FOREVER, COP_KIND(cop_os_signal),
                                       (cop_pattern){ .kind = COP_KIND_OF(cop_exited), .from = root });
        const cop_exited *exited = cop_read(cop_exited, message);
        if (exited == NULL)
                return stop_tree(program, root);
        if (cop_is_atom(exited->reason, "normal") || cop__load_acquire(&program->is_done))
                return 0;
        return complain_reason(program, "the supervision tree gave up", exited->reason);
}

/* The tree that is starting starts no further, and what runs of it already stops in order: the end of the start tells when. */
static void hear_signal(void *context, const cop_message *message, cop_pid root)
{
        bool *is_to_end = context;
        (void)message;
        *is_to_end = true; /* without memory to say so now, it is stopped when it has started */
        cop_send_exit(root, cop_atom("shutdown"));
}

static int run_tree(struct program *program, const cop_supervisor *tree)
{
        cop_pid root;
        bool is_to_end = false;
        const struct cop__start_ear ear = { COP_KIND_OF(cop_os_signal), hear_signal, &is_to_end, &program->is_done };
        cop_status status = cop__supervise_hearing(tree, &root, &ear);
        if (is_to_end)
                return status == COP_OK ? stop_tree(program, root) : 0;
        if (status == COP_E_DIED)
                return complain_reason(program, "the supervision tree did not start", cop_failure());
        if (status != COP_OK)
                return complain(program, "the supervision tree did not start", status);
        return wait_for_end(program, root);
}

/* The signals go on being waited for: the node may take long to stop. */
static int run_inside(struct program *program, cop_node *node, const cop_supervisor *tree,
                      const sigset_t *ends, struct cop__signals **signals)
{
        struct cop__console *console = NULL;
        const struct cop__signals_ear ear = { hear_wish, program };
        cop_status status = cop__signals_start(node, ends, cop_self(), &ear, signals);
        if (status != COP_OK)
                return complain(program, "cannot wait for signals", status);
        /* The console's own sentence says what is wrong; a program is worth running without it. */
        if (program->console && cop__console_start(node, &console) != COP_OK)
                console = NULL;
        int code = run_tree(program, tree);
        if (console != NULL)
                cop__console_stop(console);
        cop__signals_leave(*signals);
        return code;
}

/* What the node starts with: what the command line says, else what the program does. */
static cop_node_options options_of(struct program *program, const cop_supervisor *tree, char dump[COP__DOOR_DUMP_MAX])
{
        cop_node_options options = *program->given;
        if (program->name != NULL)
                options.name = program->name;
        if (program->workers > 0)
                options.workers = program->workers;
        options.processes |= cop__spec_needs_processes(tree);
        if (program->quiet) {
                options.log = log_errors;
                options.log_context = program;
        }
        options.dump = choose_dump(program, options.name, dump);
        options.fault_exit_code = (int)program->fault_code;
        options.contain_strict |= program->strict;
        return options;
}

/* 0, or the exit code with a sentence on standard error. */
static int check(const struct program *program, const cop_supervisor *tree)
{
        const char *const rule = "a node's name has letters, digits, '_', '-' and '.', does not begin with '.', and is no longer than 63";
        char sentence[512];
        _Static_assert(COP_NAME_MAX == 63, "as the sentence says");
        if (program->name != NULL && !cop__is_name_of_node(program->name)) {
                fprintf(stderr, "%s: --name: %s; found '%s'\n", program->path, rule, program->name);
                return COP_EXIT_USAGE;
        }
        if (program->name == NULL && !cop__is_name_of_node(program->given->name)) {
                fprintf(stderr, "%s: your program: %s; found '%s': --name gives it another\n", program->path, rule,
                        program->given->name);
                return COP_EXIT_GAVE_UP;
        }
        if (program->given->simulation != NULL) {
                fprintf(stderr, "%s: your program: a node that is simulated has no console and no signals; see coppice/trial.h\n",
                        program->path);
                return COP_EXIT_GAVE_UP;
        }
        if (cop_supervisor_check(tree, sentence, sizeof(sentence)) != COP_OK) {
                fprintf(stderr, "%s: your program: %s\n", program->path, sentence);
                return COP_EXIT_GAVE_UP;
        }
        return 0;
}

int cop_main_with(int argc, char **argv, const cop_supervisor *tree, const cop_node_options *options,
                  const cop_kind *const *kinds_first, const cop_kind *const *kinds_last)
{
        const char *path = argc > 0 ? argv[0] : "coppice";
        const char *slash = strrchr(path, '/');
        cop_node_options given = options != NULL ? *options : (cop_node_options){ 0 };
        if (given.name == NULL)
                given.name = tree != NULL && tree->name != NULL ? tree->name : slash != NULL ? slash + 1 : path;
        struct program program = {
                .path = slash != NULL ? slash + 1 : path,
                .console = true,
                .fault_code = given.fault_exit_code != 0 ? (unsigned)given.fault_exit_code : COP_EXIT_FAULT,
                .given = &given,
                .beat = { .delay_ms = COP__HEART_DELAY_MS, .limit = COP__HEART_LIMIT },
        };
        char dump[COP__DOOR_DUMP_MAX];
        cop__standard_open();
        if (!parse_words(argc, argv, &program)) {
                print_usage(stderr, &program);
                return COP_EXIT_USAGE;
        }
        if (program.help) {
                print_usage(stdout, &program);
                return 0;
        }
        int wrong = check(&program, tree);
        if (wrong != 0)
                return wrong;
        program.beat.program = program.path;
        program.beat.fault_code = (int)program.fault_code;
        if (program.heart) {
                int code;
                if (!cop__heart_beat(&program.beat, &code))
                        return code;
        }
        sigset_t ends;
        sigemptyset(&ends);
        sigaddset(&ends, SIGTERM);
        sigaddset(&ends, SIGINT);
        pthread_sigmask(SIG_BLOCK, &ends, NULL);
        signal(SIGPIPE, SIG_IGN);
        cop_node *node;
        struct cop__signals *signals = NULL;
        const cop_node_options all = options_of(&program, tree, dump);
        cop_status status = cop_node_start_with(&all, kinds_first, kinds_last, &node);
        if (status != COP_OK)
                return complain(&program, "cannot start a node", status);
        status = cop_node_enter(node);
        int code = status == COP_OK ? run_inside(&program, node, tree, &ends, &signals)
                                    : complain(&program, "cannot enter the node", status);
        cop_node_leave();
        cop_node_stop(node);
        cop__signals_stop(signals);
        return code;
}
