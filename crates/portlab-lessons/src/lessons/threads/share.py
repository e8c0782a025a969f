import threading

homework = []
done = threading.Event()

def write():
    for number in range(5):
        homework.append(number)
    done.set()

def read():
    done.wait()
    print(homework)

writer = threading.Thread(target=write)
reader = threading.Thread(target=read)
reader.start()
writer.start()
