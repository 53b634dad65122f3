public import EventBus
public import EventLog
public import Logging
public import ObjectStorage
public import ZeroMQ

/// The files and addresses of an event store, and how durable it is.
public struct EventStoreConfiguration: Sendable {
    /// The folder of the suite's state. The log, the journal and the bus's tables are below it.
    public let home: String
    /// The endpoint for requests.
    public var endpoint: String
    /// The endpoint of the feed.
    public var feed: String
    /// The endpoint of the bus.
    public var bus: String
    /// When an append is synced to disk.
    public var durability = Durability.sync
    /// The size of a new log's segments, in bytes. A log keeps the size that it was created with.
    public var segmentBytes = EventLog.defaultSegmentBytes
    /// The queues and rules to create if the log has never had them.
    public var wiring: Wiring?
    /// The places below which archives may be.
    public var archiveRoots = StorageRoots.nowhere
    /// The address of the metrics server, or nil for none.
    public var metricsAddress: StreamAddress?
    /// Returns the logger with the given label.
    public let logger: @Sendable (_ label: String) -> Logger

    /// Creates the configuration of a store whose endpoints are below `home`.
    public init(home: String, logger: @escaping @Sendable (_ label: String) -> Logger) {
        self.home = home
        self.logger = logger
        endpoint = "ipc://\(home)/event-store.sock"
        feed = "ipc://\(home)/feed.sock"
        bus = "ipc://\(home)/bus.sock"
    }
}
