# Libraries that the system brings, through pkg-config. `scripts/deps build` installs them.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

pkg_check_modules(libcrypto REQUIRED IMPORTED_TARGET libcrypto>=3)
pkg_check_modules(libsodium REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(libmicrohttpd REQUIRED IMPORTED_TARGET libmicrohttpd>=0.9.75)
pkg_check_modules(gnutls REQUIRED IMPORTED_TARGET gnutls)
pkg_check_modules(jansson REQUIRED IMPORTED_TARGET jansson>=2.13)
pkg_check_modules(utf8proc REQUIRED IMPORTED_TARGET libutf8proc)
pkg_check_modules(inih REQUIRED IMPORTED_TARGET inih)
pkg_check_modules(libcurl REQUIRED IMPORTED_TARGET libcurl>=7.85)
# Only for the unit tests.
pkg_check_modules(cmocka IMPORTED_TARGET cmocka)
