import sys
from threading import Barrier, Lock, Thread

pen = Lock()
ruler = Lock()
has = {}
both_have_one = Barrier(2, action=lambda: print(has))

def draw(name, first, second):
    with first:
        has[name] = 1
        both_have_one.wait()
        with second:
            has[name] = 2
            print(has)

ming = Thread(target=draw, args=(sys.argv[1], pen, ruler))
hong = Thread(target=draw, args=(sys.argv[2], ruler, pen))
ming.start()
hong.start()
