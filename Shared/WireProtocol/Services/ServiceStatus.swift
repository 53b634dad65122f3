public import EventSourcing

/// The status of a service.
public struct ServiceStatus: Codable, Hashable, Sendable {
    /// The service's name, such as `orders`.
    public var service: String
    /// The id of the service's process.
    public var processID: Int32
    /// The time at which the process started.
    public var startedAt: Timestamp
    /// The identity of the log that the service reads.
    public var log: EventID
    /// The position of the last event in the log.
    public var head: UInt64
    /// The status of the service's projection, or nil if it has none.
    public var projection: ProjectionStatus?
    /// The status of the service's saga participant, or nil if it has none.
    public var participant: ParticipantStatus?

    /// Creates a status.
    public init(
        service: String, processID: Int32, startedAt: Timestamp, log: EventID, head: UInt64,
        projection: ProjectionStatus?, participant: ParticipantStatus?
    ) {
        self.service = service
        self.processID = processID
        self.startedAt = startedAt
        self.log = log
        self.head = head
        self.projection = projection
        self.participant = participant
    }
}

extension ServiceStatus {
    /// How many events the read model of a healthy service may lag by default.
    public static let allowedLag: UInt64 = 1000

    /// Returns why the service is not ready, or nil if it is. A degraded service is ready.
    ///
    /// - Parameter lag: how many events the read model may lag.
    public func fault(lag: UInt64 = allowedLag) -> String? {
        if let projection {
            if let ahead = projection.lead(over: head) { return ahead }
            let behind = head - min(projection.checkpoint, head)
            guard behind <= lag else { return "the projection is \(behind) events behind" }
        }
        if let participant, participant.state == .waiting {
            return "the participant waits for queue '\(participant.queue)'"
        }
        return nil
    }
}
