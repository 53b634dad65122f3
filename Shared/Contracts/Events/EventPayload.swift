public import EventSourcing

/// The data of one type of event, written as JSON.
///
/// The types are the contract between services: fields may be added if optional, never renamed.
public protocol EventPayload: Codable, Hashable, Sendable {
    /// The category of the streams that hold it.
    static var category: String { get }
    /// Its name in the log: never change it.
    static var type: String { get }
    var tags: [String] { get }
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
}

extension PayloadFamily {
    public static var categories: [String] { cases.categories }
    public static var types: [String] { cases.types }

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
        let category: String
        let type: String
        let decode: @Sendable (ArraySlice<UInt8>) throws -> Family

        public init<Payload: EventPayload>(_ wrap: @escaping @Sendable (Payload) -> Family) {
            category = Payload.category
            type = Payload.type
            decode = { wrap(try JSON.decode(Payload.self, from: $0)) }
        }
    }

    public let categories: [String]
    public let types: [String]
    let decoders: [String: @Sendable (ArraySlice<UInt8>) throws -> Family]
    private let cases: [Case]

    public init(_ cases: [Case]) {
        self.cases = cases
        categories = Set(cases.map(\.category)).sorted()
        types = cases.map(\.type)
        decoders = Dictionary(uniqueKeysWithValues: cases.map { ($0.type, $0.decode) })
    }
}

extension PayloadCases {
    /// These cases as cases of a family that has this one's events among others.
    public func wrapped<Outer: Sendable>(
        _ wrap: @escaping @Sendable (Family) -> Outer
    ) -> [PayloadCases<Outer>.Case] {
        cases.map { inner in
            PayloadCases<Outer>.Case(category: inner.category, type: inner.type) {
                wrap(try inner.decode($0))
            }
        }
    }
}

extension PayloadCases.Case {
    fileprivate init(
        category: String, type: String,
        decode: @escaping @Sendable (ArraySlice<UInt8>) throws -> Family
    ) {
        self.category = category
        self.type = type
        self.decode = decode
    }
}

/// A family whose payloads can be written, too.
public protocol PublishedPayloadFamily: PayloadFamily, PublishedEvent, Hashable {
    var payload: any EventPayload { get }
}

extension PublishedPayloadFamily {
    public var type: String { Swift.type(of: payload).type }
    public var tags: [String] { payload.tags }
    public func encoded() throws -> [UInt8] { try JSON.encode(payload) }
}

/// Data that is not what the type of its event says.
public struct EventDataError: Error, CustomStringConvertible {
    public let type: String
    public let reason: any Error

    public var description: String { "the data of this \(type) can't be read: \(reason)" }
}
