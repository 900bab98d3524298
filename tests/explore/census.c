/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The census (actors/census.h): who owns a row writes it, the whole of it or what changes most, while others read it. Under every schedule what is read
 * was written at one time.
 */
#include <string.h>

#include "actors/census.h"
#include "tests/explore/explore.h"

#define ENTRIES 3

static struct cop__census census;
static uint32_t row;
static unsigned over; /* atomic */

/* All of it says which it is. */
static struct cop__census_entry entry_of(unsigned char number)
{
        struct cop__census_entry entry;
        memset(&entry, number, sizeof(entry));
        return entry;
}

static bool is_whole(const void *bytes, size_t size)
{
        const unsigned char *each = bytes;
        for (size_t i = 1; i < size; i++)
                if (each[i] != each[0])
                        return false;
        return true;
}

static void reads_all(void *unused)
{
        struct cop__census_entry entry;
        (void)unused;
        while (!cop__load_relaxed(&over)) {
                if (cop__census_read(&census, row, &entry))
                        EXPLORE_ASSERT(is_whole(&entry, sizeof(entry)));
                explore_yield();
        }
}

static void reads_what_changes(void *unused)
{
        struct cop__census_entry entry;
        (void)unused;
        while (!cop__load_relaxed(&over)) {
                if (cop__census_read(&census, row, &entry))
                        EXPLORE_ASSERT(is_whole(&entry, offsetof(struct cop__census_entry, supervisor)));
                explore_yield();
        }
}

static void begin(void)
{
        struct cop__census_entry entry = entry_of(1);
        over = 0;
        cop__census_init(&census);
        row = cop__census_take(&census);
        EXPLORE_ASSERT(row != COP__CENSUS_NONE && cop__census_count(&census) == row + 1);
        cop__census_write(&census, row, &entry);
}

static void end(unsigned reader)
{
        cop__store_seq(&over, 1);
        explore_join(reader);
        cop__census_give(&census, row);
        cop__census_fini(&census);
}

SCENARIO(what_is_read_was_written_at_one_time)
{
        begin();
        unsigned reader = explore_thread(reads_all, NULL);
        for (unsigned char i = 2; i < 2 + ENTRIES; i++) {
                struct cop__census_entry entry = entry_of(i);
                cop__census_write(&census, row, &entry);
        }
        end(reader);
}

SCENARIO(what_is_read_was_changed_at_one_time)
{
        begin();
        unsigned reader = explore_thread(reads_what_changes, NULL);
        for (unsigned char i = 2; i < 2 + ENTRIES; i++) {
                struct cop__census_entry entry = entry_of(i);
                cop__census_change(cop__census_row(&census, row), entry.child, entry.restarts, entry.state);
        }
        end(reader);
}
