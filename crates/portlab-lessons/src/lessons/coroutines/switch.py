from greenlet import greenlet

def pause(other):
    other.switch()

def count(name, other):
    for number in range(1, 4):
        print(name, number)
        pause(other)

a = greenlet(lambda: count("A", b))
b = greenlet(lambda: count("B", a))
a.switch()
print("main")
