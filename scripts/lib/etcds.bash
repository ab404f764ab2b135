# SPDX-License-Identifier: Apache-2.0
# Sourced by scripts/demo and scripts/bench: starts processes, such as etcd servers on loopback, that end with the script. Requires
# `me` (the script's name, for messages). Sets `scratch`, a directory that is removed at the end.
# shellcheck shell=bash

# Unset the variables for the user's clusters. etcdctl also rejects a flag if its variable is set.
while IFS= read -r variable; do unset "$variable"; done < <(compgen -e | grep -E '^(ETCD|ETCDCTL|ETCDSYNC)_' |
    grep -vE '^ETCDSYNC_(BUILD|LOG_LEVEL)$')
export ETCDCTL_API=3

scratch=$(mktemp -d "${TMPDIR:-/tmp}/etcd-sync-$me.XXXXXX")
started=()  # process ids, oldest first

die() {
    echo "$me: $*" >&2
    exit 1
}

# start LOG COMMAND...: runs COMMAND in the background, its output appended to LOG (-: our own stdout); sets `pid`. It
# does not receive the terminal's Ctrl-C, which the script handles, and is killed if the script is killed.
start() {
    local log=$1
    shift
    if [[ $log == - ]]; then
        setsid setpriv --pdeathsig KILL env -u ETCDSYNC_BUILD "$@" </dev/null &
    else
        setsid setpriv --pdeathsig KILL env -u ETCDSYNC_BUILD "$@" </dev/null >>"$log" 2>&1 &
    fi
    pid=$!
    started+=("$pid")
}

alive() { kill -0 "$1" 2>/dev/null; }

# stop PID...: sends SIGTERM, after 10 s SIGKILL, and waits. Only processes that were started here.
stop() {
    local one deadline=$((SECONDS + 10)) left=()
    for one; do
        if [[ " ${started[*]} " == *" $one "* ]]; then left+=("$one"); fi
    done
    for one in "${left[@]}"; do kill -TERM "$one" 2>/dev/null || true; done
    for one in "${left[@]}"; do
        while alive "$one" && ((SECONDS < deadline)); do sleep 0.05; done
        kill -KILL "$one" 2>/dev/null || true
        wait "$one" 2>/dev/null || true
        forget "$one"
    done
}

forget() {
    local one kept=()
    for one in "${started[@]}"; do
        if [[ $one != "$1" ]]; then kept+=("$one"); fi
    done
    started=("${kept[@]}")
}

# Stops the started processes, newest first (the daemon before its etcds), and removes the scratch directory.
clean_up() {
    local status=$? i
    trap - EXIT
    trap '' INT TERM HUP
    for ((i = ${#started[@]} - 1; i >= 0; --i)); do stop "${started[i]}"; done
    rm -rf "$scratch"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# taken_ports PORT...: prints those that are in use, one per line.
taken_ports() {
    python3 - "$@" <<'END'
import socket, sys
for port in sys.argv[1:]:
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", int(port)))
            s.listen()
        except OSError:
            print(port)
END
}

# free_ports COUNT: prints that many free ports in one line.
free_ports() {
    python3 - "$1" <<'END'
import socket, sys
held = [socket.socket() for _ in range(int(sys.argv[1]))]
for s in held:
    s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in held))
END
}

# start_etcd NAME CLIENT_PORT PEER_PORT OPTION...: starts an etcd with its data in $scratch/NAME; sets `pid`. Then call wait_for_etcd.
start_etcd() {
    local name=$1 client=http://127.0.0.1:$2 peer=http://127.0.0.1:$3
    shift 3
    start "$scratch/$name.log" etcd --name "$name" --data-dir "$scratch/$name" \
        --listen-client-urls "$client" --advertise-client-urls "$client" \
        --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "$name=$peer" \
        --initial-cluster-token "$me-$name" --log-level error --logger zap "$@"
}

# wait_for_etcd NAME CLIENT_PORT PID
wait_for_etcd() {
    local deadline=$((SECONDS + 20))
    until etcdctl --endpoints "127.0.0.1:$2" --command-timeout 1s endpoint health >/dev/null 2>&1; do
        if ! alive "$3" || ((SECONDS >= deadline)); then
            tail -n 20 "$scratch/$1.log" >&2
            die "etcd $1 on port $2 did not start"
        fi
        sleep 0.1
    done
}
