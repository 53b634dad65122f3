public import EventSourcing
import WireProtocol

extension CausalTree {
    /// Returns the tree for programs: its events from the roots down, each with its depth and the
    /// position of its parent.
    ///
    /// - Parameter marked: the event that the user asked for, or nil.
    public func json(marking marked: EventID? = nil) -> some Encodable & Sendable {
        nodes.map { node in
            let event = node.event
            return Line(
                position: event.position, id: event.id, time: event.occurredAt,
                millisecondsAfterStart: millisecondsAfterStart(node),
                millisecondsAfterCause: millisecondsAfterCause(node), depth: node.depth,
                under: node.parent.map { nodes[$0].event.position }, stream: event.stream,
                type: event.type, service: node.service, actor: node.actor,
                correlationID: event.correlationID,
                causationID: event.causationID == .none ? nil : event.causationID,
                attempt: node.attempt, traceparent: node.traceparent, deadLetter: node.deadLetter,
                redriven: node.redriven.isEmpty ? nil : node.redriven, reverses: node.reverses,
                reversedBy: node.reversedBy, notes: node.notes,
                isMarked: event.id == marked ? true : nil)
        }
    }

    private struct Line: Encodable, Sendable {
        let position: UInt64
        let id: EventID
        let time: Timestamp
        let millisecondsAfterStart: Double
        let millisecondsAfterCause: Double?
        let depth: Int
        /// The position of the parent, or nil for a root.
        let under: UInt64?
        let stream: StreamName
        let type: String
        let service: String?
        let actor: String?
        let correlationID: EventID
        let causationID: EventID?
        let attempt: Int?
        let traceparent: TraceParent?
        let deadLetter: DeadLetter?
        let redriven: [UInt64]?
        let reverses: EventID?
        let reversedBy: UInt64?
        let notes: [String]
        let isMarked: Bool?
    }
}
