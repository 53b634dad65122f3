public import Logging
public import ZeroMQ

/// Where a service's process keeps its files, where it listens, and what it connects to.
public struct ServiceConfiguration: Sendable {
    /// The folder of the suite's state.
    public var home: String
    /// The endpoint for calls, ipc:// or tcp://.
    public var endpoint: String
    /// The event store's endpoint for requests.
    public var eventStoreEndpoint: String
    /// Where metrics are served over HTTP, or nil if they are not.
    public var metricsAddress: StreamAddress?
    /// Returns the logger with the label.
    public var logger: @Sendable (_ label: String) -> Logger

    public init(
        home: String, endpoint: String, eventStoreEndpoint: String, metricsAddress: StreamAddress?,
        logger: @escaping @Sendable (_ label: String) -> Logger
    ) {
        self.home = home
        self.endpoint = endpoint
        self.eventStoreEndpoint = eventStoreEndpoint
        self.metricsAddress = metricsAddress
        self.logger = logger
    }
}
