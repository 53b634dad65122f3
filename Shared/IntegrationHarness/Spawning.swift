import Foundation

/// Starts processes one after the other.
///
/// A process that is started while another one starts may inherit its pipes or the descriptor that
/// reports its end, and keep them open. A test that waits for one process would then wait for both.
public enum Spawning {
    private static let lock = NSLock()

    /// Calls `body`, which makes a process's pipes and starts it, while no other process is started
    /// this way.
    public static func alone<Result>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock(body)
    }
}
