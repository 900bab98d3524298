/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* The files of a process that has ended. See dump_places.h. */
#include "shell/client/dump_places.h"

#include <stdlib.h>
#include <string.h>

#include "shell/client/dump_record.h"

/* Bytes of a build id: a hash. */
#define BUILD_ID_MAX 64u

struct dump_module {
        uint64_t low;
        bool was_asked; /* it has been opened, or cannot be */
        uint32_t build_id_size;
        uint8_t build_id[BUILD_ID_MAX];
        char path[512];
};

void dump_places_init(struct dump_places *places, bool wants_lines)
{
        memset(places, 0, sizeof(*places));
        if (wants_lines)
                places->symbols = cop__symbols_new_of_past();
}

void dump_places_fini(struct dump_places *places)
{
        cop__symbols_free(places->symbols);
        free(places->modules);
}

static struct dump_module *next_module(struct dump_places *places)
{
        if (places->count == DUMP_MODULES_MAX)
                return NULL;
        if (places->count == places->room) {
                size_t room = 2 * places->room + 16;
                struct dump_module *more = realloc(places->modules, room * sizeof(*more));
                if (more == NULL) {
                        places->lacks_memory = true;
                        return NULL;
                }
                places->modules = more;
                places->room = room;
        }
        return &places->modules[places->count];
}

void dump_places_add(struct dump_places *places, const cop_term *record)
{
        const cop_term *path = record_find(record, "path"), *build_id = record_find(record, "build_id");
        struct dump_module *module = next_module(places);
        if (module == NULL || !record_has_text(record, "path") || path->count >= sizeof(module->path) ||
            !record_has_text(record, "build_id") || build_id->count > BUILD_ID_MAX)
                return;
        *module = (struct dump_module){ .low = record_number_of(record, "low"),
                                        .build_id_size = build_id->count };
        memcpy(module->path, path->as.text, path->count);
        memcpy(module->build_id, build_id->as.bytes, build_id->count);
        places->count++;
}

/* The one that begins last before the address. */
static struct dump_module *module_of(struct dump_places *places, uint64_t pc)
{
        struct dump_module *found = NULL;
        for (size_t i = 0; i < places->count; i++) {
                struct dump_module *module = &places->modules[i];
                if (module->low <= pc && (found == NULL || module->low > found->low))
                        found = module;
        }
        return found;
}

bool dump_places_find(struct dump_places *places, uint64_t pc, bool return_address,
                      struct cop__place *place)
{
        struct dump_module *module = module_of(places, pc);
        if (module == NULL || places->symbols == NULL)
                return false;
        if (!module->was_asked) {
                cop_status status = cop__symbols_add(places->symbols, module->path, module->low,
                                                     module->build_id, module->build_id_size);
                places->has_other_build |= status == COP_E_BAD_ARGUMENT || status == COP_E_SYSTEM;
        }
        module->was_asked = true;
        return cop__place_of(places->symbols, (const void *)(uintptr_t)pc, return_address, place);
}
