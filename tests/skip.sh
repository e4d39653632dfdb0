# shellcheck shell=sh
# Source this file (sh or bash), then:
#   skipped NAME WHY    notes that the tests called NAME are left out, and returns
#
# `make test` sets TRIBUTARY_SKIPPED to a file and prints it at its end. With CI set, a skip is a failure unless ALLOW_SKIP
# (names with commas or spaces between them) has its name. The Rust tests do the same: tests/integration/src/skip.rs.
skipped() {
    printf '%s: SKIPPED: %s\n' "$1" "$2" >&2
    [ -z "${TRIBUTARY_SKIPPED:-}" ] || printf '%s: %s\n' "$1" "$2" >>"$TRIBUTARY_SKIPPED"
    case ${CI:-} in '' | false) return 0 ;; esac
    case ",$(printf '%s' "${ALLOW_SKIP:-}" | tr -s ' \n' ,)," in *,"$1",*) return 0 ;; esac
    printf '%s: that is a failure, as CI is set and ALLOW_SKIP does not have "%s"\n' "$1" "$1" >&2
    exit 1
}
