import time

import gevent

gevent.config.monitor_thread = True


def polite():
    gevent.sleep(0.5)


def rude():
    time.sleep(0.5)


gevent.joinall([gevent.spawn(polite), gevent.spawn(rude)])
