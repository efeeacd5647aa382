#!/usr/bin/env bash
# Makes the packages, and uses them in a bare Debian 12 without Swift: a part of scripts/check-deep, which is run as root.
#
# usage: scripts/support/check-package.sh
#
# Checks that another checkout gives the same files, that lintian finds no error, that the .deb can be installed with apt, that the
# installed program trains to the same weights as anywhere, in one process, on workers of its own and on workers started by hand,
# and that everything else in the package works, also in the image of the Containerfile. LOCKSTEP_PACKAGES=DIR uses the packages
# in a folder instead of making them twice, which takes minutes.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source-path=SCRIPTDIR source=common.sh
source "$root/scripts/support/common.sh"
# shellcheck source-path=SCRIPTDIR source=install-files.sh
source "$root/scripts/support/install-files.sh"

# The weights of mnist-30 with two shards and the portable kernel after one epoch.
readonly weights=dd4b5e59

[[ $EUID -eq 0 ]] || fail "it makes a chroot: run it as root"
"$root/scripts/install-dependencies" buildah debootstrap lintian
"$root/scripts/fetch-data" mnist
scratch=$(mktemp -d)
bare=$scratch/debian
clean() {
    for folder in dev proc; do
        if mountpoint -q "$bare/$folder"; then umount -l "$bare/$folder"; fi
    done
    if have buildah; then image_tool rm --all >/dev/null 2>&1 || true; fi
    rm -rf --one-file-system "$scratch"
}
trap clean EXIT

image_tool() {
    buildah --root "$scratch/images" --runroot "$scratch/containers" --storage-driver vfs "$@"
}
step() { say "$*"; }

# in_debian COMMAND...: runs a command as root of the bare Debian. as_user COMMAND...: as a user, in a folder of the user.
in_debian() {
    chroot "$bare" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"
}
as_user() {
    in_debian setpriv --reuid 1000 --regid 1000 --clear-groups env --chdir=/home/user HOME=/home/user "$@"
}

if [[ -n ${LOCKSTEP_PACKAGES:-} ]]; then
    packages=("$LOCKSTEP_PACKAGES"/lockstep_*_amd64.deb "$LOCKSTEP_PACKAGES"/lockstep-*.tar.gz)
else
    step "the packages"
    mapfile -t packages < <("$root/scripts/package" --output "$scratch/packages")

    step "the same files from another folder"
    mkdir "$scratch/checkout"
    (cd "$root" && git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$scratch/checkout")
    SOURCE_DATE_EPOCH=$(source_date) "$scratch/checkout/scripts/package" --output "$scratch/again" >/dev/null
    rm -rf "$scratch/checkout"
    for file in "${packages[@]}"; do
        cmp "$file" "$scratch/again/${file##*/}" || fail "two folders give different packages"
    done
fi
deb=${packages[0]} tarball=${packages[1]}

step "lintian"
lintian --fail-on error "$deb"

step "a bare Debian 12"
debootstrap --variant=minbase bookworm "$bare" >"$scratch/log" 2>&1 || fail "debootstrap failed: $(tail -n 5 "$scratch/log")"
tar --create --directory "$bare" --exclude './dev/*' --exclude './proc/*' --file "$scratch/debian.tar" .
mount -t proc proc "$bare/proc"
mount --rbind /dev "$bare/dev"
mount --make-rslave "$bare/dev"
cp /etc/resolv.conf "$bare/etc/resolv.conf"
cp "$deb" "$bare/tmp/lockstep.deb"
in_debian useradd --create-home --uid 1000 user
in_debian apt-get -qq update
in_debian apt-get -qq install --yes --no-install-recommends /tmp/lockstep.deb >"$scratch/log" 2>&1 ||
    fail "apt-get could not install the package: $(tail -n 20 "$scratch/log")"
[[ $(as_user lockstep --version) == "$(dpkg-deb --field "$deb" Version | cut -d- -f1)" ]] || fail "the versions differ"

step "the error that names the missing data set also names the script that fetches it"
status=0
message=$(as_user lockstep train /usr/share/lockstep/config/mnist-30.yaml 2>&1) || status=$?
[[ $status -eq 66 && $message == *"run /usr/share/lockstep/scripts/fetch-data mnist"* ]] ||
    fail "without a data set it ends with $status: $message"
as_user mkdir -p .cache/lockstep/mnist
cp "$(cache_directory)"/mnist/*-ubyte* "$bare/home/user/.cache/lockstep/mnist/"
as_user /usr/share/lockstep/scripts/fetch-data mnist
as_user lockstep data mnist >/dev/null

# expect_weights FILE: fails unless the output of an epoch in the file ends with the weights.
expect_weights() {
    grep -q "^Epoch 0: .* $weights\$" "$1" || fail "other weights than $weights: $(cat "$1")"
}
training=(/usr/share/lockstep/config/mnist-30.yaml --epochs 1 --kernel portable)

step "one process, and two workers that train starts"
as_user lockstep train "${training[@]}" --shards 2 --output runs/one >"$scratch/log" 2>&1
expect_weights "$scratch/log"
as_user lockstep train "${training[@]}" --workers 2 --output runs/two >"$scratch/log" 2>&1
expect_weights "$scratch/log"

step "a coordinator and two workers with keys"
as_user lockstep keygen keys >/dev/null
as_user lockstep coordinator "${training[@]}" --workers 2 --bind tcp://127.0.0.1:0 --keys keys --output runs/three \
    >"$scratch/log" 2>&1 &
coordinator=$!
until endpoint=$(grep -Eom 1 'tcp://127[^ ,]*' "$scratch/log"); do
    kill -0 "$coordinator" || fail "the coordinator has ended: $(cat "$scratch/log")"
    sleep 0.1
done
for worker in 1 2; do
    as_user lockstep worker --connect "$endpoint" --keys keys >"$scratch/worker-$worker" 2>&1 &
done
wait "$coordinator" || fail "the coordinator has failed: $(cat "$scratch/log")"
wait
expect_weights "$scratch/log"

step "a convolutional network, for which the program opens oneDNN"
as_user lockstep train /usr/share/lockstep/config/mnist-conv.yaml --workers 2 --kernel portable --epochs 1 \
    --set data.training=2000 --output runs/conv >"$scratch/log" 2>&1 ||
    fail "training failed: $(cat "$scratch/log")"

step "reports and exports"
as_user lockstep evaluate runs/two/model.safetensors | grep -q 9124 || fail "evaluate counts other samples"
as_user lockstep report runs/one runs/two --output report.html
for format in html onnx npz safetensors; do
    as_user lockstep export runs/conv/model.safetensors --format "$format" --output "model.$format"
    [[ -s $bare/home/user/model.$format ]] || fail "export to $format wrote nothing"
done
as_user lockstep doctor >"$scratch/log" || fail "doctor fails: $(cat "$scratch/log")"

step "manual page and completions"
in_debian apt-get -qq install --yes --no-install-recommends man-db bash-completion >"$scratch/log" 2>&1 ||
    fail "apt-get failed: $(tail -n 20 "$scratch/log")"
in_debian env MANWIDTH=80 man --warnings lockstep >"$scratch/manual" 2>"$scratch/log"
[[ ! -s $scratch/log ]] || fail "the manual page has faults: $(cat "$scratch/log")"
grep -q "lockstep" "$scratch/manual" || fail "the manual page is empty"
in_debian bash -c 'source /usr/share/bash-completion/bash_completion && _completion_loader lockstep; complete -p lockstep' \
    >/dev/null || fail "bash does not find the completions"
for file in zsh/vendor-completions/_lockstep fish/vendor_completions.d/lockstep.fish; do
    [[ -s $bare/usr/share/$file ]] || fail "there is no /usr/share/$file"
done

step "the tarball below another prefix"
mkdir "$bare/opt/tools"
tar --extract --directory "$bare/opt/tools" --strip-components 1 --file "$tarball"
[[ $(as_user env LOCKSTEP_CACHE=/none /opt/tools/bin/lockstep data) == *"run /opt/tools/share/lockstep/scripts/fetch-data"* ]] ||
    fail "the tarball's program does not find its script"

step "the package leaves nothing behind"
in_debian apt-get -qq purge --yes lockstep >/dev/null
left=$(find "$bare/usr" "$bare/etc" "$bare/lib" "$bare/var" -iname '*lockstep*' ! -path '*/apt/*' ! -path '*/cache/man/*')
[[ -z $left ]] || fail "the package leaves behind: $left"

step "the image of the Containerfile"
container=$(image_tool from scratch)
image_tool add "$container" "$scratch/debian.tar" / >/dev/null
image_tool commit --quiet "$container" localhost/debian >/dev/null
image_tool build --quiet --isolation chroot --build-arg BASE=localhost/debian --tag localhost/lockstep \
    --file "$root/config/container/Containerfile" "$(dirname "$deb")" >"$scratch/log" 2>&1 ||
    fail "the image cannot be built: $(tail -n 20 "$scratch/log")"
container=$(image_tool from localhost/lockstep)
in_image() { image_tool run --isolation chroot "$container" -- "$@"; }
[[ $(in_image id -u) == 65532 ]] || fail "the image's program runs as $(in_image id -u)"
in_image mkdir -p cache/mnist
cp "$(cache_directory)"/mnist/*-ubyte* "$(image_tool mount "$container")/data/cache/mnist/"
in_image lockstep train "${training[@]}" --workers 2 >"$scratch/log" 2>&1 || fail "training failed: $(cat "$scratch/log")"
expect_weights "$scratch/log"
say "passed"
