import Foundation

/// Runs one shell command for many inputs, several at a time.
///
/// Standard input and standard error are files, not pipes. This process therefore never waits for a
/// command that does not read or does not end.
actor Shell {
    /// How a run ended.
    struct Ending: Sendable {
        /// The exit status; nil if a signal ended it.
        var status: Int32?
        var signal: Int32?
        /// The last part of its standard error, up to 64 KiB.
        var errors: Data

        /// The fault in one line: the last line of standard error, or else the status or signal.
        /// Nil if the status is 0.
        var fault: String? {
            guard status != 0 else { return nil }
            let last = String(decoding: errors, as: UTF8.self).split(whereSeparator: \.isNewline)
                .last { !$0.allSatisfy(\.isWhitespace) }
            if let last { return String(last) }
            if let status { return "the command ended with status \(status)" }
            return "the command was ended by signal \(signal ?? 0)"
        }
    }

    /// How many bytes are kept of a run's standard error.
    private static let errorBytes: UInt64 = 64 << 10

    private let command: String
    private let killDelay: Duration
    /// The process ids of the current runs.
    private var running: [UUID: Int32] = [:]

    /// Creates a runner of a shell command.
    ///
    /// - Parameter killDelay: how long a cancelled run may take to end before it is killed.
    init(_ command: String, killDelay: Duration = .seconds(5)) {
        self.command = command
        self.killDelay = killDelay
    }

    /// Runs the command until it and everything it started have ended.
    ///
    /// If the task is cancelled, they get SIGTERM, and after a delay SIGKILL. Runs are started one
    /// at a time, because Foundation lets a process inherit the files of another process that is
    /// started at the same time.
    func run(_ input: [UInt8], environment: [String: String]) async throws -> Ending {
        let (stdin, stderr) = (try Self.scratch(input), try Self.scratch([]))
        defer {
            // Foundation keeps the process and its files for longer than they are needed.
            for file in [stdin, stderr] { try? file.close() }
        }
        let (id, process) = (UUID(), Process())
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = ["-c", command]
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        process.standardInput = stdin
        process.standardError = stderr
        let (status, reason) = try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation {
                (ended: CheckedContinuation<(Int32, Process.TerminationReason), any Error>) in
                process.terminationHandler = {
                    // The process has ended, but Foundation releases it only after this call.
                    $0.waitUntilExit()
                    ended.resume(returning: ($0.terminationStatus, $0.terminationReason))
                }
                do {
                    try process.run()
                    running[id] = process.processIdentifier
                } catch {
                    ended.resume(throwing: error)
                }
            }
        } onCancel: {
            Task { await self.end(id) }
        }
        running[id] = nil
        let isExit = reason == .exit
        return Ending(
            status: isExit ? status : nil, signal: isExit ? nil : status,
            errors: try Self.tail(of: stderr))
    }

    private func end(_ id: UUID) async {
        signal(id, SIGTERM)
        // Lets the command clean up before it is killed.
        try? await Task.sleep(for: killDelay)
        signal(id, SIGKILL)
    }

    /// Signals the process group of a run. Foundation makes each process the leader of a group.
    private func signal(_ id: UUID, _ number: Int32) {
        if let process = running[id] { kill(-process, number) }
    }

    /// Returns an unnamed file with this content, open at its beginning.
    private static func scratch(_ content: [UInt8]) throws -> FileHandle {
        let path = "\(NSTemporaryDirectory())/daybook-\(UUID().uuidString)"
        // Other users must not be able to read the event.
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(content), attributes: [.posixPermissions: 0o600])
        else { throw CocoaError(.fileWriteUnknown, userInfo: [NSFilePathErrorKey: path]) }
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try FileHandle(forUpdating: URL(filePath: path))
    }

    private static func tail(of file: FileHandle) throws -> Data {
        let size = try file.seekToEnd()
        try file.seek(toOffset: size - min(size, errorBytes))
        return try file.readToEnd() ?? Data()
    }
}
