/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * A building's alarms: one event manager, three handlers that each hear every event. One of them has a bug;
 * it fails alone, its owner is told, and the others have not even noticed. In the end the bell gives way to a siren, which goes on
 * counting where the bell stops: no event is missed in between.
 */
#include <stdio.h>

#include <coppice.h>

typedef struct { int64_t floor; } fire;
COP_MESSAGE(fire, floor);

typedef struct { int64_t count; } bell;

static void bell_on_fire(bell *self, const fire *f)
{
        printf("bell: fire on floor %d, rung %d times\n", (int)f->floor, (int)++self->count);
}

static void bell_on_delete(bell *self, const cop_handler_delete *d)
{
        (void)d;
        cop_reply(cop_any, cop_int(self->count));
}

COP_SERVER(bell, COP_ON(fire, bell_on_fire), COP_ON(cop_handler_delete, bell_on_delete));

typedef struct { int64_t count; } siren;

static void siren_on_takes_over(siren *self, const cop_handler_takes_over *over)
{
        self->count = over->left.type == COP_TERM_INTEGER ? over->left.as.integer : 0;
}

static void siren_on_fire(siren *self, const fire *f)
{
        printf("siren: fire on floor %d, alarm number %d\n", (int)f->floor, (int)++self->count);
}

COP_SERVER(siren, COP_ON(cop_handler_takes_over, siren_on_takes_over), COP_ON(fire, siren_on_fire));

typedef struct { int64_t water; } sprinkler;

/* There is no floor 0: who planned this? */
static void sprinkler_on_fire(sprinkler *self, const fire *f)
{
        self->water += 1000 / f->floor;
        printf("sprinkler: %d litres so far\n", (int)self->water);
}

COP_SERVER(sprinkler, COP_ON(fire, sprinkler_on_fire));

typedef struct { int64_t calls; } brigade;

static void brigade_on_fire(brigade *self, const fire *f)
{
        printf("brigade: on our way to floor %d\n", (int)f->floor);
        if (++self->calls == 2)
                cop_exit(cop_atom("remove_handler")); /* two a day are enough */
}

COP_SERVER(brigade, COP_ON(fire, brigade_on_fire));

static void quiet(void *context, cop_log_level level, const char *text)
{
        (void)context;
        (void)level;
        (void)text;
}

int main(void)
{
        cop_node *node;
        if (cop_node_start(&(cop_node_options){ .name = "building", .log = quiet }, &node) != COP_OK ||
            cop_node_enter(node) != COP_OK)
                return 1;
        cop_pid alarms = cop_spawn_server(&cop_event_manager, "alarms");
        cop_add_handler("alarms", .id = "brigade", .server = &brigade_server, .supervised = true);
        cop_add_handler("alarms", .id = "sprinkler", .server = &sprinkler_server, .supervised = true);
        cop_add_handler("alarms", .id = "bell", .server = &bell_server);

        for (int64_t floor = 2; floor >= 0; floor--) {
                cop_sync_notify("alarms", COP_FOREVER, fire, .floor = floor);
                cop_auto message = cop_receive(0, COP_KIND(cop_handler_gone));
                if (message == NULL)
                        continue;
                const cop_handler_gone *gone = cop_read(cop_handler_gone, message);
                printf("-- the %s is gone%s\n", gone->id.text,
                       cop_is_tuple(gone->reason, "fault", 5) ? ", by a fault" : "");
        }
        cop_swap_handler("alarms", "bell", cop_nil(), .id = "siren", .server = &siren_server);
        cop_sync_notify("alarms", COP_FOREVER, fire, .floor = 3);
        cop_stop(alarms, cop_atom("normal"), 1000);
        cop_node_leave();
        cop_node_stop(node);
        return 0;
}
