public import Contracts
public import EventSourcing
import WireProtocol

/// Generates values of any decodable type, most of them extreme. It acts as the decoder that the
/// type is read from, so it needs no change when a type gets a new field.
public final class Inventor {
    private var random: SplitMix
    private let longest = String(repeating: "x", count: 255)

    /// Creates an inventor whose values depend only on the seed.
    public init(seed: UInt64) { random = SplitMix(state: seed) }

    public func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    public func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    public func count(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    public func integer<Word: FixedWidthInteger>(_ type: Word.Type = Word.self) -> Word {
        let limits: [Word] = [
            0, 1, .max, .max - 1, .min, Word(clamping: -1), Word(clamping: 1 << 53),
            Word(clamping: Int64.max), Word(clamping: UInt64(1) << 63),
        ]
        return chance(80) ? pick(limits) : Word.random(in: .min ... .max, using: &random)
    }

    public func double() -> Double {
        pick([
            0, -0.0, 1, -1, 0.1, 1e300, -1e300, .greatestFiniteMagnitude, .leastNonzeroMagnitude,
            .infinity, -.infinity, .nan, 9_007_199_254_740_994, 1 / 3,
        ])
    }

    public func text() -> String {
        pick([
            "", "a", "e\u{301}", "é", "\0", "\u{1B}[31m\r\n", "\u{2028}", "😀", "\u{FEFF}", "\"\\/",
            "1", "null", longest, longest + "x",
        ])
    }

    public func time() -> Timestamp {
        pick([
            .earliest, .latest, Timestamp(microseconds: 0), Timestamp(microseconds: -1),
            .earliest + .microseconds(-1), .latest + .microseconds(1), .distantPast,
            .distantFuture, Timestamp(microseconds: integer()),
        ])
    }

    public func money() -> Money {
        let amount = pick([
            0, 1, -1, Money.largest, -Money.largest, Money.largest + 1, .max, .min, integer(),
        ])
        return Money(amount, pick([.usd, .eur, .jpy, .kwd]))
    }

    public func eventID() -> EventID {
        chance(20) ? .none : EventID(high: random.next(), low: random.next())
    }

    public func streamName() -> StreamName {
        let names = ["a", "a-1", "$queue-x", "a-", "a-~=+/@:.$_", "a-" + longest.dropFirst(2)]
        return pick(names.compactMap { try? StreamName($0) })
    }

    /// Returns a value of the type, or throws what the type's `init(from:)` throws.
    public func value<Value: Decodable>(_ type: Value.Type = Value.self) throws -> Value {
        if let value = special(type) { return value }
        if let cases = type as? any CaseIterable.Type, let value = anyCase(cases) as? Value {
            return value
        }
        return try Value(from: Invention(inventor: self))
    }

    private func anyCase<Cases: CaseIterable>(_ type: Cases.Type) -> Any {
        pick(Array(type.allCases))
    }

    /// Returns a value of a type that is not read field by field, or nil for other types.
    private func special<Value>(_ type: Value.Type) -> Value? {
        let value: Any? =
            switch type {
            case is Timestamp.Type: time()
            case is Money.Type: money()
            case is Currency.Type: pick([Currency.usd, .eur, .jpy, .kwd])
            case is EventID.Type: eventID()
            case is StreamName.Type: streamName()
            case is TraceParent.Type:
                TraceParent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
            case is Moment.Type: pick([Moment.position(integer()), .time(time())])
            case is Grouping.Type:
                pick([Grouping.correlation, .stream, .unordered, .paths(["a.b", "é", " "])])
            case is QueueStart.Type:
                pick([QueueStart.end, .beginning, .position(integer()), .time(time())])
            case is OrderView.Status.Type:
                pick([OrderView.Status.pending, .confirmed, .rejected, .cancelled])
            case is RouteView.Status.Type:
                pick([RouteView.Status.planned, .confirmed, .rejected, .cancelled])
            case is StatementEntry.Kind.Type: pick([StatementEntry.Kind.opened, .refunded])
            case is DeadLetterCause.Type:
                pick([
                    DeadLetterCause.maximumReceives, .maximumAge, .targetNotFound, .unreadable,
                ])
            case is ReplayState.Type: pick([ReplayState.starting, .running, .failed])
            case is CommandReply.Result.Type:
                pick([CommandReply.Result.appended, .repeated, .nothing])
            default: nil
            }
        return value as? Value
    }
}

/// The decoder that asks the inventor for each value.
private struct Invention: Decoder {
    let inventor: Inventor
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Fields<Key>(inventor: inventor))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer {
        Elements(inventor: inventor, count: inventor.count(0...3))
    }

    func singleValueContainer() -> any SingleValueDecodingContainer { Single(inventor: inventor) }
}

private struct Fields<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let inventor: Inventor
    var codingPath: [any CodingKey] { [] }
    /// The random keys of a dictionary.
    var allKeys: [Key] {
        (0..<inventor.count(0...3)).compactMap { _ in Key(stringValue: inventor.text()) }
    }

    func contains(_ key: Key) -> Bool { inventor.chance(70) }
    func decodeNil(forKey key: Key) -> Bool { false }
    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try inventor.value(type)
    }
    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedDecodingContainer<Nested> {
        KeyedDecodingContainer(Fields<Nested>(inventor: inventor))
    }
    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer {
        Elements(inventor: inventor, count: inventor.count(0...3))
    }
    func superDecoder() -> any Decoder { Invention(inventor: inventor) }
    func superDecoder(forKey key: Key) -> any Decoder { Invention(inventor: inventor) }
}

private struct Elements: UnkeyedDecodingContainer {
    let inventor: Inventor
    let count: Int?
    var currentIndex = 0
    var codingPath: [any CodingKey] { [] }
    var isAtEnd: Bool { currentIndex == count }

    init(inventor: Inventor, count: Int) {
        self.inventor = inventor
        self.count = count
    }

    mutating func decodeNil() -> Bool { false }
    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        currentIndex += 1
        return try inventor.value(type)
    }
    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) -> KeyedDecodingContainer<Nested> {
        currentIndex += 1
        return KeyedDecodingContainer(Fields<Nested>(inventor: inventor))
    }
    mutating func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer {
        currentIndex += 1
        return Elements(inventor: inventor, count: inventor.count(0...3))
    }
    mutating func superDecoder() -> any Decoder { Invention(inventor: inventor) }
}

private struct Single: SingleValueDecodingContainer {
    let inventor: Inventor
    var codingPath: [any CodingKey] { [] }

    func decodeNil() -> Bool { false }
    func decode(_ type: Bool.Type) -> Bool { inventor.chance(50) }
    func decode(_ type: String.Type) -> String { inventor.text() }
    func decode(_ type: Double.Type) -> Double { inventor.double() }
    func decode(_ type: Float.Type) -> Float { Float(inventor.double()) }
    func decode(_ type: Int.Type) -> Int { inventor.integer() }
    func decode(_ type: Int8.Type) -> Int8 { inventor.integer() }
    func decode(_ type: Int16.Type) -> Int16 { inventor.integer() }
    func decode(_ type: Int32.Type) -> Int32 { inventor.integer() }
    func decode(_ type: Int64.Type) -> Int64 { inventor.integer() }
    func decode(_ type: UInt.Type) -> UInt { inventor.integer() }
    func decode(_ type: UInt8.Type) -> UInt8 { inventor.integer() }
    func decode(_ type: UInt16.Type) -> UInt16 { inventor.integer() }
    func decode(_ type: UInt32.Type) -> UInt32 { inventor.integer() }
    func decode(_ type: UInt64.Type) -> UInt64 { inventor.integer() }
    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value { try inventor.value(type) }
}
