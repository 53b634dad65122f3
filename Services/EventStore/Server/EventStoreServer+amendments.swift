import EventLog
import EventSourcing
import Foundation
import JSON
import Observability
import WireProtocol

extension EventStoreServer {
    private static let name = "event-store"

    /// Amends an event for every later read.
    func amend(_ argument: Data, _ caller: Caller) throws -> [UInt8] {
        let request = try JSON.argument(
            CommandRequest<AmendEvent>.self, argument, maximumBytes: Limits.amendmentBytes)
        let amendment = try Self.amendment(request.command)
        return try change(
            request.command.event, to: amendment,
            try request.cause(of: StoreCall.amend, at: Self.name, from: caller), caller
        ) { target, actor in
            let data = EventAmended(
                target, amendment, reason: request.command.reason, by: actor)
            let bytes = try data.encoded()
            // New data that is nested too deeply could be written, but not be read again.
            try require(
                (try? EventAmended(bytes[...])) == data, .invalid, "the new data can't be stored")
            return (.eventAmended, bytes)
        }
    }

    /// Ends the amendment of an event.
    func undoAmendment(_ argument: Data, _ caller: Caller) throws -> [UInt8] {
        let request = try JSON.argument(CommandRequest<UndoAmendment>.self, argument)
        try Self.check(reason: request.command.reason)
        return try change(
            request.command.event, to: nil,
            try request.cause(of: StoreCall.undoAmendment, at: Self.name, from: caller), caller
        ) { target, actor in
            let data = AmendmentUndone(target, reason: request.command.reason, by: actor)
            return (.amendmentUndone, try JSON.encode(data))
        }
    }

    /// Returns the positions of the amended events, ascending.
    func amendedPositions(_ caller: Caller) throws -> [UInt8] {
        try caller.checkRead()
        return try JSON.encode(amendments.byPosition.keys.sorted())
    }

    private static func amendment(_ command: AmendEvent) throws -> Amendment {
        try check(reason: command.reason)
        guard let data = command.data.map({ Array($0.utf8) }) else { return .skip }
        try require(
            JSONScanner.isOneLine(data[...]), .invalid,
            "the new data must be one JSON value on one line")
        return .data(data)
    }

    private static func check(reason: String) throws {
        try require(!reason.isEmpty, .invalid, "an amendment needs a reason")
    }

    /// Appends the event that `data` returns, so that the target is read under `amendment`.
    ///
    /// It commits before it returns. Nothing else is staged meanwhile, because the request loop
    /// commits before it suspends.
    private func change(
        _ target: EventID, to amendment: Amendment?, _ cause: Cause, _ caller: Caller,
        _ data: (RecordedEvent, _ actor: String) throws -> (AmendmentEventType, [UInt8])
    ) throws -> [UInt8] {
        try caller.checkAdministers()
        try cause.checkDeadline(at: .now())
        let target = try log.committedEvent(id: target)
            .orThrow(.notFound, "there is no event \(target)")
        try Amendments.check(target)
        if let amendment { try target.checkSize(under: amendment) }
        let (type, data) = try data(target, cause.actor)
        let earlier = try log.committedEvent(id: cause.eventID(0))
        if let earlier, EventMetadata(of: earlier)?.digest != cause.digest {
            throw ProtocolError(
                .idReused, detail: earlier.position,
                "another command has used the id \(cause.key), for \(earlier.type) at position "
                    + "\(earlier.position) of stream \(earlier.stream); choose a new id")
        }
        // A repeated command gets the first answer, whatever has changed since.
        guard earlier != nil || amendments.byPosition[target.position] != amendment else {
            return try JSON.encode(
                CommandReply(.nothing, correlationID: target.correlationID))
        }
        let appended = try append([try target.amendmentEvent(type, data, cause)])
        let outcome: Outcome =
            appended.isRepeat
            ? .repeated(position: appended.last, types: [type.rawValue])
            : .appended(appended, types: [type.rawValue])
        return try JSON.encode(CommandReply(outcome, correlationID: target.correlationID))
    }
}

extension RecordedEvent {
    /// Returns an event about the amendment of this one. It belongs to the same conversation and
    /// has the same tags, so that readers of the conversation find it.
    fileprivate func amendmentEvent(
        _ type: AmendmentEventType, _ data: [UInt8], _ cause: Cause
    ) throws -> NewEvent {
        NewEvent(
            id: cause.eventID(0),
            stream: try StreamName(
                category: AmendmentEventType.category, id: id.description),
            type: type.rawValue,
            // It reverses no event, even if this one does.
            tags: tags.filter { EventID(reversalTag: $0) == nil }, correlationID: correlationID,
            causationID: id, metadata: try EventMetadata(cause).encoded(), data: data)
    }
}
