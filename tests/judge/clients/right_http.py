# bugs: none
import sys
import urllib.error
import urllib.request

try:
    with urllib.request.urlopen("http://192.168.0.10:8000/index.html", timeout=10) as answer:
        print(len(answer.read().decode("utf-8", "replace")))
except OSError as error:
    sys.exit(f"打不开网页：{error}")
except Exception as error:
    sys.exit(f"服务端的回答不完整：{error!r}")
