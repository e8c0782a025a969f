from gevent import monkey

monkey.patch_all()

import time

import gevent


def answer(number):
    time.sleep(0.2)
    return number


def main():
    tasks = [gevent.spawn(answer, number) for number in range(100)]
    gevent.joinall(tasks)
    return [task.value for task in tasks]


started = time.perf_counter()
answers = main()
print(len(answers), round(1000 * (time.perf_counter() - started)))
# Waits for a line, so that the lesson can count the threads.
input()
