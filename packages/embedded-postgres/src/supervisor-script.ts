/**
 * The program that owns a running server: it starts PostgreSQL, restarts it after a crash, and ends it with its last client.
 * It belongs to no client, so it does not matter which client started it or how that one ends.
 *
 *     clients ----hold open for writing----> run/lease.N (a named pipe)
 *                                                |  the kernel closes it with its process, SIGKILL included
 *     sh (runner) --> postgres                   v
 *     sh (watcher) reads lease.N; at its end, after a grace time, stops postgres
 *     sh (guard)   reads a pipe that only the watcher holds; at its end, stops postgres
 *
 * Any one of the three shells may be killed and postgres still ends; were all three killed at once, the next starter ends it.
 *
 * Leaving and joining cannot miss each other: a client writes a line, then looks for run/stopping.N;
 * the watcher writes run/stopping.N, then looks for a line. One of the two sees the other.
 *
 * Plain `sh`, because it has to outlive Node processes, must be readable and runnable by the server's own user, and costs 1 MB.
 */
export const SUPERVISOR_SCRIPT = `# Made by @forge/embedded-postgres: runs PostgreSQL until its last client is gone.
# Arguments: generation, grace in seconds, the server's command line. Working folder: the data folder.
generation=$1 grace=$2
shift 2
lease=../run/lease.$generation
stopping=../run/stopping.$generation

# A pid alone may be a stranger's by now, or a dead child that nobody has waited for: ours work in this folder.
is_ours() {
  if [ -d /proc/self ]; then [ "/proc/$1/cwd/." -ef . ]
  else kill -0 "$1"
  fi 2>/dev/null
}

server_runs() {
  pid=
  { read -r pid < postmaster.pid; } 2>/dev/null
  case $pid in '' | *[!0-9]*) return 1 ;; esac
  is_ours "$pid" || return 1
  name=
  if [ -d /proc/self ]; then { read -r name < "/proc/$pid/comm"; } 2>/dev/null
  else name=$(ps -o comm= -p "$pid" 2>/dev/null)
  fi
  case $name in *postgres*) return 0 ;; esac
  return 1
}

# Fast shutdown; after 20 s immediate, which costs the next start a recovery; SIGKILL after 5 s more.
# Ends when neither the server nor its runner is left.
stop_server() {
  : > "$stopping"
  round=0
  while [ "$round" -lt 600 ]; do
    if server_runs; then
      if [ "$round" -ge 500 ]; then kill -KILL "$pid"
      elif [ "$round" -ge 400 ]; then kill -QUIT "$pid"
      elif [ $((round % 20)) -eq 0 ]; then kill -INT "$pid"
      fi
    elif ! is_ours $$; then return
    fi 2>/dev/null
    sleep 0.05 > /dev/null 3<&-
    round=$((round + 1))
  done
}

# Opened for both first: opening for reading alone would wait for a writer, and the starter may have died.
exec 4<>"$lease" 3<"$lease" 4>&-

{
  while :; do
    while read -r line <&3; do [ "$line" != quit ] || exit 0; done
    sleep "$grace" > /dev/null 3<&-
    : > "$stopping"
    if read -r line <&3; then
      rm -f "$stopping"
      [ "$line" != quit ] || exit 0
    else
      stop_server
      exit 0
    fi
  done
} | {
  exec 3<&-
  while read -r line; do :; done
  stop_server
} &

exec 3<&-
crashes=0 attempts=0
while [ ! -e "$stopping" ]; do
  "$@"
  code=$?
  [ ! -e "$stopping" ] || break
  if [ "$code" -ge 128 ] && [ "$crashes" -lt 20 ]; then
    # Killed by a signal. Its children need a moment to notice; until then a new server is refused.
    crashes=$((crashes + 1)) attempts=20
  elif [ "$attempts" -gt 0 ]; then attempts=$((attempts - 1))
  else break
  fi
  sleep 0.25
done
echo quit 1<>"$lease"
`;
