"""moto's S3 with a bucket and a user. With the argument "signed" it checks signatures. Then keys must
have no special characters: moto encodes these unlike S3 and rejects even Amazon's own client. Prints its
address and the credentials, and exits when its input closes."""
import json
import logging
import os
import stat
import sys

# A process that starts while another test opens a pipe can inherit it, and that test then waits until
# it is closed. The inherited socket stays open: its end tells the parent that this process has ended.
for name in os.listdir("/proc/self/fd"):
    link = "/proc/self/fd/" + name
    if int(name) > 2 and os.path.exists(link) and stat.S_ISFIFO(os.stat(link).st_mode):
        os.close(int(name))

if sys.argv[1] == "signed":
    # The requests that create the user and the bucket.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
import boto3
from moto.server import ThreadedMotoServer

# Sometimes moto answers 500, with a traceback, when an object is read while it is replaced. The client
# retries that request.
logging.disable()
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
url = "http://127.0.0.1:%d" % server.get_host_and_port()[1]
anyone = dict(endpoint_url=url, region_name="us-east-1", aws_access_key_id="a", aws_secret_access_key="b")
policy = {"Version": "2012-10-17",
          "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
iam = boto3.client("iam", **anyone)
iam.create_user(UserName="archive")
iam.put_user_policy(UserName="archive", PolicyName="s3", PolicyDocument=json.dumps(policy))
key = iam.create_access_key(UserName="archive")["AccessKey"]
boto3.client("s3", **anyone).create_bucket(Bucket="bucket")
print(url, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
sys.stdin.read()
os._exit(0)
