import Foundation

/// Starts processes one after the other.
///
/// A process that is started while another is may inherit what tells of the other's end, or the
/// ends of its pipes, and hold them open: who waits for them would wait for both.
public enum Spawning {
    private static let lock = NSLock()

    /// Runs `body`, which makes a process's pipes and starts it, while no other is started so.
    public static func alone<Result>(_ body: () throws -> Result) rethrows -> Result {
        try lock.withLock(body)
    }
}
