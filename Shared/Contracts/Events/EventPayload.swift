public import EventSourcing
import JSON

/// The data of one type of event, written as JSON.
///
/// The types are the contract between services: fields may be added if optional. What changes
/// otherwise is a new version, and docs/evolution.md tells how to make one.
public protocol EventPayload: Codable, Hashable, Sendable {
    /// The category of the streams that hold it.
    static var category: String { get }
    /// Its name in the log: never change it. Versions after the first are in it: `RouteCreated.2`.
    static var type: String { get }
    /// The family of all types of its category.
    static var family: any PayloadFamily.Type { get }
    /// The service that appends it.
    static var writer: String { get }
    /// What undoes it, without taking it out of the log.
    static var reversal: Reversal { get }
    var tags: [String] { get }
}

extension EventPayload {
    public static var version: Int {
        type.split(separator: ".").dropFirst().last.flatMap { Int($0) } ?? 1
    }
}

/// What happened concerns an order: a step of its saga.
public protocol ConcernsOrder {
    var order: String { get }
}

/// What queries ask for, across streams: all that concerns an order, an account, a customer.
public enum Tag {
    public static func order(_ id: String) -> String { "order:\(id)" }
    public static func account(_ id: String) -> String { "account:\(id)" }
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
    static var cases: PayloadCases<Self> { get }
    /// How events of old are read, for a family that is all of a category.
    static var upcasters: Upcasters { get }
}

extension PayloadFamily {
    public static var categories: [String] { cases.categories }
    public static var types: [String] { cases.types }
    /// What the family's events hold.
    public static var payloads: [any EventPayload.Type] { cases.payloads }
    public static var upcasters: Upcasters { .none }

    public static func upcasters(of category: String) -> Upcasters {
        cases.families[category]?.upcasters ?? .none
    }

    public static func isKnown(_ type: String, of category: String) -> Bool {
        cases.families[category]?.types.contains(type) ?? false
    }

    public init?(type: String, data: ArraySlice<UInt8>) throws {
        guard let decode = Self.cases.decoders[type] else { return nil }
        do {
            self = try decode(data)
        } catch {
            throw EventDataError(type: type, reason: error)
        }
    }
}

/// The cases of a family by the names of their types.
public struct PayloadCases<Family: Sendable>: Sendable {
    public struct Case: Sendable {
        let payload: any EventPayload.Type
        let decode: @Sendable (ArraySlice<UInt8>) throws -> Family

        public init<Payload: EventPayload>(_ wrap: @escaping @Sendable (Payload) -> Family) {
            payload = Payload.self
            decode = { wrap(try JSON.decode(Payload.self, from: $0)) }
        }
    }

    public let categories: [String]
    public let types: [String]
    let payloads: [any EventPayload.Type]
    /// By category, the family of all its types.
    let families: [String: any PayloadFamily.Type]
    let decoders: [String: @Sendable (ArraySlice<UInt8>) throws -> Family]
    private let cases: [Case]

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
    /// These cases as cases of a family that has this one's events among others.
    public func wrapped<Outer: Sendable>(
        _ wrap: @escaping @Sendable (Family) -> Outer
    ) -> [PayloadCases<Outer>.Case] {
        cases.map { inner in
            PayloadCases<Outer>.Case(payload: inner.payload) { wrap(try inner.decode($0)) }
        }
    }
}

extension PayloadCases.Case {
    fileprivate init(
        payload: any EventPayload.Type,
        decode: @escaping @Sendable (ArraySlice<UInt8>) throws -> Family
    ) {
        self.payload = payload
        self.decode = decode
    }
}

/// A family whose payloads can be written, too.
public protocol PublishedPayloadFamily: PayloadFamily, ReversibleEvent, Hashable {
    var payload: any EventPayload { get }
}

extension PublishedPayloadFamily {
    public var type: String { Swift.type(of: payload).type }
    public var tags: [String] { payload.tags }
    public func encoded() throws -> [UInt8] { try JSON.encode(payload) }
}

/// Data that is not what the type of its event says.
public struct EventDataError: ClassifiedError {
    public let type: String
    public let reason: any Error

    public var kind: DaybookError.Kind { .unreadable }

    public var description: String { "the data of this \(type) can't be read: \(reason)" }
}
