import EventSourcing
import Foundation

/// The sockets of processes on this machine, which are files.
enum LocalSocket {
    /// How long a process that was just started gets to create its socket.
    private static let grace: Duration = .seconds(2)

    /// Checks that the socket of an ipc endpoint exists. Other endpoints pass.
    ///
    /// Without the file nothing can answer, so a command need not wait for its whole timeout. A
    /// process that is starting creates its socket within moments.
    ///
    /// - Throws: `unavailable` if the socket does not exist within 2 seconds or the timeout.
    static func check(
        _ endpoint: String, of process: String, within timeout: Duration
    ) async throws {
        let scheme = "ipc://"
        // libzmq takes `@` for the abstract namespace, which has no files.
        guard endpoint.hasPrefix(scheme), !endpoint.hasPrefix(scheme + "@") else { return }
        let path = String(endpoint.dropFirst(scheme.count))
        let deadline = ContinuousClock.now + min(timeout, grace)
        while !FileManager.default.fileExists(atPath: path) {
            guard ContinuousClock.now < deadline else {
                throw DaybookError(
                    .unavailable,
                    "nothing listens at \(endpoint): there is no such socket; start it with "
                        + "'\(process) serve'; if it runs, is it waiting for the event store?")
            }
            // The file system could report new files, but a short wait costs less code.
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
