/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Applications: trees that need each other, started in the order of their needs and stopped in
 * reverse.
 *
 *      static const cop_application applications[] = {
 *              { .name = "web", .tree = &web, .needs = { "store", "log" } },
 *              { .name = "store", .tree = &store, .needs = { "log" } },
 *              { .name = "log", .tree = &log_tree, .type = COP_APPLICATION_TEMPORARY },
 *              { .name = NULL },
 *      };
 *      cop_start_applications(applications, &pid);       log, store, web
 *
 * What people get wrong: a tree that gives up ends with shutdown, and that is no normal end. Only a
 * permanent or transient application takes the others along, so a temporary one may be missing
 * without anybody's noticing but the log's.
 *
 * See also: supervisor.h.
 */
#ifndef COPPICE_APPLICATION_H
#define COPPICE_APPLICATION_H

#include <coppice/supervisor.h>

COP_BEGIN_DECLS

/* What the end of an application that nobody asked for does to the others. */
typedef enum cop_application_type {
        COP_APPLICATION_PERMANENT = 0, /* ends them all, whatever the reason */
        COP_APPLICATION_TRANSIENT,     /* ends them all, unless the reason is normal */
        COP_APPLICATION_TEMPORARY,     /* is logged */
} cop_application_type;

/* Applications that one may need. */
#define COP_APPLICATION_NEEDS_MAX 16

typedef struct cop_application {
        const char *name;           /* unique in the set; 1 to COP_NAME_MAX bytes */
        const cop_supervisor *tree;
        const char *needs[COP_APPLICATION_NEEDS_MAX]; /* names; ended by NULL if there are fewer */
        cop_application_type type;
} cop_application;

/*
 * Says what is wrong with a set: COP_OK, or COP_E_BAD_ARGUMENT and a sentence. Threads: any.
 */
COP_API cop_status cop_applications_check(const cop_application *set, char *text, size_t size);

/*
 * Starts a set, ended by one without a name, and waits until all of it runs; *pid is who keeps it, linked to the caller as
 * a tree is (cop_supervise), and stopped as a tree is (cop_shutdown). If one fails to start, those before it are stopped in
 * reverse, and the answer is COP_E_DIED with cop_failure() {shutdown, {failed_to_start_application, Name, Reason}}; so it is if
 * one that has started and is not to be missing ends meanwhile.
 * Ownership: the set is borrowed for as long as it runs: a constant of the program. Errors: also COP_E_BAD_ARGUMENT (the
 * sentence is logged), COP_E_NO_MEMORY, COP_E_LIMIT, COP_E_NO_NODE, COP_E_STOPPING.
 */
COP_API cop_status cop_start_applications(const cop_application *set, cop_pid *pid);

/*
 * Stops one of a set that runs, and waits until it has; those that need it go on. Its end is asked for, and ends nobody
 * else. OK also if it has ended before. Errors: COP_E_NOT_FOUND, COP_E_NO_MEMORY (it runs on), COP_E_DIED and others of cop_call.
 */
COP_API cop_status cop_stop_application(cop_pid set, const char *name);

/*
 * Starts one that has ended or been stopped. Errors: COP_E_NOT_FOUND, COP_E_ALREADY_STARTED, COP_E_NEEDS (one that it
 * needs does not run), COP_E_DIED with cop_failure(): it could not start.
 */
COP_API cop_status cop_start_application(cop_pid set, const char *name);

COP_END_DECLS

#endif
