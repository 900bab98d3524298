/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The handler, its judgement, and the detour. See preempt.h.
 *
 * Writable global: the installation, which is the process's, as its signals are. It is changed under its lock; the handler reads
 * `grounds`, which is there as long as any worker can be sent the signal.
 */
#define _GNU_SOURCE
#include "actors/preempt.h"

#include <coppice/preempt.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/types.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/ground.h"
#include "base/own_wait.h"
#include "scheduler/detour.h"

/* Frames that are followed: an actor deeper than this in a recursion is not interrupted there. */
#define FRAMES_MAX 1000u

static struct preemption {
        pthread_mutex_t lock; /* a leaf */
        unsigned count;
        int signal; /* 0: none is free, nobody is interrupted */
        struct sigaction previous;
        struct cop__grounds *grounds;
} preemption = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- The judgement ----------------------------------------------------------------- */

/* A walk from the interrupted instruction outwards. */
struct walk {
        const struct cop__grounds *grounds;
        uintptr_t top; /* the turn's */
        unsigned frames;
        bool may_wait;    /* the actor is to end: it may be left in a call that waits */
        bool has_unnamed; /* the frame just passed is as its caller is */
        bool has_jump;    /* likewise: it is on its way into a library */
        bool has_own;     /* the runtime's own frames have begun: the actor's are all seen */
        bool has_theirs;  /* and before those there was one of the program */
        bool is_done;     /* up to the turn */
        enum cop__preempt_answer answer;
};

/* Where a call pushes nothing a function may have its caller's stack pointer: see fault_judge.c. */
static bool is_beyond(uintptr_t sp, uintptr_t top)
{
#if defined(__x86_64__)
        return sp >= top;
#else
        return sp > top;
#endif
}

static enum cop__preempt_answer judge_ground(struct walk *walk, enum cop__ground ground)
{
        bool had_unnamed = walk->has_unnamed, had_jump = walk->has_jump;
        walk->has_unnamed = ground == COP__GROUND_UNNAMED;
        walk->has_jump = ground == COP__GROUND_JUMP;
        switch (ground) {
        case COP__GROUND_OWN:
                walk->has_own = true;
                if (had_jump) /* ours; or the last call of the program's function, which is another time somewhere else */
                        return COP__PREEMPT_RUNTIME;
                break;
        case COP__GROUND_OPEN:
                walk->has_theirs = true;
                if (walk->has_own)
                        return COP__PREEMPT_RUNTIME;
                break;
        case COP__GROUND_HARMLESS:
                return walk->has_own ? COP__PREEMPT_RUNTIME : COP__PREEMPTED;
        case COP__GROUND_UNNAMED:
        case COP__GROUND_JUMP:
                return COP__PREEMPTED;
        default:
                return COP__PREEMPT_LIBRARY;
        }
        return had_unnamed ? COP__PREEMPT_LIBRARY : COP__PREEMPTED;
}

static enum cop__ground ground_of(const struct walk *walk, uintptr_t pc)
{
        enum cop__ground ground = cop__ground_of(walk->grounds, pc);
        bool waits = ground == COP__GROUND_CLOSED && walk->may_wait && cop__ground_waits(walk->grounds, pc);
        return waits ? COP__GROUND_HARMLESS : ground;
}

static bool visit(const struct cop__frame *frame, void *visitor)
{
        struct walk *walk = visitor;
        if (is_beyond(frame->sp, walk->top)) {
                walk->is_done = true;
                return false;
        }
        uintptr_t pc = frame->is_exact ? frame->pc : frame->pc - 1;
        walk->answer = judge_ground(walk, ground_of(walk, pc));
        return walk->answer == COP__PREEMPTED && ++walk->frames < FRAMES_MAX;
}

/*
 * With nothing of the program's above us a harmless function works for us, as we take in what has come, and what we have in hand would be
 * lost. Or the program's last call was made a jump: then it is asked another time. But a call that waits may never end: there `where`, what
 * the turn is at, decides. If that is ours, as in an actor of the library's own, it waits for us, perhaps with a lock. Where we wait although
 * it is the program's, we say so ourselves (own_wait.h).
 */
static enum cop__preempt_answer judge_frames(uintptr_t top, bool may_wait, const void *where, const ucontext_t *context)
{
        struct walk walk = { .grounds = preemption.grounds, .top = top, .may_wait = may_wait };
        /* Nearly all refusals are known by the instruction alone. */
        enum cop__ground here = ground_of(&walk, cop__context_pc(context));
        if (here == COP__GROUND_OWN)
                return COP__PREEMPT_RUNTIME;
        if (here == COP__GROUND_CLOSED)
                return COP__PREEMPT_LIBRARY;
        cop__backtrace_walk(context, visit, &walk);
        if (walk.answer != COP__PREEMPTED)
                return walk.answer;
        if (walk.frames == 0 || walk.frames == FRAMES_MAX)
                return COP__PREEMPT_NO_STACK;
        bool waits = may_wait && cop__ground_waits(preemption.grounds, cop__context_pc(context));
        bool is_ours = where != NULL && cop__ground_of(preemption.grounds, (uintptr_t)where) == COP__GROUND_OWN;
        if (!walk.has_theirs && (is_ours || !waits))
                return COP__PREEMPT_RUNTIME;
        return walk.is_done && walk.has_own && !walk.has_unnamed ? COP__PREEMPTED
                                                                 : COP__PREEMPT_LIBRARY;
}

static enum cop__preempt_answer judge(struct cop__thread *thread, const struct cop__fault_scope *scope,
                                      const ucontext_t *context)
{
        struct cop__worker *worker = thread->worker;
        uintptr_t top = scope->overflow_sp;
        uintptr_t sp = cop__context_sp(context);
        if (top == 0 || thread->current == NULL ||
            cop__load_acquire(&cop__here_of(thread)->asked_turn) != worker->turns) /* ASKED */
                return COP__PREEMPT_NO_TURN;
        if (scope->critical > 0 || scope->handling || cop__own_wait_is_on())
                return COP__PREEMPT_RUNTIME;
        if (scope->calm > 0 || cop__has_manner(cop__actor_of(thread->current), COP__UNPREEMPTED))
                return COP__PREEMPT_CALM;
        if (sp > top || sp < scope->stack_low)
                return COP__PREEMPT_NO_STACK;
        return judge_frames(top, cop__load_relaxed(&cop__here_of(thread)->asked_in_call),
                            cop__load_relaxed(&cop__actor_of(thread->current)->where), context);
}

/* ---- The handler --------------------------------------------------------------------- */

/* On the actor's stack, in ordinary code. When it goes on, the watch hears that to people this is no new turn. */
static void go_another_way(void *argument)
{
        struct cop__actor *actor = argument;
        struct cop__thread *thread = cop__thread_here();
        struct cop__here *here = cop__here_of(thread);
        int saved_errno = errno;
        uint64_t since_ns = cop__load_relaxed(&here->asked_since_ns);
        uint64_t due_ns = cop__load_relaxed(&here->asked_due_ns);
        uint64_t progress = actor->handled;
        cop__fault_restore_float(&here->fault);
        cop__yield_here(actor);
        cop__store_relaxed(&thread->worker->run_since_ns, since_ns);
        cop__store_relaxed(&thread->worker->run_due_ns, due_ns);
        cop__store_relaxed(&thread->worker->run_progress, progress);
        cop__store_release(&thread->worker->run_turn, thread->worker->turns); /* RUN */
        errno = saved_errno;
}

/* Where the thread is, for the watchdog. */
static void make_sighting(struct cop__sighting *sighting, const struct cop__actor *actor,
                          enum cop__preempt_answer answer, const ucontext_t *context)
{
        if (cop__load_acquire(&sighting->state) != COP__SIGHTING_ASKED)
                return;
        sighting->answer = answer;
        sighting->pid = cop__actor_pid(actor);
        sighting->handled = actor->handled;
        cop__backtrace_from(&sighting->backtrace, context);
        cop__store_release(&sighting->state, COP__SIGHTING_MADE);
}

static void interrupt_here(struct cop__thread *thread, struct cop__fault_scope *scope,
                           siginfo_t *info, ucontext_t *context)
{
        struct cop__here *here = cop__here_of(thread);
        enum cop__preempt_answer answer = judge(thread, scope, context);
        if (answer != COP__PREEMPT_NO_TURN)
                make_sighting(&here->sighting, cop__actor_of(thread->current), answer, context);
        if (!cop__load_relaxed(&here->asked_end))
                return;
        if (answer == COP__PREEMPTED &&
            !cop__detour(context, info, scope->stack_low, go_another_way,
                         cop__actor_of(thread->current)))
                answer = COP__PREEMPT_NO_STACK;
        cop__count_up(&here->preempt_answers[answer]);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
        int saved_errno = errno;
        struct cop__fault_scope *scope = cop__fault_scope_here();
        struct cop__thread *thread = cop__thread_here();
        (void)number;
        if (scope != NULL && thread != NULL && thread->worker != NULL && info->si_code == SI_TKILL &&
            info->si_pid == getpid())
                interrupt_here(thread, scope, info, context);
        errno = saved_errno;
}

/* ---- Installing ------------------------------------------------------------------------ */

/* 0: a program has taken them all. */
static int free_signal(void)
{
        for (int number = SIGRTMAX - 1; number >= SIGRTMIN; number--) {
                struct sigaction now;
                if (sigaction(number, NULL, &now) == 0 && !(now.sa_flags & SA_SIGINFO) &&
                    now.sa_handler == SIG_DFL)
                        return number;
        }
        return 0;
}

static cop_status install_first(void)
{
        struct sigaction action = {
                .sa_sigaction = on_signal,
                .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART,
        };
        preemption.signal = cop__detour_is_possible() ? free_signal() : 0;
        if (preemption.signal == 0)
                return COP_OK;
        preemption.grounds = cop__grounds_new(cop__fault_code_map());
        if (preemption.grounds == NULL)
                return COP_E_NO_MEMORY;
        sigemptyset(&action.sa_mask);
        if (sigaction(preemption.signal, &action, &preemption.previous) == 0)
                return COP_OK;
        cop__grounds_free(preemption.grounds);
        preemption.grounds = NULL;
        return COP_E_SYSTEM;
}

cop_status cop__preempt_install(void)
{
        cop_status status = COP_OK;
        pthread_mutex_lock(&preemption.lock);
        if (preemption.count == 0)
                status = install_first();
        if (status == COP_OK)
                preemption.count++;
        pthread_mutex_unlock(&preemption.lock);
        return status;
}

void cop__preempt_uninstall(void)
{
        pthread_mutex_lock(&preemption.lock);
        if (--preemption.count == 0 && preemption.signal != 0) {
                sigaction(preemption.signal, &preemption.previous, NULL);
                cop__grounds_free(preemption.grounds);
                preemption.grounds = NULL;
        }
        pthread_mutex_unlock(&preemption.lock);
}

void cop__preempt_forget(void)
{
        pthread_mutex_init(&preemption.lock, NULL); /* somebody may have held it */
        preemption.count = 0;
        preemption.signal = 0;
        preemption.grounds = NULL;
}

void cop__preempt_enter(void)
{
        sigset_t set;
        if (preemption.signal == 0)
                return;
        sigemptyset(&set);
        sigaddset(&set, preemption.signal);
        pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* ---- What the watch asks for -------------------------------------------------------------- */

static enum cop__watch_call call_of(struct cop__task *task)
{
        const struct cop__actor *actor = cop__actor_of(task);
        if (cop__load_relaxed(&actor->urgent) != 0)
                return COP__WATCH_CALLED_NOW;
        return cop__has_arrived(actor) ? COP__WATCH_CALLED : COP__WATCH_NOT_CALLED;
}

/* An exit signal that it does not trap; or a message with priority, for which it wakes up in vain. */
static bool is_to_leave(struct cop__task *task)
{
        const struct cop__actor *actor = cop__actor_of(task);
        return cop__load_relaxed(&actor->urgent) != 0 && !cop__load_relaxed(&actor->trap_exit);
}

static bool is_in_task(struct cop__worker *worker)
{
        return cop__load_relaxed(&cop__here_of(&worker->thread)->fault.overflow_sp) != 0;
}

static bool is_left_alone(struct cop__worker *worker, struct cop__task *task)
{
        return cop__load_relaxed(&cop__here_of(&worker->thread)->fault.calm) > 0 ||
               cop__has_manner(cop__actor_of(task), COP__UNPREEMPTED);
}

static uint64_t progress_of(struct cop__task *task)
{
        return cop__load_relaxed(&cop__actor_of(task)->handled);
}

static void interrupt(struct cop__worker *worker, const struct cop__watch_request *request)
{
        struct cop__here *here = cop__here_of(&worker->thread);
        if (preemption.signal == 0)
                return;
        cop__store_relaxed(&here->asked_since_ns, request->since_ns);
        cop__store_relaxed(&here->asked_due_ns, request->due_ns);
        cop__store_relaxed(&here->asked_end, request->end);
        cop__store_relaxed(&here->asked_in_call, request->in_call);
        cop__store_release(&here->asked_turn, request->turn); /* ASKED */
        if (request->tell)
                cop__store_release(&here->sighting.state, COP__SIGHTING_ASKED);
        pthread_kill(worker->handle, preemption.signal);
}

static void interrupt_calmly(struct cop__worker *worker, const struct cop__watch_request *request)
{
        struct cop__watch_request calm = *request;
        calm.end = false;
        if (request->tell)
                interrupt(worker, &calm);
}

static uint64_t answers_of(struct cop__worker *worker)
{
        const struct cop__here *here = cop__here_of(&worker->thread);
        return cop__load_relaxed(&here->preempt_answers[COP__PREEMPT_LIBRARY]) +
               cop__load_relaxed(&here->preempt_answers[COP__PREEMPT_CALM]);
}

static bool has_told(struct cop__worker *worker, uint64_t since_ns)
{
        struct cop__here *here = cop__here_of(&worker->thread);
        if (cop__load_acquire(&here->sighting.state) != COP__SIGHTING_MADE)
                return false;
        cop__watchdog_report(here->node, &here->sighting, since_ns);
        cop__store_relaxed(&here->sighting.state, COP__SIGHTING_NONE);
        return true;
}

static void tell_blind(struct cop__worker *worker, struct cop__task *task, uint64_t since_ns)
{
        if (task != NULL)
                cop__watchdog_report_blind(cop__here_of(&worker->thread)->node, worker, task, since_ns);
}

/* In a process of its own an actor is all that there is to run. */
static void tell_still(struct cop__scheduler *scheduler, uint64_t for_ns, bool is_over)
{
        struct cop_node *node = cop__here_of(&scheduler->watch_thread)->node;
        if (node->inside == NULL)
                cop__watchdog_tell_still(node, for_ns, is_over);
}

const struct cop__watch_hooks cop__preempt_hooks = {
        .call_of = call_of,
        .is_to_leave = is_to_leave,
        .is_in_task = is_in_task,
        .is_left_alone = is_left_alone,
        .progress_of = progress_of,
        .interrupt = interrupt,
        .answers_of = answers_of,
        .has_told = has_told,
        .tell_blind = tell_blind,
        .tell_still = tell_still,
};

const struct cop__watch_hooks cop__preempt_hooks_calm = {
        .call_of = call_of,
        .is_to_leave = is_to_leave,
        .is_in_task = is_in_task,
        .is_left_alone = is_left_alone,
        .progress_of = progress_of,
        .interrupt = interrupt_calmly,
        .answers_of = answers_of,
        .has_told = has_told,
        .tell_blind = tell_blind,
        .tell_still = tell_still,
};

bool cop__preempt_is_own(uintptr_t pc)
{
        return preemption.grounds != NULL &&
               cop__ground_of(preemption.grounds, pc) == COP__GROUND_OWN;
}

uint64_t cop__preempt_count(struct cop_node *node, enum cop__preempt_answer answer)
{
        uint64_t count = 0;
        for (unsigned i = 0; i < cop__load_acquire(&node->scheduler.reach); i++)
                count += cop__load_relaxed(&cop__here_of(&node->scheduler.workers[i].thread)
                                                    ->preempt_answers[answer]);
        return count;
}

/* ---- Being left alone ----------------------------------------------------------------------- */

/* Of the calling thread, if it is a worker's; the actor takes it along when it waits (wait.c). */
static struct cop__fault_scope *scope_of_worker(void)
{
        struct cop__thread *thread = cop__thread_here();
        return thread != NULL && thread->worker != NULL ? &cop__here_of(thread)->fault : NULL;
}

void cop_no_preempt_begin(void)
{
        struct cop__fault_scope *scope = scope_of_worker();
        if (scope == NULL)
                return;
        cop__store_relaxed(&scope->calm, scope->calm + 1);
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

void cop_no_preempt_end(void)
{
        struct cop__fault_scope *scope = scope_of_worker();
        if (scope == NULL)
                return;
        __atomic_signal_fence(__ATOMIC_SEQ_CST);
        if (scope->calm > 0)
                cop__store_relaxed(&scope->calm, scope->calm - 1);
        else
                cop__badarg("no_preempt_end", "there was no cop_no_preempt_begin");
}

bool cop_no_preempt(bool on)
{
        struct cop__actor *actor = cop__actor_here();
        if (actor == NULL)
                return false;
        bool before = cop__has_manner(actor, COP__UNPREEMPTED);
        cop__set_manner(actor, COP__UNPREEMPTED, on);
        return before;
}
