/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See side.h. */
#include "tests/original/side.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define NOTES 512
#define LIVES 4096

enum telling telling = AS_IT_HAPPENED;

static char notes[NOTES][128];
static int note_count;

void note(const char *format, ...)
{
        va_list values;
        if (note_count == NOTES) {
                fputs("original: more has happened than can be noted\n", stderr);
                exit(1);
        }
        va_start(values, format);
        vsnprintf(notes[note_count++], sizeof(notes[0]), format, values);
        va_end(values);
}

void notes_forget(void)
{
        note_count = 0;
}

/* ---- Lives --------------------------------------------------------------------------------------- */

static struct life {
        cop_pid pid;
        char who[8], name[20];
} lives[LIVES];
static int life_count;

void lives_forget(void)
{
        life_count = 0;
}

const char *life_begins(const char *who, cop_pid pid)
{
        int before = 0;
        if (life_count == LIVES) {
                fputs("original: a sequence has too many lives\n", stderr);
                exit(1);
        }
        for (int i = 0; i < life_count; i++)
                before += strcmp(lives[i].who, who) == 0;
        struct life *life = &lives[life_count++];
        life->pid = pid;
        snprintf(life->who, sizeof(life->who), "%s", who);
        snprintf(life->name, sizeof(life->name), "%.7s.%d", who, before);
        return life->name;
}

const char *life_name(cop_pid pid)
{
        for (int i = life_count - 1; i >= 0; i--)
                if (cop_pid_equal(lives[i].pid, pid))
                        return lives[i].name;
        return "nobody";
}

/* ---- Words --------------------------------------------------------------------------------------- */

static bool is_crash(cop_term term)
{
        return term.type == COP_TERM_TUPLE && term.count > 0 && cop_term_equal(term.as.items[0], cop_atom("fault"));
}

const char *words_of(cop_term term, char text[64])
{
        char *to = text;
        if (is_crash(term))
                return "crash";
        cop_term_print(term, NULL, text, 64);
        for (const char *from = text; *from != '\0'; from++)
                if (*from != ' ')
                        *to++ = *from;
        *to = '\0';
        return text;
}

#define TERMS 256
static cop_term terms[TERMS];
static int term_count;

cop_term term_of(const char *text)
{
        cop_term *term = &terms[term_count];
        cop_parse_error error;
        if (term_count == TERMS || cop_term_parse(text, strlen(text), NULL, term, &error) != COP_OK) {
                fprintf(stderr, "original: no term: %s\n", text);
                exit(1);
        }
        term_count++;
        return *term;
}

static void forget_terms(void)
{
        while (term_count > 0)
                cop_term_free(terms[--term_count]);
}

/* ---- The one who gives the orders ----------------------------------------------------------------- */

static int by_text(const void *left, const void *right)
{
        return strcmp(left, right);
}

/* By the first word, the actor's name. */
static int actor_compare(const char *left, const char *right)
{
        size_t one = strcspn(left, " "), other = strcspn(right, " ");
        int order = memcmp(left, right, one < other ? one : other);
        return order != 0 ? order : one < other ? -1 : one > other;
}

/* What one actor does stays in its order. */
static void sort_by_actor(void)
{
        for (int i = 1; i < note_count; i++) {
                char moved[sizeof(notes[0])];
                int at = i;
                memcpy(moved, notes[i], sizeof(moved));
                while (at > 0 && actor_compare(moved, notes[at - 1]) < 0) {
                        memcpy(notes[at], notes[at - 1], sizeof(notes[0]));
                        at--;
                }
                memcpy(notes[at], moved, sizeof(moved));
        }
}

static void tell(void)
{
        if (telling == BY_TEXT)
                qsort(notes, (size_t)note_count, sizeof(notes[0]), by_text);
        if (telling == BY_ACTOR)
                sort_by_actor();
        for (int i = 0; i < note_count; i++)
                printf("  %s\n", notes[i]);
        note_count = 0;
        forget_terms();
}

void drop_mail(void)
{
        cop_message *message;
        while ((message = cop_receive(0, COP_ANY)) != NULL)
                cop_message_free(message);
}

static void say_nothing(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

static int run(void)
{
        cop_node *node;
        char line[128];
        if (cop_node_start(&(cop_node_options){ .name = "ours", .workers = 1, .no_preempt = true, .log = say_nothing },
                           &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        while (fgets(line, sizeof(line), stdin) != NULL) {
                struct command command;
                line[strcspn(line, "\n")] = '\0';
                if (sscanf(line, "%15s %ld %ld %31s", command.word, &command.first, &command.second, command.text) != 4) {
                        fprintf(stderr, "original: no order: %s\n", line);
                        return 1;
                }
                if (strcmp(command.word, "reset") == 0) {
                        part.reset(node, &command);
                        puts(line);
                } else {
                        const char *said = part.carry_out(&command);
                        printf("%s -> %s\n", line, said);
                }
                part.settle(node);
                tell();
        }
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}

int main(int argc, char **argv)
{
        if (argc == 4 && strcmp(argv[1], "generate") == 0) {
                uint64_t seed = strtoull(argv[2], NULL, 10);
                for (uint64_t last = seed + strtoull(argv[3], NULL, 10); seed < last; seed++) {
                        uint64_t random = cop__mix(seed ^ cop__mix((unsigned char)part.name[0]));
                        part.generate(seed, &random);
                }
                return 0;
        }
        if (argc == 2 && strcmp(argv[1], "run") == 0)
                return run();
        fprintf(stderr, "%s generate SEED SEQUENCES | %s run\n", part.name, part.name);
        return 2;
}
