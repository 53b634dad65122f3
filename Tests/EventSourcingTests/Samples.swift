import EventSourcing

/// An event with every field.
func sample(data: String = #"{"amount":1177}"#) throws -> NewEvent {
    NewEvent(
        id: EventID(high: 1, low: 2), stream: try StreamName("account-7"),
        type: "MoneyCredited", tags: ["customer:7", "ünïcode"],
        correlationID: EventID(high: 3, low: 4), causationID: EventID(high: 5, low: 6),
        metadata: Array(#"{"actor":"a"}"#.utf8), data: Array(data.utf8))
}

func encode(_ event: NewEvent) throws -> [UInt8] {
    var bytes: [UInt8] = []
    try event.encode(into: &bytes)
    return bytes
}
