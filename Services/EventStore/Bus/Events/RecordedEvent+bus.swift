import EventSourcing
import JSON
import WireProtocol

extension RecordedEvent {
    /// Decodes the data of one of the bus's events.
    ///
    /// - Throws: `DecodingError`, or `invalid` if the data is not valid for the event's place.
    func data<Value: BusEventData>(as type: Value.Type = Value.self) throws -> Value {
        let value = try JSON.decode(type, from: data)
        if let fault = value.fault(in: self) { throw DaybookError(.invalid, fault) }
        return value
    }

    /// The actor that caused the event, or empty if its metadata names none.
    var actor: String { EventMetadata(of: self)?.actor ?? "" }

    /// Whether the event is about the bus or another part of the store.
    var isOfStore: Bool { bytes[bytes.startIndex + RecordLayout.headerSize] == UInt8(ascii: "$") }
}
