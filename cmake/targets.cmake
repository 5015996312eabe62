# What the directories have in common.

# A directory's static library, cofre_<its name>, of every .c below it; none while there is none.
# SEES_ROOT: may include the layers below by name ("crypto/pae.h"); tests/layers.sh says which.
function(cofre_layer name)
    cmake_parse_arguments(PARSE_ARGV 1 layer "SEES_ROOT" "" "LINKS")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.c")
    if(NOT sources)
        message(STATUS "${name}/: no sources yet")
        return()
    endif()

    add_library(cofre_${name} STATIC ${sources})
    target_include_directories(cofre_${name} PUBLIC "${PROJECT_SOURCE_DIR}/include")
    if(layer_SEES_ROOT)
        target_include_directories(cofre_${name} PRIVATE "${PROJECT_SOURCE_DIR}")
    endif()
    foreach(library IN LISTS layer_LINKS)
        cofre_link(cofre_${name} ${library})
    endforeach()
endfunction()

# Link a library, unless it is one of ours that has no sources yet.
function(cofre_link target library)
    if(TARGET ${library} OR NOT library MATCHES "^cofre_")
        target_link_libraries(${target} PRIVATE ${library})
    endif()
endfunction()

# A program that sees and links everything: tests, harnesses, benchmarks.
function(cofre_inside_program target)
    add_executable(${target} ${ARGN})
    target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}/include" "${PROJECT_SOURCE_DIR}")
    foreach(library cofre_api cofre_vault cofre_audit cofre_crypto cofre_sqlcipher)
        cofre_link(${target} ${library})
    endforeach()
    target_link_libraries(${target} PRIVATE
        PkgConfig::libmicrohttpd PkgConfig::gnutls PkgConfig::jansson PkgConfig::utf8proc
        PkgConfig::inih PkgConfig::libcurl PkgConfig::libsodium PkgConfig::libcrypto Threads::Threads m)
endfunction()
