import Foundation

/// Runs one shell command, for many inputs, several at a time.
///
/// What a run reads and what it says on standard error go through files, not pipes: so nothing of
/// ours waits for a command that does not read, or does not end.
actor Shell {
    /// How a run ended.
    struct Ending: Sendable {
        /// The exit status; nil if a signal ended it.
        var status: Int32?
        var signal: Int32?
        /// The end of what it said on standard error.
        var errors: Data

        /// What went wrong, in one line; nil if nothing did.
        var fault: String? {
            guard status != 0 else { return nil }
            let last = String(decoding: errors, as: UTF8.self).split(whereSeparator: \.isNewline)
                .last { !$0.allSatisfy(\.isWhitespace) }
            if let last { return String(last) }
            if let status { return "the command ended with status \(status)" }
            return "the command was ended by signal \(signal ?? 0)"
        }
    }

    /// So much is kept of what a run says on standard error.
    private static let errorBytes: UInt64 = 64 << 10

    private let command: String
    private let killDelay: Duration
    /// Their processes.
    private var running: [UUID: Int32] = [:]

    /// - Parameter killDelay: a run that is told to end and does not is killed after so long.
    init(_ command: String, killDelay: Duration = .seconds(5)) {
        self.command = command
        self.killDelay = killDelay
    }

    /// Runs the command to its end, and that of whatever it has started. When the task is
    /// cancelled they are told to end, by SIGTERM, and then killed.
    ///
    /// Runs are started one after the other, for Foundation gives a process what another that is
    /// being started at the same moment has open.
    func run(_ input: [UInt8], environment: [String: String]) async throws -> Ending {
        let (stdin, stderr) = (try Self.scratch(input), try Self.scratch([]))
        defer {
            // Now, and not when Foundation lets go of the process.
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
                    // Over already: only now does Foundation let go of the process.
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
        // Time for it to end in its own way.
        try? await Task.sleep(for: killDelay)
        signal(id, SIGKILL)
    }

    /// Signals the group of which Foundation makes each process the leader.
    private func signal(_ id: UUID, _ number: Int32) {
        if let process = running[id] { kill(-process, number) }
    }

    /// A file with this content, to be read from its beginning; it has no name.
    private static func scratch(_ content: [UInt8]) throws -> FileHandle {
        let path = "\(NSTemporaryDirectory())/daybook-\(UUID().uuidString)"
        // What an event says is for nobody else to read.
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
