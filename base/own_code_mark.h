/* Copyright (c) 2026 The Coppice authors. MIT licence. */
/*
 * Included by the compiler's command line before each source file of the library, and by nobody else: it notes where
 * the code of that file begins and ends. See own_code.h, which collects the notes.
 *
 *      .text of one file      subsection 0 ▕ functions ▏ subsection 8191 ▕ (nothing) ▏
 *                             ▲ the section's own symbol                 ▲ a label
 *
 * The assembler puts the subsections of one section one behind the other in the order of their numbers, so the label is
 * behind all functions whatever order the compiler writes them in. The distances are relative, and need no relocation
 * when the program is loaded. Cold functions lie in a section of their own, whose name differs between compilers.
 */
#ifndef BASE_OWN_CODE_MARK_H
#define BASE_OWN_CODE_MARK_H

/* Kept by linkers that collect garbage and do not count __start_cop_own_code as a use, where the assembler can say so. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define COP__OWN_CODE_FLAGS "aR"
#endif
#endif
#ifndef COP__OWN_CODE_FLAGS
#define COP__OWN_CODE_FLAGS "a"
#endif

#define COP__OWN_CODE_NOTE(section, label)                    \
        ".pushsection " section ", 8191, \"ax\"\n" label ":\n" \
        ".popsection\n"                                       \
        ".pushsection cop_own_code, \"" COP__OWN_CODE_FLAGS "\"\n" \
        ".balign 4\n"                                         \
        ".long " section " - .\n"                             \
        ".long " label " - .\n"                               \
        ".popsection\n"

__asm__(COP__OWN_CODE_NOTE(".text", ".Lcop_own_text")
        COP__OWN_CODE_NOTE(".text.unlikely", ".Lcop_own_unlikely")
        COP__OWN_CODE_NOTE(".text.unlikely.", ".Lcop_own_unlikely_dot")
        COP__OWN_CODE_NOTE(".text.hot", ".Lcop_own_hot")
        COP__OWN_CODE_NOTE(".text.startup", ".Lcop_own_startup"));

#endif
