import Foundation
import IntegrationHarness

/// An S3-compatible store in a Python process that ends with this object.
final class BucketServer {
    let endpoint: String
    let accessKeyID: String
    let secretAccessKey: String
    private let process = Process()
    private let input = Pipe()

    /// The available interpreters: the one that scripts/setup installs, the system's, which starts
    /// without a wrapper, then others.
    private static let pythons =
        ([root.appending(path: ".build/moto/bin").path, "/usr/bin"]
        + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":"))
        .map { "\($0)/python3" }.filter(FileManager.default.isExecutableFile(atPath:))

    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// An interpreter for scripts that need only the standard library.
    static let python = pythons.first

    /// An interpreter that can run moto, or nil.
    static func moto() async throws -> String? {
        let program = """
            from importlib.util import find_spec
            print(all(find_spec(name) for name in ("moto", "boto3", "flask", "flask_cors")))
            """
        for path in pythons {
            let process = Process()
            process.executableURL = URL(filePath: path)
            process.arguments = ["-c", program]
            // Do not wait for its end: processes that start now may inherit the descriptor that
            // reports it.
            if try await started(process) == "True" { return path }
        }
        return nil
    }

    /// Starts the script and returns when it accepts requests.
    init(python: String, _ script: String, _ arguments: [String] = []) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        process.executableURL = URL(filePath: python)
        process.arguments = [folder.appending(path: "Servers/\(script)").path] + arguments
        process.standardInput = input
        let words = try await Self.started(process).split(separator: " ").map(String.init)
        guard words.count == 3 else { throw CocoaError(.fileReadUnknown) }
        (endpoint, accessKeyID, secretAccessKey) = (words[0], words[1], words[2])
    }

    /// The first line of the output of the process. A separate thread waits for it, because tests
    /// share few threads.
    private static func started(_ process: Process) async throws -> String {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        let output = try Spawning.alone {
                            let output = Pipe()
                            process.standardOutput = output
                            try process.run()
                            return output
                        }
                        var line = Data()
                        while let byte = try output.fileHandleForReading.read(upToCount: 1),
                            !byte.isEmpty, byte != Data("\n".utf8)
                        {
                            line += byte
                        }
                        return String(decoding: line, as: UTF8.self)
                    })
            }
        }
    }

    // If this process is killed, the script ends because its input closes.
    deinit { if process.isRunning { process.terminate() } }
}
