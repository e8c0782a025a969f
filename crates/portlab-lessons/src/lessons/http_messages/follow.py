import sys
from urllib.error import HTTPError
from urllib.request import urlopen

try:
    with urlopen(sys.argv[1]) as page:
        print(page.status, page.geturl())
except HTTPError as error:
    print(error.code, error.reason)
