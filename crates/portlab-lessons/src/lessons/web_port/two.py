import threading

from web import WebServer

first, second = WebServer(0, "static"), WebServer(0, "other")
for server in first, second:
    threading.Thread(target=server.start).start()
    print(server.url)
