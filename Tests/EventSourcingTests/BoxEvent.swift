import EventSourcing
import Testing

/// Events of a box in three versions: crates of two things, single things, and things with a
/// weight.
enum BoxEvent: EventFamily, Hashable {
    case put(String)
    case sealed

    static let categories = ["box"]
    static let types = ["Put.2", "Sealed"]

    init?(type: String, data: ArraySlice<UInt8>) {
        switch type {
        case "Put.2": self = .put(String(decoding: data, as: UTF8.self))
        case "Sealed": self = .sealed
        default: return nil
        }
    }

    static func isKnown(_ type: String, of category: String) -> Bool {
        types.contains(type) || type == "Painted"
    }

    static func upcasters(of category: String) -> Upcasters { boxUpcasters }
}

let boxUpcasters = Upcasters([
    // One event becomes two.
    Upcaster("CratePut", to: ["Put", "Put"]) { data in
        [.init(type: "Put", data: data), .init(type: "Put", data: data)]
    },
    // An event gets a new version.
    Upcaster("Put", to: ["Put.2"]) { data in
        [.init(type: "Put.2", data: data + Array(" of unknown weight".utf8))]
    },
    .rename("Closed", to: "Sealed"),
    .drop("Weighed"),
    .rename("Coloured", to: "Painted"),
    Upcaster("Broken", to: ["Sealed"]) { _ in throw BadData() },
    .rename("Lost", to: "Forgotten"),
])

struct BadData: Error {}
enum Reader {}

/// The record of an event of box 1, or of another stream.
func boxRecord(
    _ type: String, in stream: String = "box-1", _ data: String = ""
) throws -> RecordedEvent {
    var bytes: [UInt8] = []
    try NewEvent(stream: try StreamName(stream), type: type, data: Array(data.utf8))
        .encode(into: &bytes)
    return try RecordedEvent(bytes[...])
}

func readBox(_ record: RecordedEvent) throws -> [BoxEvent] {
    let events = try Recorded<BoxEvent>.events(in: record, by: Reader.self)
    #expect(events.allSatisfy { $0.id == record.id && $0.stream == record.stream })
    return events.map(\.event)
}
