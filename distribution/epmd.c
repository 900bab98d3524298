/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* Erlang's port mapper. See epmd.h. */
#include "distribution/epmd.h"

#include <string.h>

#include "distribution/external.h"

enum epmd_word {
        EPMD_ALIVE_ANSWER = 118,      /* with a creation of 4 bytes */
        EPMD_PORT_ANSWER = 119,
        EPMD_ALIVE = 120,
        EPMD_ALIVE_ANSWER_OLD = 121,  /* with one of 2 */
        EPMD_PORT_PLEASE = 122,
};

#define TYPE_NORMAL 77u
#define TYPE_HIDDEN 72u
#define VERSION_HIGHEST 6u
#define VERSION_LOWEST 5u

static size_t short_size(const char *node)
{
        return strcspn(node, "@");
}

static void put_alive(struct cop__pen *pen, const struct cop__settings *settings)
{
        size_t size = short_size(settings->name);
        cop__pen_word(pen, 2, 13 + size);
        cop__pen_byte(pen, EPMD_ALIVE);
        cop__pen_word(pen, 2, settings->port);
        cop__pen_byte(pen, settings->hidden ? TYPE_HIDDEN : TYPE_NORMAL);
        cop__pen_byte(pen, 0); /* TCP */
        cop__pen_word(pen, 2, VERSION_HIGHEST);
        cop__pen_word(pen, 2, VERSION_LOWEST);
        cop__pen_word(pen, 2, size);
        cop__pen_bytes(pen, settings->name, size);
        cop__pen_word(pen, 2, 0);
}

cop_status cop__epmd_register(struct cop__network *network, const struct cop__settings *settings, uint64_t deadline_ns,
                              struct cop__line **result)
{
        struct cop__line *line;
        cop_status status = cop__line_call(network, "127.0.0.1", settings->epmd_port, deadline_ns, &line);
        if (status != COP_OK)
                return status;
        struct cop__pen pen = { .tray = &line->out, .network = network };
        put_alive(&pen, settings);
        status = pen.status;
        if (status == COP_OK)
                status = cop__line_await(line, 2, deadline_ns);
        if (status == COP_OK) {
                const uint8_t *answer = cop__line_bytes(line);
                if (answer[0] != EPMD_ALIVE_ANSWER && answer[0] != EPMD_ALIVE_ANSWER_OLD)
                        status = COP_E_MALFORMED;
                else if (answer[1] != 0)
                        status = COP_E_NAME_TAKEN;
        }
        if (status == COP_OK)
                *result = line;
        else
                cop__line_close(line);
        return status;
}

cop_status cop__epmd_ask(struct cop__network *network, const char *host, const char *node, uint64_t deadline_ns, uint16_t *port)
{
        struct cop__line *line;
        cop_status status = cop__line_call(network, host, network->epmd_port, deadline_ns, &line);
        if (status != COP_OK)
                return status;
        struct cop__pen pen = { .tray = &line->out, .network = network };
        cop__pen_word(&pen, 2, 1 + short_size(node));
        cop__pen_byte(&pen, EPMD_PORT_PLEASE);
        cop__pen_bytes(&pen, node, short_size(node));
        status = pen.status;
        if (status == COP_OK)
                status = cop__line_await(line, 2, deadline_ns);
        if (status == COP_OK && cop__line_bytes(line)[0] != EPMD_PORT_ANSWER)
                status = COP_E_MALFORMED;
        if (status == COP_OK && cop__line_bytes(line)[1] != 0)
                status = COP_E_NOT_FOUND;
        if (status == COP_OK)
                status = cop__line_await(line, 4, deadline_ns);
        if (status == COP_OK)
                *port = (uint16_t)(cop__line_bytes(line)[2] << 8 | cop__line_bytes(line)[3]);
        cop__line_close(line);
        return status;
}
