import Contracts
import EventSourcing
import JSON
import Synchronization

/// An order that needs a parcel, by the deadline if it has one.
struct Wanted: EventPayload {
    static let category = "order"
    static let type = "Wanted"
    static var family: any PayloadFamily.Type { Packer.Event.self }
    var order: String
    var shelf = "s"
    /// In microseconds.
    var deadline: Int64?
    var tags: [String] { [Tag.order(order)] }
}

struct Met: EventPayload {
    static let category = "order"
    static let type = "Met"
    static var family: any PayloadFamily.Type { Packer.Event.self }
    var order: String
    var tags: [String] { [Tag.order(order)] }
}

extension EventPayload {
    static var writer: String { "packing" }
    static var reversal: Reversal { .none(because: "it is a test's") }
    var entity: String { "" }
}

/// The order is packed on a shelf, in stream `shelf-<shelf>`.
struct Packed: EventPayload {
    static let category = "shelf"
    static let type = "Packed"
    static var family: any PayloadFamily.Type { ShelfEvent.self }
    var order: String
    var tags: [String] { [Tag.order(order)] }
}

struct Missed: EventPayload {
    static let category = "shelf"
    static let type = "Missed"
    static var family: any PayloadFamily.Type { ShelfEvent.self }
    var order: String
    var tags: [String] { [Tag.order(order)] }
}

enum ShelfEvent: PublishedPayloadFamily {
    case packed(Packed)
    case missed(Missed)

    static let cases = PayloadCases([.init(ShelfEvent.packed), .init(ShelfEvent.missed)])

    var payload: any EventPayload {
        switch self {
        case .packed(let payload): payload
        case .missed(let payload): payload
        }
    }
}

// The tests append to streams of any name, so these families do not check it.
extension ShelfEvent {
    init?(type: String, data: ArraySlice<UInt8>, in stream: StreamName) throws {
        try self.init(type: type, data: data)
    }
}

extension Packer.Event {
    init?(type: String, data: ArraySlice<UInt8>, in stream: StreamName) throws {
        try self.init(type: type, data: data)
    }
}

/// Packs each order as often as it is commanded to, but rejects a cursed order.
enum Shelf: Aggregate {
    struct Command: Sendable {
        var shelf: String
        var event: ShelfEvent
    }

    struct Rejection: Error, CustomStringConvertible {
        let description: String
    }

    static let category = "shelf"
    static let initial = 0

    static func id(of command: Command) -> String { command.shelf }

    static func decide(_ command: Command, given state: Int) throws(Rejection) -> [ShelfEvent] {
        if case .packed(let packed) = command.event, packed.order == "cursed" {
            throw Rejection(description: "a cursed order\nis not packed")
        }
        return [command.event]
    }

    static func evolve(_ state: inout Int, with event: ShelfEvent) { state += 1 }
}

/// Commands a shelf to pack each order, and fails while its door is closed.
struct Packer: Participant {
    enum Event: PayloadFamily {
        case wanted(Wanted)
        case met(Met)

        static let cases = PayloadCases([.init(Event.wanted), .init(Event.met)])
        static let upcasters = Upcasters([
            .rename("Needed", to: "Wanted"), .drop("Rumoured"),
            // A list of orders.
            Upcaster("ListWanted", to: ["Wanted"]) { data in
                try JSON.decode([String].self, from: data).map { order in
                    .init(type: "Wanted", data: try JSON.encode(Wanted(order: order))[...])
                }
            },
        ])
    }

    struct State: Codable, Hashable, Sendable {
        /// How many events were folded onto the state.
        var events = 0
        var order = ""
        var deadline: Int64?
    }

    struct Closed: Error, CustomStringConvertible {
        let description = "the door is closed"
    }

    static let name = "packer"
    static let initial = State()

    let door = Door()

    final class Door: Sendable {
        private let state = Mutex(true)
        var isOpen: Bool { state.withLock { $0 } }
        func open() { state.withLock { $0 = true } }
        func close() { state.withLock { $0 = false } }
    }

    static func saga(of event: Event) -> String {
        switch event {
        case .wanted(let event): event.order
        case .met(let event): event.order
        }
    }

    static func tag(of saga: String) -> String? { Tag.order(saga) }

    static func evolve(_ state: inout State, with event: Event) {
        state.events += 1
        state.order = saga(of: event)
        if case .wanted(let event) = event { state.deadline = event.deadline }
        if case .met = event { state.deadline = nil }
    }

    func react(to event: Event, given state: State) throws -> [Shelf.Command] {
        guard door.isOpen else { throw Closed() }
        guard case .wanted(let event) = event else { return [] }
        return [.init(shelf: event.shelf, event: .packed(Packed(order: event.order)))]
    }

    static func deadline(of state: State) -> Timestamp? {
        state.deadline.map(Timestamp.init(microseconds:))
    }

    func expire(_ state: State) -> [Shelf.Command] {
        [.init(shelf: "late", event: .missed(Missed(order: state.order)))]
    }
}
