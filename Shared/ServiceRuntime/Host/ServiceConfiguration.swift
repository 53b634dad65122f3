public import Logging
public import ZeroMQ

/// The folder and the addresses of a service's process.
public struct ServiceConfiguration: Sendable {
    /// The folder of the suite's state. The service uses the subfolder with its own name.
    public var home: String
    /// The endpoint for calls, ipc:// or tcp://.
    public var endpoint: String
    /// The event store's endpoint for requests.
    public var eventStoreEndpoint: String
    /// The address that serves metrics and health over HTTP, or nil to serve none.
    public var metricsAddress: StreamAddress?
    /// The factory of loggers.
    public var logger: @Sendable (_ label: String) -> Logger

    /// Creates a configuration.
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
