import Foundation

/// Encodes one value into a draft.
struct JSONEncoding: Encoder {
    let draft: JSONDraft
    let index: Int

    var codingPath: [any CodingKey] { draft.path(to: index) }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        draft.begin(.object, at: index)
        return KeyedEncodingContainer(EncodedMembers(draft: draft, object: index))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        draft.begin(.array, at: index)
        return EncodedElements(draft: draft, array: index)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    private func write(_ text: some CustomStringConvertible) {
        draft.set(index) { $0.append(contentsOf: text.description.utf8) }
    }

    private func write<Number: BinaryFloatingPoint & CustomStringConvertible>(
        _ number: Number
    ) throws {
        guard number.isFinite else {
            throw EncodingError.invalidValue(
                number, .init(codingPath: codingPath, debugDescription: "JSON has no \(number)"))
        }
        let text = number.description
        write(text.hasSuffix(".0") ? String(text.dropLast(2)) : text)
    }
}

extension JSONEncoding: SingleValueEncodingContainer {
    func encodeNil() { write("null") }
    func encode(_ value: Bool) { write(value) }
    func encode(_ value: String) { draft.set(index) { $0.append(json: value) } }
    func encode(_ value: Double) throws { try write(value) }
    func encode(_ value: Float) throws { try write(value) }
    func encode(_ value: Int) { write(value) }
    func encode(_ value: Int8) { write(value) }
    func encode(_ value: Int16) { write(value) }
    func encode(_ value: Int32) { write(value) }
    func encode(_ value: Int64) { write(value) }
    func encode(_ value: UInt) { write(value) }
    func encode(_ value: UInt8) { write(value) }
    func encode(_ value: UInt16) { write(value) }
    func encode(_ value: UInt32) { write(value) }
    func encode(_ value: UInt64) { write(value) }

    func encode<Value: Encodable>(_ value: Value) throws {
        // A decimal's own encoding writes its binary parts.
        if Value.self == Decimal.self, let decimal = value as? Decimal { return write(decimal) }
        try value.encode(to: self)
    }
}

/// The members of an object.
private struct EncodedMembers<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let draft: JSONDraft
    let object: Int

    var codingPath: [any CodingKey] { draft.path(to: object) }

    private func encoding(_ key: some CodingKey) -> JSONEncoding {
        JSONEncoding(draft: draft, index: draft.add(to: object, name: key.stringValue))
    }

    func encodeNil(forKey key: Key) { encoding(key).encodeNil() }

    // The most frequent types, without the detour through their own encoding.
    func encode(_ value: Bool, forKey key: Key) { encoding(key).encode(value) }
    func encode(_ value: String, forKey key: Key) { encoding(key).encode(value) }
    func encode(_ value: Int, forKey key: Key) { encoding(key).encode(value) }
    func encode(_ value: Int64, forKey key: Key) { encoding(key).encode(value) }
    func encode(_ value: UInt64, forKey key: Key) { encoding(key).encode(value) }

    func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
        try encoding(key).encode(value)
    }

    func nestedContainer<Nested>(
        keyedBy type: Nested.Type, forKey key: Key
    ) -> KeyedEncodingContainer<Nested> {
        encoding(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
        encoding(key).unkeyedContainer()
    }

    func superEncoder() -> any Encoder { encoding(JSONKey("super")) }
    func superEncoder(forKey key: Key) -> any Encoder { encoding(key) }
}

/// The elements of an array.
private struct EncodedElements: UnkeyedEncodingContainer {
    let draft: JSONDraft
    let array: Int

    var codingPath: [any CodingKey] { draft.path(to: array) }
    var count: Int { draft.count(of: array) }

    private func encoding() -> JSONEncoding {
        JSONEncoding(draft: draft, index: draft.add(to: array))
    }

    func encodeNil() { encoding().encodeNil() }
    func encode<Value: Encodable>(_ value: Value) throws { try encoding().encode(value) }

    func nestedContainer<Key>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        encoding().container(keyedBy: type)
    }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { encoding().unkeyedContainer() }
    func superEncoder() -> any Encoder { encoding() }
}
