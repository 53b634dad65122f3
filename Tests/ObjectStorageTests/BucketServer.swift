import Foundation

/// An S3-compatible store in a Python process, which ends with this.
final class BucketServer {
    let endpoint: String
    let accessKeyID: String
    let secretAccessKey: String
    private let process = Process()
    private let input = Pipe()

    /// The interpreters in PATH.
    private static let pythons = (ProcessInfo.processInfo.environment["PATH"] ?? "")
        .split(separator: ":").map { "\($0)/python3" }
        .filter(FileManager.default.isExecutableFile(atPath:))

    /// One that can run the scripts that need nothing else.
    static let python = pythons.first

    /// One that can run moto.
    static let moto = pythons.first { path in
        let process = Process()
        process.executableURL = URL(filePath: path)
        process.arguments = [
            "-c",
            """
            from importlib.util import find_spec
            exit(not all(find_spec(name) for name in ("moto", "boto3", "flask", "flask_cors")))
            """,
        ]
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Starts the script; returns when it can be asked.
    init(python: String, _ script: String, _ arguments: [String] = []) async throws {
        let output = Pipe()
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        process.executableURL = URL(filePath: python)
        process.arguments = [folder.appending(path: "Servers/\(script)").path] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        let line = try await Self.line(of: output.fileHandleForReading)
        let words = line.split(separator: " ").map(String.init)
        guard words.count == 3 else { throw CocoaError(.fileReadUnknown) }
        (endpoint, accessKeyID, secretAccessKey) = (words[0], words[1], words[2])
    }

    /// The first line, read on a thread that may wait for it: tests have few to share.
    private static func line(of output: FileHandle) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        var line = Data()
                        while let byte = try output.read(upToCount: 1), !byte.isEmpty,
                            byte != Data("\n".utf8)
                        {
                            line += byte
                        }
                        return String(decoding: line, as: UTF8.self)
                    })
            }
        }
    }

    // If this process is killed, the script ends with its input.
    deinit { process.terminate() }
}
