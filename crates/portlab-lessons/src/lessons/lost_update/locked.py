import threading

g_num = 0
lock = threading.Lock()

def add():
    global g_num
    for _ in range(1_000_000):
        with lock:
            g_num += 1

first = threading.Thread(target=add)
second = threading.Thread(target=add)
first.start()
second.start()
first.join()
second.join()
print(g_num)
