/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Completion: what could stand where the cursor is.
 *
 *      |                         commands, names, pids after '<'
 *      call |                    names and pids; for others what they take
 *      call 'my t|               names that need quotes
 *      call till |               the kinds that till's server handles, else all kinds
 *      call till #bi|            kinds, in quotes or not, as far as they may be typed so
 *      call till #bill{pe|       the fields that are not written yet
 *      sys |                     its words; then names and pids; then what the word takes
 *
 * The line is scanned once from the front, keeping the braces that are open: the innermost one says
 * where the cursor is.
 */
#include <string.h>

#include "actors/actor.h"
#include "actors/info.h"
#include "mailbox/kind.h"
#include "mailbox/term.h"
#include "shell/command.h"
#include "shell/glimpses.h"
#include "shell/names.h"
#include "shell/packet.h"

struct completion {
        struct cop__shell *shell;
        struct cop__text *candidates;
        const char *word; /* what is there of it */
        size_t size;
        size_t count;
        size_t common; /* bytes that all candidates have in common, those that are left out, too */
        size_t last;   /* where the last one begins */
};

/* What the first candidate shares with one, of the bytes that it shares with all before. */
static size_t common_with_first(const struct completion *completion, const char *candidate, const char *behind)
{
        const char *first = cop__text_get(completion->candidates);
        size_t at = 0, size = strlen(candidate), all = size + strlen(behind);
        while (at < completion->common && at < all && first[at] == (at < size ? candidate[at] : behind[at - size]))
                at++;
        return at;
}

/*
 * Beyond the most that are told one takes the last one's place if it has less in common with the others than they have: what all
 * that are told have in common, and that is what the client types, all candidates have.
 */
static void offer(struct completion *completion, const char *candidate, const char *behind)
{
        struct cop__text *told = completion->candidates;
        size_t size = strlen(candidate);
        if (size < completion->size || memcmp(candidate, completion->word, completion->size) != 0 || told->failed)
                return;
        size_t common = completion->count > 0 ? common_with_first(completion, candidate, behind) : size + strlen(behind);
        bool is_full = completion->count == COP__CANDIDATES_MAX;
        if (is_full && common == completion->common)
                return;
        if (is_full)
                told->size = completion->last;
        completion->common = common;
        completion->last = told->size;
        completion->count += !is_full;
        cop__text_printf(told, "%s%s\n", candidate, behind);
}

/* ---- Commands, names, pids ----------------------------------------------------------- */

static void offer_commands(struct completion *completion, const char *behind)
{
        for (const struct cop__command *each = cop__commands; each->name != NULL; each++)
                offer(completion, each->name, behind);
}

static void offer_names(struct completion *completion)
{
        struct cop__names names;
        if (cop__names_init(&names, completion->shell->node, COP__NAMES_MAX) == COP_OK) {
                for (size_t i = 0; i < names.count; i++) {
                        struct cop__text quoted;
                        cop__text_init(&quoted);
                        cop__atom_print(&quoted, names.each[i].name, strlen(names.each[i].name));
                        offer(completion, cop__text_get(&quoted), " ");
                        cop__text_fini(&quoted);
                }
        }
        cop__names_fini(&names);
}

static void offer_pid(void *context, const struct cop__glimpse *glimpse)
{
        char pid[COP_ID_TEXT_MAX];
        offer(context, cop_pid_print(glimpse->pid, pid), " ");
}

static void offer_actors(struct completion *completion)
{
        if (completion->size > 0 && completion->word[0] == '<')
                cop__glimpse_each(completion->shell->node, offer_pid, completion);
        else
                offer_names(completion);
}

static void offer_reasons(struct completion *completion)
{
        offer(completion, "normal", "");
        offer(completion, "shutdown", "");
        offer(completion, "kill", "");
}

/* By id; by pid if the word begins so. From the census, so that no supervisor is asked. */
static void offer_children(struct completion *completion, cop_pid supervisor)
{
        struct cop__census *census = &completion->shell->node->census;
        uint32_t rows = cop__census_count(census);
        bool by_pid = completion->size > 0 && completion->word[0] == '<';
        for (uint32_t row = 0; row < rows; row++) {
                struct cop__census_entry entry;
                char pid[COP_ID_TEXT_MAX];
                struct cop__text quoted;
                if (!cop__census_read(census, row, &entry) ||
                    !cop_pid_equal(entry.supervisor, supervisor))
                        continue;
                cop__text_init(&quoted);
                cop__atom_print(&quoted, entry.id, strlen(entry.id));
                offer(completion, by_pid ? cop_pid_print(entry.child, pid) : cop__text_get(&quoted),
                      "");
                cop__text_fini(&quoted);
        }
}

static bool is_word_byte(char byte)
{
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
               (byte >= '0' && byte <= '9') || byte == '_' || byte == '@' || (byte & 0x80) != 0;
}

/* ---- Kinds and fields ---------------------------------------------------------------- */

/* Behind # a name that begins with a capital is read without quotes, too. */
static bool can_be_bare(const char *name)
{
        bool can = (name[0] >= 'a' && name[0] <= 'z') || (name[0] >= 'A' && name[0] <= 'Z') || name[0] == '_';
        for (size_t i = 0; can && name[i] != '\0'; i++)
                can = is_word_byte(name[i]) && (name[i] & 0x80) == 0;
        return can;
}

/* As it is printed, unless its first letter or a quote is there already. */
static void append_kind_name(const struct completion *completion, struct cop__text *text, const char *name)
{
        bool is_begun = completion->size > 1 && completion->word[0] == '#';
        if (is_begun && completion->word[1] == '\'')
                cop__text_append_quoted(text, '\'', name, strlen(name));
        else if (is_begun && can_be_bare(name))
                cop__text_append_string(text, name);
        else
                cop__atom_print(text, name, strlen(name));
}

static void offer_kind(struct completion *completion, const cop_kind *kind)
{
        char record[128];
        struct cop__text text;
        cop__text_init_fixed(&text, record, sizeof(record));
        cop__text_append_char(&text, '#');
        append_kind_name(completion, &text, kind->name);
        cop__text_append_char(&text, '{');
        if (text.size < sizeof(record))
                offer(completion, record, kind->field_count == 0 ? "}" : "");
}

/* The kinds of the runtime itself are nobody's to type, unless asked for. */
static bool is_own(const struct completion *completion, const cop_kind *kind)
{
        return strncmp(kind->name, "cop_", 4) == 0 && completion->size < 2;
}

static void offer_kinds(struct completion *completion)
{
        const cop_kinds *kinds = cop_node_kinds(completion->shell->node);
        for (size_t i = 0; i < cop__kinds_count(kinds); i++)
                if (!is_own(completion, cop__kinds_at(kinds, i)))
                        offer_kind(completion, cop__kinds_at(kinds, i));
}

/* The kinds that an actor's server has handlers for. Its table is constant; only whose it is may
 * change under us. */
static void offer_handled(struct completion *completion, cop_pid pid)
{
        struct cop__actor *actor = cop__slot_of(completion->shell->node, pid);
        if (actor == NULL || !cop__slot_is(actor, pid))
                return;
        const cop_behaviour *server = cop__load_relaxed(&actor->server);
        for (size_t i = 0; server != NULL && i < server->handler_count; i++)
                if (server->handlers[i].event == COP_EVENT_MESSAGE)
                        offer_kind(completion, server->handlers[i].kind);
}

/* The fields of a kind but for those in `written`, which is what stands between the brace and
 * the word. */
static void offer_fields(struct completion *completion, const cop_kind *kind, const char *written,
                         size_t size)
{
        for (size_t i = 0; i < kind->field_count; i++)
                if (cop__words_field(written, size, 0, kind->fields[i].name) == SIZE_MAX)
                        offer(completion, kind->fields[i].name, " = ");
}

/* A value: what its field can hold, as far as there are words for it. */
static void offer_values(struct completion *completion, const cop_kind *kind, const char *name,
                         size_t size)
{
        for (size_t i = 0; i < kind->field_count; i++) {
                const cop_field *field = &kind->fields[i];
                if (strlen(field->name) != size || memcmp(field->name, name, size) != 0)
                        continue;
                if (field->type == COP_FIELD_BOOL) {
                        offer(completion, "true", "");
                        offer(completion, "false", "");
                } else if (field->type == COP_FIELD_NESTED && field->shape == COP_FIELD_ONE) {
                        offer_kind(completion, field->kind);
                } else if (field->type == COP_FIELD_PID) {
                        cop__glimpse_each(completion->shell->node, offer_pid, completion);
                }
        }
}

/* ---- Where the cursor is ------------------------------------------------------------- */

/* What is open at the cursor. */
struct place {
        bool quoted;  /* in a text or a quoted atom, or behind $ ... */
        size_t quote; /* ... which begins here */
        bool in_term; /* behind some brace or bracket */
        size_t brace; /* the innermost one, if that is a brace; else SIZE_MAX */
};

static struct place place_at_end(const char *line, size_t size)
{
        size_t open[COP_TERM_DEPTH_MAX], depth = 0, begun = 0, next = 0;
        for (size_t at = 0; at < size; at = next) {
                char byte = line[at];
                next = cop__words_skip(line, size, at);
                if (next > size)
                        begun = at;
                else if ((byte == '{' || byte == '[') && depth < COP_TERM_DEPTH_MAX)
                        open[depth++] = at;
                else if ((byte == '}' || byte == ']') && depth > 0)
                        depth--;
        }
        bool is_brace = depth > 0 && line[open[depth - 1]] == '{';
        return (struct place){ next > size, begun, depth > 0, is_brace ? open[depth - 1] : SIZE_MAX };
}

/* The kind of the record that a brace opens; NULL: a tuple, a map, or no such kind. */
static const cop_kind *kind_before(const cop_kinds *kinds, const char *line, size_t brace)
{
        char name[COP_NAME_MAX + 1];
        cop_parse_error error;
        size_t from = brace;
        bool quoted = brace > 1 && line[brace - 1] == '\'';
        from -= quoted;
        while (from > 0 && (quoted ? line[from - 1] != '\'' : is_word_byte(line[from - 1])))
                from--;
        from -= quoted && from > 0;
        if (from == 0 || line[from - 1] != '#')
                return NULL;
        struct cop__word word = { line + from, brace - from, from };
        return cop__word_unquote(word, name, &error) == COP_OK ? cop__kinds_find(kinds, name, strlen(name)) : NULL;
}

/* Inside #kind{...}: behind '{' or ',' a field is expected, behind '=' a value. */
static void complete_in_record(struct completion *completion, const cop_kind *kind,
                               const char *line, size_t brace, size_t from)
{
        size_t at = from;
        while (at > brace + 1 && (line[at - 1] == ' ' || line[at - 1] == '\t'))
                at--;
        char before = line[at - 1];
        if (before == '{' || before == ',') {
                offer_fields(completion, kind, line + brace + 1, from - brace - 1);
                return;
        }
        if (before != '=')
                return;
        size_t end = at - 1;
        while (end > brace + 1 && line[end - 1] == ' ')
                end--;
        size_t begin = end;
        while (begin > brace + 1 && is_word_byte(line[begin - 1]))
                begin--;
        offer_values(completion, kind, line + begin, end - begin);
}

/* ---- Words of the command line ------------------------------------------------------- */

/* The pid that the word in front of the cursor's names; nobody if it names none. */
static cop_pid addressee(struct cop__word address)
{
        char name[COP_NAME_MAX + 1];
        cop_pid pid = cop_no_pid();
        cop_parse_error error;
        if (address.size == 0)
                return pid;
        if (address.text[0] == '<') {
                cop_pid_parse(address.text, address.size, &pid);
                return pid;
        }
        return cop__word_unquote(address, name, &error) == COP_OK ? cop_whereis(name) : pid;
}

/* A word of any kind: in a quoted name there may be blanks. */
static struct cop__word next_word(struct cop__words *words)
{
        struct cop__words ahead = *words;
        struct cop__word word = cop__words_next(&ahead);
        if (word.size > 0 && word.text[0] == '\'')
                return cop__words_address(words);
        *words = ahead;
        return word;
}

static void complete_message(struct completion *completion, struct cop__word address)
{
        offer_handled(completion, addressee(address));
        if (completion->count == 0)
                offer_kinds(completion);
}

/* The kind of a server's state, if it has said so. */
static void offer_state(struct completion *completion, cop_pid pid)
{
        struct cop__actor *actor = cop__slot_of(completion->shell->node, pid);
        if (actor == NULL || !cop__slot_is(actor, pid))
                return;
        const cop_behaviour *server = cop__load_relaxed(&actor->server);
        for (size_t i = 0; server != NULL && i < server->handler_count; i++)
                if (server->handlers[i].event == COP_EVENT_STATE)
                        offer_kind(completion, server->handlers[i].kind);
}

static bool is_word(struct cop__word word, const char *text)
{
        return strlen(text) == word.size && memcmp(text, word.text, word.size) == 0;
}

/* sys WORD TO ..., of which `words` still holds what stands behind "sys". */
static void complete_sys(struct completion *completion, struct cop__word word,
                         struct cop__words *words)
{
        struct cop__word to = next_word(words);
        const char *name;
        if (word.size == 0) {
                for (size_t i = 0; (name = cop__sys_word_at(i)) != NULL; i++)
                        offer(completion, name, " ");
        } else if (to.size == 0) {
                offer_actors(completion);
        } else if (cop__words_next(words).size > 0) {
                return;
        } else if (is_word(word, "replace")) {
                offer_state(completion, addressee(to));
        } else if (is_word(word, "stop")) {
                offer_reasons(completion);
        } else if (is_word(word, "trace") || is_word(word, "log") || is_word(word, "statistics")) {
                offer(completion, "on", "");
                offer(completion, "off", "");
        }
}

/* What stands in front of the word, read as a command line. */
static void complete_word(struct completion *completion, const char *line, size_t from)
{
        struct cop__words words;
        cop__words_init(&words, completion->shell, line, from);
        struct cop__word first = cop__words_address(&words);
        if (first.size == 0) {
                if (completion->size == 0 || completion->word[0] != '<')
                        offer_commands(completion, " ");
                if (completion->size > 0)
                        offer_actors(completion);
                return;
        }
        struct cop__word second = next_word(&words);
        if (second.size == 1 && second.text[0] == '!') {
                complete_message(completion, first);
                return;
        }
        const struct cop__command *command = cop__command_find(first.text, first.size);
        bool third = second.size > 0;
        if (command != NULL && command->takes == COP__TAKES_SYS) {
                complete_sys(completion, second, &words);
                return;
        }
        if (command == NULL || (third && cop__words_next(&words).size > 0))
                return;
        if (third && command->takes == COP__TAKES_MESSAGE)
                complete_message(completion, second);
        else if (third && command->takes == COP__TAKES_REASON)
                offer_reasons(completion);
        else if (third && command->takes == COP__TAKES_CHILD)
                offer_children(completion, addressee(second));
        else if (!third && command->takes == COP__TAKES_COMMAND)
                offer_commands(completion, "");
        else if (!third && command->takes == COP__TAKES_NAME)
                offer_names(completion);
        else if (!third && command->takes != COP__TAKES_NOTHING)
                offer_actors(completion);
}

/* Where the word begins that ends at the cursor. A pid is one word, and so is '#' with its kind. */
static size_t word_begin(const char *line, size_t size)
{
        size_t from = size;
        while (from > 0 && (is_word_byte(line[from - 1]) || line[from - 1] == '.'))
                from--;
        if (from > 0 && (line[from - 1] == '<' || line[from - 1] == '#'))
                from--;
        return from;
}

/* Outside of records a name may hold any byte but blanks. */
static size_t name_begin(const char *line, size_t size)
{
        size_t from = size;
        while (from > 0 && strchr(" \t!", line[from - 1]) == NULL)
                from--;
        return from;
}

/* In a quoted name, and not in a text or in an atom of a term. */
static bool is_in_name(const struct place *place, const char *line)
{
        return place->quoted && !place->in_term && line[place->quote] == '\'' &&
               (place->quote == 0 || strchr(" \t!", line[place->quote - 1]) != NULL);
}

/* In the quoted name of a kind, behind #. */
static bool is_in_kind(const struct place *place, const char *line)
{
        return place->quoted && line[place->quote] == '\'' && place->quote > 0 && line[place->quote - 1] == '#';
}

void cop__shell_complete(struct cop__shell *shell, const char *line, size_t size, size_t *from,
                         struct cop__text *candidates)
{
        struct place place = place_at_end(line, size);
        bool is_name = is_in_name(&place, line), is_kind = is_in_kind(&place, line);
        *from = size;
        if ((place.quoted && !is_name && !is_kind) || memchr(line, '\0', size) != NULL)
                return;
        if (place.quoted)
                *from = place.quote - is_kind;
        else
                *from = place.in_term ? word_begin(line, size) : name_begin(line, size);
        struct completion completion = { shell, candidates, line + *from, size - *from, 0, 0, 0 };
        const cop_kinds *kinds = cop_node_kinds(shell->node);
        const cop_kind *kind =
                place.brace == SIZE_MAX ? NULL : kind_before(kinds, line, place.brace);
        if (completion.size > 0 && completion.word[0] == '#')
                offer_kinds(&completion);
        else if (!place.in_term)
                complete_word(&completion, line, *from);
        else if (kind != NULL)
                complete_in_record(&completion, kind, line, place.brace, *from);
}
