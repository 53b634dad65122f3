import Foundation

/// Decodes one value of a document.
struct JSONDecoding: Decoder {
    let document: JSONDocument
    let index: Int

    var codingPath: [any CodingKey] { document.path(to: index) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard document.kind(index) == .object else {
            throw mismatch([String: any Decodable].self, "an object")
        }
        return KeyedDecodingContainer(DecodedMembers(document: document, object: index))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard document.kind(index) == .array else {
            throw mismatch([any Decodable].self, "an array")
        }
        return DecodedElements(document: document, array: index)
    }

    func singleValueContainer() throws -> any SingleValueDecodingContainer { self }

    private func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        let found =
            switch document.kind(index) {
            case .null: "null"
            case .false, .true: "a boolean"
            case .number: "a number"
            case .string, .escapedString: "a string"
            case .array: "an array"
            case .object: "an object"
            }
        let context = DecodingError.Context(
            codingPath: codingPath, debugDescription: "expected \(expected), but found \(found)")
        return document.kind(index) == .null
            ? .valueNotFound(type, context) : .typeMismatch(type, context)
    }

    private func corrupted(_ reason: String) -> DecodingError {
        .dataCorrupted(.init(codingPath: codingPath, debugDescription: reason))
    }

    private func number<Number>(_ read: (Int) -> Number?) throws -> Number {
        guard document.kind(index) == .number else { throw mismatch(Number.self, "a number") }
        guard let number = read(index) else {
            throw corrupted(
                "the number is out of range, or has a fraction where none is allowed")
        }
        return number
    }
}

extension JSONDecoding: SingleValueDecodingContainer {
    func decodeNil() -> Bool { document.kind(index) == .null }

    func decode(_ type: Bool.Type) throws -> Bool {
        switch document.kind(index) {
        case .true: return true
        case .false: return false
        default: throw mismatch(type, "a boolean")
        }
    }

    func decode(_ type: String.Type) throws -> String {
        switch document.kind(index) {
        case .string, .escapedString: break
        default: throw mismatch(type, "a string")
        }
        guard let string = document.string(index) else { throw corrupted("it is not Unicode") }
        return string
    }

    func decode(_ type: Double.Type) throws -> Double { try number(document.floatingPoint) }
    func decode(_ type: Float.Type) throws -> Float { try number(document.floatingPoint) }
    func decode(_ type: Int.Type) throws -> Int { try number(document.integer) }
    func decode(_ type: Int8.Type) throws -> Int8 { try number(document.integer) }
    func decode(_ type: Int16.Type) throws -> Int16 { try number(document.integer) }
    func decode(_ type: Int32.Type) throws -> Int32 { try number(document.integer) }
    func decode(_ type: Int64.Type) throws -> Int64 { try number(document.integer) }
    func decode(_ type: UInt.Type) throws -> UInt { try number(document.integer) }
    func decode(_ type: UInt8.Type) throws -> UInt8 { try number(document.integer) }
    func decode(_ type: UInt16.Type) throws -> UInt16 { try number(document.integer) }
    func decode(_ type: UInt32.Type) throws -> UInt32 { try number(document.integer) }
    func decode(_ type: UInt64.Type) throws -> UInt64 { try number(document.integer) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        // A decimal's own decoding expects its binary parts.
        if type == Decimal.self, let decimal = try number(document.decimal) as? Value {
            return decimal
        }
        return try type.init(from: self)
    }
}

extension JSONDecoding {
    /// The value, whatever its kind. Of several members with the same name, the first counts.
    func value() throws -> JSONValue {
        switch document.kind(index) {
        case .null: return .null
        case .false: return .bool(false)
        case .true: return .bool(true)
        case .number: return .number(try number(document.decimal))
        case .string, .escapedString: return .string(try decode(String.self))
        case .array:
            var elements = DecodedElements(document: document, array: index)
            var values: [JSONValue] = []
            while let element = elements.next() { values.append(try element.value()) }
            return .array(values)
        case .object:
            var members: [String: JSONValue] = [:]
            try document.forEachMember(of: index) { name, value in
                let name = try JSONDecoding(document: document, index: name).decode(String.self)
                guard members[name] == nil else { return }
                members[name] = try JSONDecoding(document: document, index: value).value()
            }
            return .object(members)
        }
    }
}

/// The members of an object.
private struct DecodedMembers<Key: CodingKey>: KeyedDecodingContainerProtocol {
    /// Up to how many members are searched one by one.
    private static var searchedMembers: Int { 32 }

    let document: JSONDocument
    let object: Int
    /// The members by name, if they are many.
    private let index: [String: Int]?

    init(document: JSONDocument, object: Int) {
        self.document = document
        self.object = object
        guard document.next(object) - object > 2 * Self.searchedMembers else {
            index = nil
            return
        }
        var index: [String: Int] = [:]
        document.forEachMember(of: object) { name, value in
            guard let name = document.string(name), index[name] == nil else { return }
            index[name] = value
        }
        self.index = index
    }

    var codingPath: [any CodingKey] { document.path(to: object) }

    var allKeys: [Key] {
        var keys: [Key] = []
        document.forEachMember(of: object) { name, _ in
            if let key = document.string(name).flatMap(Key.init(stringValue:)) { keys.append(key) }
        }
        return keys
    }

    private func find(_ key: Key) -> Int? {
        if let index { return index[key.stringValue] }
        return document.member(key.stringValue, of: object)
    }

    private func decoding(_ key: Key) throws -> JSONDecoding {
        guard let value = find(key) else {
            throw DecodingError.keyNotFound(
                key, .init(codingPath: codingPath, debugDescription: "it is missing"))
        }
        return JSONDecoding(document: document, index: value)
    }

    func contains(_ key: Key) -> Bool { find(key) != nil }
    func decodeNil(forKey key: Key) throws -> Bool { try decoding(key).decodeNil() }

    // The most frequent types, without the detour through their own decoding.
    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool {
        try decoding(key).decode(type)
    }
    func decode(_ type: String.Type, forKey key: Key) throws -> String {
        try decoding(key).decode(type)
    }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try decoding(key).decode(type) }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 {
        try decoding(key).decode(type)
    }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 {
        try decoding(key).decode(type)
    }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try decoding(key).decode(type)
    }

    func nestedContainer<Nested>(
        keyedBy type: Nested.Type, forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoding(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoding(key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        guard let value = document.member("super", of: object) else {
            throw DecodingError.keyNotFound(
                JSONKey("super"), .init(codingPath: codingPath, debugDescription: "it is missing"))
        }
        return JSONDecoding(document: document, index: value)
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try decoding(key) }
}

/// The elements of an array.
private struct DecodedElements: UnkeyedDecodingContainer {
    let document: JSONDocument
    let array: Int
    private var index: Int
    private(set) var currentIndex = 0

    init(document: JSONDocument, array: Int) {
        self.document = document
        self.array = array
        index = array + 1
    }

    var codingPath: [any CodingKey] { document.path(to: array) }
    var isAtEnd: Bool { index >= document.next(array) }

    var count: Int? {
        var rest = self
        while rest.next() != nil {}
        return rest.currentIndex
    }

    /// Returns the decoding of the next element, or nil at the end.
    mutating func next() -> JSONDecoding? {
        guard !isAtEnd else { return nil }
        defer {
            index = document.next(index)
            currentIndex += 1
        }
        return JSONDecoding(document: document, index: index)
    }

    private mutating func element<Value>(_ type: Value.Type) throws -> JSONDecoding {
        guard let element = next() else {
            throw DecodingError.valueNotFound(
                type, .init(codingPath: codingPath, debugDescription: "it has too few elements"))
        }
        return element
    }

    mutating func decodeNil() throws -> Bool {
        guard !isAtEnd, document.kind(index) == .null else { return false }
        _ = next()
        return true
    }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let start = self
        do { return try element(type).decode(type) } catch {
            // An element that can't be decoded can be decoded as another type.
            self = start
            throw error
        }
    }

    mutating func nestedContainer<Key>(
        keyedBy type: Key.Type
    ) throws -> KeyedDecodingContainer<Key> {
        try element(type).container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try element([any Decodable].self).unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder { try element((any Decoder).self) }
}
