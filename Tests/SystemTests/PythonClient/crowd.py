"""crowd.py SOCKET COUNT: opens connections to a socket file and keeps them until all are made."""

import socket
import sys

made = []
for _ in range(int(sys.argv[2])):
    one = socket.socket(socket.AF_UNIX)
    try:
        one.connect(sys.argv[1])
    except OSError:
        pass
    made.append(one)
