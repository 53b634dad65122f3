import EventSourcing
import ZeroMQ

/// The sockets of processes on this machine, which are files.
enum LocalSocket {
    /// How long a process that was just started gets to create its socket.
    private static let grace: Duration = .seconds(2)

    /// Checks that a process listens at an ipc endpoint. Other endpoints pass.
    ///
    /// If nothing listens, nothing can answer, so a command need not wait for its whole timeout. A
    /// process that is starting listens within moments.
    ///
    /// - Throws: `unavailable` if nothing listens within 2 seconds or the timeout, `denied` if the
    ///   user may not connect.
    static func check(
        _ endpoint: String, of process: String, within timeout: Duration
    ) async throws {
        let scheme = "ipc://"
        // libzmq takes `@` for the abstract namespace, which has no files.
        guard endpoint.hasPrefix(scheme), !endpoint.hasPrefix(scheme + "@") else { return }
        let path = String(endpoint.dropFirst(scheme.count))
        // The connection reports that it is malformed.
        guard !path.isEmpty else { return }
        let deadline = ContinuousClock.now + min(timeout, grace)
        while let fault = StreamListener.fault(of: path) {
            let reason =
                switch fault {
                case .missing: "there is no such socket"
                case .dead: "the socket's process has ended"
                case .denied:
                    throw DaybookError(
                        .denied,
                        "this user may not connect to \(endpoint); run the command as the user of "
                            + "\(process)")
                }
            guard ContinuousClock.now < deadline else {
                throw DaybookError(
                    .unavailable,
                    "nothing listens at \(endpoint): \(reason); start it with "
                        + "'\(process) serve'; if it runs, is it waiting for the event store?")
            }
            // The file system could report new files, but a short wait costs less code.
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}
