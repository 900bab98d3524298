/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * How lives begin, and how one looks at them: a start that is over when the actor says so and hands something back, one that chooses not
 * to run, labels for those without a name, and what can be seen of an actor without its knowing.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { bool loud; } stop;
COP_MESSAGE(stop, loud);

/* Its start is over when it has found a port; until then it might still fail. */
static void listener(void)
{
        cop_set_label("listens on port 8080");
        cop_start_extra(cop_int(8080));
        cop_init_ack();
        cop_message_free(cop_receive(COP_FOREVER, COP_KIND(stop)));
}

/* There is nothing for it to do, which is no failure. */
static void superfluous(void)
{
        cop_ignore();
}

static void failing(void)
{
        cop_exit(cop_atom("no_port"));
}

static cop_pid start(const char *what, void (*run)(void))
{
        char text[64];
        cop_pid pid = cop_no_pid();
        const cop_spawn_options options = { .run = run, .name = what, .init_ack = true };
        cop_status status = cop_start(&options, COP_FOREVER, &pid);
        cop_term_print(status == COP_E_DIED ? cop_failure() : cop_started_extra(), NULL, text, sizeof(text));
        printf("%s: %s, %s\n", what, cop_status_text(status), text);
        return pid;
}

static bool is_there(cop_term list, cop_term wanted)
{
        for (uint32_t i = 0; i < list.count; i++)
                if (cop_term_equal(list.as.items[i], wanted))
                        return true;
        return false;
}

static void look_at(cop_pid pid)
{
        cop_process process;
        cop_term info, names;
        char text[128];
        cop_pid all[16];
        size_t count = cop_processes(all, 16);
        while (cop_process_info(pid, &process) == COP_OK && process.status != COP_PROCESS_WAITING)
                cop_yield();
        printf("%s, in %s, %u unread\n", process.label, cop_process_where(&process, text, sizeof(text)), process.unread);
        printf("there are %d actors, this thread among them\n", (int)count);
        if (cop_process_ask(pid, COP_FOREVER, &info) == COP_OK) {
                printf("it is alone: %s\n", cop_map_get(info, cop_atom("links"))->count == 0 ? "yes" : "no");
                cop_term_free(info);
        }
        if (cop_registered(&names) == COP_OK) {
                printf("its name is in the list: %s\n", is_there(names, cop_atom("listener")) ? "yes" : "no");
                cop_term_free(names);
        }
}

static void show_log(void *context, cop_log_level level, const char *text)
{
        (void)context;
        if (level == COP_LOG_INFO)
                printf("log: %s\n", text);
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .name = "nursery", .log = show_log }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_set_label_term(COP_TUPLE(cop_atom("main_thread"), cop_int(1)));
        cop_log(COP_LOG_INFO, "%s begins", cop_node_name(node));
        start("superfluous", superfluous);
        start("failing", failing);
        cop_pid pid = start("listener", listener);
        look_at(pid);
        cop_unregister("listener");
        printf("without its name it is not found: %s\n", cop_status_text(cop_send("listener", stop)));
        printf("but it lives: %s\n", cop_is_alive(pid) ? "yes" : "no");
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
