public import EventSourcing

/// How a service is doing.
public struct ServiceStatus: Codable, Hashable, Sendable {
    public var service: String
    public var processID: Int32
    public var startedAt: Timestamp
    public var log: EventID
    /// The position of the last event in the log.
    public var head: UInt64
    public var projection: ProjectionStatus?
    public var participant: ParticipantStatus?

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
    /// So many events may be still to come in what a healthy service shows.
    public static let allowedLag: UInt64 = 1000

    /// What keeps the service from being ready; nil if nothing does.
    public func fault(lag: UInt64 = allowedLag) -> String? {
        if let projection {
            if let reason = projection.stopped { return reason }
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
