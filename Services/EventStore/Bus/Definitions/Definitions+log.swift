import EventSourcing
import JSON
import WireProtocol

extension Definitions {
    /// The categories of the events that define something.
    static let categories = BusCategory.all.filter { $0 != BusCategory.deadLetter }
}

extension Definitions.Event {
    /// Creates the definition event of this type from the log, or nil for dead-letter events.
    ///
    /// - Throws: `DecodingError`, or `invalid` if the data is not valid for the event's place.
    init?(_ type: BusEventType, _ event: RecordedEvent) throws {
        switch type {
        case .rulePut: self = .rulePut(try event.data())
        case .queuePut: self = .queuePut(try event.data())
        case .archiveCreated: self = .archiveCreated(try event.data())
        case .replayStarted: self = .replayStarted(try event.data())
        case .replayEnded: self = .replayEnded(event.stream.id, try event.data())
        case .ruleDeleted, .queuePaused, .queueResumed, .queuePurged, .queueDeleted,
            .archiveDeleted, .replayPaused, .replayResumed, .replayCancelled:
            self = .named(type, event.stream.id)
        case .deadLettered, .deadLetterRedriven, .deadLetterDiscarded: return nil
        }
    }

    /// Returns the event to append, at `index` of the command's outcome.
    func newEvent(_ cause: Cause, at index: Int) throws -> NewEvent {
        let (type, name, data) = content
        return NewEvent(
            id: cause.eventID(index),
            stream: try StreamName(category: type.category, id: name), type: type.rawValue,
            correlationID: cause.correlationID, causationID: cause.causationID,
            metadata: try EventMetadata(cause).encoded(), data: try JSON.encode(data))
    }

    private var content: (type: BusEventType, name: String, data: any Encodable) {
        switch self {
        case .rulePut(let rule): (.rulePut, rule.name, rule)
        case .queuePut(let queue): (.queuePut, queue.name, queue)
        case .archiveCreated(let archive): (.archiveCreated, archive.name, archive)
        case .replayStarted(let replay): (.replayStarted, replay.name, replay)
        case .replayEnded(let name, let end): (.replayEnded, name, end)
        case .named(let type, let name): (type, name, Nothing())
        }
    }
}
