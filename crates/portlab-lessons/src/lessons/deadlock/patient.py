import sys
import time
from threading import Barrier, Lock, Thread

pen = Lock()
ruler = Lock()
both_have_one = Barrier(2)

def draw(name, first, second, patience):
    first.acquire()
    both_have_one.wait()
    while not second.acquire(timeout=patience):
        print(name, 1)
        first.release()
        time.sleep(patience)
        first.acquire()
    print(name, 2)
    second.release()
    first.release()

ming = Thread(target=draw, args=(sys.argv[1], pen, ruler, 0.1))
hong = Thread(target=draw, args=(sys.argv[2], ruler, pen, 1))
ming.start()
hong.start()
