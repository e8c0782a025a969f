def cook(pot):
    print(pot, "on the fire")
    spice = yield "simmers"
    print(pot, "gets", spice)
    yield "simmers again"
    print(pot, "is done")


soup = cook("soup")
print("called")
print("next:", next(soup))
print("send:", soup.send("salt"))
print("next:", next(soup, "the end"))
