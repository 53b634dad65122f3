import Bytes
import EventLog
import EventSourcing
import JSON
import WireProtocol

/// The amendments in effect, by the positions of the events that they amend.
///
/// They are in memory, because every read needs them. There are few: each is an administrator's
/// decision.
struct Amendments {
    private(set) var byPosition: [UInt64: Amendment] = [:]
    /// Reports an event about an amendment that has no effect.
    private let report: @Sendable (String) -> Void

    /// Reads the amendments in the log. The index finds them, so it takes no time without any.
    ///
    /// - Throws: `LogError` if the log can't be read.
    init(
        in log: borrowing EventLog, report: @escaping @Sendable (String) -> Void
    ) throws(LogError) {
        self.report = report
        var read = LogRead(.categories([AmendmentEventType.category]))
        while case let chunk = try log.read(&read), chunk.count > 0 {
            try apply(chunk.bytes, in: log)
        }
    }

    /// Applies the events about amendments among `records`, whole records that the log has
    /// committed.
    mutating func apply(_ records: [UInt8], in log: borrowing EventLog) throws(LogError) {
        var at = 0
        while at + RecordLayout.headerSize < records.count {
            let length = Int(records.span.uint32(at: at))
            defer { at += length }
            // Most events are not the store's own, and need no closer look.
            guard records[at + RecordLayout.headerSize] == UInt8(ascii: "$"),
                let event = try? RecordedEvent(records[at..<at + length]),
                event.category == AmendmentEventType.category
            else { continue }
            try apply(event, in: log)
        }
    }

    /// An import can append such events, too, so they may be invalid. Those have no effect.
    private mutating func apply(
        _ event: RecordedEvent, in log: borrowing EventLog
    ) throws(LogError) {
        do {
            switch AmendmentEventType(rawValue: event.type) {
            case .eventAmended:
                let data = try EventAmended(event.data)
                let amended = try amended(data.event, by: event, in: log)
                try amended.checkSize(under: data.amendment)
                byPosition[amended.position] = data.amendment
            case .amendmentUndone:
                let data = try JSON.decode(AmendmentUndone.self, from: event.data)
                byPosition[try amended(data.event, by: event, in: log).position] = nil
            case nil: throw DaybookError(.invalid, "its type is unknown")
            }
        } catch let error as LogError {
            throw error
        } catch {
            let reason = (error as? DecodingError)?.oneLine ?? "\(error)"
            report("\(event.type) at position \(event.position) has no effect: \(reason)")
        }
    }

    /// Returns the event that `event` is about. Its position in the log may differ from the one in
    /// the data, if the events come from another log.
    private func amended(
        _ id: EventID, by event: RecordedEvent, in log: borrowing EventLog
    ) throws -> RecordedEvent {
        try require(
            event.stream.id == id.description, .invalid,
            "it is about event \(id), but in stream \(event.stream)")
        let amended = try log.committedEvent(id: id)
        guard let amended, amended.position < event.position else {
            throw DaybookError(.invalid, "the log has no event \(id) before it")
        }
        try Self.check(amended)
        return amended
    }

    /// Throws `rejected` if the event is the store's own. Such events can't be amended, because the
    /// bus has applied them.
    static func check(_ event: RecordedEvent) throws(DaybookError) {
        try require(
            !event.category.hasPrefix("$"), .rejected,
            "event \(event.id) in stream \(event.stream) is the event store's own and can't be "
                + "amended; use the command that changes what it is about")
    }
}
