#!/bin/sh
# A static web server in production: nginx, with one worker.
#
# The idea: a master process reads the settings and starts workers; each worker is an event loop over all of its
# connections. A file is opened for each request, and the kernel moves its bytes to the socket (`sendfile`), so the
# worker copies none.
#
# Similar portlab model: `event-loop`.
#
# What blocks: opening a file and reading it from a slow disk; meanwhile the worker serves no other client. `aio threads`
# would move this to a pool of threads.
#
# What a connection costs: about 1 KiB while it is idle, a descriptor. No thread. Per request `recvfrom`, `openat`, `fstat`,
# `writev` or `sendfile`, `close`, and a share of one `epoll_wait`.
#
# What breaks first: `worker_connections`, here 4096.
#
# NGINX_MORE may hold more settings for its block `http`, such as 'open_file_cache max=1000;'.
#
# Run it: sh nginx.sh 9090 FOLDER
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin
root=$(cd "$2" && pwd)
# nginx wants folders for what it doesn't need here: bodies of requests, answers of other servers.
folder=$(cd "$(dirname "$0")/../../.." && pwd)/target/peers/nginx
mkdir -p "$folder"
settings=$(mktemp)
cat >"$settings" <<END
daemon off;
# As root, nginx would run its worker as another user, which may not read the files.
$([ "$(id -u)" != 0 ] || echo 'user root;')
worker_processes 1;
error_log stderr crit;
pid "$folder/$$.pid";
events { worker_connections 4096; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    # A connection is closed after 1000 requests by default.
    keepalive_requests 1000000000;
    client_body_temp_path "$folder/body";
    proxy_temp_path "$folder/proxy";
    fastcgi_temp_path "$folder/fastcgi";
    uwsgi_temp_path "$folder/uwsgi";
    scgi_temp_path "$folder/scgi";
    ${NGINX_MORE:-}
    server {
        listen 127.0.0.1:$1 backlog=1024;
        root "$root";
    }
}
END
# nginx reads the settings through a descriptor, so that no file is left when it ends.
exec 3<"$settings"
rm "$settings"
exec nginx -p "$folder" -e stderr -c /dev/fd/3
