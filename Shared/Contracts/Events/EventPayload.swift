public import EventSourcing
import JSON

/// The data of a type of event, written as JSON.
///
/// The types are the contract between services. A type may only get new optional fields. Any other
/// change is a new version of it: see docs/evolution.md.
public protocol EventPayload: Codable, Hashable, Sendable {
    /// The category of the streams that hold its events.
    static var category: String { get }
    /// The name of the type in the log. Never change it.
    ///
    /// The name includes a version after the first, as in `RouteCreated.2`.
    static var type: String { get }
    /// The family of all types of its category.
    static var family: any PayloadFamily.Type { get }
    /// The service that appends its events.
    static var writer: String { get }
    /// How its events are reversed.
    static var reversal: Reversal { get }
    /// The id of the order, account or customer whose stream holds the event.
    var entity: String { get }
    /// The event that this one reverses and why, or nil, the default.
    var reverses: Reverses? { get }
    /// The tags that queries can ask for.
    var tags: [String] { get }
}

extension EventPayload {
    /// Nil: by default an event reverses no other.
    public var reverses: Reverses? { nil }

    /// The tag of the reversed event, if this event reverses one.
    var reversalTags: [String] { reverses.map { [$0.event.reversalTag] } ?? [] }

    /// The version in the type's name, or 1.
    public static var version: Int {
        type.split(separator: ".").dropFirst().last.flatMap { Int($0) } ?? 1
    }
}

/// A payload that is a step of an order's saga.
public protocol ConcernsOrder {
    /// The id of the order.
    var order: String { get }
}

/// The tags of events, by which queries find all events of an order, an account or a customer.
public enum Tag {
    /// Returns the tag of an order's events.
    public static func order(_ id: String) -> String { "order:\(id)" }
    /// Returns the tag of an account's events.
    public static func account(_ id: String) -> String { "account:\(id)" }
    /// Returns the tag of a customer's events.
    public static func customer(_ id: String) -> String { "customer:\(id)" }
}

/// A family of payloads: an enum with a case for each type that its reader understands.
///
///     enum Event: PayloadFamily {
///         case placed(OrderPlaced)
///         case routed(RouteCreated)
///         static let cases = PayloadCases([.init(Event.placed), .init(Event.routed)])
///     }
public protocol PayloadFamily: EventFamily {
    /// The cases by the names of their types.
    static var cases: PayloadCases<Self> { get }
    /// The upcasters of older types, for a family of all types of a category. None by default.
    static var upcasters: Upcasters { get }
}

extension PayloadFamily {
    /// The categories of the payloads.
    public static var categories: [String] { cases.categories }
    /// The names of the payloads' types.
    public static var types: [String] { cases.types }
    /// The types of the payloads.
    public static var payloads: [any EventPayload.Type] { cases.payloads }
    /// No upcasters.
    public static var upcasters: Upcasters { .none }

    /// Returns the upcasters of the family of all types of the category.
    public static func upcasters(of category: String) -> Upcasters {
        cases.families[category]?.upcasters ?? .none
    }

    /// Returns whether the family of all types of the category has the type.
    public static func isKnown(_ type: String, of category: String) -> Bool {
        cases.families[category]?.types.contains(type) ?? false
    }

    /// Creates the event of this type and data, or returns nil if the family lacks the type.
    ///
    /// - Throws: `unreadable` if the data does not fit the type.
    public init?(type: String, data: ArraySlice<UInt8>) throws {
        guard let decode = Self.cases.decoders[type] else { return nil }
        self = try decode(data, nil)
    }

    /// Creates the event of this type and data in a stream, or returns nil if the family lacks the
    /// type.
    ///
    /// - Throws: `unreadable` if the data does not fit the type, or belongs to another stream.
    public init?(type: String, data: ArraySlice<UInt8>, in stream: StreamName) throws {
        guard let decode = Self.cases.decoders[type] else { return nil }
        self = try decode(data, stream)
    }
}

/// The cases of a family by the names of their types.
public struct PayloadCases<Family: Sendable>: Sendable {
    /// A case of a family, with the payload that it wraps.
    public struct Case: Sendable {
        let payload: any EventPayload.Type
        /// Checks the stream unless it is nil.
        let decode: @Sendable (ArraySlice<UInt8>, StreamName?) throws -> Family
    }

    /// The categories of the payloads, sorted by name.
    public let categories: [String]
    /// The names of the payloads' types.
    public let types: [String]
    let payloads: [any EventPayload.Type]
    /// The family of all types of each category.
    let families: [String: any PayloadFamily.Type]
    let decoders: [String: @Sendable (ArraySlice<UInt8>, StreamName?) throws -> Family]
    private let cases: [Case]

    /// Creates the cases. No two of them may have the same type.
    public init(_ cases: [Case]) {
        self.cases = cases
        payloads = cases.map(\.payload)
        categories = Set(payloads.map { $0.category }).sorted()
        types = payloads.map { $0.type }
        families = Dictionary(payloads.map { ($0.category, $0.family) }) { first, _ in first }
        decoders = Dictionary(uniqueKeysWithValues: cases.map { ($0.payload.type, $0.decode) })
    }
}

extension PayloadCases {
    /// Returns these cases as cases of a family that wraps this one.
    public func wrapped<Outer: Sendable>(
        _ wrap: @escaping @Sendable (Family) -> Outer
    ) -> [PayloadCases<Outer>.Case] {
        cases.map { inner in
            PayloadCases<Outer>.Case(payload: inner.payload) { wrap(try inner.decode($0, $1)) }
        }
    }
}

extension PayloadCases.Case {
    /// Creates the case from its initializer, such as `Event.placed`.
    public init<Payload: EventPayload>(_ wrap: @escaping @Sendable (Payload) -> Family) {
        self.init(payload: Payload.self) { data, stream in
            let payload: Payload = try JSON.decode(data, of: Payload.type)
            if let stream { try payload.check(isIn: stream) }
            return wrap(payload)
        }
    }
}

extension EventPayload {
    /// Throws `unreadable` if the data belongs to another stream.
    ///
    /// Otherwise one service could show an event for one entity that another decides on for a
    /// different entity.
    fileprivate func check(isIn stream: StreamName) throws(DaybookError) {
        try require(
            Self.category == stream.category && entity == stream.id, .unreadable,
            "its data belongs to stream \(Self.category)-\(entity)")
    }
}

/// A family whose payloads can also be written.
public protocol PublishedPayloadFamily: PayloadFamily, PublishedEvent, Hashable {
    /// The payload of the event.
    var payload: any EventPayload { get }
}

extension PublishedPayloadFamily {
    /// The name of the payload's type.
    public var type: String { Swift.type(of: payload).type }
    /// The id of the order, account or customer whose stream holds the event.
    public var entity: String { payload.entity }
    /// The tags of the payload.
    public var tags: [String] { payload.tags }
    /// Returns the payload as JSON.
    public func encoded() throws -> [UInt8] { try JSON.encode(payload) }
}

extension JSON {
    /// Decodes the data of an event.
    ///
    /// - Parameter type: the name of the event's type.
    /// - Throws: `unreadable` if the data does not fit the type.
    static func decode<Value: Decodable>(
        _ data: ArraySlice<UInt8>, of type: String
    ) throws(DaybookError) -> Value {
        do { return try decode(from: data) } catch {
            let reason = (error as? DecodingError)?.oneLine ?? "\(error)"
            throw DaybookError(.unreadable, "the data of this \(type) can't be read: \(reason)")
        }
    }
}
