import sys
import time
from threading import Thread

seconds = float(sys.argv[1])
is_daemon = sys.argv[2] == "daemon"

def dawdle():
    time.sleep(seconds)
    print("thread ends")

thread = Thread(target=dawdle, daemon=is_daemon)
thread.start()
print("main ends")
