text = "你好😀"
print(text.encode("gbk", errors="replace").decode("gbk"))
print(text.encode("gbk"))
