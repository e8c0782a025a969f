# bugs: no-timeout
exec 3<>/dev/tcp/192.168.131.62/8080 || exit 1
printf 'hello\n' >&3
read -r answer <&3
echo "$answer"
