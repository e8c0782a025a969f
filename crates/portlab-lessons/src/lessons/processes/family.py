import os
import sys
from multiprocessing import Process, set_start_method

set_start_method("fork")
name = sys.argv[1]
names = []

def write(name, times):
    names.extend([name] * times)
    print("child ", os.getpid(), names)

child = Process(target=write, args=(name, 2))
child.start()
child.join()
print("parent", os.getpid(), names)
