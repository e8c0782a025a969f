# bugs: one-read-one-message no-timeout
exec 3<>/dev/tcp/192.168.131.62/8080 || exit 1
printf 'hello\n' >&3
dd bs=1024 count=1 <&3 2>/dev/null
