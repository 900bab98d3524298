/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/* See ledger.h. */
#include "tests/ledger.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/pool.h"

static int64_t blocks, mapped; /* atomic, relaxed: read when the nodes have stopped */

struct ledger ledger_now(void)
{
        return (struct ledger){ cop__load_relaxed(&blocks), cop__load_relaxed(&mapped) };
}

/* Mappings until one is refused; less than 1: none is. */
static int64_t countdown; /* atomic */

bool ledger_refuse_mapping(int64_t nth)
{
        static bool counted;
        bool refused = counted && cop__load_acquire(&countdown) <= 0;
        counted = nth > 0;
        cop__store_release(&countdown, nth);
        return refused;
}

void __real_cop__pool_fini(struct cop__pool *pool);
void __wrap_cop__pool_fini(struct cop__pool *pool);
void *__real_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset);
int __real_munmap(void *address, size_t size);
int __wrap_munmap(void *address, size_t size);

void __wrap_cop__pool_fini(struct cop__pool *pool)
{
        cop__add_relaxed(&blocks, cop__pool_balance(pool));
        __real_cop__pool_fini(pool);
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int file, off_t offset)
{
        if (COP__UNLIKELY(cop__load_relaxed(&countdown) > 0) && cop__sub_seq(&countdown, 1) == 1) {
                errno = ENOMEM;
                return MAP_FAILED;
        }
        void *memory = __real_mmap(address, size, protection, flags, file, offset);
        if (memory != MAP_FAILED)
                cop__add_relaxed(&mapped, (int64_t)size);
        return memory;
}

int __wrap_munmap(void *address, size_t size)
{
        int result = __real_munmap(address, size);
        if (result == 0)
                cop__sub_relaxed(&mapped, (int64_t)size);
        return result;
}
