import Synchronization

/// The memory that the process's own limits bound, in bytes: what waits to be sent, and what the
/// process counts here, such as requests that wait.
///
/// When the process grows by it, unfinished messages are not the cause, so no connection is closed.
public enum BoundedMemory {
    private static let count = Atomic<Int>(0)

    /// Counts bytes that the process has begun to use, or a negative number of those that it has
    /// freed.
    public static func add(_ bytes: Int) { count.add(bytes, ordering: .relaxed) }

    static var bytes: Int { count.load(ordering: .relaxed) + UnsentBytes.ofProcess.bytes }
}
