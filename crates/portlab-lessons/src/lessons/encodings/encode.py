text = "你好，服务端！"
for encoding in ["utf-8", "gbk"]:
    data = text.encode(encoding)
    print(len(data), data.hex(" "))
