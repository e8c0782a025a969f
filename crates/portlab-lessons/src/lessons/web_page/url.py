import sys
from urllib.parse import urlsplit

url = urlsplit(sys.argv[1])
print(url.scheme, url.hostname, url.port)
print(url.path, url.query, url.fragment)
