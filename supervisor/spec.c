/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The copy of a tree, in two walks: one adds up what the parts need, one puts them behind each
 * other. See spec.h.
 */
#include "supervisor/spec.h"

#include <coppice/partition.h>

#include <string.h>

#include "mailbox/field.h"
#include "mailbox/kind.h"

/* The block's parts are aligned as a message's body is. */
#define ROUND_UP(size) (((size) + 15) & ~(size_t)15)

const char *cop__spec_name_of(const cop_child *child)
{
        if (child->supervisor != NULL && child->supervisor->name != NULL)
                return child->supervisor->name;
        return child->unnamed ? NULL : child->id;
}

/* Of children that are all alike none can have the name. */
static cop_child nameless(const cop_child *each)
{
        cop_child child = *each;
        child.unnamed = true;
        return child;
}

static uint32_t count_children(const cop_supervisor *tree)
{
        uint32_t count = 0;
        if (tree->partitions > 0)
                return tree->partitions;
        while (tree->children != NULL && tree->children[count].id != NULL)
                count++;
        return count;
}

/* The i-th child; one of the partitions is made on the spot, its id in `id`. */
static cop_child child_at(const cop_supervisor *tree, uint32_t i, char id[COP_NAME_MAX + 1])
{
        if (tree->partitions == 0)
                return tree->children[i];
        cop_child child = *tree->each;
        cop_partition_name(tree, i, id);
        child.id = id;
        child.unnamed = false;
        return child;
}

/* ---- Shared bytes in arguments ---------------------------------------------------- */

/* Calls `each` for every cop_bytes in a value, nested ones too. */
static void each_bytes(const cop_kind *kind, const void *value,
                       void (*each)(void *context, cop_bytes *bytes), void *context)
{
        if (!kind->counted)
                return;
        for (size_t i = 0; i < kind->field_count; i++) {
                const cop_field *field = &kind->fields[i];
                if (field->type != COP_FIELD_BYTES && field->type != COP_FIELD_NESTED)
                        continue;
                struct cop__items items = cop__field_items(field, value);
                size_t size = cop__field_item_size(field);
                for (size_t j = 0; j < items.count; j++) {
                        void *item = (void *)(uintptr_t)(items.at + j * size);
                        if (field->type == COP_FIELD_BYTES)
                                each(context, item);
                        else
                                each_bytes(field->kind, item, each, context);
                }
        }
}

static void add_bytes(void *context, cop_bytes *bytes)
{
        *(size_t *)context += ROUND_UP(bytes->size);
}

/* Of the copy of an argument: its share becomes bytes in the block. */
static void settle_bytes(void *context, cop_bytes *bytes)
{
        char **at = context;
        if (bytes->buffer == NULL)
                return;
        memcpy(*at, bytes->data, bytes->size);
        cop_buffer_drop(bytes->buffer);
        *bytes = cop_bytes_of(*at, bytes->size);
        *at += ROUND_UP(bytes->size);
}

/* ---- Measuring -------------------------------------------------------------------- */

static size_t text_size(const char *text)
{
        return text != NULL ? ROUND_UP(strlen(text) + 1) : 0;
}

static size_t argument_size(const cop_child *child)
{
        size_t flat = 0, bytes = 0;
        if (child->kind == NULL || cop__flat_size(child->kind, child->argument, &flat) != COP_OK)
                return 0;
        each_bytes(child->kind, child->argument, add_bytes, &bytes);
        return ROUND_UP(flat) + bytes;
}

static size_t tree_size(const cop_supervisor *tree, const char *name);

static size_t child_size(const cop_child *child)
{
        size_t size = text_size(child->id) + text_size(child->label) + argument_size(child);
        if (child->supervisor != NULL)
                size += tree_size(child->supervisor, cop__spec_name_of(child));
        return size;
}

static size_t tree_size(const cop_supervisor *tree, const char *name)
{
        uint32_t count = count_children(tree);
        size_t size = ROUND_UP(sizeof(struct cop__supervisor_spec)) + text_size(name) +
                      ROUND_UP(count * sizeof(struct cop__child_spec));
        for (uint32_t i = 0; i < count; i++) {
                char id[COP_NAME_MAX + 1];
                cop_child child = child_at(tree, i, id);
                size += child_size(&child);
        }
        if (tree->each != NULL && tree->partitions == 0) {
                cop_child each = nameless(tree->each);
                size += ROUND_UP(sizeof(struct cop__child_spec)) + child_size(&each);
        }
        return size;
}

/* ---- Copying ---------------------------------------------------------------------- */

static void *take(char **at, size_t size)
{
        char *part = *at;
        *at += ROUND_UP(size);
        return part;
}

static const char *copy_text(char **at, const char *text)
{
        return text != NULL ? memcpy(take(at, strlen(text) + 1), text, strlen(text) + 1) : NULL;
}

static cop_status copy_argument(char **at, const cop_child *child, struct cop__child_spec *spec)
{
        size_t size;
        if (child->kind == NULL)
                return COP_OK;
        cop_status status = cop__flat_size(child->kind, child->argument, &size);
        if (status != COP_OK)
                return status;
        void *argument = take(at, size);
        status = cop__flat_copy(child->kind, argument, child->argument);
        if (status != COP_OK)
                return status;
        each_bytes(child->kind, argument, settle_bytes, at);
        spec->spawn.kind = child->kind;
        spec->spawn.argument = argument;
        return COP_OK;
}

static int64_t shutdown_of(const cop_child *child)
{
        if (child->shutdown_ms != COP_SHUTDOWN_DEFAULT)
                return child->shutdown_ms;
        return child->supervisor != NULL ? COP_SHUTDOWN_INFINITY : COP__SHUTDOWN_DEFAULT_MS;
}

static cop_backoff backoff_of(const cop_backoff *given)
{
        cop_backoff backoff = *given;
        if (backoff.first_ms == 0)
                return (cop_backoff){ 0 };
        if (backoff.max_ms == 0)
                backoff.max_ms = backoff.first_ms > COP__BACKOFF_MAX_MS ? backoff.first_ms
                                                                        : COP__BACKOFF_MAX_MS;
        if (!(backoff.factor > 0))
                backoff.factor = COP__BACKOFF_FACTOR;
        if (backoff.stable_ms == 0)
                backoff.stable_ms = backoff.max_ms != COP_FOREVER ? backoff.max_ms : COP__BACKOFF_MAX_MS;
        return backoff;
}

static cop_breaker breaker_of(const cop_breaker *given)
{
        cop_breaker breaker = *given;
        if (breaker.failures == 0)
                return (cop_breaker){ 0 };
        if (breaker.open_ms == 0)
                breaker.open_ms = COP__BREAKER_OPEN_MS;
        if (breaker.stable_ms == 0)
                breaker.stable_ms = breaker.open_ms;
        return breaker;
}

/* But for what is copied. */
static cop_spawn_options spawn_of(const cop_child *child)
{
        return (cop_spawn_options){
                .run = child->run,
                .run_with = child->run_with,
                .server = child->server,
                .priority = child->priority,
                .mailbox_limit = child->mailbox_limit,
                .mailbox_bytes = child->mailbox_bytes,
                .mailbox_policy = child->mailbox_policy,
                .mailbox_key = child->mailbox_key,
                .mailbox_high = child->mailbox_high,
                .mailbox_low = child->mailbox_low,
                .link = true,
                .supervised = true,
                .isolation = child->isolation,
                .memory_limit = child->memory_limit,
                .memory_limit_soft = child->memory_limit_soft,
                .no_preempt = child->no_preempt,
                .init_ack = child->init_ack,
        };
}

static bool needs_process(const cop_child *child)
{
        return child->isolation == COP_ISOLATION_PROCESS ||
               (child->supervisor != NULL && cop__spec_needs_processes(child->supervisor));
}

/* A checked tree is no deeper than COP__TREE_DEPTH_MAX. */
bool cop__spec_needs_processes(const cop_supervisor *tree)
{
        if (tree->each != NULL && needs_process(tree->each))
                return true;
        for (const cop_child *child = tree->children; child != NULL && child->id != NULL; child++)
                if (needs_process(child))
                        return true;
        return false;
}

/* What a child without an id is called. */
static const char *what_it_runs(const cop_child *child)
{
        if (child->server != NULL)
                return child->server->name;
        return child->supervisor != NULL ? "supervisor" : "actor";
}

static cop_status copy_tree(char **at, const cop_supervisor *tree, const char *name,
                            const char *label, const struct cop__supervisor_spec **result);

static cop_status copy_child(char **at, const cop_child *child, struct cop__child_spec *spec)
{
        memset(spec, 0, sizeof(*spec));
        spec->id = child->id != NULL ? copy_text(at, child->id) : what_it_runs(child);
        spec->has_id = child->id != NULL;
        spec->restart = child->restart;
        spec->shutdown_ms = shutdown_of(child);
        spec->significant = child->significant;
        spec->backoff = backoff_of(&child->backoff);
        spec->breaker = breaker_of(&child->breaker);
        spec->spawn = spawn_of(child);
        spec->spawn.label = copy_text(at, child->label);
        if (child->supervisor == NULL) {
                spec->spawn.name = child->unnamed || child->id == NULL ? NULL : spec->id;
                return copy_argument(at, child, spec);
        }
        cop_status status = copy_tree(at, child->supervisor, cop__spec_name_of(child),
                                      spec->id,
                                      &spec->supervisor);
        if (status == COP_OK)
                spec->spawn.name = spec->supervisor->name;
        return status;
}

static uint32_t intensity_of(const cop_supervisor *tree)
{
        if (tree->intensity == COP_NO_RESTARTS)
                return 0;
        if (tree->intensity == COP_RESTARTS_FOR_EVER)
                return COP__INTENSITY_UNLIMITED;
        return tree->intensity == 0 ? COP__INTENSITY_DEFAULT : (uint32_t)tree->intensity;
}

/* `label` lies in the block already, or is a constant; a name is a better one. */
static cop_status copy_tree(char **at, const cop_supervisor *tree, const char *name,
                            const char *label, const struct cop__supervisor_spec **result)
{
        struct cop__supervisor_spec *spec = take(at, sizeof(*spec));
        uint32_t count = count_children(tree);
        struct cop__child_spec *children = take(at, count * sizeof(*children));
        spec->name = copy_text(at, name);
        spec->label = name != NULL ? spec->name : label;
        spec->children = children;
        spec->child_count = count;
        spec->strategy = tree->strategy;
        spec->intensity = intensity_of(tree);
        spec->period_ms = tree->period_ms != 0 ? tree->period_ms : COP__PERIOD_DEFAULT_MS;
        spec->auto_shutdown = tree->auto_shutdown;
        spec->max_children = tree->max_children != 0 ? tree->max_children : UINT32_MAX;
        spec->each = NULL;
        for (uint32_t i = 0; i < count; i++) {
                char id[COP_NAME_MAX + 1];
                cop_child child = child_at(tree, i, id);
                cop_status status = copy_child(at, &child, &children[i]);
                if (status != COP_OK)
                        return status;
        }
        *result = spec;
        if (tree->each == NULL || tree->partitions > 0)
                return COP_OK;
        struct cop__child_spec *each = take(at, sizeof(*each));
        spec->each = each;
        cop_child nobody = nameless(tree->each);
        return copy_child(at, &nobody, each);
}

cop_status cop__spec_copy_child(const cop_child *child, cop_buffer **buffer,
                                const struct cop__child_spec **result)
{
        cop_buffer *block = cop_buffer_new(ROUND_UP(sizeof(struct cop__child_spec)) +
                                           child_size(child) + 15);
        if (block == NULL)
                return COP_E_NO_MEMORY;
        char *at = (char *)ROUND_UP((uintptr_t)cop_buffer_data(block));
        struct cop__child_spec *spec = take(&at, sizeof(*spec));
        cop_status status = copy_child(&at, child, spec);
        if (status != COP_OK) {
                cop_buffer_drop(block);
                return status;
        }
        *buffer = block;
        *result = spec;
        return COP_OK;
}

cop_status cop__spec_copy(const cop_supervisor *tree, cop_buffer **buffer,
                          const struct cop__supervisor_spec **root)
{
        cop_buffer *block = cop_buffer_new(tree_size(tree, tree->name) + 15);
        if (block == NULL)
                return COP_E_NO_MEMORY;
        char *at = (char *)ROUND_UP((uintptr_t)cop_buffer_data(block));
        cop_status status = copy_tree(&at, tree, tree->name, "supervisor", root);
        if (status != COP_OK) {
                cop_buffer_drop(block);
                return status;
        }
        *buffer = block;
        return COP_OK;
}
