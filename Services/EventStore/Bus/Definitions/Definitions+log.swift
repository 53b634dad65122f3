import EventSourcing
import JSON
import WireProtocol

extension Definitions {
    /// The categories of the events that define something.
    static let categories = [
        BusCategory.rule, BusCategory.queue, BusCategory.archive, BusCategory.replay,
    ]
}

extension Definitions.Event {
    /// Reads an event of this type from the log. Nil if the type defines nothing, as those of dead
    /// letters.
    ///
    /// - Throws: `DecodingError`, or `invalid` if the data is not valid for the event's place.
    init?(_ type: BusEventType, _ event: RecordedEvent) throws {
        let name = event.stream.id
        switch type {
        case .rulePut: self = .rulePut(try event.data())
        case .ruleDeleted: self = .ruleDeleted(name)
        case .queuePut: self = .queuePut(try event.data())
        case .queuePaused: self = .queuePaused(name)
        case .queueResumed: self = .queueResumed(name)
        case .queuePurged: self = .queuePurged(name)
        case .queueDeleted: self = .queueDeleted(name)
        case .archiveCreated: self = .archiveCreated(try event.data())
        case .archiveDeleted: self = .archiveDeleted(name)
        case .replayStarted: self = .replayStarted(try event.data())
        case .replayPaused: self = .replayPaused(name)
        case .replayResumed: self = .replayResumed(name)
        case .replayCancelled: self = .replayCancelled(name)
        case .replayEnded: self = .replayEnded(name, try event.data())
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
        case .ruleDeleted(let name): (.ruleDeleted, name, Nothing())
        case .queuePut(let queue): (.queuePut, queue.name, queue)
        case .queuePaused(let name): (.queuePaused, name, Nothing())
        case .queueResumed(let name): (.queueResumed, name, Nothing())
        case .queuePurged(let name): (.queuePurged, name, Nothing())
        case .queueDeleted(let name): (.queueDeleted, name, Nothing())
        case .archiveCreated(let archive): (.archiveCreated, archive.name, archive)
        case .archiveDeleted(let name): (.archiveDeleted, name, Nothing())
        case .replayStarted(let replay): (.replayStarted, replay.name, replay)
        case .replayPaused(let name): (.replayPaused, name, Nothing())
        case .replayResumed(let name): (.replayResumed, name, Nothing())
        case .replayCancelled(let name): (.replayCancelled, name, Nothing())
        case .replayEnded(let name, let end): (.replayEnded, name, end)
        }
    }
}
