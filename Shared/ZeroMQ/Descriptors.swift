internal import CZeroMQ
import Foundation

/// The file descriptors that the process may have.
public enum Descriptors {
    /// Raises the limit to the highest that the system permits the process.
    ///
    /// Call it in processes that serve, not in those that start commands: a program that still uses
    /// `select` fails with many descriptors.
    public static func raiseLimit() {
        guard var limit = limit() else { return }
        limit.rlim_cur = limit.rlim_max
        unsafe _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }

    /// The lowest number that a connection's descriptor may not have: 80 % of the limit. The rest
    /// is for files.
    private static var connectionLimit: Int {
        limit().map { Int(clamping: $0.rlim_cur) / 5 * 4 } ?? .max
    }

    /// Shuts a connection down in both directions. Its reads and writes end.
    static func shutDown(_ connection: Int32) {
        // SHUT_RDWR is a macro for an enumerator of its own name, which the compiler finds at times
        // only. Its value is a part of Linux's interface.
        _ = shutdown(connection, 2)
    }

    private static func limit() -> rlimit? {
        var limit = rlimit()
        let result = unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return result == 0 ? limit : nil
    }

    /// Whether libzmq keeps some descriptors free: it accepts connections by `accept` below.
    ///
    /// libzmq 4.3.4 ends the process when the system has no descriptor for a new ipc connection,
    /// and it has no limit of connections. Its monitors report a connection later, and by then it
    /// may have accepted many more.
    static let areReserved =
        unsafe zmq_replace_import(
            "accept4", unsafeBitCast(accept, to: UnsafeMutableRawPointer.self)) == 1

    private typealias Accept =
        @convention(c) (
            Int32, UnsafeMutablePointer<sockaddr>?, UnsafeMutablePointer<socklen_t>?, Int32
        ) -> Int32

    /// Accepts a connection as `accept4` does, and closes it if its descriptor is not one that
    /// connections may have. The system gives the lowest free number, so the number says how many
    /// are in use. What an accepted connection sends is followed.
    private static let accept: Accept = { listener, address, length, flags in
        let accepted = unsafe accept4(listener, address, length, flags)
        if accepted < 0 {
            // libzmq tolerates a lack of descriptors in the system, but not in the process.
            if errno == EMFILE { errno = ENFILE }
            return accepted
        }
        guard Int(accepted) >= connectionLimit else {
            PeerInputs.shared.accepted(accepted, by: listener)
            return accepted
        }
        _ = close(accepted)
        ClosedConnections.shared.note(.descriptors)
        errno = ECONNABORTED
        return -1
    }
}
