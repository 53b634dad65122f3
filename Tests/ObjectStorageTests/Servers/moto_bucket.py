"""moto's S3 with a bucket and a user. With the argument "signed" it checks signatures; but only of
keys without special characters, for it encodes others unlike S3, and refuses Amazon's own client there
too. Prints its address and the credentials, and ends with its input."""
import json
import logging
import os
import sys

# Another test may wait until the descriptors that this process was started with are closed.
os.closerange(3, 65536)

if sys.argv[1] == "signed":
    # Those that make the user and the bucket.
    os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
import boto3
from moto.server import ThreadedMotoServer

# Now and then it answers 500, with a traceback, to who reads an object that is being replaced; the
# request is made again.
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
