/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* A dump, for people to read. See dump.h. */
#define _GNU_SOURCE
#include "shell/client/dump.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "actors/dump_file.h"
#include "mailbox/codec.h"
#include "shell/client/dump_places.h"
#include "shell/client/dump_record.h"
#include "shell/columns.h"
#include "supervisor/roster.h"

/* A record is a map of plain values. */
#define RECORD_DEPTH 2u

/* Trees deeper than this are not drawn deeper. */
#define TREE_DEPTH 32u

struct child {
        uint64_t supervisor, pid, order, restarts;
        uint32_t state;
        bool is_printed;
        bool is_begun; /* the first of its supervisor's: they have been gone through, or are */
        char id[COP_NAME_MAX + 1];
};

struct dump {
        const uint8_t *at, *end;
        const char *section; /* the heading that was printed last */
        struct cop__text out;
        struct cop__columns actors;
        bool has_actors;
        struct child *children;
        size_t child_count, child_room;
        bool has_end, is_damaged;
        bool lacks_memory; /* something is not printed, or not as it is */
        struct dump_places places;
};

static void begin_section(struct dump *dump, const char *heading)
{
        if (dump->section == heading)
                return;
        cop__text_printf(&dump->out, "\n%s\n", heading);
        dump->section = heading;
}

/* ---- The node and its workers --------------------------------------------------------------- */

static void append_time(struct cop__text *out, uint64_t when)
{
        time_t seconds = (time_t)when;
        struct tm day;
        char stamp[64] = "at an unknown time";
        if (when <= INT32_MAX && gmtime_r(&seconds, &day) != NULL)
                strftime(stamp, sizeof(stamp), "%Y-%m-%d %H:%M:%S UTC", &day);
        cop__text_append_string(out, stamp);
}

static void print_node(struct dump *dump, const cop_term *record)
{
        struct cop__text *out = &dump->out;
        cop__text_append_string(out, "** the node ");
        record_append_text(out, record, "name");
        cop__text_printf(out, " ended, process %llu, ", (unsigned long long)record_number_of(record, "process"));
        append_time(out, record_number_of(record, "when"));
        cop__text_append_string(out, "\n   ");
        record_append_text(out, record, "fault");
        cop__text_append_string(out, ", ");
        record_append_text(out, record, "signal");
        if (record_has_text(record, "actor"))
                cop__text_append_string(out, ", while running ");
        record_append_text(out, record, "actor");
        cop__text_append_string(out, "\n   ");
        if (record_has_text(record, "blame"))
                cop__text_append_string(out, "a fault in ");
        record_append_text(out, record, "blame");
        if (record_has_text(record, "blame"))
                cop__text_append_string(out, " that could not be contained: ");
        record_append_text(out, record, "why");
        cop__text_append_string(out, "\n   Coppice ");
        record_append_text(out, record, "version");
        cop__text_append_char(out, '\n');
}

static void print_totals(struct dump *dump, const cop_term *record)
{
        uint64_t ms = record_number_of(record, "uptime_ms");
        cop__text_printf(&dump->out, "   up %llu.%03u s", (unsigned long long)(ms / 1000),
                         (unsigned)(ms % 1000));
        static const struct {
                const char *key, *noun;
        } each[] = { { "workers", "worker" }, { "crashes", "crash report" },
                     { "dead_letters", "dead letter" } };
        for (size_t i = 0; i < COP__COUNT(each); i++) {
                cop__text_append_string(&dump->out, ", ");
                cop__text_append_count(&dump->out, record_number_of(record, each[i].key), each[i].noun);
        }
        cop__text_printf(&dump->out, "; %llu spawned, %llu died, %llu messages sent\n",
                         (unsigned long long)record_number_of(record, "spawned"),
                         (unsigned long long)record_number_of(record, "died"),
                         (unsigned long long)record_number_of(record, "sent"));
}

static void print_worker(struct dump *dump, const cop_term *record)
{
        begin_section(dump, "workers");
        cop__text_printf(&dump->out, "   worker %llu: ",
                         (unsigned long long)record_number_of(record, "worker"));
        record_append_text(&dump->out, record, "state");
        cop__text_append_string(&dump->out, ", running ");
        record_append_pid(&dump->out, record_pid_of(record, "actor"));
        cop__text_append_char(&dump->out, '\n');
}

static void print_thread(struct dump *dump, const cop_term *record)
{
        begin_section(dump, "other threads");
        cop__text_printf(&dump->out, "   thread %llu ",
                         (unsigned long long)record_number_of(record, "thread"));
        record_append_text(&dump->out, record, "name");
        cop__text_append_string(&dump->out, ": ");
        record_append_text(&dump->out, record, "state");
        cop__text_append_char(&dump->out, '\n');
}

/* What the debug information says, else what the node knew itself. */
static void print_frame(struct dump *dump, const cop_term *record)
{
        struct cop__text *out = &dump->out;
        struct cop__place place;
        uint64_t number = record_number_of(record, "number"), pc = record_number_of(record, "pc");
        bool is_known = dump_places_find(&dump->places, pc, number > 0, &place);
        cop__text_printf(out, "      #%llu 0x%llx", (unsigned long long)number, (unsigned long long)pc);
        if (is_known || record_has_text(record, "function"))
                cop__text_append_string(out, " in ");
        if (is_known)
                record_append_bytes(out, place.function, strlen(place.function));
        else
                record_append_text(out, record, "function");
        if (is_known && place.line > 0) {
                cop__text_append_string(out, " at ");
                record_append_bytes(out, place.file, strlen(place.file));
                cop__text_printf(out, ":%u", place.line);
        }
        cop__text_append_char(out, '\n');
}

static void keep_module(struct dump *dump, const cop_term *record)
{
        dump_places_add(&dump->places, record);
}

/* ---- Trees ------------------------------------------------------------------------------------ */

static void keep_child(struct dump *dump, const cop_term *record)
{
        if (dump->child_count == dump->child_room) {
                size_t room = 2 * dump->child_room + 64;
                struct child *more = realloc(dump->children, room * sizeof(*more));
                if (more == NULL) {
                        dump->lacks_memory = true;
                        return;
                }
                dump->children = more;
                dump->child_room = room;
        }
        const cop_term *id = record_has_text(record, "id") ? record_find(record, "id") : NULL;
        struct child *child = &dump->children[dump->child_count++];
        *child = (struct child){
                .supervisor = record_pid_of(record, "supervisor").bits,
                .pid = record_pid_of(record, "pid").bits,
                .order = record_number_of(record, "order"),
                .restarts = record_number_of(record, "restarts"),
                .state = (uint32_t)record_number_of(record, "state"),
        };
        if (id != NULL)
                memcpy(child->id, id->as.text, id->count < COP_NAME_MAX ? id->count : COP_NAME_MAX);
}

static int by_place(const void *left, const void *right)
{
        const struct child *a = left, *b = right;
        if (a->supervisor != b->supervisor)
                return a->supervisor < b->supervisor ? -1 : 1;
        return (a->order > b->order) - (a->order < b->order);
}

/* The first of a supervisor's children, or NULL. They are sorted. */
static struct child *first_of(struct dump *dump, uint64_t supervisor)
{
        size_t low = 0, high = dump->child_count;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (dump->children[middle].supervisor < supervisor)
                        low = middle + 1;
                else
                        high = middle;
        }
        struct child *child = dump->children + low;
        return low < dump->child_count && child->supervisor == supervisor ? child : NULL;
}

static void print_child(struct dump *dump, const struct child *child, unsigned depth)
{
        struct cop__text *out = &dump->out;
        for (unsigned i = 0; i < depth; i++)
                cop__text_append_string(out, "   ");
        record_append_bytes(out, child->id, strlen(child->id));
        cop__text_append_char(out, ' ');
        record_append_pid(out, (cop_pid){ child->pid });
        cop__text_printf(out, " %s", cop__child_state_text(child->state));
        if (child->restarts > 0)
                cop__text_append_string(out, ", ");
        if (child->restarts > 0)
                cop__text_append_count(out, child->restarts, "restart");
        cop__text_append_char(out, '\n');
}

/* Each supervisor's children are gone through once, so a circle ends, and so does who is the child of many. */
static void print_below(struct dump *dump, uint64_t supervisor, unsigned depth)
{
        struct child *child = supervisor != 0 && depth < TREE_DEPTH ? first_of(dump, supervisor) : NULL;
        struct child *end = dump->children + dump->child_count;
        if (child == NULL || child->is_begun)
                return;
        child->is_begun = true;
        for (; child < end && child->supervisor == supervisor; child++) {
                child->is_printed = true;
                print_child(dump, child, depth);
                print_below(dump, child->pid, depth + 1);
        }
}

static int by_number(const void *left, const void *right)
{
        uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
        return (a > b) - (a < b);
}

/* From the supervisors that are nobody's child; what is left then hangs on no root, and comes last. */
static void print_trees(struct dump *dump)
{
        if (dump->child_count == 0)
                return;
        uint64_t *pids = malloc(dump->child_count * sizeof(*pids));
        if (pids == NULL) {
                dump->lacks_memory = true;
                return;
        }
        for (size_t i = 0; i < dump->child_count; i++)
                pids[i] = dump->children[i].pid;
        qsort(pids, dump->child_count, sizeof(*pids), by_number);
        qsort(dump->children, dump->child_count, sizeof(*dump->children), by_place);
        begin_section(dump, "trees");
        for (int pass = 0; pass < 2; pass++)
                for (size_t i = 0; i < dump->child_count; i++) {
                        uint64_t root = dump->children[i].supervisor;
                        bool is_child = bsearch(&root, pids, dump->child_count, sizeof(*pids), by_number);
                        if (dump->children[i].is_printed || (is_child && pass == 0))
                                continue;
                        cop__text_append_string(&dump->out, "   ");
                        record_append_pid(&dump->out, (cop_pid){ root });
                        cop__text_append_char(&dump->out, '\n');
                        print_below(dump, root, 2);
                }
        free(pids);
        dump->child_count = 0;
}

/* ---- Actors and mail ----------------------------------------------------------------------------- */

#define SIDES "lllrrrrll"
static const char *const headings[] = { "   PID", "NAME", "STATUS", "UNREAD", "HANDLED", "MEMORY", "OWNS", "IN", "LAST" };

static void cell_of_text(struct dump *dump, const cop_term *record, const char *key)
{
        struct cop__text text;
        cop__text_init(&text);
        record_append_text(&text, record, key);
        cop__columns_cell(&dump->actors, "%s", text.size > 0 ? cop__text_get(&text) : "-");
        dump->lacks_memory |= text.failed;
        cop__text_fini(&text);
}

static void keep_actor(struct dump *dump, const cop_term *record)
{
        char pid[COP_ID_TEXT_MAX];
        struct cop__text memory;
        const char *who = record_has_text(record, "name")    ? "name"
                          : record_has_text(record, "label") ? "label"
                                                      : "server";
        if (!dump->has_actors)
                for (size_t i = 0; i < COP__COUNT(headings); i++)
                        cop__columns_cell(&dump->actors, "%s", headings[i]);
        dump->has_actors = true;
        cop__text_init(&memory);
        cop__text_append_bytes(&memory, record_number_of(record, "bytes"));
        cop__columns_cell(&dump->actors, "   %s", cop_pid_print(record_pid_of(record, "pid"), pid));
        cell_of_text(dump, record, who);
        cell_of_text(dump, record, "status");
        cop__columns_cell(&dump->actors, "%llu", (unsigned long long)record_number_of(record, "unread"));
        cop__columns_cell(&dump->actors, "%llu", (unsigned long long)record_number_of(record, "handled"));
        cop__columns_cell(&dump->actors, "%s", cop__text_get(&memory));
        dump->lacks_memory |= memory.failed;
        cop__columns_cell(&dump->actors, "%llu", (unsigned long long)record_number_of(record, "owned"));
        cell_of_text(dump, record, "where");
        cell_of_text(dump, record, "recent");
        cop__text_fini(&memory);
}

/* Mail comes in between the actors, but is read after them. */
static void print_message(struct cop__text *mail, const cop_term *record)
{
        uint64_t at = record_number_of(record, "at");
        cop__text_append_string(mail, "   ");
        record_append_pid(mail, record_pid_of(record, "to"));
        if (at == 0)
                cop__text_append_string(mail, " is at ");
        else
                cop__text_printf(mail, " %llu: ", (unsigned long long)at);
        record_append_text(mail, record, "text");
        cop__text_append_string(mail, " from ");
        record_append_pid(mail, record_pid_of(record, "from"));
        cop__text_append_char(mail, '\n');
}

/* ---- The last moments ------------------------------------------------------------------------------ */

static void append_line(struct cop__text *out, const cop_term *record, const char *before,
                        const char *key)
{
        if (!record_has_text(record, key))
                return;
        cop__text_append_string(out, before);
        record_append_text(out, record, key);
}

static void print_crash(struct dump *dump, const cop_term *record)
{
        struct cop__text *out = &dump->out;
        begin_section(dump, "last crashes");
        cop__text_append_string(out, "   ");
        append_time(out, record_number_of(record, "when"));
        append_line(out, record, " ", "who");
        cop__text_append_char(out, ' ');
        record_append_pid(out, record_pid_of(record, "pid"));
        append_line(out, record, " crashed: ", "words");
        append_line(out, record, "\n      in ", "where");
        append_line(out, record, "\n      handling ", "message");
        append_line(out, record, "\n      ", "outcome");
        cop__text_append_char(out, '\n');
}

static void print_letter(struct dump *dump, const cop_term *record)
{
        struct cop__text *out = &dump->out;
        begin_section(dump, "last dead letters");
        cop__text_append_string(out, "   ");
        append_time(out, record_number_of(record, "when"));
        cop__text_append_char(out, ' ');
        record_append_pid(out, record_pid_of(record, "from"));
        cop__text_append_string(out, " to ");
        record_append_pid(out, record_pid_of(record, "to"));
        append_line(out, record, ", ", "reason");
        append_line(out, record, ": ", "text");
        cop__text_append_char(out, '\n');
}

static void print_end(struct dump *dump, const cop_term *record)
{
        dump->has_end = true;
        cop__text_printf(&dump->out, "\n%llu of ", (unsigned long long)record_number_of(record, "actors"));
        cop__text_append_count(&dump->out, record_number_of(record, "alive"), "actor");
        cop__text_append_string(&dump->out, " and ");
        cop__text_append_count(&dump->out, record_number_of(record, "messages"), "message");
        cop__text_append_string(&dump->out, " are in this dump\n");
}

/* ---- The file -------------------------------------------------------------------------------------- */

static void take_record(struct dump *dump, struct cop__text *mail, const cop_term *record)
{
        static const struct {
                const char *what;
                void (*take)(struct dump *dump, const cop_term *record);
        } takers[] = { { "node", print_node },     { "totals", print_totals }, { "module", keep_module },
                       { "worker", print_worker }, { "thread", print_thread }, { "frame", print_frame },
                       { "child", keep_child },    { "actor", keep_actor },    { "crash", print_crash },
                       { "letter", print_letter }, { "end", print_end } };
        if (record_is_what(record, "message"))
                print_message(mail, record);
        for (size_t i = 0; i < COP__COUNT(takers); i++)
                if (record_is_what(record, takers[i].what))
                        takers[i].take(dump, record);
}

/* The next record's bytes; false: there is no whole one any more. */
static bool next_record(struct dump *dump, const uint8_t **bytes, size_t *size)
{
        if (dump->end - dump->at < 4)
                return false;
        size_t length = (size_t)dump->at[0] << 24 | (size_t)dump->at[1] << 16 |
                        (size_t)dump->at[2] << 8 | dump->at[3];
        if (length > COP__DUMP_RECORD_MAX || length > (size_t)(dump->end - dump->at) - 4)
                return false;
        *bytes = dump->at + 4;
        *size = length;
        dump->at += 4 + length;
        return true;
}

/* What has been gathered until now comes before the sections behind it. */
static void flush_gathered(struct dump *dump, struct cop__text *mail)
{
        print_trees(dump);
        if (dump->has_actors) {
                begin_section(dump, "actors");
                cop__columns_print(&dump->actors, &dump->out);
                dump->lacks_memory |= dump->actors.cells.failed;
                cop__columns_fini(&dump->actors);
                cop__columns_init(&dump->actors, SIDES);
        }
        dump->has_actors = false;
        dump->lacks_memory |= mail->failed;
        if (mail->size > 0) {
                begin_section(dump, "mail");
                cop__text_append(&dump->out, cop__text_get(mail), mail->size);
                cop__text_clear(mail);
        }
}

static void read_records(struct dump *dump)
{
        const uint8_t *bytes;
        size_t size;
        struct cop__text mail;
        cop__text_init(&mail);
        while (next_record(dump, &bytes, &size)) {
                struct cop__scratch scratch;
                cop_term record;
                cop__scratch_init(&scratch);
                cop_status status = cop__unpack_term(bytes, size, RECORD_DEPTH, &scratch, &record);
                if (status == COP_E_NO_MEMORY) {
                        dump->lacks_memory = true;
                } else if (status != COP_OK || record.type != COP_TERM_MAP) {
                        dump->is_damaged = true;
                } else {
                        if (record_is_what(&record, "crash") || record_is_what(&record, "letter") ||
                            record_is_what(&record, "end"))
                                flush_gathered(dump, &mail);
                        take_record(dump, &mail, &record);
                }
                cop__scratch_fini(&scratch);
        }
        flush_gathered(dump, &mail);
        cop__text_fini(&mail);
}

static enum exit_code print_bytes(const char *path, const uint8_t *bytes, size_t size, bool has_lines)
{
        size_t magic = sizeof(COP__DUMP_MAGIC) - 1;
        if (size < magic || memcmp(bytes, COP__DUMP_MAGIC, magic) != 0) {
                fprintf(stderr, "coppice: %s is no dump of a node\n", path);
                return EXIT_FAILED;
        }
        struct dump dump = { .at = bytes + magic, .end = bytes + size };
        cop__text_init(&dump.out);
        cop__columns_init(&dump.actors, SIDES);
        dump_places_init(&dump.places, has_lines);
        read_records(&dump);
        fwrite(cop__text_get(&dump.out), 1, dump.out.size, stdout);
        bool is_short = dump.lacks_memory || dump.out.failed || dump.places.lacks_memory;
        const char *wrong = is_short        ? "there is no memory for all of it"
                            : !dump.has_end ? "it breaks off here: its writer did not come to the end"
                            : dump.is_damaged || dump.at != dump.end ? "some of it is damaged, and was left out"
                                                                     : NULL;
        if (wrong != NULL)
                fprintf(stderr, "coppice: %s: %s\n", path, wrong);
        if (dump.places.has_other_build)
                fprintf(stderr, "coppice: lines are missing where a file is not the build that ran, or cannot be read\n");
        dump_places_fini(&dump.places);
        cop__columns_fini(&dump.actors);
        cop__text_fini(&dump.out);
        free(dump.children);
        return wrong == NULL ? EXIT_OK : EXIT_FAILED;
}

/* Not to be held up by a pipe that lies in the path's place: only a plain file is read. */
static int open_dump(const char *path, size_t *size, bool *is_own)
{
        struct stat is;
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0 || fstat(fd, &is) != 0) {
                fprintf(stderr, "coppice: %s cannot be read: %s\n", path, strerror(errno));
        } else if (!S_ISREG(is.st_mode)) {
                fprintf(stderr, "coppice: %s is no plain file\n", path);
        } else if ((uint64_t)is.st_size > DUMP_SIZE_MAX) {
                fprintf(stderr, "coppice: %s is larger than a dump can be: %zu MiB are the most\n", path,
                        DUMP_SIZE_MAX >> 20);
        } else {
                *size = (size_t)is.st_size;
                *is_own = is.st_uid == geteuid() || is.st_uid == 0;
                return fd;
        }
        if (fd >= 0)
                close(fd);
        return -1;
}

enum exit_code dump_print(const char *path, bool wants_lines)
{
        size_t size, have = 0;
        ssize_t got = 1;
        bool is_own;
        int fd = open_dump(path, &size, &is_own);
        if (fd < 0)
                return EXIT_USAGE;
        uint8_t *bytes = malloc(size + 1);
        for (; bytes != NULL && have < size && got > 0; have += got > 0 ? (size_t)got : 0)
                got = read(fd, bytes + have, size - have);
        close(fd);
        enum exit_code code = bytes == NULL ? EXIT_FAILED : EXIT_USAGE;
        if (bytes == NULL || got < 0)
                fprintf(stderr, "coppice: %s cannot be read: %s\n", path,
                        bytes == NULL ? "there is no memory for it" : strerror(errno));
        else
                code = print_bytes(path, bytes, have, wants_lines && is_own);
        free(bytes);
        return code;
}
