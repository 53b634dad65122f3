import Foundation

/// An S3-compatible store in a Python process (moto), which ends with this.
///
/// It can check signatures, but only of keys without special characters: it does not encode the others
/// as S3 does, and refuses Amazon's own client there too.
final class MotoServer {
    let endpoint: String
    let accessKeyID: String
    let secretAccessKey: String
    private let process = Process()
    private let input = Pipe()

    /// Where there is a Python that can run it.
    static let python: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        return folders.map { "\($0)/python3" }.first { path in
            guard FileManager.default.isExecutableFile(atPath: path) else { return false }
            let process = Process()
            process.executableURL = URL(filePath: path)
            process.arguments = ["-c", "import moto.server, boto3, flask"]
            process.standardError = FileHandle.nullDevice
            guard (try? process.run()) != nil else { return false }
            process.waitUntilExit()
            return process.terminationStatus == 0
        }
    }()

    /// Makes a user who may use S3, and a bucket; when that is done, every request must be signed.
    private static let program = """
        import os, sys, json, logging
        if sys.argv[1] == "signed":
            os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = "4"
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        import boto3
        from moto.server import ThreadedMotoServer
        server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        server.start()
        url = "http://127.0.0.1:%d" % server.get_host_and_port()[1]
        any = dict(endpoint_url=url, region_name="us-east-1",
                   aws_access_key_id="a", aws_secret_access_key="b")
        iam = boto3.client("iam", **any)
        iam.create_user(UserName="archive")
        iam.put_user_policy(UserName="archive", PolicyName="s3", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement":
             [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}))
        key = iam.create_access_key(UserName="archive")["AccessKey"]
        boto3.client("s3", **any).create_bucket(Bucket="bucket")
        print(url, key["AccessKeyId"], key["SecretAccessKey"], flush=True)
        sys.stdin.read()
        os._exit(0)
        """

    init(python: String, checksSignatures: Bool = false) throws {
        let output = Pipe()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", Self.program, checksSignatures ? "signed" : "open"]
        process.standardInput = input
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        var line = Data()
        while let byte = try output.fileHandleForReading.read(upToCount: 1), !byte.isEmpty,
            byte != Data("\n".utf8)
        {
            line += byte
        }
        let words = String(decoding: line, as: UTF8.self).split(separator: " ").map(String.init)
        guard words.count == 3 else { throw CocoaError(.fileReadUnknown) }
        (endpoint, accessKeyID, secretAccessKey) = (words[0], words[1], words[2])
    }

    deinit {
        // Its program ends with its input.
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }
}
