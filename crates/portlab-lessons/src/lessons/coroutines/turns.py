def count(name):
    for number in range(1, 4):
        print(name, number)
        yield


runners = [count("A"), count("B")]
for turn in range(3):
    for runner in runners:
        next(runner)
