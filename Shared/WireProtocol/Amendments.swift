public import EventSourcing
import JSON

/// The command that makes every reader get an event with other data, or skip it.
public struct AmendEvent: Codable, Hashable, Sendable {
    /// The id of the event.
    public var event: EventID
    /// The new data: one JSON value on one line. Nil to skip the event.
    public var data: String?
    /// Why the event is amended, for the audit trail.
    public var reason: String

    /// Creates the command.
    public init(event: EventID, data: String? = nil, reason: String) {
        self.event = event
        self.data = data
        self.reason = reason
    }
}

/// The command that ends the amendment of an event: it is read as it was appended again.
public struct UndoAmendment: Codable, Hashable, Sendable {
    /// The id of the amended event.
    public var event: EventID
    /// Why the amendment is undone, for the audit trail.
    public var reason: String

    /// Creates the command.
    public init(event: EventID, reason: String) {
        self.event = event
        self.reason = reason
    }
}

/// The types of the events in streams `$amendment-<id of the amended event>`.
///
/// The last of them says how the event is read. Only the event store appends them.
public enum AmendmentEventType: String, CaseIterable, Sendable {
    /// The category of the streams.
    public static let category = StreamName.amendmentCategory

    /// An event is read with other data, or skipped. Data: ``EventAmended``.
    case eventAmended = "EventAmended"
    /// An event is read as it was appended again. Data: ``AmendmentUndone``.
    case amendmentUndone = "AmendmentUndone"
}

/// An event is read with other data from now on, or skipped.
public struct EventAmended: Hashable, Sendable {
    /// The id of the event.
    public var event: EventID
    /// The position of the event in the log.
    public var position: UInt64
    /// The stream of the event.
    public var stream: StreamName
    /// The type of the event.
    public var type: String
    /// What readers get in place of the event.
    public var amendment: Amendment
    /// Why the event is amended.
    public var reason: String
    /// Who amends it.
    public var by: String

    /// Creates the data of the event that amends `amended`.
    public init(
        _ amended: RecordedEvent, _ amendment: Amendment, reason: String, by actor: String
    ) {
        event = amended.id
        position = amended.position
        stream = amended.stream
        type = amended.type
        self.amendment = amendment
        self.reason = reason
        by = actor
    }

    /// Reads the data of an event.
    ///
    /// - Throws: `invalid` if it is not the data of an `EventAmended`.
    public init(_ bytes: ArraySlice<UInt8>) throws(DaybookError) {
        // The new data keeps its bytes, so it is not decoded.
        let data: ArraySlice<UInt8>?
        let members: Members
        do {
            data = try JSONScanner.members(of: bytes).last { $0.name == "data" }?.value
            members = try JSON.decode(from: bytes)
        } catch {
            let reason = (error as? DecodingError)?.oneLine ?? "\(error)"
            throw DaybookError(.invalid, "the data of this EventAmended can't be read: \(reason)")
        }
        event = members.event
        position = members.position
        stream = members.stream
        type = members.type
        amendment = data.map { .data(Array($0)) } ?? .skip
        reason = members.reason
        by = members.by
    }

    /// Returns the data of an event. Equal values have equal bytes.
    public func encoded() throws -> [UInt8] {
        var json = try JSON.encode(
            Members(
                event: event, position: position, stream: stream, type: type, reason: reason,
                by: by))
        guard case .data(let data) = amendment else { return json }
        json.removeLast()
        json.append(member: "data", data)
        return json + [UInt8(ascii: "}")]
    }

    /// All members except the new data.
    private struct Members: Codable {
        var event: EventID
        var position: UInt64
        var stream: StreamName
        var type: String
        var reason: String
        var by: String
    }
}

/// An event is read as it was appended again.
public struct AmendmentUndone: Codable, Hashable, Sendable {
    /// The id of the event that was amended.
    public var event: EventID
    /// The position of the event in the log.
    public var position: UInt64
    /// Why the amendment is undone.
    public var reason: String
    /// Who undoes it.
    public var by: String

    /// Creates the data of the event that ends the amendment of `amended`.
    public init(_ amended: RecordedEvent, reason: String, by actor: String) {
        event = amended.id
        position = amended.position
        self.reason = reason
        by = actor
    }
}
