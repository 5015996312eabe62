# Language, warnings, hardening and instrumentation, for every target of the project.
include(CheckCCompilerFlag)
include(CheckPIESupported)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
check_pie_supported()

if(NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# assert() guards against bad callers: it stays in releases.
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELEASE "${CMAKE_C_FLAGS_RELEASE}")
string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_RELWITHDEBINFO "${CMAKE_C_FLAGS_RELWITHDEBINFO}")

# Empty, so that a file that says "#define _GNU_SOURCE" itself says the same.
add_compile_definitions("_GNU_SOURCE=" "COFRE_VERSION=\"${PROJECT_VERSION}\"")

add_compile_options(
    -Wall -Wextra -Wconversion -Wshadow -Wformat=2 -Wcast-align -Wstrict-prototypes -Wvla
    -Wwrite-strings -Wnull-dereference -Wimplicit-fallthrough)
if(COFRE_WERROR)
    add_compile_options(-Werror)
endif()

foreach(flag -fstack-protector-strong -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" have)
    check_c_compiler_flag("-Werror ${flag}" ${have})
    if(${have})
        add_compile_options(${flag})
    endif()
endforeach()
add_link_options(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,--as-needed)

if(COFRE_SANITIZE)
    set(instrument "-fsanitize=${COFRE_SANITIZE}")
    add_compile_options(
        ${instrument} -U_FORTIFY_SOURCE -fno-sanitize-recover=all -fno-omit-frame-pointer -fno-optimize-sibling-calls)
    add_link_options(${instrument})
    # For code that must stand back, such as what makes a process undumpable: the leak checker
    # has to look into it.
    add_compile_definitions(COFRE_SANITIZED=1)
elseif(NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
endif()

if(COFRE_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "The fuzz preset needs clang (libFuzzer). Install it with scripts/deps all "
            "and configure again: cmake --fresh --preset fuzz")
    endif()
    add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(COFRE_COVERAGE)
    add_compile_options(--coverage)
    add_link_options(--coverage)
endif()
