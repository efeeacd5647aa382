# Functions of the scripts; sourced, never run.
# shellcheck shell=bash

# Prints a line about the script's progress to standard error: standard output is for results.
say() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
}

fail() {
    say "$*"
    exit 1
}

# The folder of fetched data sets, where the program looks for them too: LOCKSTEP_CACHE, else ~/.cache/lockstep.
cache_directory() {
    if [[ -n ${LOCKSTEP_CACHE:-} ]]; then
        printf '%s\n' "$LOCKSTEP_CACHE"
    elif [[ -n ${HOME:-} ]]; then
        printf '%s\n' "$HOME/.cache/lockstep"
    else
        fail "neither LOCKSTEP_CACHE nor HOME is set: set LOCKSTEP_CACHE to a folder for the data sets"
    fi
}

have() {
    command -v "$1" >/dev/null 2>&1
}
