# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The libraries that Coppice stands on, each as an imported target coppice::NAME.
# The build reads this file; so does the installed package when its static library is
# asked for, with coppice_find_quietly set and the COPPICE_WITH_ switches as they
# turned out in the build.
#
# Sets coppice_dependencies (targets that the library links), coppice_missing (names
# of what is demanded and not there), coppice_pc_libs (the same as linker flags, for
# coppice.pc) and COP__HAVE_LIBDW and _LIBEDIT (0 or 1).

find_package(Threads QUIET)
find_package(PkgConfig QUIET)

set(coppice_dependencies Threads::Threads)
set(coppice_missing "")
set(coppice_pc_libs "-pthread")

# coppice_find(NAME HEADER LIBRARIES... [PKGCONFIG modules...]) makes coppice::NAME when
# the header and one of the libraries are there. pkg-config only hints at where: CK's
# file also says -D__x86_64__, and others add -I/usr/include, which do harm.
function(coppice_find name header)
        cmake_parse_arguments(PARSE_ARGV 2 find "" "" "PKGCONFIG;LIBRARIES")
        if(TARGET coppice::${name})
                return()
        endif()
        set(include_hints "")
        set(library_hints "")
        if(PkgConfig_FOUND)
                foreach(module IN LISTS find_PKGCONFIG)
                        pkg_check_modules(coppice_pc_${module} QUIET ${module})
                        list(APPEND include_hints ${coppice_pc_${module}_INCLUDEDIR}
                             ${coppice_pc_${module}_INCLUDE_DIRS})
                        list(APPEND library_hints ${coppice_pc_${module}_LIBDIR}
                             ${coppice_pc_${module}_LIBRARY_DIRS})
                endforeach()
        endif()
        find_path(COPPICE_${name}_INCLUDE ${header} HINTS ${include_hints})
        find_library(COPPICE_${name}_LIBRARY NAMES ${find_LIBRARIES} HINTS ${library_hints})
        mark_as_advanced(COPPICE_${name}_INCLUDE COPPICE_${name}_LIBRARY)
        if(COPPICE_${name}_INCLUDE AND COPPICE_${name}_LIBRARY)
                add_library(coppice::${name} UNKNOWN IMPORTED)
                set_target_properties(coppice::${name} PROPERTIES
                        IMPORTED_LOCATION ${COPPICE_${name}_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${COPPICE_${name}_INCLUDE})
        endif()
endfunction()

# The linker flag for a library file: /usr/lib/libck.so gives -lck.
function(coppice_flag name result)
        get_filename_component(file "${COPPICE_${name}_LIBRARY}" NAME)
        string(REGEX REPLACE "^lib(.+)\\.(so|a).*$" "-l\\1" flag "${file}")
        set(${result} ${flag} PARENT_SCOPE)
endfunction()

# What a static link needs besides is the library's own affair: further arguments are the modules of pkg-config that say so. It is
# asked once, here, as a requirement in coppice.pc would be one of programs on the shared library, too.
macro(coppice_demand name)
        if(TARGET coppice::${name})
                list(APPEND coppice_dependencies coppice::${name})
                coppice_flag(${name} coppice_one_flag)
                string(APPEND coppice_pc_libs " ${coppice_one_flag}")
                foreach(coppice_module ${ARGN})
                        foreach(coppice_one_library IN LISTS coppice_pc_${coppice_module}_STATIC_LIBRARIES)
                                string(APPEND coppice_pc_libs " -l${coppice_one_library}")
                        endforeach()
                endforeach()
        else()
                list(APPEND coppice_missing ${name})
        endif()
endmacro()

# An optional one: COP__HAVE_X becomes 0 or 1, and ON insists.
macro(coppice_wish name switch)
        set(COP__HAVE_${switch} 0)
        if(TARGET coppice::${name})
                set(COP__HAVE_${switch} 1)
        elseif(COPPICE_WITH_${switch} AND NOT COPPICE_WITH_${switch} STREQUAL "AUTO")
                list(APPEND coppice_missing ${name})
        endif()
        if(NOT coppice_find_quietly)
                message(STATUS "Coppice with ${name}: ${COP__HAVE_${switch}}")
        endif()
endmacro()

coppice_find(ck ck_pr.h LIBRARIES ck PKGCONFIG ck)
coppice_demand(ck)

# Newer upstreams call the package msgpack-c, Debian calls it msgpack; the targets differ
# too. Where neither is a CMake package for C, pkg-config and the linker decide.
foreach(package msgpack-c msgpack)
        if(NOT TARGET coppice::msgpack)
                find_package(${package} CONFIG QUIET)
                foreach(target msgpack-c msgpackc)
                        if(TARGET ${target} AND NOT TARGET coppice::msgpack)
                                add_library(coppice::msgpack INTERFACE IMPORTED)
                                set_target_properties(coppice::msgpack PROPERTIES
                                        INTERFACE_LINK_LIBRARIES ${target})
                                set(COPPICE_msgpack_LIBRARY lib${target}.so)
                        endif()
                endforeach()
        endif()
endforeach()
coppice_find(msgpack msgpack.h LIBRARIES msgpack-c msgpackc PKGCONFIG msgpack-c msgpack)
coppice_demand(msgpack)

if(COPPICE_WITH_LIBDW)
        coppice_find(libdw elfutils/libdwfl.h LIBRARIES dw PKGCONFIG libdw)
endif()
coppice_wish(libdw LIBDW)
if(TARGET coppice::libdw)
        coppice_demand(libdw libdw)
endif()

# Only the client program links it, so the library's dependencies leave it out.
if(COPPICE_WITH_LIBEDIT)
        coppice_find(libedit histedit.h LIBRARIES edit PKGCONFIG libedit)
endif()
coppice_wish(libedit LIBEDIT)
