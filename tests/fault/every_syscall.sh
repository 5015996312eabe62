#!/usr/bin/env bash
# Each system call of a vault's life fails once: what was acknowledged stays, the vault opens, the log verifies.
# A sample here; all of them: tests/fault/every_syscall.sh --full
# timeout: 300
set -u
: "${COFRE_SRC:=$(cd "$(dirname "$0")/../.." && pwd)}"
export COFRE_SRC
[ -r "${COFRE_FAULT_LIB:-}" ] || { echo "skipped: the fault library is not built" && exit 77; }
command -v python3 >/dev/null || { echo "skipped: no python3" && exit 77; }
work=$PWD/every_syscall.d
chmod -R u+rwX "$work" 2>/dev/null
rm -rf "$work"
mkdir "$work"
cd "$work" || exit 1
ulimit -l unlimited 2>/dev/null || ulimit -S -l "$(ulimit -H -l)" 2>/dev/null
exec python3 "$COFRE_SRC/tests/fault/every_syscall.py" "$@"
