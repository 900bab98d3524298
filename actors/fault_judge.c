/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * The verdict: the runtime must be out of the way, the stack must be the actor's, and no
 * frame between the fault and the turn may be one that cannot be left.
 *
 * The frames are followed from the fault outwards:
 *
 *      strlen     harmless         the fault itself
 *      -          unnamed          as harmless as its caller is
 *      vfprintf   unsafe           refused: the stream's lock is taken
 *      on_order   the program's    the culprit
 *      ---------- the turn begins here
 */
#define _GNU_SOURCE
#include "actors/fault_judge.h"

#include <signal.h>

#include "base/compiler.h"

#if defined(__x86_64__) || defined(__aarch64__)
#define CAN_LAND 1
#else
#define CAN_LAND 0
#endif

/*
 * Where a call pushes nothing, a function without a frame of its own has its caller's stack
 * pointer, also the first one of a turn. There the frame that began the turn is seen too.
 */
#if defined(__x86_64__)
#define IS_BEYOND(sp, top) ((sp) >= (top))
#else
#define IS_BEYOND(sp, top) ((sp) > (top))
#endif

static const struct cop__fault_refusal in_the_library = {
        .blame = COP__BLAME_PROGRAM,
        .why = "the C library was at work: it may hold a lock, or memory half changed",
};
static const struct cop__fault_refusal stripped = {
        .blame = COP__BLAME_PROGRAM,
        .why = "it is linked statically and stripped: nobody can tell its own functions from the C library's",
};
static const struct cop__fault_refusal in_the_runtime = {
        .blame = COP__BLAME_COPPICE,
        .why = "it lies in Coppice's own code, perhaps for a bad pointer passed to it",
};
static const struct cop__fault_refusal at_depth = {
        .blame = COP__BLAME_COPPICE,
        .why = "the runtime was at work, perhaps with a bad pointer passed to it: what the actors share may be half changed",
};
static const struct cop__fault_refusal outside_turn = {
        .blame = COP__BLAME_COPPICE,
        .why = "no actor was running",
};
static const struct cop__fault_refusal broken_memory = {
        .blame = COP__BLAME_SYSTEM,
        .why = "the hardware reports that memory is broken",
};
static const struct cop__fault_refusal stack_lost = {
        .blame = COP__BLAME_PROGRAM,
        .why = "the stack pointer does not point into the actor's stack",
        .is_stack_lost = true,
};
static const struct cop__fault_refusal frames_lost = {
        .blame = COP__BLAME_PROGRAM,
        .why = "its frames cannot be followed, and the C library may be among them",
};
static const struct cop__fault_refusal is_inline = {
        .blame = COP__BLAME_PROGRAM,
        .why = "the actor was started with isolation inline",
};
static const struct cop__fault_refusal is_strict = {
        .blame = COP__BLAME_PROGRAM,
        .why = "it is contained strictly, and such a fault may come from memory that is broken",
};
static const struct cop__fault_refusal no_landing = {
        .blame = COP__BLAME_COPPICE,
        .why = "faults cannot be contained on this kind of processor",
};

/* A walk from the fault outwards, which judges each frame as it goes by. */
struct judge {
        const struct cop__code_map *map;
        struct cop__fault *fault;
        uintptr_t top;     /* the turn's */
        uintptr_t reached; /* the stack pointer of the last frame seen */
        size_t frames_max;
        size_t frames_seen;
        bool has_culprit;
        bool has_language; /* a frame that is not the culprit as long as there may be one behind it */
        bool has_unnamed; /* frames just passed are as harmless as the next one is */
        bool is_done;     /* the turn's frames have all been seen */
        const struct cop__fault_refusal *refusal;
};

static void judge_code(struct judge *judge, enum cop__code code)
{
        bool is_callers_turn = code == COP__CODE_USER || code == COP__CODE_LANGUAGE || code == COP__CODE_RUNTIME;
        if (code == COP__CODE_UNSAFE || (is_callers_turn && judge->has_unnamed))
                judge->refusal = cop__code_map_is_blind(judge->map) ? &stripped : &in_the_library;
        else if (code == COP__CODE_RUNTIME && !judge->has_culprit && !judge->has_language)
                judge->refusal = &in_the_runtime;
        judge->has_unnamed = code == COP__CODE_UNNAMED;
}

static bool judge_frame(const struct cop__frame *frame, void *visitor)
{
        struct judge *judge = visitor;
        struct cop__backtrace *backtrace = &judge->fault->backtrace;
        if (IS_BEYOND(frame->sp, judge->top)) {
                judge->is_done = true;
                return false;
        }
        if (judge->frames_seen == judge->frames_max)
                return false;
        judge->frames_seen++;
        judge->reached = frame->sp;

        uintptr_t pc = frame->is_exact ? frame->pc : frame->pc - 1;
        enum cop__code code = cop__code_map_find(judge->map, pc);
        if (!judge->refusal)
                judge_code(judge, code);
        bool is_recorded = backtrace->depth < COP__BACKTRACE_MAX;
        bool may_be_it = !judge->has_culprit && is_recorded && frame->pc;
        if (may_be_it && (code == COP__CODE_USER || (code == COP__CODE_LANGUAGE && !judge->has_language)))
                judge->fault->culprit = backtrace->depth;
        judge->has_culprit |= may_be_it && code == COP__CODE_USER;
        judge->has_language |= may_be_it && code == COP__CODE_LANGUAGE;
        if (is_recorded)
                backtrace->frames[backtrace->depth++] = (void *)frame->pc;
        return true;
}

/* Could a word between here and the turn be a return address into code that is unsafe? */
__attribute__((no_sanitize("address", "thread")))
static bool is_any_word_suspect(const struct cop__code_map *map, uintptr_t from, uintptr_t top)
{
        from = (from + sizeof from - 1) & ~(sizeof from - 1);
        for (; from + sizeof from <= top; from += sizeof from) {
                uintptr_t word = *(const uintptr_t *)from;
                enum cop__code code = cop__code_map_find(map, word - 1);
                if (code == COP__CODE_UNSAFE || code == COP__CODE_UNNAMED)
                        return true;
        }
        return false;
}

/*
 * A deep recursion has too many frames to follow each. Those beyond the first are clean if
 * no word of the stack looks like a return address into the library; if one does, it may
 * be a stale one, and only the whole walk can tell.
 */
static const struct cop__fault_refusal *judge_frames(struct cop__fault_scope *scope,
                                                     const struct cop__code_map *map,
                                                     const ucontext_t *context)
{
        struct cop__fault *fault = &scope->fault;
        uintptr_t sp = cop__context_sp(context);
        struct judge judge = {
                .map = map,
                .fault = fault,
                .top = scope->overflow_sp,
                .reached = sp,
                .frames_max = COP__BACKTRACE_MAX,
        };
        cop__backtrace_walk(context, judge_frame, &judge);
        if (fault->backtrace.depth == 0)
                fault->backtrace.frames[fault->backtrace.depth++] = fault->pc;
        if (judge.is_done && judge.frames_seen == 0)
                return &in_the_runtime; /* in the function that began the turn */
        if (judge.refusal || (judge.is_done && !judge.has_unnamed))
                return judge.refusal;
        if (judge.is_done)
                return &in_the_library;

        bool is_cut_short = judge.frames_seen == judge.frames_max;
        uintptr_t from = judge.reached > scope->stack_low ? judge.reached : scope->stack_low;
        if (!judge.has_unnamed && !is_any_word_suspect(map, from, judge.top))
                return NULL;
        if (!is_cut_short)
                return &frames_lost;

        struct cop__fault ignored;
        ignored.backtrace.depth = COP__BACKTRACE_MAX;
        judge = (struct judge){
                .map = map,
                .fault = &ignored,
                .top = scope->overflow_sp,
                .reached = sp,
                .frames_max = SIZE_MAX,
                .has_culprit = judge.has_culprit,
                .has_language = judge.has_language,
        };
        cop__backtrace_walk(context, judge_frame, &judge);
        if (judge.refusal)
                return judge.refusal;
        return judge.is_done ? NULL : &frames_lost;
}

bool cop__fault_is_guarded(const struct cop__fault_scope *scope, uintptr_t address)
{
        return scope->guards && scope->guards(address, scope->guards_context);
}

/* As Go does it: what follows a NULL pointer, fills its stack or divides by zero has not met a stray pointer. An address
 * that the processor did not tell is no NULL. */
static bool is_strictly_containable(const struct cop__fault *fault)
{
        bool is_near_null = fault->signal == SIGSEGV && fault->code != SI_KERNEL &&
                            fault->address < COP__NULL_PAGE;
        return is_near_null || fault->stack_overflow || fault->signal == SIGFPE;
}

/* The policy comes last: what it would refuse and the rules refuse too, they explain better. */
static const struct cop__fault_refusal *judge_policy(const struct cop__fault_scope *scope)
{
        switch (scope->contains ? scope->contains(scope->contains_context) : COP__CONTAIN) {
        case COP__CONTAIN_NOT:
                return &is_inline;
        case COP__CONTAIN_STRICT:
                return is_strictly_containable(&scope->fault) ? NULL : &is_strict;
        default:
                return NULL;
        }
}

const struct cop__fault_refusal *cop__fault_judge(struct cop__fault_scope *scope,
                                                  const struct cop__code_map *map,
                                                  const ucontext_t *context)
{
        struct cop__fault *fault = &scope->fault;
        uintptr_t sp = cop__context_sp(context);
        if (!CAN_LAND)
                return &no_landing;
        if (fault->signal == SIGBUS
            && (fault->code == BUS_MCEERR_AR || fault->code == BUS_MCEERR_AO))
                return &broken_memory;
        if (scope->overflow_sp == 0)
                return &outside_turn;
        if (scope->critical > 0)
                return &at_depth;
        bool is_on_stack = sp >= scope->stack_low || fault->stack_overflow
                           || cop__fault_is_guarded(scope, sp);
        if (sp > scope->overflow_sp || !is_on_stack)
                return &stack_lost;
        const struct cop__fault_refusal *refusal = judge_frames(scope, map, context);
        return refusal ? refusal : judge_policy(scope);
}
