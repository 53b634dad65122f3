import Foundation
import IntegrationHarness

/// An S3-compatible store in a Python process, which ends with this.
final class BucketServer {
    let endpoint: String
    let accessKeyID: String
    let secretAccessKey: String
    private let process = Process()
    private let input = Pipe()

    /// The interpreters there are: the one that scripts/setup makes, and the system's before
    /// others, for it starts through no wrapper.
    private static let pythons =
        ([root.appending(path: ".build/moto/bin").path, "/usr/bin"]
        + (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":"))
        .map { "\($0)/python3" }.filter(FileManager.default.isExecutableFile(atPath:))

    private static let root = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    /// One that can run the scripts that need nothing else.
    static let python = pythons.first

    /// One that can run moto.
    static func moto() async throws -> String? {
        let program = """
            from importlib.util import find_spec
            print(all(find_spec(name) for name in ("moto", "boto3", "flask", "flask_cors")))
            """
        for path in pythons {
            let process = Process()
            process.executableURL = URL(filePath: path)
            process.arguments = ["-c", program]
            // Its end can't be waited for: processes that start now may inherit what tells it.
            if try await started(process) == "True" { return path }
        }
        return nil
    }

    /// Starts the script; returns when it can be asked.
    init(python: String, _ script: String, _ arguments: [String] = []) async throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
        process.executableURL = URL(filePath: python)
        process.arguments = [folder.appending(path: "Servers/\(script)").path] + arguments
        process.standardInput = input
        let words = try await Self.started(process).split(separator: " ").map(String.init)
        guard words.count == 3 else { throw CocoaError(.fileReadUnknown) }
        (endpoint, accessKeyID, secretAccessKey) = (words[0], words[1], words[2])
    }

    /// The first line that the process says, awaited on a thread that may wait: tests have few to
    /// share.
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

    // If this process is killed, the script ends with its input.
    deinit { if process.isRunning { process.terminate() } }
}
