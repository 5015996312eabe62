# Target cofre_sqlcipher: SQLCipher 4, the system's where it has one, else the pinned amalgamation
# (scripts/get-sqlcipher). COFRE_SQLCIPHER_BUNDLED=1 says that it is the latter, whose provider
# interface is known to the byte.  The sums over rows need its pre-update hook (vault/store/sums.h), which is an
# option of SQLite's build.
option(COFRE_BUNDLED_SQLCIPHER "Build the pinned SQLCipher even where the system has one" OFF)

add_library(cofre_sqlcipher INTERFACE)

pkg_check_modules(sqlcipher QUIET IMPORTED_TARGET sqlcipher>=4)
if(sqlcipher_FOUND)
    include(CheckSymbolExists)
    set(CMAKE_REQUIRED_LIBRARIES PkgConfig::sqlcipher)
    set(CMAKE_REQUIRED_DEFINITIONS -DSQLITE_HAS_CODEC -DSQLITE_ENABLE_PREUPDATE_HOOK)
    check_symbol_exists(sqlite3_preupdate_hook "sqlite3.h" sqlcipher_has_hook)
    unset(CMAKE_REQUIRED_LIBRARIES)
    unset(CMAKE_REQUIRED_DEFINITIONS)
endif()
if(sqlcipher_FOUND AND sqlcipher_has_hook AND NOT COFRE_BUNDLED_SQLCIPHER)
    message(STATUS "SQLCipher: the system's ${sqlcipher_VERSION}")
    target_link_libraries(cofre_sqlcipher INTERFACE PkgConfig::sqlcipher)
    target_compile_definitions(cofre_sqlcipher INTERFACE SQLITE_HAS_CODEC SQLITE_ENABLE_PREUPDATE_HOOK)
    return()
endif()

set(get_sqlcipher "${PROJECT_SOURCE_DIR}/scripts/get-sqlcipher")
execute_process(
    COMMAND "${get_sqlcipher}"
    OUTPUT_VARIABLE sqlcipher_dir
    OUTPUT_STRIP_TRAILING_WHITESPACE
    RESULT_VARIABLE status)
if(NOT status EQUAL 0)
    message(FATAL_ERROR "No SQLCipher 4: pkg-config finds none, and its pinned source could not be had (see above).")
endif()
message(STATUS "SQLCipher: the pinned source in ${sqlcipher_dir}")

# Never instrumented: SQLite keeps its own locks, and half a minute of compiling is enough once.
set(sqlcipher_flags
    -std=gnu11 -O2 -g -w -fPIC -fvisibility=hidden -fstack-protector-strong
    -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
    -DSQLITE_HAS_CODEC -DSQLCIPHER_CRYPTO_OPENSSL -DSQLCIPHER_OMIT_LOG -DSQLITE_TEMP_STORE=2 -DSQLITE_THREADSAFE=2
    -DHAVE_STDINT_H=1
    -DSQLITE_EXTRA_INIT=sqlcipher_extra_init -DSQLITE_EXTRA_SHUTDOWN=sqlcipher_extra_shutdown
    -DSQLITE_ENABLE_PREUPDATE_HOOK
    -DSQLITE_DEFAULT_MEMSTATUS=0 -DSQLITE_DQS=0 -DSQLITE_OMIT_DEPRECATED
    -DSQLITE_OMIT_LOAD_EXTENSION -DSQLITE_USE_ALLOCA -DSQLITE_OMIT_SHARED_CACHE)
set(sqlcipher_object "${PROJECT_BINARY_DIR}/sqlcipher/sqlite3.o")
file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/sqlcipher")
add_custom_command(
    OUTPUT "${sqlcipher_object}"
    COMMAND "${get_sqlcipher}" object "${sqlcipher_object}" "${CMAKE_C_COMPILER}" ${sqlcipher_flags}
    DEPENDS "${get_sqlcipher}"
    COMMENT "SQLCipher"
    VERBATIM)

add_library(cofre_sqlcipher_object STATIC "${sqlcipher_object}")
set_target_properties(cofre_sqlcipher_object PROPERTIES LINKER_LANGUAGE C)
target_link_libraries(cofre_sqlcipher_object PUBLIC PkgConfig::libcrypto Threads::Threads m)

target_link_libraries(cofre_sqlcipher INTERFACE cofre_sqlcipher_object)
target_include_directories(cofre_sqlcipher SYSTEM INTERFACE "${sqlcipher_dir}")
target_compile_definitions(cofre_sqlcipher INTERFACE SQLITE_HAS_CODEC SQLITE_ENABLE_PREUPDATE_HOOK
    COFRE_SQLCIPHER_BUNDLED=1)
