# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# What is installed, and how others find it: find_package(coppice) gives coppice::coppice;
# find_package(coppice COMPONENTS static) also coppice::coppice_static; coppice.pc is for
# pkg-config. tests/consumer tries all three.

include(CMakePackageConfigHelpers)

set(coppice_package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/coppice)

install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS coppice EXPORT coppiceTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS coppice_static EXPORT coppiceStaticTargets
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET coppice_client)
        install(TARGETS coppice_client RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# Two sets: a program on the shared library must build where the dependencies are not
# installed for development.
install(EXPORT coppiceTargets NAMESPACE coppice:: DESTINATION ${coppice_package_dir})
install(EXPORT coppiceStaticTargets NAMESPACE coppice:: DESTINATION ${coppice_package_dir})

configure_package_config_file(cmake/coppiceConfig.cmake.in generated/coppiceConfig.cmake
        INSTALL_DESTINATION ${coppice_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/generated/coppiceConfigVersion.cmake
        COMPATIBILITY SameMinorVersion)
install(FILES
        ${CMAKE_CURRENT_BINARY_DIR}/generated/coppiceConfig.cmake
        ${CMAKE_CURRENT_BINARY_DIR}/generated/coppiceConfigVersion.cmake
        cmake/CoppiceDependencies.cmake
        DESTINATION ${coppice_package_dir})

# The .pc file finds its prefix from its own place, so the tree may be moved, unless the
# library directory was given as an absolute path.
set(coppice_pc_prefix ${CMAKE_INSTALL_PREFIX})
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
        file(RELATIVE_PATH coppice_pc_up /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
        string(REGEX REPLACE "/$" "" coppice_pc_up ${coppice_pc_up})
        set(coppice_pc_prefix "\${pcfiledir}/${coppice_pc_up}")
endif()
foreach(dir INCLUDEDIR LIBDIR)
        if(IS_ABSOLUTE "${CMAKE_INSTALL_${dir}}")
                set(coppice_pc_${dir} "${CMAKE_INSTALL_${dir}}")
        else()
                set(coppice_pc_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
        endif()
endforeach()
configure_file(cmake/coppice.pc.in generated/coppice.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/generated/coppice.pc
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
