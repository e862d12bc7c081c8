/**
 * Run by the shell of an engine host, over ssh. Constants: nothing that somebody wrote is put into them. They hold no
 * single quotes, because the account's own shell (whichever it is) reads them first.
 */
const sh = (script: string): string => `sh -c '${script.replace(/\s*\n\s*/g, ' ').trim()}'`;

/** Sockets that answer to this account, podman's first; then a line `podman` where the program is there. */
export const FIND_SOCKETS = sh(`
  u=$(id -u);
  for s in "$XDG_RUNTIME_DIR/podman/podman.sock" "/run/user/$u/podman/podman.sock" /run/podman/podman.sock
    "$XDG_RUNTIME_DIR/docker.sock" "/run/user/$u/docker.sock" /var/run/docker.sock; do
    if [ -S "$s" ] && [ -w "$s" ]; then echo "$s"; fi;
  done;
  if command -v podman > /dev/null; then echo podman; fi`);

/** podman's API on a socket in a folder of its own, for as long as standard input is open; its path is the first line. */
export const RUN_SERVICE = sh(`
  d=$(mktemp -d) || exit 1;
  podman system service --time=0 "unix://$d/api.sock" < /dev/null > /dev/null &
  p=$!;
  i=0;
  while [ ! -S "$d/api.sock" ] && [ $i -lt 100 ] && kill -0 $p 2> /dev/null; do sleep 0.1; i=$((i+1)); done;
  echo "$d/api.sock";
  cat > /dev/null;
  kill $p;
  rm -rf "$d"`);
