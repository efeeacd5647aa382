# Puts the files of an installation below a prefix; sourced, never run. The script that sources it has set root.
# shellcheck shell=bash

# The seconds of SOURCE_DATE_EPOCH, else of the commit, so that the same commit always gives the same files.
source_date() {
    printf '%s\n' "${SOURCE_DATE_EPOCH:-$(git -C "$root" log -1 --format=%ct 2>/dev/null || date +%s)}"
}

# install_files BUILT PREFIX: installs what `swift build` has put into the folder BUILT: lockstep, and generate-manual, which
# makes the manual page. Ends with a status other than 0 at the first failure.
install_files() (
    built=$1 prefix=$2
    generated=$(mktemp -d) || exit
    trap 'rm -rf "$generated"' EXIT
    put() { # mode folder file...
        install -D --mode "$1" --target-directory "$prefix/$2" "${@:3}"
    }
    "$built/generate-manual" "$built/lockstep" --output-directory "$generated" \
        --date "$(date --utc --date="@$(source_date)" +%F)" || exit
    # An empty line is a fault in a manual page; a completion script is no program.
    sed -i 's/^$/.Pp/' "$generated/lockstep.1" || exit
    mkdir "$generated/"{bash,zsh,fish} || exit
    "$built/lockstep" --generate-completion-script bash >"$generated/bash/lockstep" &&
        sed -i '1{/^#!/d}' "$generated/bash/lockstep" || exit
    "$built/lockstep" --generate-completion-script zsh >"$generated/zsh/_lockstep" || exit
    "$built/lockstep" --generate-completion-script fish >"$generated/fish/lockstep.fish" || exit
    for folder in systemd kubernetes/common kubernetes/jobs kubernetes/jobset; do
        put 644 "share/lockstep/config/$folder" "$root/config/$folder"/* || exit
    done
    put 755 bin "$built/lockstep" &&
        put 644 share/man/man1 "$generated/lockstep.1" &&
        put 644 share/bash-completion/completions "$generated/bash/lockstep" &&
        put 644 share/zsh/site-functions "$generated/zsh/_lockstep" &&
        put 644 share/fish/vendor_completions.d "$generated/fish/lockstep.fish" &&
        put 644 share/lockstep/config "$root"/config/*.yaml &&
        put 755 share/lockstep/scripts "$root"/scripts/{fetch-data,install-dependencies} &&
        put 644 share/lockstep/scripts/support "$root"/scripts/support/{common.sh,fetch-wheel.py}
)
