/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The console of a node, through its socket, with clients of every sort.
 */
#define _GNU_SOURCE
#include "shell/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell/door.h"
#include "shell/packet.h"
#include "shell/session.h"
#include "shell/shell.h"
#include "tests/cue.h"
#include "tests/descriptors.h"
#include "tests/gauges.h"
#include "tests/node_fixture.h"
#include "tests/threads.h"

typedef struct { int64_t pence, people; } bill;
COP_MESSAGE(bill, pence, people);

typedef struct { int64_t pence_each; } share;
COP_MESSAGE(share, pence_each);

typedef struct { int64_t served; } till;

static void till_on_bill(till *self, const bill *b)
{
        if (b->people == 0) {
                int *volatile nobody = NULL;
                *nobody = 1;
        }
        self->served++;
        cop_reply(share, .pence_each = b->pence / b->people);
}

COP_SERVER(till, COP_ON(bill, till_on_bill));

/* Takes requests and never answers. */
static void deaf(void)
{
        for (;;)
                cop_caller_of(cop_receive(COP_FOREVER, COP_ANY));
}

/* ---- A node with a console around each claim ----------------------------------------- */

struct stage {
        char folder[64]; /* XDG_RUNTIME_DIR */
        cop_node *node;
        struct cop__console *console;
};

static char logged[2048];
static pthread_mutex_t logged_lock = PTHREAD_MUTEX_INITIALIZER; /* the console's threads log, too */

static void log_last(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        pthread_mutex_lock(&logged_lock);
        snprintf(logged, sizeof(logged), "%s", text);
        pthread_mutex_unlock(&logged_lock);
}

/* Is it in what was logged last? */
static bool has_logged(const char *part)
{
        pthread_mutex_lock(&logged_lock);
        bool found = strstr(logged, part) != NULL;
        pthread_mutex_unlock(&logged_lock);
        return found;
}

static void make_runtime_folder(char folder[64])
{
        strcpy(folder, "/tmp/coppice-test-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(folder));
        setenv("XDG_RUNTIME_DIR", folder, 1);
}

static void remove_runtime_folder(const char *folder)
{
        char path[128];
        snprintf(path, sizeof(path), "%s/coppice", folder);
        if (rmdir(path) != 0)
                ck_assert_msg(errno == ENOENT, "something was left in %s", path);
        ck_assert_int_eq(rmdir(folder), 0);
}

static void stage_begin(struct stage *stage, cop_node_options options)
{
        make_runtime_folder(stage->folder);
        options.name = "shop";
        options.log = log_last;
        stage->node = node_begin(options);
        ck_assert_int_eq(cop__console_start(stage->node, &stage->console), COP_OK);
}

static void stage_end(struct stage *stage)
{
        cop__console_stop(stage->console);
        node_end(stage->node);
        remove_runtime_folder(stage->folder);
}

#define ON_STAGE(claim) ON_STAGE_WITH(claim, .workers = 2)
#define ON_STAGE_WITH(claim, ...)                          \
        static void on_stage_##claim(struct stage *stage); \
        TEST(claim)                                        \
        {                                                  \
                struct stage stage;                        \
                stage_begin(&stage, (cop_node_options){ __VA_ARGS__ }); \
                on_stage_##claim(&stage);                  \
                stage_end(&stage);                         \
        }                                                  \
        static void on_stage_##claim(__attribute__((unused)) struct stage *stage)

/* ---- A client, made by hand ---------------------------------------------------------- */

struct answer {
        char out[65536], err[4096], news[4096];
        int done; /* -1: the console hung up before it was done */
};

static int knock(void)
{
        char sentence[COP__DOOR_SENTENCE];
        int fd;
        cop_status status = cop__door_knock("shop", COP__DOOR_PATIENCE_MS, &fd, sentence);
        ck_assert_msg(status == COP_OK, "%s", sentence);
        return fd;
}

/* The next packet, which must come; COP__PACKET_CLOSED: the console has hung up. */
static enum cop__packet_status next_packet(int fd, struct cop__packet *packet)
{
        struct pollfd poll_for = { .fd = fd, .events = POLLIN };
        ck_assert_int_eq(poll(&poll_for, 1, PATIENCE_MS), 1);
        enum cop__packet_status status = cop__packet_read(fd, 1 << 20, PATIENCE_MS, packet);
        return status == COP__PACKET_READ ? status : COP__PACKET_CLOSED;
}

static void add(char *text, size_t size, const char *more)
{
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s", more);
}

/* Reads up to DONE or CANDIDATES. */
static void read_answer(int fd, struct answer *answer)
{
        struct cop__packet packet;
        memset(answer, 0, sizeof(*answer));
        answer->done = -1;
        while (next_packet(fd, &packet) == COP__PACKET_READ) {
                int type = packet.type;
                if (type == COP__PACKET_OUT || type == COP__PACKET_CANDIDATES)
                        add(answer->out, sizeof(answer->out), packet.body);
                else if (type == COP__PACKET_ERR)
                        add(answer->err, sizeof(answer->err), packet.body);
                else if (type == COP__PACKET_REPORT)
                        add(answer->news, sizeof(answer->news), packet.body);
                if (type == COP__PACKET_DONE)
                        answer->done = packet.body[0];
                free(packet.body);
                if (type == COP__PACKET_DONE || type == COP__PACKET_CANDIDATES)
                        return;
        }
}

/* Connects, and reads the greeting: the session's pid. */
static int attach_as(cop_pid *pid)
{
        struct cop__packet packet;
        char node[64], text[64];
        int fd = knock();
        ck_assert_int_eq(next_packet(fd, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_GREETING);
        ck_assert_int_eq(sscanf(packet.body, COP__PROTOCOL "\n%63s\n%63s\n", node, text), 2);
        ck_assert_str_eq(node, "shop");
        ck_assert_int_eq(cop_pid_parse(text, strlen(text), pid), COP_OK);
        free(packet.body);
        return fd;
}

static int attach(void)
{
        cop_pid unused;
        return attach_as(&unused);
}

static void ask(int fd, const char *line)
{
        ck_assert(cop__packet_write(fd, COP__PACKET_RUN, line, strlen(line)));
}

static const struct answer *say(int fd, const char *line)
{
        static struct answer answer;
        ask(fd, line);
        read_answer(fd, &answer);
        return &answer;
}

static void assert_serves(int fd)
{
        ck_assert_str_eq(say(fd, "whereis nobody")->out, "");
        const struct answer *answer = say(fd, "self");
        ck_assert_int_eq(answer->done, COP__DONE_OK);
        ck_assert_int_eq(answer->out[0], '<');
}

/* The console has hung up, after whatever it had to say. */
static void assert_hung_up(int fd)
{
        struct answer answer;
        do
                read_answer(fd, &answer);
        while (answer.done != -1);
        close(fd);
}

/* ---- The door ------------------------------------------------------------------------ */

ON_STAGE(the_socket_is_its_users_alone)
{
        struct stat folder, socket;
        char path[128];
        snprintf(path, sizeof(path), "%s/coppice", stage->folder);
        ck_assert_int_eq(stat(path, &folder), 0);
        ck_assert_int_eq(folder.st_mode & 07777, 0700);
        strcat(path, "/shop.sock");
        ck_assert_str_eq(cop__console_path(stage->console), path);
        ck_assert_int_eq(lstat(path, &socket), 0);
        ck_assert(S_ISSOCK(socket.st_mode));
        ck_assert_int_eq(socket.st_mode & 07777, 0600);
}

/* As at a logout. It looks now and then, and when it is woken, whatever for. */
ON_STAGE(a_console_whose_door_was_taken_away_opens_it_anew)
{
        char path[128], sentence[COP__DOOR_SENTENCE];
        int fd = -1;
        ck_assert_int_eq(unlink(cop__console_path(stage->console)), 0);
        snprintf(path, sizeof(path), "%s/coppice/shop.lock", stage->folder);
        ck_assert_int_eq(unlink(path), 0);
        cop__console_wake(stage->console);
        while (cop__door_knock("shop", COP__DOOR_PATIENCE_MS, &fd, sentence) != COP_OK)
                sched_yield();
        close(fd);
        while (!has_logged("the console's place was taken away: it is"))
                sched_yield();
        ck_assert_int_eq(access(path, F_OK), 0);
}

/* It says so once, looks again and again, and says when it has one. */
ON_STAGE(a_console_whose_door_cannot_be_opened_anew_says_why_and_opens_it_when_it_can)
{
        char folder[128], path[160];
        snprintf(folder, sizeof(folder), "%s/coppice", stage->folder);
        snprintf(path, sizeof(path), "%s/shop.lock", folder);
        ck_assert_int_eq(chmod(folder, 0755), 0);
        ck_assert_int_eq(unlink(path), 0);
        ck_assert_int_eq(unlink(cop__console_path(stage->console)), 0);
        cop__console_wake(stage->console);
        while (!has_logged("others may enter it: its mode is 0755, and should be 0700"))
                sched_yield();
        ck_assert(has_logged(folder));
        ck_assert_int_ne(access(path, F_OK), 0);
        ck_assert_int_eq(chmod(folder, 0700), 0);
        cop__console_wake(stage->console);
        while (!has_logged("the console's place was taken away: it is"))
                sched_yield();
        int fd = attach();
        assert_serves(fd);
        close(fd);
}

/* Starts a console that must not start. Its sentence. */
static const char *refusal(const char *name, cop_status expected)
{
        struct cop__console *console = NULL;
        cop_node *node;
        logged[0] = '\0';
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = name, .workers = 1,
                                                             .log = log_last },
                                        &node),
                         COP_OK);
        ck_assert_int_eq(cop__console_start(node, &console), expected);
        ck_assert_ptr_null(console);
        cop_node_stop(node);
        return logged;
}

static void assert_has(const char *text, const char *part)
{
        ck_assert_msg(strstr(text, part) != NULL, "expected '%s' in '%s'", part, text);
}

ON_STAGE(a_second_node_of_the_same_name_is_refused_and_the_first_goes_on)
{
        char expected[128];
        snprintf(expected, sizeof(expected),
                 "no console: a node called shop runs already, in process %ld", (long)getpid());
        assert_has(refusal("shop", COP_E_NAME_TAKEN), expected);
        int fd = attach();
        assert_serves(fd);
        close(fd);
}

ON_STAGE(a_name_is_free_again_when_its_node_has_ended)
{
        cop__console_stop(stage->console);
        ck_assert_int_eq(cop__console_start(stage->node, &stage->console), COP_OK);
        int fd = attach();
        assert_serves(fd);
        close(fd);
}

TEST(a_console_without_descriptors_does_not_start_and_says_so)
{
        char folder[64];
        cop_node *node;
        make_runtime_folder(folder);
        logged[0] = '\0';
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = "shop", .workers = 1, .log = log_last }, &node), COP_OK);
        cop_status status = COP_E_SYSTEM;
        bool had_a_door = false;
        for (int more = 0; status != COP_OK; more++) {
                struct cop__console *console = NULL;
                ck_assert_int_lt(more, 20);
                allow(more);
                status = cop__console_start(node, &console);
                allow_all();
                had_a_door |= has_logged("the system has no thread or descriptor left for it");
                if (status == COP_OK)
                        cop__console_stop(console);
                else
                        ck_assert(has_logged("no console: "));
        }
        ck_assert(had_a_door);
        cop_node_stop(node);
        remove_runtime_folder(folder);
}

/* A folder for sockets with one file in it. */
static void make_leftover(const char *folder, char path[128], mode_t mode)
{
        snprintf(path, 128, "%s/coppice", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        strcat(path, "/shop.sock");
        int fd;
        if (mode == S_IFREG) {
                fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        } else {
                struct sockaddr_un address = { .sun_family = AF_UNIX };
                strcpy(address.sun_path, path);
                fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
                ck_assert_int_eq(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
                if (mode != S_IFSOCK)
                        ck_assert_int_eq(listen(fd, 1), 0);
        }
        ck_assert_int_ge(fd, 0);
        if (mode == S_IFREG || mode == S_IFSOCK)
                close(fd);
}

TEST(a_socket_that_nobody_listens_at_is_replaced)
{
        struct stage stage;
        char path[128];
        make_runtime_folder(stage.folder);
        make_leftover(stage.folder, path, S_IFSOCK);
        stage.node = node_begin((cop_node_options){ .name = "shop" });
        ck_assert_int_eq(cop__console_start(stage.node, &stage.console), COP_OK);
        int fd = attach();
        assert_serves(fd);
        close(fd);
        stage_end(&stage);
}

TEST(a_file_in_the_place_of_the_socket_is_left_alone)
{
        char folder[64], path[128];
        make_runtime_folder(folder);
        make_leftover(folder, path, S_IFREG);
        assert_has(refusal("shop", COP_E_BAD_ARGUMENT), "is no socket, and will not be replaced");
        ck_assert_int_eq(unlink(path), 0);
        remove_runtime_folder(folder);
}

TEST(a_folder_that_others_may_enter_is_refused)
{
        char folder[64], path[128];
        make_runtime_folder(folder);
        snprintf(path, sizeof(path), "%s/coppice", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert_int_eq(chmod(path, 0755), 0);
        assert_has(refusal("shop", COP_E_BAD_ARGUMENT), "its mode is 0755, and should be 0700");
        remove_runtime_folder(folder);
}

TEST(a_link_in_the_place_of_the_folder_is_refused)
{
        char folder[64], path[128];
        make_runtime_folder(folder);
        snprintf(path, sizeof(path), "%s/coppice", folder);
        ck_assert_int_eq(symlink("/tmp", path), 0);
        assert_has(refusal("shop", COP_E_BAD_ARGUMENT), "is no folder");
        ck_assert_int_eq(unlink(path), 0);
        remove_runtime_folder(folder);
}

TEST(a_folder_of_another_user_is_refused)
{
        char folder[64], path[128];
        if (geteuid() != 0)
                return; /* only root can make one */
        make_runtime_folder(folder);
        snprintf(path, sizeof(path), "%s/coppice", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        ck_assert_int_eq(chown(path, 65534, 65534), 0);
        assert_has(refusal("shop", COP_E_BAD_ARGUMENT), "belongs to user 65534, and not to user 0");
        remove_runtime_folder(folder);
}

/* Where it would be, there is a folder that is not empty: nobody's right to write helps. */
TEST(a_lock_that_cannot_be_made_is_told_with_its_reason)
{
        char folder[64], path[128];
        make_runtime_folder(folder);
        snprintf(path, sizeof(path), "%s/coppice", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        snprintf(path, sizeof(path), "%s/coppice/shop.lock", folder);
        ck_assert_int_eq(mkdir(path, 0700), 0);
        assert_has(refusal("shop", COP_E_SYSTEM), "shop.lock: cannot be opened: Is a directory");
        ck_assert_int_eq(rmdir(path), 0);
        remove_runtime_folder(folder);
}

TEST(a_path_too_long_for_a_socket_is_refused)
{
        char folder[64], deep[128], name[COP_NAME_MAX + 1];
        make_runtime_folder(folder);
        snprintf(deep, sizeof(deep), "%s/a-folder-with-a-longer-name", folder);
        ck_assert_int_eq(mkdir(deep, 0700), 0);
        setenv("XDG_RUNTIME_DIR", deep, 1);
        memset(name, 'n', COP_NAME_MAX);
        name[COP_NAME_MAX] = '\0';
        assert_has(refusal(name, COP_E_TOO_BIG), "bytes, and 107 is the most: set XDG_RUNTIME_DIR");
        remove_runtime_folder(deep);
        remove_runtime_folder(folder);
}

TEST(without_a_runtime_folder_of_ones_own_the_socket_is_below_tmp)
{
        static const char *const others[] = { NULL, "relative", "/nowhere/at/all", "/proc/1/fd/0" };
        char expected[128], name[64];
        struct cop__console *console;
        snprintf(name, sizeof(name), "test-%ld", (long)getpid());
        snprintf(expected, sizeof(expected), "/tmp/coppice-%lu/%s.sock", (unsigned long)geteuid(),
                 name);
        cop_node *node = node_begin((cop_node_options){ .name = name });
        for (size_t i = 0; i < COP__COUNT(others); i++) {
                if (others[i] == NULL)
                        unsetenv("XDG_RUNTIME_DIR");
                else
                        setenv("XDG_RUNTIME_DIR", others[i], 1);
                ck_assert_int_eq(cop__console_start(node, &console), COP_OK);
                ck_assert_str_eq(cop__console_path(console), expected);
                cop__console_stop(console);
        }
        node_end(node);
}

/* A child that is another user connects to `path`. */
static pid_t connect_as_nobody(const char *path)
{
        pid_t child = fork();
        if (child != 0)
                return child;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        strcpy(address.sun_path + 1, path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        char byte;
        if (setuid(65534) != 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
                _exit(1);
        _exit(read(fd, &byte, 1) == 1 ? 0 : 1);
}

TEST(a_process_of_another_user_is_not_admitted)
{
        if (geteuid() != 0)
                return; /* only root can become another */
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char path[64];
        snprintf(path, sizeof(path), "coppice-test-%ld", (long)getpid());
        strcpy(address.sun_path + 1, path);
        int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
        ck_assert_int_eq(listen(listener, 1), 0);
        pid_t child = connect_as_nobody(path);
        int fd = accept(listener, NULL, NULL);
        ck_assert(!cop__door_admits(fd));
        ck_assert_int_eq(write(fd, "x", 1), 1);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_int_eq(status, 0);
        close(fd);
        int pair[2];
        ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        ck_assert(cop__door_admits(pair[0]));
        close(pair[0]);
        close(pair[1]);
        close(listener);
}

/* A child that is another user connects to the socket at `path`, and reads to the end: 0 if it was told why it has to leave, and
 * was not greeted. */
static pid_t visit_as_nobody(const char *path)
{
        pid_t child = fork();
        if (child != 0)
                return child;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        char said[512] = "";
        size_t size = 0;
        ssize_t more;
        strcpy(address.sun_path, path);
        int fd = socket(AF_UNIX, SOCK_STREAM, 0);
        if (setuid(65534) != 0)
                _exit(1);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
                _exit(2);
        while (size < sizeof(said) - 1 && (more = read(fd, said + size, sizeof(said) - 1 - size)) > 0) {
                size += (size_t)more;
                if (memmem(said, size, COP__PROTOCOL, strlen(COP__PROTOCOL)) != NULL)
                        _exit(3);
        }
        static const char farewell[] = "only the user that runs this node may use its console";
        _exit(memmem(said, size, farewell, strlen(farewell)) != NULL ? 0 : 4);
}

/* Though folder and socket have been opened up to everybody. */
ON_STAGE(a_running_console_hangs_up_on_another_user)
{
        char path[128];
        int status;
        if (geteuid() != 0) {
                fprintf(stderr, "skipped: only root can become another user\n");
                return;
        }
        snprintf(path, sizeof(path), "%s/coppice", stage->folder);
        ck_assert_int_eq(chmod(stage->folder, 0755), 0);
        ck_assert_int_eq(chmod(path, 0755), 0);
        ck_assert_int_eq(chmod(cop__console_path(stage->console), 0666), 0);
        pid_t child = visit_as_nobody(cop__console_path(stage->console));
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(status == 0, "the stranger ended with %d", WEXITSTATUS(status));
        ck_assert_int_eq(chmod(path, 0700), 0);
        int fd = attach();
        assert_serves(fd);
        close(fd);
}

ON_STAGE(running_nodes_are_found_by_name)
{
        struct cop__neighbour *neighbours;
        char sentence[COP__DOOR_SENTENCE];
        size_t count;
        int fd;
        ck_assert_int_eq(cop__door_neighbours(&neighbours, &count, sentence), COP_OK);
        ck_assert_uint_eq(count, 1);
        ck_assert_str_eq(neighbours[0].name, "shop");
        ck_assert_int_eq(neighbours[0].process, getpid());
        free(neighbours);
        ck_assert_int_eq(cop__door_knock("shed", COP__DOOR_PATIENCE_MS, &fd, sentence), COP_E_NO_NAME);
        assert_has(sentence, "no node called shed runs: nobody listens at ");
        ck_assert_int_eq(cop__door_knock(cop__console_path(stage->console), COP__DOOR_PATIENCE_MS, &fd, sentence), COP_OK);
        close(fd);
        fd = attach();
        assert_has(say(fd, "nodes")->out, "this one");
        close(fd);
}

TEST(without_a_thread_for_it_a_client_is_told_so)
{
        struct stage stage;
        struct answer answer;
        NEEDS_ROOT();
        become_somebody_else();
        stage_begin(&stage, (cop_node_options){ .workers = 2 });
        int first = attach();
        allow_threads(0);
        int fd = knock();
        read_answer(fd, &answer);
        ck_assert_str_eq(answer.err, "** the system has no thread left for a shell\n");
        close(fd);
        allow_all_threads();
        assert_serves(first);
        close(first);
        first = attach();
        assert_serves(first);
        close(first);
        stage_end(&stage);
}

TEST(a_console_without_a_thread_does_not_start)
{
        char folder[64];
        cop_node *node;
        struct cop__console *console = NULL;
        NEEDS_ROOT();
        become_somebody_else();
        make_runtime_folder(folder);
        ck_assert_int_eq(cop_node_start(&(cop_node_options){ .name = "shop", .workers = 1, .log = log_last }, &node), COP_OK);
        allow_threads(0);
        ck_assert_int_eq(cop__console_start(node, &console), COP_E_SYSTEM);
        allow_all_threads();
        ck_assert(has_logged("no console: the system has no thread or descriptor left for it"));
        cop_node_stop(node);
        remove_runtime_folder(folder);
}

/* ---- Conversations ------------------------------------------------------------------- */

ON_STAGE(a_session_is_an_actor_with_the_pid_that_it_was_greeted_with)
{
        char text[COP_ID_TEXT_MAX], expected[COP_ID_TEXT_MAX + 1];
        cop_pid pid;
        int fd = attach_as(&pid);
        snprintf(expected, sizeof(expected), "%s\n", cop_pid_print(pid, text));
        ck_assert_str_eq(say(fd, "self")->out, expected);
        ck_assert(cop_is_alive(pid));
        cop_ref ref = watch(pid);
        close(fd);
        await_down(ref, "normal");
}

ON_STAGE(results_and_errors_come_apart_with_a_status)
{
        cop_spawn_server(&till_server, "till");
        int fd = attach();
        const struct answer *answer = say(fd, "call till #bill{pence = 900, people = 3}");
        ck_assert_str_eq(answer->out, "#share{pence_each = 300}\n");
        ck_assert_str_eq(answer->err, "");
        ck_assert_int_eq(answer->done, COP__DONE_OK);
        answer = say(fd, "call tlil x");
        ck_assert_str_eq(answer->out, "");
        assert_has(answer->err, "did you mean till?");
        ck_assert_int_eq(answer->done, COP__DONE_FAILED);
        ck_assert_int_eq(say(fd, "quit")->done, COP__DONE_LEAVE);
        close(fd);
}

ON_STAGE(completion_is_answered)
{
        struct answer answer;
        int fd = attach();
        ck_assert(cop__packet_write(fd, COP__PACKET_COMPLETE, "wh", 2));
        read_answer(fd, &answer);
        ck_assert_str_eq(answer.out, "0\nwhereis \n");
        close(fd);
}

ON_STAGE(an_answer_longer_than_a_packet_comes_in_parts)
{
        for (int i = 0; i < 1800; i++)
                cop_spawn(deaf);
        int fd = attach();
        const struct answer *answer = say(fd, "i 2000");
        ck_assert_int_eq(answer->done, COP__DONE_OK);
        ck_assert_uint_gt(strlen(answer->out), COP__ANSWER_PART - 2);
        assert_serves(fd);
        close(fd);
}

ON_STAGE(two_clients_talk_at_once)
{
        cop_pid first_pid, second_pid;
        cop_spawn_server(&till_server, "till");
        cop_register("deaf", cop_spawn(deaf));
        int first = attach_as(&first_pid), second = attach_as(&second_pid);
        ck_assert(!cop_pid_equal(first_pid, second_pid));
        ask(first, "call deaf x 600000");
        ck_assert_str_eq(say(second, "call till #bill{pence = 8, people = 2}")->out,
                         "#share{pence_each = 4}\n");
        close(first);
        assert_serves(second);
        close(second);
}

ON_STAGE(the_seventeenth_client_is_told_why_it_must_wait)
{
        int fds[COP__SESSIONS_MAX];
        struct answer answer;
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                fds[i] = attach();
        int extra = knock();
        read_answer(extra, &answer);
        assert_has(answer.err, "** this node serves 16 shells at once");
        ck_assert_int_eq(answer.done, COP__DONE_FAILED);
        assert_hung_up(extra);
        close(fds[0]);
        fds[0] = attach();
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                close(fds[i]);
}

/* While the console waits for its lock, sixteen come and go, and one comes who stays. */
ON_STAGE(whoever_comes_after_sixteen_who_have_left_is_let_in)
{
        int fds[COP__SESSIONS_MAX], one;
        cop__console_lock(stage->console);
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                fds[i] = knock();
        one = knock();
        for (size_t i = 0; i < COP__SESSIONS_MAX; i++)
                close(fds[i]);
        cop__console_unlock(stage->console);
        struct cop__packet packet;
        ck_assert_int_eq(next_packet(one, &packet), COP__PACKET_READ);
        ck_assert_msg(packet.type == COP__PACKET_GREETING, "%s", packet.body);
        free(packet.body);
        assert_serves(one);
        close(one);
}

/* ---- Hostile clients ----------------------------------------------------------------- */

/* All descriptors that there may be, from now on; how many. */
static int use_up_descriptors(int fds[64])
{
        struct rlimit few = { 48, 48 };
        int count = 0;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
        while (count < 64 && (fds[count] = dup(STDIN_FILENO)) >= 0)
                count++;
        return count;
}

ON_STAGE(without_a_free_descriptor_a_client_waits_and_is_served_when_there_is_one)
{
        int fds[64];
        struct cop__packet packet;
        int first = attach();
        int second = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        snprintf(address.sun_path, sizeof(address.sun_path), "%s/coppice/shop.sock", stage->folder);
        int count = use_up_descriptors(fds);
        ck_assert_int_eq(connect(second, (struct sockaddr *)&address, sizeof(address)), 0);
        await_true(has_logged("the system: the console cannot take a client in, who waits: Too many open files"));
        assert_serves(first);
        logged[0] = '\0';
        usleep(200000); /* it tries again meanwhile */
        ck_assert(!has_logged("who waits")); /* which it has said already */
        while (count > 0)
                close(fds[--count]);
        ck_assert_int_eq(next_packet(second, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_GREETING);
        free(packet.body);
        assert_serves(second);
        close(first);
        close(second);
}

ON_STAGE(garbage_ends_the_session_that_sent_it_and_no_other)
{
        static const char *const bytes[] = { "GET / HTTP/1.1\r\n\r\n", "\xff\xff\xff\xff\xff\xff",
                                             "R\x7f\xff\xff\xff", "Z\0\0\0\0" };
        static const size_t sizes[] = { 18, 6, 5, 5 };
        int good = attach();
        for (size_t i = 0; i < COP__COUNT(bytes); i++) {
                int fd = attach();
                ck_assert_int_eq(send(fd, bytes[i], sizes[i], MSG_NOSIGNAL), (ssize_t)sizes[i]);
                assert_hung_up(fd);
                assert_serves(good);
        }
        close(good);
}

ON_STAGE(a_request_over_the_limit_is_refused_with_the_limit)
{
        struct answer answer;
        int fd = attach();
        ck_assert_int_eq(send(fd, "R\x00\x10\x00\x01", 5, MSG_NOSIGNAL), 5);
        read_answer(fd, &answer);
        ck_assert_str_eq(answer.err, "** a request has 1,048,576 bytes at most\n");
        assert_hung_up(fd);
}

ON_STAGE(a_request_of_the_largest_size_is_read)
{
        int fd = attach();
        char *line = malloc(COP__REQUEST_MAX);
        ck_assert_ptr_nonnull(line);
        memset(line, ' ', COP__REQUEST_MAX);
        memcpy(line + COP__REQUEST_MAX - 4, "self", 4);
        struct answer answer;
        ck_assert(cop__packet_write(fd, COP__PACKET_RUN, line, COP__REQUEST_MAX));
        read_answer(fd, &answer);
        ck_assert_int_eq(answer.done, COP__DONE_OK);
        free(line);
        close(fd);
}

ON_STAGE(half_a_request_holds_up_nobody_else)
{
        int slow = attach(), other = attach();
        ck_assert_int_eq(send(slow, "R\0\0", 3, MSG_NOSIGNAL), 3);
        assert_serves(other);
        ck_assert_int_eq(send(slow, "\0\4se", 4, MSG_NOSIGNAL), 4);
        assert_serves(other);
        ck_assert_int_eq(send(slow, "lf", 2, MSG_NOSIGNAL), 2);
        struct answer answer;
        read_answer(slow, &answer);
        ck_assert_int_eq(answer.done, COP__DONE_OK);
        ck_assert_int_eq(send(slow, "R\0\0", 3, MSG_NOSIGNAL), 3);
        close(slow);
        assert_serves(other);
        close(other);
}

/* ---- Very many ----------------------------------------------------------------------- */

static size_t sessions_of(struct stage *stage)
{
        size_t count = 0;
        uint32_t used = cop__load_relaxed(&stage->node->slots.used);
        for (uint32_t slot = 1; slot <= used; slot++)
                count += cop__load_relaxed(&stage->node->slots.base[slot].task.visitor) != NULL;
        return count - 1; /* the claim's own thread visits, too */
}

/* Each says half a sentence and stays. Those that are let in are few, what they may make the node keep is little, and the workers know
 * nothing of it; when they have gone, the next one is served. */
ON_STAGE(a_thousand_clients_with_half_a_packet_each_cost_little_and_stop_nobody)
{
        static int fds[1000];
        struct rlimit limit;
        size_t count = 0, before = resident_bytes();
        cop_pid pid = cop_spawn_server(&till_server, NULL);
        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        size_t most = limit.rlim_cur < 1200 ? (size_t)limit.rlim_cur - 200 : COP__COUNT(fds); /* both ends are ours */
        for (; count < most; count++) {
                char sentence[COP__DOOR_SENTENCE];
                if (cop__door_knock("shop", COP__DOOR_PATIENCE_MS, &fds[count], sentence) != COP_OK)
                        break;
                static const char half[] = "R\0\x0f\xff\xff" "call till";
                (void)!send(fds[count], half, sizeof(half) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
        ck_assert_uint_gt(count, 100);
        ck_assert_uint_le(sessions_of(stage), COP__SESSIONS_MAX);
        for (int i = 0; i < 100; i++) {
                cop_auto reply = NULL;
                ck_assert_int_eq(cop_call(&reply, pid, PATIENCE_MS, bill, .pence = 900, .people = 3), COP_OK);
        }
        if (!suite_is_watched())
                ck_assert_uint_le(resident_bytes(), before + (24u << 20)); /* 16 requests of 1 MiB, hardly touched */
        for (size_t i = 0; i < count; i++)
                close(fds[i]);
        await_true(sessions_of(stage) == 0);
        int fd = attach();
        assert_serves(fd);
        close(fd);
}

static int flood_ends; /* atomic */

static void *knocks_without_end(void *unused)
{
        char sentence[COP__DOOR_SENTENCE];
        int fd;
        while (!cop__load_relaxed(&flood_ends))
                if (cop__door_knock("shop", COP__DOOR_PATIENCE_MS, &fd, sentence) == COP_OK)
                        close(fd);
        return unused;
}

/* Whoever is in is served on, whoever leaves is buried, and the console can end. */
ON_STAGE(a_flood_of_knocks_holds_up_neither_a_session_nor_the_end)
{
        pthread_t threads[4];
        struct answer answer;
        int fd = attach();
        for (size_t i = 0; i < COP__COUNT(threads); i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, knocks_without_end, NULL), 0);
        cop_register("deaf", cop_spawn(deaf));
        for (int i = 0; i < 5; i++)
                assert_serves(fd);
        ask(fd, "call deaf 1 60000");
        ck_assert(cop__packet_write(fd, COP__PACKET_INTERRUPT, "", 0)); /* which the accept thread has to see */
        read_answer(fd, &answer);
        ck_assert_ptr_nonnull(strstr(answer.err, "interrupted"));
        close(fd);
        cop__console_stop(stage->console);
        cop__store_relaxed(&flood_ends, 1);
        for (size_t i = 0; i < COP__COUNT(threads); i++)
                pthread_join(threads[i], NULL);
        ck_assert_int_eq(cop__console_start(stage->node, &stage->console), COP_OK);
}

ON_STAGE(random_bytes_harm_nothing)
{
        uint64_t random = 7;
        for (int round = 0; round < 60; round++) {
                char bytes[200];
                int fd = attach();
                for (size_t i = 0; i < sizeof(bytes); i++) {
                        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
                        bytes[i] = (char)(random >> 33);
                        if (i % 40 < 4) /* lengths that are short enough to be believed */
                                bytes[i] = "RCNX"[i % 4] * (i % 40 == 0);
                }
                (void)!send(fd, bytes, sizeof(bytes), MSG_NOSIGNAL | MSG_DONTWAIT);
                close(fd);
        }
        int fd = attach();
        assert_serves(fd);
        close(fd);
}

ON_STAGE(a_client_that_does_not_read_holds_up_nobody_and_does_not_outlive_the_console)
{
        for (int i = 0; i < 200; i++)
                cop_spawn(deaf);
        int mute = attach(), other = attach();
        for (int i = 0; i < 200; i++)
                ask(mute, "i");
        assert_serves(other);
        close(other);
        cop__console_stop(stage->console);
        close(mute);
        ck_assert_int_eq(cop__console_start(stage->node, &stage->console), COP_OK);
}

ON_STAGE(a_client_that_vanishes_in_a_call_takes_its_session_along)
{
        cop_pid pid, callee = cop_spawn(deaf);
        cop_register("deaf", callee);
        int fd = attach_as(&pid);
        cop_ref ref = watch(pid);
        ask(fd, "call deaf x 600000");
        close(fd);
        await_down(ref, "normal");
        ck_assert(cop_is_alive(callee));
}

ON_STAGE(an_interrupt_ends_the_wait_and_the_next_call_is_sound)
{
        static const char *const waits[] = { "call deaf x 600000", "await nobody 600000" };
        struct answer answer;
        cop_spawn_server(&till_server, "till");
        cop_register("deaf", cop_spawn(deaf));
        int fd = attach();
        for (size_t round = 0; round < 20; round++) {
                ask(fd, waits[round % 2]);
                ck_assert(cop__packet_write(fd, COP__PACKET_INTERRUPT, "", 0));
                read_answer(fd, &answer);

                ck_assert_int_eq(answer.done, COP__DONE_FAILED);
                assert_has(answer.err, "** interrupted");
                ck_assert_str_eq(say(fd, "call till #bill{pence = 8, people = 2}")->out,
                                 "#share{pence_each = 4}\n");
        }
        close(fd);
}

/* What a shell that does not look is sent waits up to a limit. The rest is refused, and told. */
ON_STAGE(a_shell_that_does_not_look_has_a_mailbox_with_a_limit)
{
        cop_pid shell, traced = cop_spawn_server(&till_server, "till");
        int fd = attach_as(&shell);
        unsigned shown = 0, told = 0;
        assert_has(say(fd, "sys trace till on")->out, "ok");
        for (unsigned i = 0; i < COP__SHELL_MAIL_MAX; i++)
                ck_assert_int_eq(cop_send_term(shell, cop_int(i)), COP_OK);
        ck_assert_int_eq(cop_send_term(shell, cop_atom("late")), COP_E_FULL);
        cop_auto reply = NULL;
        ck_assert_int_eq(cop_call(&reply, traced, PATIENCE_MS, bill, .pence = 6, .people = 3), COP_OK);
        settle_with(traced);
        for (;;) {
                const char *out = say(fd, "flush")->out, *got = out;
                for (; (got = strstr(got, "got ")) != NULL; got++)
                        shown++;
                ck_assert_ptr_null(strstr(out, "late"));
                ck_assert_ptr_null(strstr(out, "sys_event"));
                told += strstr(out, " messages more found the mailbox full, which holds 10000\n") != NULL;
                if (strstr(out, "flush shows them") == NULL)
                        break;
        }
        ck_assert_uint_eq(told, 1);
        ck_assert_uint_eq(shown, COP__SHELL_MAIL_MAX);
        ck_assert_str_eq(say(fd, "flush")->out, "no messages\n");
        ck_assert_int_eq(cop_send_term(shell, cop_atom("again")), COP_OK);
        assert_has(say(fd, "flush")->out, "got again");

        struct answer answer;
        for (unsigned i = 0; i < COP__SHELL_MAIL_MAX + 3; i++)
                ck_assert_int_eq(cop_send_term(shell, cop_atom("x")), i < COP__SHELL_MAIL_MAX ? COP_OK : COP_E_FULL);
        ck_assert(cop__packet_write(fd, COP__PACKET_RUN_JSON, "flush", 5));
        read_answer(fd, &answer);
        assert_has(answer.out, "[\"x\",\"x\",");
        assert_has(answer.out, ",\"x\",{\"more\":true},{\"refused\":3}]\n");
        close(fd);
}

/* So many looks ahead find what they were called for gone: the session has read it meanwhile. */
static uint32_t looks_too_late; /* atomic */

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
        if (flags & MSG_PEEK && cop__load_acquire(&looks_too_late) > 0) {
                cop__sub_acq_rel(&looks_too_late, 1u);
                errno = EAGAIN;
                return -1;
        }
        return syscall(SYS_recvfrom, fd, bytes, size, flags, NULL, NULL);
}

ON_STAGE(a_look_that_comes_too_late_does_not_miss_the_interrupt_behind_it)
{
        struct answer answer;
        cop_register("deaf", cop_spawn(deaf));
        int fd = attach();
        cop__store_release(&looks_too_late, 1u);
        ask(fd, "call deaf x 600000");
        ck_assert(cop__packet_write(fd, COP__PACKET_INTERRUPT, "", 0));
        read_answer(fd, &answer);
        assert_has(answer.err, "** interrupted");
        ck_assert_uint_eq(cop__load_acquire(&looks_too_late), 0);
        close(fd);
}

/* At work, with the worker, until it is told otherwise. */
static int hog_may_stop; /* atomic */

typedef struct { char unused; } occupy;
COP_MESSAGE(occupy, unused);

typedef struct { char unused; } hog;

static void hog_on_occupy(hog *self, const occupy *unused)
{
        (void)self;
        (void)unused;
        COP_NO_PREEMPT
        {
                while (!cop__load_acquire(&hog_may_stop))
                        cop__spin_pause();
        }
}

COP_SERVER(hog, COP_ON(occupy, hog_on_occupy));

typedef struct { char unused; } sleeper;

static void sleeper_init(sleeper *self)
{
        (void)self;
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(occupy)));
}

COP_SERVER(sleeper, COP_INIT(sleeper_init));

ON_STAGE(an_interrupt_ends_what_is_asked_of_a_busy_server_and_the_start_of_a_child_that_hangs)
{
        const cop_child each = { .server = &sleeper_server };
        const cop_supervisor nursery = { .name = "nursery", .strategy = COP_DYNAMIC, .each = &each };
        static const char *const waits[][2] = { { "sys state hog", "** interrupted\n" },
                                                { "start nursery", "** interrupted: the request stays with nursery\n" } };
        struct answer answer;
        cop_pid pid;
        ck_assert_int_eq(cop_supervise(&nursery, &pid), COP_OK);
        cop_spawn_server(&hog_server, "hog");
        cop_send("hog", occupy, 0);
        int fd = attach();
        for (size_t i = 0; i < COP__COUNT(waits); i++) {
                ask(fd, waits[i][0]);
                ck_assert(cop__packet_write(fd, COP__PACKET_INTERRUPT, "", 0));
                read_answer(fd, &answer);
                ck_assert_int_eq(answer.done, COP__DONE_FAILED);
                ck_assert_str_eq(answer.err, waits[i][1]);
        }
        cop__store_release(&hog_may_stop, 1);
        close(fd);
        put_down(pid);
}

ON_STAGE(a_server_that_is_busy_for_longer_than_the_shell_waits_is_said_to_be)
{
        cop_spawn_server(&hog_server, "hog");
        cop_send("hog", occupy, 0);
        int fd = attach();
        assert_has(say(fd, "sys state hog")->err, "** hog is busy: it did not answer within 5000 ms\n");
        cop__store_release(&hog_may_stop, 1);
        close(fd);
}

static void stays(void)
{
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(bill)));
}

ON_STAGE_WITH(a_node_that_is_full_has_no_room_for_a_shell_and_says_so, .workers = 1, .max_actors = 16)
{
        struct answer answer;
        cop_pid pid, last = cop_no_pid();
        while (cop_spawn_opt(&(cop_spawn_options){ .run = stays }, &pid) == COP_OK)
                last = pid;
        int fd = knock();
        read_answer(fd, &answer);
        ck_assert_str_eq(answer.err, "** the node has all the actors that it may have\n");
        close(fd);
        put_down(last);
        /* Its slot is free once its worker has cleared it, which follows. */
        struct cop__packet packet = { .type = 0 };
        while (packet.type != COP__PACKET_GREETING) {
                fd = knock();
                ck_assert_int_eq(next_packet(fd, &packet), COP__PACKET_READ);
                free(packet.body);
                if (packet.type != COP__PACKET_GREETING)
                        close(fd);
        }
        assert_serves(fd);
        close(fd);
}

TEST_WITHIN(a_request_whose_rest_does_not_come_ends_the_session_with_a_sentence, 60)
{
        struct stage stage;
        struct answer answer;
        stage_begin(&stage, (cop_node_options){ .workers = 2 });
        int fd = attach();
        ck_assert_int_eq(send(fd, "R", 1, MSG_NOSIGNAL), 1);
        read_answer(fd, &answer);
        ck_assert_str_eq(answer.err, "** the rest of the request did not come within 10 s\n");
        close(fd);
        stage_end(&stage);
}

/* ---- News ---------------------------------------------------------------------------- */

ON_STAGE(a_client_that_wants_news_hears_of_crashes_but_not_twice_of_its_own)
{
        struct cop__packet packet;
        int idle = attach(), caller = attach();
        ck_assert(cop__packet_write(idle, COP__PACKET_NEWS, "", 0));
        ck_assert(cop__packet_write(caller, COP__PACKET_NEWS, "", 0));
        assert_serves(idle);
        assert_serves(caller);
        cop_spawn_server(&till_server, "till");
        assert_has(say(caller, "call till #bill{}")->err, "** till <");
        ck_assert_int_eq(next_packet(idle, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_REPORT);
        assert_has(packet.body, "handling #bill{pence = 0, people = 0}");
        free(packet.body);
        const struct answer *answer = say(caller, "self");
        ck_assert_str_eq(answer->news, "");
        close(idle);
        close(caller);
}

/* A session that is told of crashes, and a till of which it is said that its supervisor will tell what becomes of it. */
static int attach_for_news(cop_pid *supervised)
{
        int fd = attach();
        ck_assert(cop__packet_write(fd, COP__PACKET_NEWS, "", 0));
        assert_serves(fd);
        ck_assert_int_eq(cop_spawn_opt(&(cop_spawn_options){ .server = &till_server, .supervised = true }, supervised), COP_OK);
        return fd;
}

/* Whoever started it as supervised will tell what becomes of it, and does not. */
ON_STAGE(a_crash_whose_outcome_nobody_tells_is_news_all_the_same_after_a_while)
{
        struct cop__packet packet;
        cop_pid pid;
        int idle = attach_for_news(&pid);
        uint64_t before_ns = cop__clock_ns();
        cop_send(pid, bill, .pence = 5);
        ck_assert_int_eq(next_packet(idle, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_REPORT);
        assert_has(packet.body, "handling #bill{pence = 5, people = 0}");
        ck_assert_uint_ge(cop__clock_ns() - before_ns, COP__SESSION_OUTCOME_MS * COP__NS_PER_MS);
        free(packet.body);
        close(idle);
}

/* The time for that is over when it looks how long it may still wait, and nothing else happens. */
ON_STAGE(a_session_that_comes_too_late_to_wait_for_an_outcome_tells_of_the_crash_at_once)
{
        struct cop__packet packet;
        cop_pid pid;
        int idle = attach_for_news(&pid);
        cue_hold("session.awaits_outcome");
        cop_send(pid, bill, .pence = 5);
        cue_await("session.awaits_outcome");
        uint64_t over_ns = cop__clock_ns() + COP__SESSION_OUTCOME_MS * COP__NS_PER_MS;
        while (cop__clock_ns() < over_ns)
                cop_yield();
        cue_go("session.awaits_outcome");
        ck_assert_int_eq(next_packet(idle, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_REPORT);
        assert_has(packet.body, "handling #bill{pence = 5, people = 0}");
        free(packet.body);
        close(idle);
}

/* Crashes one after the other, each with a report. */
static void crash(int times)
{
        for (int i = 0; i < times; i++) {
                cop_ref ref = watch(cop_spawn_server(&till_server, "till"));
                cop_send("till", bill, .pence = i);
                await_and_drop(COP_REF(cop_down, ref));
        }
}

/* Of those that it could not be told meanwhile, the ones that are kept; and who asks for news twice has them once. */
ON_STAGE(a_session_that_is_waiting_hears_of_the_last_crashes_afterwards)
{
        struct answer answer;
        struct cop__packet packet;
        cop_register("deaf", cop_spawn(deaf));
        int fd = attach();
        for (int i = 0; i < 2; i++)
                ck_assert(cop__packet_write(fd, COP__PACKET_NEWS, "", 0));
        assert_serves(fd);
        ask(fd, "call deaf x 600000");
        crash(COP__REPORTS_KEPT + 10);
        ck_assert(cop__packet_write(fd, COP__PACKET_INTERRUPT, "", 0));
        read_answer(fd, &answer);
        assert_has(answer.err, "** interrupted");
        for (unsigned i = 0; i < COP__REPORTS_KEPT; i++) {
                ck_assert_int_eq(next_packet(fd, &packet), COP__PACKET_READ);
                ck_assert_int_eq(packet.type, COP__PACKET_REPORT);
                if (i == 0)
                        assert_has(packet.body, "handling #bill{pence = 10, people = 0}");
                free(packet.body);
        }
        ck_assert_str_eq(say(fd, "self")->news, "");
        close(fd);
}

ON_STAGE(a_client_that_reads_no_more_when_there_is_news_is_gone)
{
        cop_pid pid;
        int fd = attach_as(&pid);
        ck_assert(cop__packet_write(fd, COP__PACKET_NEWS, "", 0));
        assert_serves(fd);
        cop_ref ref = watch(pid);
        ck_assert_int_eq(shutdown(fd, SHUT_RD), 0);
        crash(1);
        await_down(ref, "normal");
        close(fd);
}

/* What it has not read. */
static int unread_of(int fd)
{
        int unread;
        ck_assert_int_eq(ioctl(fd, FIONREAD, &unread), 0);
        return unread;
}

/* Its socket is full of news after a few hundred; what it has missed then, the ring of reports has lost. */
ON_STAGE(a_client_that_wants_news_and_does_not_read_them_costs_nobody_anything)
{
        struct cop__packet packet = { .body = NULL };
        const int times = suite_is_slow() || COP__TINY ? 300 : 3000;
        int mute = attach(), other = attach();
        ck_assert(cop__packet_write(mute, COP__PACKET_NEWS, "", 0));
        for (int i = 0; suite_is_slow() && i < 100; i++)
                ask(mute, "help"); /* which fills it, too */
        do
                crash(50);
        while (unread_of(mute) < 16 << 10);
        size_t before = resident_bytes();
        crash(times);
        if (!suite_is_watched())
                ck_assert_uint_le(resident_bytes(), before + (4u << 20));
        assert_serves(other);
        /* The news of the next one come to who reads. */
        ck_assert(cop__packet_write(other, COP__PACKET_NEWS, "", 0));
        assert_serves(other);
        cop_spawn_server(&till_server, "till");
        cop_send("till", bill, .pence = 4711);
        ck_assert_int_eq(next_packet(other, &packet), COP__PACKET_READ);
        ck_assert_int_eq(packet.type, COP__PACKET_REPORT);
        assert_has(packet.body, "handling #bill{pence = 4711, people = 0}");
        free(packet.body);
        close(other);
        close(mute);
}

/* ---- The end ------------------------------------------------------------------------- */

ON_STAGE(a_console_that_stops_ends_calls_and_sessions)
{
        struct answer answer;
        cop_register("deaf", cop_spawn(deaf));
        int calls = attach(), idle = attach();
        ask(calls, "call deaf x 600000");
        cop__console_stop(stage->console);
        read_answer(calls, &answer);
        assert_hung_up(calls);
        assert_hung_up(idle);
        ck_assert_int_eq(cop__console_start(stage->node, &stage->console), COP_OK);
}

static void lets_it_wait(void *unused)
{
        (void)unused;
        cue_go("session.waits");
}

/* It has had nothing yet by which it could be interrupted when all were. */
ON_STAGE(a_session_that_is_about_to_wait_as_the_console_stops_does_not)
{
        struct answer answer;
        cop_register("deaf", cop_spawn(deaf));
        int calls = attach();
        cue_hold("session.waits");
        ask(calls, "call deaf x 600000");
        cue_await("session.waits");
        cue_act("console.has_asked", lets_it_wait, NULL);
        cop__console_stop(stage->console);
        read_answer(calls, &answer);
        assert_has(answer.err, "** interrupted");
        close(calls);
        ck_assert_int_eq(cop__console_start(stage->node, &stage->console), COP_OK);
}

/* Spins until it may end: the worker is not given back, nor taken away. */
static int may_end;

static void spin(void)
{
        cop_no_preempt(true);
        cop_register("spinner", cop_self());
        while (!__atomic_load_n(&may_end, __ATOMIC_ACQUIRE))
                cop__spin_pause();
}

/* Nobody runs any more: a call is not even taken up. */
static void assert_answers_beside(const char *stuck)
{
        char line[64], row[64];
        int fd = attach();
        assert_has(say(fd, "i")->out, stuck);
        snprintf(row, sizeof(row), "%s <", stuck);
        assert_has(say(fd, "tree")->out, row);
        assert_has(say(fd, "regs")->out, stuck);
        snprintf(line, sizeof(line), "info %s", stuck);
        assert_has(say(fd, line)->out, "busy");
        ck_assert_int_eq(say(fd, "stuck")->done, COP__DONE_OK);
        snprintf(line, sizeof(line), "call %s x 30", stuck);
        assert_has(say(fd, line)->err, "did not answer within 30 ms");
        close(fd);
}

ON_STAGE_WITH(the_console_answers_when_every_worker_is_stuck, .workers = 1, .no_spare_workers = true)
{
        __atomic_store_n(&may_end, 0, __ATOMIC_RELAXED);
        cop_spawn(spin);
        int fd = attach();
        ck_assert_int_eq(say(fd, "await spinner")->done, COP__DONE_OK);
        close(fd);
        assert_answers_beside("spinner");
        __atomic_store_n(&may_end, 1, __ATOMIC_RELEASE);
}

static int pipe_ends[2];
static int readers; /* atomic: in read(), or about to be */

static void reads(void)
{
        char byte;
        __atomic_add_fetch(&readers, 1, __ATOMIC_SEQ_CST);
        while (read(pipe_ends[0], &byte, 1) < 0)
                ;
}

ON_STAGE_WITH(the_console_answers_when_all_workers_and_all_their_spares_are_stuck, .workers = 2, .spare_workers = 2)
{
        cop_ref refs[4];
        ck_assert_int_eq(pipe2(pipe_ends, O_CLOEXEC), 0);
        for (int i = 0; i < 4; i++) {
                char name[32];
                snprintf(name, sizeof(name), "reader%d", i);
                refs[i] = spawn_watched(.run = reads, .name = name);
        }
        await_true(__atomic_load_n(&readers, __ATOMIC_SEQ_CST) == 4);
        cop_spawn_server(&till_server, "till");
        assert_answers_beside("reader3");
        int fd = attach();
        assert_has(say(fd, "call till #bill{pence = 8, people = 2} 30")->err, "did not answer within 30 ms"); /* no worker */
        ck_assert_int_eq(write(pipe_ends[1], "abcd", 4), 4);
        for (int i = 0; i < 4; i++)
                await_down(refs[i], "normal");
        ck_assert_str_eq(say(fd, "call till #bill{pence = 8, people = 2}")->out, "#share{pence_each = 4}\n");
        close(fd);
        close(pipe_ends[0]);
        close(pipe_ends[1]);
}
