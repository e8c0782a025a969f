import threading

g_num = 0

def plus_one(n):
    return n + 1

def add():
    global g_num
    for _ in range(1_000_000):
        n = g_num
        n = plus_one(n)
        g_num = n

first = threading.Thread(target=add)
second = threading.Thread(target=add)
first.start()
second.start()
first.join()
second.join()
print(g_num)
