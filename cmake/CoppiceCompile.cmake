# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# How Coppice's own code is compiled. The target coppice_internal carries it; the layers,
# the client, the tests and the bench link it, programs of users never see it.

if(coppice_missing)
        string(REPLACE ";" ", " coppice_missing "${coppice_missing}")
        message(FATAL_ERROR "not found: ${coppice_missing}. On Debian and Ubuntu, ./run build "
                "installs what is missing; elsewhere ./run packages prints the list.")
endif()

include(CheckSymbolExists)
set(CMAKE_REQUIRED_DEFINITIONS -D_GNU_SOURCE)
check_symbol_exists(sigabbrev_np string.h COPPICE_C_LIBRARY_IS_GLIBC_2_32)
unset(CMAKE_REQUIRED_DEFINITIONS)
if(NOT COPPICE_C_LIBRARY_IS_GLIBC_2_32)
        message(FATAL_ERROR "Coppice needs glibc 2.32 or later: this C library is older, or another one")
endif()

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

get_property(coppice_multi_config GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(coppice_alone AND NOT CMAKE_BUILD_TYPE AND NOT coppice_multi_config)
        set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "The kind of build" FORCE)
endif()

set(coppice_warnings -Wall -Wextra -Wformat=2 -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wpointer-arith -Wundef -Wvla)
if(COPPICE_WERROR)
        list(APPEND coppice_warnings -Werror)
endif()

set(coppice_sanitize_flags "")
if(COPPICE_SANITIZE)
        # A finding ends the program: a test must not pass with one.
        set(coppice_sanitize_flags -fsanitize=${COPPICE_SANITIZE} -fno-sanitize-recover=all)
endif()

if(COPPICE_FUZZ)
        # Counters for the fuzzer in all that is built; its main only in the targets (tests/fuzz).
        list(APPEND coppice_sanitize_flags -fsanitize=fuzzer-no-link)
endif()

add_library(coppice_internal INTERFACE)
target_include_directories(coppice_internal INTERFACE
        ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/include
        ${CMAKE_CURRENT_BINARY_DIR}/generated)
# Options are for C: clang calls a C option that assembly does not need an error.
target_compile_options(coppice_internal INTERFACE
        $<$<COMPILE_LANGUAGE:C>:${coppice_warnings}>
        $<$<COMPILE_LANGUAGE:C>:-fno-delete-null-pointer-checks>
        $<$<COMPILE_LANGUAGE:C>:-fasynchronous-unwind-tables>
        $<$<COMPILE_LANGUAGE:C>:-fno-omit-frame-pointer>
        $<$<COMPILE_LANGUAGE:C>:${coppice_sanitize_flags}>)
target_link_options(coppice_internal INTERFACE ${coppice_sanitize_flags})
# The layout of checked structures differs, so everyone inside must agree on this one.
target_compile_definitions(coppice_internal INTERFACE
        COP__CHECKED=$<BOOL:${COPPICE_CHECKED}> COP__TINY=$<BOOL:${COPPICE_TINY}> COP__CUES=$<BOOL:${coppice_has_tests}>)
target_link_libraries(coppice_internal INTERFACE ${coppice_dependencies})

# For programs that crash on purpose (samples, tests, the bench): the fault must reach the
# processor, so the sanitizer leaves these two alone there. The library itself keeps them.
# A target and not a list of options, since it must come after those above: link it last.
add_library(coppice_crashing INTERFACE)
if(COPPICE_SANITIZE MATCHES undefined)
        target_compile_options(coppice_crashing INTERFACE
                $<$<COMPILE_LANGUAGE:C>:-fno-sanitize=null,integer-divide-by-zero>)
endif()

# For what is to be counted by ./run coverage: the layers and the client, not the tests. Relocated counters lie in the profile
# itself, which is mapped: who dies without a word has been counted all the same, and so has who was forked.
add_library(coppice_coverage INTERFACE)
if(COPPICE_COVERAGE)
        target_compile_options(coppice_coverage INTERFACE
                "$<$<COMPILE_LANGUAGE:C>:SHELL:-fprofile-instr-generate -fcoverage-mapping -fprofile-update=atomic -mllvm -runtime-counter-relocation>")
        target_link_options(coppice_internal INTERFACE -fprofile-instr-generate)
endif()
