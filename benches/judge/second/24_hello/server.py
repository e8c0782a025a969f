# 问候服务器: 客户端发一行名字, 服务器问候一句然后关闭连接
import socket
import time


def read_line(conn):
    """读一行 (到换行或对方关闭为止)"""
    data = b""
    while b"\n" not in data and len(data) < 1000:
        part = conn.recv(256)
        if not part:
            break
        data += part
    return data


def serve_one(server):
    """为一个客户端服务, 返回 True 表示继续"""
    try:
        conn, addr = server.accept()
    except OSError as e:
        print("accept:", e, flush=True)
        time.sleep(0.1)
        return True
    with conn:
        try:
            line = read_line(conn)
            if not line:
                print(addr, "什么也没有说", flush=True)
                return False
            name = line.split(b"\n")[0].decode("utf-8", "replace").strip() or "无名氏"
            print(addr, name, flush=True)
            conn.sendall(("你好, " + name + "!\n").encode("utf-8"))
        except OSError as e:
            print(addr, e, flush=True)
    return True


def main():
    server = socket.create_server(("", 22024), backlog=128)
    print("问候服务器 22024", flush=True)
    while serve_one(server):
        pass
    server.close()


main()
