# Copyright (c) 2026 The Coppice authors. MIT licence.
#
# The toolchain for aarch64 on another machine: Debian's cross compiler, the libraries that ./run unpacks into
# build/aarch64-packages, and qemu, which runs what is built.

set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

get_filename_component(coppice_arm_root "${CMAKE_CURRENT_LIST_DIR}/../build/aarch64-packages" ABSOLUTE)
set(coppice_arm_libraries ${coppice_arm_root}/usr/lib/aarch64-linux-gnu)

set(CMAKE_FIND_ROOT_PATH ${coppice_arm_root} /usr/aarch64-linux-gnu)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
set(CMAKE_DISABLE_FIND_PACKAGE_msgpack ON) # what it installs for CMake names files of an installed system
set(ENV{PKG_CONFIG_LIBDIR} ${coppice_arm_libraries}/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${coppice_arm_root})

set(CMAKE_CROSSCOMPILING_EMULATOR
    qemu-aarch64 -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH=${coppice_arm_libraries})
