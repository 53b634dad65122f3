import Contracts
import EventSourcing

/// A type whose JSON differs from its stored properties.
private protocol DescribesItself: Decodable {
    static var schema: Schema { get }
    static var example: Self { get }
}

extension Timestamp: DescribesItself {
    fileprivate static var schema: Schema { .string(format: "date-time") }
    fileprivate static var example: Timestamp { Timestamp(microseconds: 0) }
}

extension EventID: DescribesItself {
    fileprivate static var schema: Schema { .string(format: "uuid") }
    fileprivate static var example: EventID { .none }
}

extension Currency: DescribesItself {
    fileprivate static var schema: Schema { .string(pattern: "^[A-Z]{3}$") }
    fileprivate static var example: Currency { .usd }
}

extension Money: DescribesItself {
    fileprivate static var schema: Schema {
        .object([
            .init(
                name: "amount", schema: .integer(-Money.largest...Money.largest), isRequired: true),
            .init(name: "currency", schema: .reference("Currency"), isRequired: true),
        ])
    }
    fileprivate static var example: Money { Money(0, .usd) }
}

/// Derives a type's schema from its `init(from:)`: it decodes a value, records which properties are
/// decoded, and returns examples. The example of a text is its property's name in angle brackets.
struct SchemaReader {
    struct Unreadable: Error {
        let what: String
    }

    /// The schemas that references point to, by name.
    private(set) var definitions: [String: Schema] = [:]

    /// Returns the schema of `type` and an example.
    mutating func read<Value: Decodable>(_ type: Value.Type) throws -> (Schema, Value) {
        let recorder = Recorder(self, name: "")
        let value = try Value(from: recorder)
        definitions = recorder.reader.definitions
        return (try recorder.schema(), value)
    }

    /// Returns the schema, which may be a reference, and an example of a property or of an element.
    fileprivate mutating func readPart<Value: Decodable>(
        _ type: Value.Type, name: String
    ) throws -> (Schema, Value) {
        if let simple = try Self.simple(type, name) { return simple }
        if let own = type as? any DescribesItself.Type { return try define(own) }
        let recorder = Recorder(self, name: name)
        let value = try Value(from: recorder)
        definitions = recorder.reader.definitions
        let schema = try recorder.schema()
        guard case .object = schema else { return (schema, value) }
        definitions["\(type)"] = schema
        return (.reference("\(type)"), value)
    }

    private static func simple<Value>(
        _ type: Value.Type, _ name: String
    ) throws -> (Schema, Value)? {
        let (schema, example): (Schema, Any)
        switch type {
        case is String.Type: (schema, example) = (.string(), "<\(name)>")
        case is Int.Type: (schema, example) = (.integer(), 0)
        case is Int64.Type: (schema, example) = (.integer(), Int64(0))
        case is Double.Type: (schema, example) = (.number, 0.0)
        case let choice as any (CaseIterable & RawRepresentable).Type:
            let cases: [any RawRepresentable] = choice.allRepresentable
            (schema, example) = (.one(of: cases.map { "\($0.rawValue)" }), cases[0])
        default: return nil
        }
        guard let value = example as? Value else { throw Unreadable(what: "\(type)") }
        return (schema, value)
    }

    private mutating func define<Value>(
        _ type: any DescribesItself.Type
    ) throws -> (Schema, Value) {
        definitions["\(type)"] = type.schema
        // The definition refers to Currency, so Currency needs a definition, too.
        if case .object(let properties) = type.schema,
            properties.contains(where: {
                $0.schema == .reference("Currency")
            })
        {
            definitions["Currency"] = Currency.schema
        }
        guard let value = type.example as? Value else { throw Unreadable(what: "\(type)") }
        return (.reference("\(type)"), value)
    }
}

extension CaseIterable where Self: RawRepresentable {
    fileprivate static var allRepresentable: [any RawRepresentable] { Array(allCases) }
}

/// The decoder that records which properties are decoded.
private final class Recorder: Decoder {
    var reader: SchemaReader
    let name: String
    var properties: [Schema.Property] = []
    var optional: Set<String> = []
    var element: Schema?
    var isObject = false
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    init(_ reader: SchemaReader, name: String) {
        self.reader = reader
        self.name = name
    }

    func schema() throws -> Schema {
        if let element { return .list(of: element) }
        guard isObject else { throw SchemaReader.Unreadable(what: name) }
        return .object(
            properties.map { property in
                var property = property
                property.isRequired = !optional.contains(property.name)
                return property
            })
    }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedDecodingContainer<Key> {
        isObject = true
        return KeyedDecodingContainer(Properties(recorder: self))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer { Elements(recorder: self) }

    func singleValueContainer() throws -> any SingleValueDecodingContainer {
        throw SchemaReader.Unreadable(what: "\(name), which is a value of its own")
    }
}

private struct Properties<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let recorder: Recorder
    var codingPath: [any CodingKey] { [] }
    var allKeys: [Key] { [] }

    /// Records an optional property: only for those is this called.
    func contains(_ key: Key) -> Bool {
        recorder.optional.insert(key.stringValue)
        return true
    }

    func decodeNil(forKey key: Key) -> Bool { false }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        let (schema, value) = try recorder.reader.readPart(type, name: key.stringValue)
        recorder.properties.append(
            .init(name: key.stringValue, schema: schema, isRequired: true))
        return value
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        throw SchemaReader.Unreadable(what: key.stringValue)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        throw SchemaReader.Unreadable(what: key.stringValue)
    }

    func superDecoder() throws -> any Decoder { recorder }
    func superDecoder(forKey key: Key) throws -> any Decoder { recorder }
}

/// A list of one element.
private struct Elements: UnkeyedDecodingContainer {
    let recorder: Recorder
    var currentIndex = 0
    var count: Int? { 1 }
    var isAtEnd: Bool { currentIndex == 1 }
    var codingPath: [any CodingKey] { [] }

    init(recorder: Recorder) { self.recorder = recorder }

    func decodeNil() -> Bool { false }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        currentIndex += 1
        let (schema, value) = try recorder.reader.readPart(type, name: recorder.name)
        recorder.element = schema
        return value
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        throw SchemaReader.Unreadable(what: recorder.name)
    }

    func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        throw SchemaReader.Unreadable(what: recorder.name)
    }

    func superDecoder() throws -> any Decoder { recorder }
}
