/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * What the runtime asks of the system, as the explorer answers it. The linker puts each of these in the place of the
 * function whose name follows __wrap_ (see CMakeLists.txt), so nothing in the runtime knows of it.
 */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "actors/epoch.h"
#include "actors/fault.h"
#include "base/atomic.h"
#include "scheduler/park.h"
#include "tests/explore/explore.h"

/* Declared so that each has been; the linker knows them by these names. */
uint64_t __wrap_cop__clock_ns(void);
uint64_t __wrap_cop__clock_in_ns(uint64_t ns);
bool __wrap_cop__clock_is_past(uint64_t when_ns);
void __wrap_cop__park_init(struct cop__park *park);
uint32_t __wrap_cop__park_ticket(struct cop__park *park);
void __wrap_cop__park_wait(struct cop__park *park, uint32_t ticket, uint64_t deadline_ns);
void __wrap_cop__park_wake(struct cop__park *park);
void __real_cop__park_init(struct cop__park *park);
uint32_t __real_cop__park_ticket(struct cop__park *park);
void __real_cop__park_wait(struct cop__park *park, uint32_t ticket, uint64_t deadline_ns);
void __real_cop__park_wake(struct cop__park *park);
int __wrap_pthread_create(pthread_t *handle, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument);
int __wrap_pthread_join(pthread_t handle, void **result);
int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until);
int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex);
int __wrap_pthread_cond_broadcast(pthread_cond_t *condition);
int __wrap_pthread_cond_signal(pthread_cond_t *condition);
int __wrap_prctl(int option, ...);
bool __wrap_cop__barrier_is_there(void);
bool __wrap_cop__barrier_all(void);
cop_status __wrap_cop__fault_install(void);
void __wrap_cop__fault_uninstall(void);
cop_status __wrap_cop__fault_stack_map(struct cop__fault_scope *scope);
cop_status __wrap_cop__fault_thread_start(struct cop__fault_scope *scope);
void __wrap_cop__fault_thread_stop(struct cop__fault_scope *scope);
void *__real_mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset);
void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset);
int __real_munmap(void *memory, size_t size);
int __wrap_munmap(void *memory, size_t size);
int __real_madvise(void *memory, size_t size, int advice);
int __wrap_madvise(void *memory, size_t size, int advice);
void __wrap_ck_epoch_barrier(ck_epoch_record_t *record);
void __real_free(void *memory);
void __wrap_free(void *memory);

/* Those that look at the kernel's tick first ask the clock by themselves, within its file. */
uint64_t __wrap_cop__clock_in_ns(uint64_t ns)
{
        return explore_clock_ns() + ns;
}

bool __wrap_cop__clock_is_past(uint64_t when_ns)
{
        return explore_clock_ns() >= when_ns;
}

uint64_t __wrap_cop__clock_ns(void)
{
        return explore_clock_ns();
}

/* Overwritten, so that who still reads it is found out. What was stored there must not be seen in what comes there next. */
void __wrap_free(void *memory)
{
        explore_forget(memory, memory != NULL ? malloc_usable_size(memory) : 0);
        if (memory != NULL)
                memset(memory, 0xdd, malloc_usable_size(memory));
        __real_free(memory);
}

/* Concurrency Kit's own waits for other threads without letting them go on. */
void __wrap_ck_epoch_barrier(ck_epoch_record_t *record)
{
        while (record->n_pending > 0) {
                ck_epoch_poll(record);
                explore_yield();
        }
}

/* ---- Mappings: kept for the next schedule, which asks for the same again ------------------- */

/* Not the page on which the kernel's guards are tried out. Stacks, which are the large ones, keep their guards and are not
 * cleared. */
#define MAPPINGS_MAX 64
#define STACKS_FROM ((size_t)600 << 10)

static struct mapping {
        void *memory; /* NULL: none */
        size_t size;
        size_t gone;  /* unmapped, in parts perhaps; all of it: kept */
} mappings[MAPPINGS_MAX];

static bool lies_in(const struct mapping *mapping, const void *memory)
{
        return mapping->memory != NULL && (uintptr_t)memory - (uintptr_t)mapping->memory < mapping->size;
}

static void note_mapping(void *memory, size_t size)
{
        for (unsigned i = 0; memory != MAP_FAILED && size != 4096 && i < MAPPINGS_MAX; i++)
                if (mappings[i].memory == NULL) {
                        mappings[i] = (struct mapping){ memory, size, 0 };
                        return;
                }
}

void *__wrap_mmap(void *address, size_t size, int protection, int flags, int descriptor, off_t offset)
{
        for (unsigned i = 0; i < MAPPINGS_MAX; i++) {
                struct mapping *mapping = &mappings[i];
                if (mapping->memory == NULL || mapping->size != size || mapping->gone != size)
                        continue;
                mapping->gone = 0;
                if (size < STACKS_FROM)
                        memset(mapping->memory, 0, size);
                return mapping->memory;
        }
        void *memory = __real_mmap(address, size, protection, flags, descriptor, offset);
        note_mapping(memory, size);
        return memory;
}

int __wrap_munmap(void *memory, size_t size)
{
        explore_catch_up();
        explore_forget(memory, size);
        for (unsigned i = 0; i < MAPPINGS_MAX; i++)
                if (lies_in(&mappings[i], memory)) {
                        mappings[i].gone += size;
                        return 0;
                }
        return __real_munmap(memory, size);
}

/* Memory that is about to be used again need not be given back, but is zero from here on; of stacks nobody would see that. */
int __wrap_madvise(void *memory, size_t size, int advice)
{
        if (advice == MADV_NOHUGEPAGE)
                return 0;
        if (advice != MADV_DONTNEED)
                return __real_madvise(memory, size, advice);
        explore_step("pages go", 0);
        explore_catch_up();
        explore_forget(memory, size);
        if (size < STACKS_FROM)
                memset(memory, 0, size);
        return 0;
}

/* ---- Parking places: the count of park.h, a step each; or those that there are ------------ */

static uint32_t *count_of(struct cop__park *park)
{
        return &park->count.counter;
}

void __wrap_cop__park_init(struct cop__park *park)
{
        if (explore_keeps_park)
                __real_cop__park_init(park);
        *count_of(park) = 0;
}

uint32_t __wrap_cop__park_ticket(struct cop__park *park)
{
        return explore_keeps_park ? __real_cop__park_ticket(park) : cop__load_acquire(count_of(park));
}

void __wrap_cop__park_wait(struct cop__park *park, uint32_t ticket, uint64_t deadline_ns)
{
        if (explore_keeps_park)
                __real_cop__park_wait(park, ticket, deadline_ns);
        else if (cop__load_seq(count_of(park)) == ticket)
                explore_sleep(park, deadline_ns);
}

void __wrap_cop__park_wake(struct cop__park *park)
{
        if (explore_keeps_park) {
                __real_cop__park_wake(park);
                return;
        }
        explore_change(count_of(park), sizeof(uint32_t), EXPLORE_ADD, 1, EXPLORE_FULL, __FILE__, __LINE__);
        explore_wake(park);
}

/* ---- The fence that all threads pass: whatever they have stored is seen ------------------------ */

/* Tried as well, so that it is one. */
bool __wrap_cop__barrier_is_there(void)
{
        return __wrap_cop__barrier_all();
}

bool __wrap_cop__barrier_all(void)
{
        explore_step("a fence for all", 0);
        explore_settle_all();
        return true;
}

/* ---- Threads ------------------------------------------------------------------------------ */

struct start {
        void *(*run)(void *argument);
        void *argument;
};

static void run_start(void *argument)
{
        struct start start = *(struct start *)argument;
        free(argument);
        start.run(start.argument);
}

int __wrap_pthread_create(pthread_t *handle, const pthread_attr_t *attributes,
                          void *(*run)(void *argument), void *argument)
{
        struct start *start = malloc(sizeof(*start));
        (void)attributes;
        if (start == NULL)
                return EAGAIN;
        *start = (struct start){ run, argument };
        *handle = explore_thread(run_start, start);
        return 0;
}

int __wrap_pthread_join(pthread_t handle, void **result)
{
        explore_join((unsigned)handle);
        if (result != NULL)
                *result = NULL;
        return 0;
}

int __wrap_pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
        (void)how;
        (void)set;
        if (before != NULL)
                sigemptyset(before);
        return 0;
}

int __wrap_prctl(int option, ...)
{
        (void)option;
        return 0;
}

/* ---- Mutexes: the first byte says whether one is held ---------------------------------------- */

static uint8_t *held(pthread_mutex_t *mutex)
{
        return (uint8_t *)mutex;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *mutex)
{
        return cop__exchange_seq(held(mutex), 1) ? EBUSY : 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
        while (__wrap_pthread_mutex_trylock(mutex) != 0)
                explore_yield();
        return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
        cop__store_seq(held(mutex), 0);
        return 0;
}

static int wait_on(pthread_cond_t *condition, pthread_mutex_t *mutex, uint64_t until_ns)
{
        *held(mutex) = 0; /* no step: giving up the mutex and falling asleep are one */
        bool woken = explore_sleep(condition, until_ns);
        __wrap_pthread_mutex_lock(mutex);
        return woken ? 0 : ETIMEDOUT;
}

int __wrap_pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                                  const struct timespec *until)
{
        return wait_on(condition, mutex, (uint64_t)until->tv_sec * 1000000000 + (uint64_t)until->tv_nsec);
}

int __wrap_pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex)
{
        return wait_on(condition, mutex, UINT64_MAX);
}

int __wrap_pthread_cond_broadcast(pthread_cond_t *condition)
{
        explore_wake(condition);
        return 0;
}

int __wrap_pthread_cond_signal(pthread_cond_t *condition)
{
        explore_wake(condition);
        return 0;
}

/* ---- Faults: those of an explored runtime are the explorer's to report ------------------------- */

cop_status __wrap_cop__fault_install(void)
{
        return COP_OK;
}

void __wrap_cop__fault_uninstall(void)
{
}

cop_status __wrap_cop__fault_stack_map(struct cop__fault_scope *scope)
{
        (void)scope;
        return COP_OK;
}

cop_status __wrap_cop__fault_thread_start(struct cop__fault_scope *scope)
{
        (void)scope;
        return COP_OK;
}

void __wrap_cop__fault_thread_stop(struct cop__fault_scope *scope)
{
        (void)scope;
}
