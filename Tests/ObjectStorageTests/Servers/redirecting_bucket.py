"""A bucket that redirects every request to another host, which would answer it. The last number in the
key is the status of the redirect. Needs only Python. Prints its address and credentials, and exits when
its input closes."""
import os
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# A process that starts while another test opens a pipe can inherit it, and that test then waits until
# it is closed. The inherited socket stays open: its end tells the parent that this process has ended.
for name in os.listdir("/proc/self/fd"):
    link = "/proc/self/fd/" + name
    if int(name) > 2 and os.path.exists(link) and stat.S_ISFIFO(os.stat(link).st_mode):
        os.close(int(name))


class Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        # `localhost` is another host than 127.0.0.1. Only a followed redirect asks it.
        if self.headers["Host"].startswith("localhost"):
            self.send_response(200)
        else:
            self.send_response(int(self.path.rsplit("/", 1)[1]))
            self.send_header("Location", f"http://localhost:{self.server.server_port}{self.path}")
            self.send_header("x-amz-bucket-region", "eu-west-1")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_DELETE = answer


server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port} id secret", flush=True)
sys.stdin.read()
os._exit(0)
