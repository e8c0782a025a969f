import socket
import sys
import threading

# Upper-case service: whatever text you send comes back in capital letters.
# usage: python3 server.py PORT


class ClientThread(threading.Thread):
    def __init__(self, conn, addr):
        super().__init__(daemon=True)
        self.conn = conn
        self.addr = addr

    def run(self):
        print("[+] client", self.addr)
        try:
            while True:
                data = self.conn.recv(1024)
                if not data:
                    break
                # errors="replace": bad bytes must not kill the thread
                text = data.decode("utf-8", errors="replace")
                self.conn.sendall(text.upper().encode("utf-8"))
        except OSError as e:
            print("[!] client", self.addr, e)
        finally:
            self.conn.close()
            print("[-] client", self.addr)


class UpperServer:
    def __init__(self, port):
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("0.0.0.0", port))
        self.sock.listen(128)

    def run(self):
        while True:
            try:
                conn, addr = self.sock.accept()
            except OSError as e:
                print("accept:", e)
                threading.Event().wait(0.1)
                continue
            try:
                ClientThread(conn, addr).start()
            except RuntimeError as e:
                print("no more threads:", e)
                conn.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: server.py PORT")
    try:
        UpperServer(int(sys.argv[1])).run()
    except KeyboardInterrupt:
        pass
