import Synchronization

/// The bytes that libzmq holds for one connection: sent by the process, and not yet taken by the
/// system.
///
/// libzmq limits how many messages wait for a peer that does not read, but not their bytes. It does
/// report when it is done with the bytes of a frame. ``Frame/init(_:countedBy:)`` counts them here
/// until then. The end of a connection counts as well.
public final class UnsentBytes: Sendable {
    /// How many bytes may wait to be sent.
    public struct Limits: Sendable {
        let always: Int
        let ofConnection: Int
        let ofCaller: Int

        /// Creates limits, in bytes.
        ///
        /// - Parameters:
        ///   - always: what one connection may have, even if its caller is over its limit.
        ///   - ofConnection: what one connection may have while its caller is below its limit.
        ///   - ofCaller: what all connections of a caller may have together.
        public init(always: Int, ofConnection: Int, ofCaller: Int) {
            self.always = always
            self.ofConnection = ofConnection
            self.ofCaller = ofCaller
        }
    }

    /// The sum over all connections of one caller.
    public final class Total: Sendable {
        fileprivate let count = Atomic<Int>(0)

        /// Creates a sum of 0.
        public init() {}

        /// The number of bytes.
        public var bytes: Int { count.load(ordering: .relaxed) }
    }

    /// The sum over all connections of the process.
    public static let ofProcess = Total()

    private let total: Total
    private let count = Atomic<Int>(0)
    private let isAwaited = Atomic<Bool>(false)
    private let whenFreed: @Sendable () -> Void

    /// Creates the counter of a connection.
    ///
    /// - Parameters:
    ///   - total: the sum to which the connection belongs.
    ///   - whenFreed: called once after ``awaitRoom()``, on any thread, when bytes were sent.
    public init(in total: Total, whenFreed: @escaping @Sendable () -> Void = {}) {
        self.total = total
        self.whenFreed = whenFreed
    }

    /// The number of bytes.
    ///
    /// The order concerns ``awaitRoom()``: what is read after it must not be older than it.
    public var bytes: Int { count.load(ordering: .sequentiallyConsistent) }

    /// How many more bytes fit within the limits.
    public func room(within limits: Limits) -> Int {
        let shared = min(limits.ofConnection - bytes, limits.ofCaller - total.bytes)
        return max(shared, limits.always - bytes, 0)
    }

    /// Whether the connections of the caller have all that they may have together.
    public func isCallerFull(within limits: Limits) -> Bool { total.bytes >= limits.ofCaller }

    /// Requests a call of `whenFreed` when bytes have been sent.
    ///
    /// They may have been sent just before, so check the room again after this.
    public func awaitRoom() { isAwaited.store(true, ordering: .sequentiallyConsistent) }

    func add(_ bytes: Int) {
        count.add(bytes, ordering: .relaxed)
        total.count.add(bytes, ordering: .relaxed)
        Self.ofProcess.count.add(bytes, ordering: .relaxed)
    }

    func remove(_ bytes: Int) {
        Self.ofProcess.count.subtract(bytes, ordering: .relaxed)
        total.count.subtract(bytes, ordering: .relaxed)
        count.subtract(bytes, ordering: .sequentiallyConsistent)
        // Mostly nobody waits, and a look costs less than an exchange for each message.
        if isAwaited.load(ordering: .sequentiallyConsistent),
            isAwaited.exchange(false, ordering: .sequentiallyConsistent)
        {
            whenFreed()
        }
    }
}
