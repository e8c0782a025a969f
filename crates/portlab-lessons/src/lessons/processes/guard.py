import sys
import time
from multiprocessing import Process, set_start_method

set_start_method("fork")
seconds = float(sys.argv[1])
is_daemon = sys.argv[2] == "daemon"

def work(seconds):
    time.sleep(seconds)
    print("child ends")

child = Process(target=work, args=(seconds,), daemon=is_daemon)
child.start()
print("child", child.pid)
print("parent ends")
