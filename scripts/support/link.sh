# Two network namespaces with a slow link between them; sourced, never run. Needs root.
# shellcheck shell=bash

readonly link_here=10.77.0.1 link_there=10.77.0.2

# make_link RATE: creates both namespaces, and a link of RATE each way. Sets `here` and `there`, the namespaces' names.
make_link() {
    here=lockstep-here-$$
    there=lockstep-there-$$
    ip netns add "$here"
    ip netns add "$there"
    ip link add link-here netns "$here" type veth peer name link-there netns "$there"
    ip -n "$here" address add "$link_here/24" dev link-here
    ip -n "$there" address add "$link_there/24" dev link-there
    local namespace end
    for namespace in "$here" "$there"; do
        end=link-here
        if [[ $namespace == "$there" ]]; then end=link-there; fi
        ip -n "$namespace" link set lo up
        ip -n "$namespace" link set "$end" up
        # A burst that covers two ticks of the shaper, and a queue that is long enough to drop nothing.
        ip netns exec "$namespace" tc qdisc add dev "$end" root tbf rate "$1" burst 256kb latency 500ms
    done
}

# Removes both, if they exist.
remove_link() {
    if [[ -n ${here:-} ]]; then ip netns delete "$here" 2>/dev/null || true; fi
    if [[ -n ${there:-} ]]; then ip netns delete "$there" 2>/dev/null || true; fi
    here=
    there=
}

# on_side NAMESPACE COMMAND...: runs a command on one side.
on_side() {
    ip netns exec "$@"
}
