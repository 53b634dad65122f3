public import Foundation

/// A process whose output a test reads line by line while it runs.
///
/// Its standard input stays open. The process is killed when the conversation is released.
public final class Conversation {
    private let process = Process()
    private let input: Pipe
    private var output: AsyncStream<Data>.Iterator
    private var rest = Data()
    private let ended: AsyncStream<Int32>

    /// Starts `executable`. It shares the test's standard error.
    public init(
        _ executable: URL, _ arguments: [String], environment: [String: String] = [:]
    ) throws {
        let (ended, ending) = AsyncStream.makeStream(of: Int32.self)
        self.ended = ended
        process.terminationHandler = { process in
            ending.yield(process.terminationReason == .exit ? process.terminationStatus : -1)
            ending.finish()
        }
        process.executableURL = executable
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let (input, pipe) = try Spawning.alone { [process] in
            let (input, output) = (Pipe(), Pipe())
            process.standardInput = input
            process.standardOutput = output
            try process.run()
            return (input, output)
        }
        self.input = input
        let (stream, continuation) = AsyncStream.makeStream(of: Data.self)
        output = stream.makeAsyncIterator()
        // Not a readability handler, because the descriptor could be closed while it is watched.
        let handle = pipe.fileHandleForReading
        Thread.detachNewThread {
            while case let data = handle.availableData, !data.isEmpty { continuation.yield(data) }
            continuation.finish()
        }
    }

    deinit {
        if process.isRunning { _ = Foundation.kill(process.processIdentifier, SIGKILL) }
        process.waitUntilExit()
    }

    /// Returns the next line as soon as it comes, or nil when the process has closed its output.
    public func line() async -> String? {
        while true {
            if let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                defer { rest = rest[(end + 1)...] }
                return String(decoding: rest[..<end], as: UTF8.self)
            }
            guard let data = await output.next(isolation: #isolation) else { return nil }
            rest += data
        }
    }

    /// Sends a signal, such as SIGTERM.
    public func signal(_ number: Int32) { _ = Foundation.kill(process.processIdentifier, number) }

    /// Waits until the process has ended, and returns its exit status, or -1 if a signal ended it.
    ///
    /// Call it only once.
    public func exitStatus() async -> Int32 {
        for await status in ended { return status }
        return -1
    }
}
