import sys
from multiprocessing import Process, set_start_method

set_start_method("fork")
name = sys.argv[1]

def write(name, times):
    print(" ".join([name] * times))

both = Process(target=write, args=(name,), kwargs={"times": 2})
named = Process(target=write, kwargs={"times": 2, "name": name})
no_comma = Process(target=write, args=(name), kwargs={"times": 2})
for child in [both, named, no_comma]:
    child.start()
    child.join()
    print("exit code", child.exitcode)
