# Daytime service (like RFC 867): connect and you get date and time, then the connection is closed.
# start:  python3 server.py 8888
import socket
import sys
import threading
import time


def tell_time(conn, addr):
    now = time.strftime('%A, %B %d, %Y %H:%M:%S\r\n')
    try:
        conn.sendall(now.encode('ascii'))
        # tell the client there is no more, then wait until it has gone too
        conn.shutdown(socket.SHUT_WR)
        conn.settimeout(5)
        while conn.recv(1024):
            pass
    except OSError:
        print('problem with', addr)
    conn.close()


sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
sock.bind(('', int(sys.argv[1])))
sock.listen(128)
print('daytime server is running')
try:
    while True:
        conn, addr = sock.accept()
        print('asked by', addr[0])
        threading.Thread(target=tell_time, args=(conn, addr), daemon=True).start()
except KeyboardInterrupt:
    sock.close()
