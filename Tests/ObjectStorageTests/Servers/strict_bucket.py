"""A bucket in memory that accepts only what S3 accepts: it checks each signature against the bytes of
the request as received, and both checksums of a body. Needs only Python. Prints its address and the
credentials, and exits when its input closes."""
import base64
import hashlib
import hmac
import os
import stat
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, quote_plus, unquote
from xml.sax.saxutils import escape

# A process that starts while another test opens a pipe can inherit it, and that test then waits until
# it is closed. The inherited socket stays open: its end tells the parent that this process has ended.
for name in os.listdir("/proc/self/fd"):
    link = "/proc/self/fd/" + name
    if int(name) > 2 and os.path.exists(link) and stat.S_ISFIFO(os.stat(link).st_mode):
        os.close(int(name))

KEY_ID, SECRET = "AKIDSTRICT", "secret/with+signs="
objects = {}


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


class Bucket(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", size=None):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body) if size is None else size))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status, code):
        body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>No.</Message></Error>'
        self.answer(status, body.encode())

    def is_signed(self, path, query, body):
        kind, _, fields = self.headers["Authorization"].partition(" ")
        fields = dict(field.strip().split("=", 1) for field in fields.split(","))
        key_id, date, region, service, end = fields["Credential"].split("/")
        names = fields["SignedHeaders"].split(";")
        needed = {"host", "x-amz-date", "x-amz-content-sha256"}
        sha = hashlib.sha256(body).hexdigest()
        canonical = "\n".join([
            self.command, path, "&".join(sorted(query.split("&"))) if query else "",
            "".join(f"{name}:{self.headers[name].strip()}\n" for name in names), ";".join(names), sha])
        time = self.headers["x-amz-date"]
        scope = f"{date}/{region}/{service}/{end}"
        to_sign = f"{kind}\n{time}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        key = ("AWS4" + SECRET).encode()
        for part in (date, region, service, end):
            key = mac(key, part)
        return (kind == "AWS4-HMAC-SHA256" and key_id == KEY_ID and needed <= set(names)
                and service == "s3" and time.startswith(date)
                and self.headers["x-amz-content-sha256"] == sha
                and hmac.compare_digest(mac(key, to_sign).hex(), fields["Signature"]))

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        path, _, query = self.path.partition("?")
        if not self.is_signed(path, query, body):
            return self.refuse(403, "SignatureDoesNotMatch")
        bucket, _, key = unquote(path, errors="strict")[1:].partition("/")
        # S3 encodes all but the unreserved characters, once.
        assert path == "/" + quote(bucket + ("/" + key if key else ""), safe="/-._~"), path
        if bucket != "bucket":
            return self.refuse(404, "NoSuchBucket")
        if not key:
            return self.list(parse_qs(query, keep_blank_values=True, strict_parsing=True))
        if self.command == "PUT":
            md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
            if self.headers["Content-MD5"] != md5:
                return self.refuse(400, "BadDigest")
            objects[key] = body
            return self.answer(200)
        if self.command == "DELETE":
            objects.pop(key, None)
            return self.answer(204)
        if key not in objects:
            return self.refuse(404, "NoSuchKey")
        self.get(objects[key])

    do_GET = do_HEAD = do_PUT = do_DELETE = serve

    def get(self, data):
        if self.command == "HEAD" or "Range" not in self.headers:
            return self.answer(200, data, len(data))
        first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
        if first >= len(data) or last < first:
            return self.refuse(416, "InvalidRange")
        self.answer(206, data[first:last + 1])

    def list(self, query):
        assert query["list-type"] == ["2"] and query["encoding-type"] == ["url"]
        prefix, count = query["prefix"][0], int(query["max-keys"][0])
        start = bytes.fromhex(query.get("continuation-token", ["_"])[0][1:].rstrip("=")).decode()
        keys = sorted(list(objects), key=str.encode)
        keys = [key for key in keys if key.startswith(prefix) and key.encode() > start.encode()]
        page, more = keys[:count], len(keys) > count
        # The token has characters that must be encoded in a query.
        token = "+" + page[-1].encode().hex() + "==" if more else ""
        token = f"<NextContinuationToken>{token}</NextContinuationToken>" if more else ""
        contents = "".join(
            f"<Contents><Key>{escape(quote_plus(key, safe='/'))}</Key><ETag>&quot;x&quot;</ETag>"
            f"<Size>{len(objects.get(key, b''))}</Size></Contents>" for key in page)
        self.answer(200, f'<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult>'
                    f"<EncodingType>url</EncodingType><IsTruncated>{str(more).lower()}"
                    f"</IsTruncated>{token}{contents}</ListBucketResult>".encode())


server = ThreadingHTTPServer(("127.0.0.1", 0), Bucket)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", KEY_ID, SECRET, flush=True)
sys.stdin.read()
os._exit(0)
